// Strings built: pieces put together in place, gathered in an array and joined.

function run(rounds) {
  let length = 0;
  let stars = 0;
  for (let round = 0; round < rounds; round++) {
    const lines = [];
    for (let i = 0; i < 50; i++) {
      let bar = "";
      for (let k = 0; k < i % 8; k++) bar += "*";
      lines.push(`line ${i} of round ${round}: ${bar}`);
    }
    const text = lines.join("\n");
    length += text.length;
    if (text.endsWith("*")) stars += 1;
  }
  return length * 10 + stars % 10;
}

console.log(run(Number(process.argv[2])));
