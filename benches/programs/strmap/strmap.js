// Maps with string keys: words counted, some of them made on the way.

function run(size) {
  const words = [];
  for (let i = 0; i < 2000; i++) words.push(`word${i * 7 % 2000}`);
  const counts = new Map();
  let at = 1;
  for (let i = 0; i < size; i++) {
    at = (at * 16807) % 2147483647;
    const word = i % 8 === 0 ? `word${at % 3000}` : words[at % 2000];
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  let sum = 0;
  for (const [word, count] of counts) sum += count * word.length;
  return sum * 10000 + counts.size;
}

console.log(run(Number(process.argv[2])));
