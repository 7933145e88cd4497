// One counter shared by two closures: what one of them changes the other sees.

function account(opening) {
  let balance = opening;
  const deposit = (amount) => { balance += amount; };
  const read = () => balance;
  return [deposit, read];
}

function run(rounds) {
  let sum = 0;
  for (let i = 0; i < rounds; i++) {
    const [deposit, read] = account(i);
    deposit(read() % 7);
    deposit(3);
    sum = (sum + read()) % 1000003;
  }
  return sum;
}

console.log(run(Number(process.argv[2])));
