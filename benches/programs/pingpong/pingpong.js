// Generators: two that hand a number to and fro, and short-lived ones that count.

function* player(step) {
  let at = yield;
  for (;;) at = yield (at + step) % 1000003;
}

function* countTo(n) {
  for (let i = 0; i < n; i++) yield i;
}

function run(rounds) {
  const ping = player(3);
  const pong = player(5);
  ping.next();
  pong.next();
  let ball = 1;
  for (let i = 0; i < rounds; i++) ball = pong.next(ping.next(ball).value).value;
  let sum = ball;
  for (let i = 0; i < Math.floor(rounds / 20); i++) {
    for (const n of countTo(10)) sum += n;
  }
  return sum;
}

console.log(run(Number(process.argv[2])));
