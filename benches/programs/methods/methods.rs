//! Methods called on objects: of one type, and of three types in turn.

struct Account {
    balance: i64,
}

impl Account {
    fn deposit(&mut self, amount: i64) -> &mut Account {
        self.balance += amount;
        self
    }

    fn worth(&self) -> i64 {
        self.balance
    }
}

trait Shape {
    fn area(&self) -> i64;
    fn grow(&mut self, by: i64);
}

struct Square {
    side: i64,
}

impl Shape for Square {
    fn area(&self) -> i64 {
        self.side * self.side
    }

    fn grow(&mut self, by: i64) {
        self.side = (self.side + by) % 17;
    }
}

struct Rect {
    width: i64,
    height: i64,
}

impl Shape for Rect {
    fn area(&self) -> i64 {
        self.width * self.height
    }

    fn grow(&mut self, by: i64) {
        self.width = (self.width + by) % 13;
    }
}

struct Triangle {
    base: i64,
    height: i64,
}

impl Shape for Triangle {
    fn area(&self) -> i64 {
        self.base * self.height
    }

    fn grow(&mut self, by: i64) {
        self.height = (self.height + by) % 11;
    }
}

fn run(rounds: i64) -> i64 {
    let mut account = Account { balance: 0 };
    let mut shapes: Vec<Box<dyn Shape>> = vec![
        Box::new(Square { side: 1 }),
        Box::new(Rect { width: 2, height: 3 }),
        Box::new(Triangle { base: 4, height: 5 }),
        Box::new(Rect { width: 6, height: 7 }),
    ];
    let mut sum = 0;
    for i in 0..rounds {
        account.deposit(i % 10).deposit(1);
        for shape in &mut shapes {
            shape.grow(i % 3);
            sum += shape.area();
        }
    }
    sum + account.worth()
}

fn main() {
    let size = std::env::args().nth(1).and_then(|size| size.parse().ok()).expect("a size");
    println!("{}", run(size));
}
