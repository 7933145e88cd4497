//! Types of the host in programs: a small game whose world is lent to a script for one call.
//!
//! ```sh
//! cargo run --example host_types
//! ```

use std::error::Error;
use std::io::{self, Write};

use quipu::vm::Limits;
use quipu::vm::host::{Class, Host, HostType};
use quipu::{Engine, Input};

/// A point that programs can make, read and change. Copies of it are the program's.
struct Point {
    x: f64,
    y: f64,
}

impl HostType for Point {
    fn class() -> Class<Point> {
        Class::<Point>::new("game.Point@1")
            .constructor(|x: f64, y: f64| Point { x, y })
            .getter("x", |point| point.x)
            .getter("y", |point| point.y)
            .setter("x", |point, x: f64| point.x = x)
            .setter("y", |point, y: f64| point.y = y)
            // Special names mean what they mean in the language: this is how `print` shows it.
            .method("str", |point: &Point| format!("<{}, {}>", point.x, point.y))
            .method("len", |point: &Point| point.x.hypot(point.y) as i64)
    }
}

/// The world belongs to the game, not to the machine.
struct World {
    monsters: Vec<(String, i64)>,
    log: Vec<String>,
}

impl HostType for World {
    fn class() -> Class<World> {
        Class::<World>::new("World")
            .getter("count", |world| world.monsters.len())
            .method("name", |world: &World, index: usize| world.monsters.get(index).map(|(name, _)| name.clone()))
            .method_mut("hit", |world: &mut World, name: &str, by: i64| {
                let World { monsters, log } = world;
                for (_, health) in monsters.iter_mut().filter(|(other, _)| other == name) {
                    *health -= by;
                    log.push(format!("{name} has {health} left"));
                }
                monsters.retain(|&(_, health)| health > 0);
            })
    }
}

const TURN: &str = r#"
import game
var turn = 0
|world| {
  turn += 1
  let here = game.Point(3, 4)
  here.x += turn
  for i in 0..world.count { world.hit(world.name(i), here.len()) }
  "turn ${turn} at ${here}"
}
"#;

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// The example, with a place for what it prints.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let engine = Engine::builder().class::<Point>().class::<World>().build()?;
    let mut session = engine.session(Limits::default())?;
    let turn = session.run(&Input::text("turn.qp", TURN))?;

    let mut world = World { monsters: vec![("orc".to_owned(), 9), ("bat".to_owned(), 5)], log: Vec::new() };
    for _ in 0..2 {
        // The program may use the world until the scope ends. Nothing is copied, and nothing has to be `'static`.
        let said: String = session.scope(|scope| {
            let lent = scope.lend_mut(&mut world)?;
            scope.invoke(&turn, (lent,))
        })?;
        writeln!(out, "{said}: {}", world.log.join(", "))?;
        world.log.clear();
    }
    writeln!(out, "{} monsters are left", world.monsters.len())?;
    Ok(())
}
