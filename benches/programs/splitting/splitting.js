// Strings taken apart at commas and put together again in another order.

function run(rounds) {
  const fields = [];
  for (let i = 0; i < 100; i++) fields.push(`field${i * 37 % 1000}`);
  let line = fields.join(",");
  let sum = 0;
  for (let round = 0; round < rounds; round++) {
    const parts = line.split(",");
    const turned = parts.slice(1);
    turned.push(parts[0]);
    line = turned.join(",");
    sum += parts[round % 100].length + line.length;
  }
  return sum;
}

console.log(run(Number(process.argv[2])));
