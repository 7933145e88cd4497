// Methods called on objects: of one class, and of three classes in turn.

class Account {
  constructor(balance) { this.balance = balance; }
  deposit(amount) {
    this.balance += amount;
    return this;
  }
  worth() { return this.balance; }
}

class Square {
  constructor(side) { this.side = side; }
  area() { return this.side * this.side; }
  grow(by) { this.side = (this.side + by) % 17; }
}

class Rect {
  constructor(width, height) {
    this.width = width;
    this.height = height;
  }
  area() { return this.width * this.height; }
  grow(by) { this.width = (this.width + by) % 13; }
}

class Triangle {
  constructor(base, height) {
    this.base = base;
    this.height = height;
  }
  area() { return this.base * this.height; }
  grow(by) { this.height = (this.height + by) % 11; }
}

function run(rounds) {
  const account = new Account(0);
  const shapes = [new Square(1), new Rect(2, 3), new Triangle(4, 5), new Rect(6, 7)];
  let sum = 0;
  for (let i = 0; i < rounds; i++) {
    account.deposit(i % 10).deposit(1);
    for (const shape of shapes) {
      shape.grow(i % 3);
      sum += shape.area();
    }
  }
  return sum + account.worth();
}

console.log(run(Number(process.argv[2])));
