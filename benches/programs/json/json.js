// A JSON parser written in the language: characters, slices, numbers, arrays and objects.

const code = (char) => char.charCodeAt(0);
const SPACE = code(" "), QUOTE = code('"'), COMMA = code(","), COLON = code(":");
const OPEN_LIST = code("["), CLOSE_LIST = code("]"), OPEN_MAP = code("{"), CLOSE_MAP = code("}");
const MINUS = code("-"), ZERO = code("0"), NINE = code("9");
const LETTER_T = code("t"), LETTER_F = code("f"), LETTER_N = code("n");

class Parser {
  constructor(text) {
    this.text = text;
    this.at = 0;
  }

  skip() {
    while (this.at < this.text.length && this.text.charCodeAt(this.at) <= SPACE) this.at += 1;
  }

  expect(code) {
    if (this.text.charCodeAt(this.at) !== code) throw new Error(`unexpected character at ${this.at}`);
    this.at += 1;
  }

  value() {
    this.skip();
    const code = this.text.charCodeAt(this.at);
    let value;
    if (code === OPEN_MAP) value = this.map();
    else if (code === OPEN_LIST) value = this.list();
    else if (code === QUOTE) value = this.string();
    else if (code === LETTER_T) value = this.word("true", true);
    else if (code === LETTER_F) value = this.word("false", false);
    else if (code === LETTER_N) value = this.word("null", null);
    else value = this.number();
    this.skip();
    return value;
  }

  word(letters, value) {
    const end = this.at + letters.length;
    if (this.text.slice(this.at, end) !== letters) throw new Error(`unexpected word at ${this.at}`);
    this.at = end;
    return value;
  }

  number() {
    const negative = this.text.charCodeAt(this.at) === MINUS;
    if (negative) this.at += 1;
    const start = this.at;
    let number = 0;
    while (this.at < this.text.length) {
      const code = this.text.charCodeAt(this.at);
      if (code < ZERO || code > NINE) break;
      number = number * 10 + code - ZERO;
      this.at += 1;
    }
    if (this.at === start) throw new Error(`a number expected at ${start}`);
    return negative ? -number : number;
  }

  string() {
    this.expect(QUOTE);
    const start = this.at;
    while (this.text.charCodeAt(this.at) !== QUOTE) this.at += 1;
    const string = this.text.slice(start, this.at);
    this.at += 1;
    return string;
  }

  list() {
    this.expect(OPEN_LIST);
    const items = [];
    this.skip();
    if (this.text.charCodeAt(this.at) === CLOSE_LIST) {
      this.at += 1;
      return items;
    }
    for (;;) {
      items.push(this.value());
      if (this.text.charCodeAt(this.at) !== COMMA) break;
      this.at += 1;
    }
    this.expect(CLOSE_LIST);
    return items;
  }

  map() {
    this.expect(OPEN_MAP);
    const entries = {};
    this.skip();
    if (this.text.charCodeAt(this.at) === CLOSE_MAP) {
      this.at += 1;
      return entries;
    }
    for (;;) {
      this.skip();
      const key = this.string();
      this.skip();
      this.expect(COLON);
      entries[key] = this.value();
      if (this.text.charCodeAt(this.at) !== COMMA) break;
      this.at += 1;
    }
    this.expect(CLOSE_MAP);
    return entries;
  }
}

function document(people) {
  const entries = [];
  for (let i = 0; i < people; i++) {
    const tags = Array.from({ length: i % 4 }, (_, t) => `"tag${t}"`).join(", ");
    entries.push(`{"id": ${i}, "name": "person ${i * 37 % people}", "tags": [${tags}], ` +
      `"balance": ${i * 7919 % 2003 - 1000}, "active": ${i % 3 === 0}, "boss": null}`);
  }
  return "[\n  " + entries.join(",\n  ") + "\n]\n";
}

function run(rounds) {
  const text = document(100);
  let sum = text.length;
  for (let i = 0; i < rounds; i++) {
    const people = new Parser(text).value();
    for (const person of people) {
      sum += person.id + person.balance + person.name.length + person.tags.length;
      if (person.active) sum += 1;
    }
  }
  return sum;
}

console.log(run(Number(process.argv[2])));
