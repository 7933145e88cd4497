//! A game whose units are moved by scripts: one script for each unit, limits for each call, a game that is saved and
//! loaded.
//!
//! ```sh
//! cargo run --example game
//! ```

use std::error::Error;
use std::io::{self, Write};

use quipu::prelude::*;
use quipu::vm::image::Form;
use quipu::{Class, Cx, Engine, Failure, Func, Image, Input, Limits, Ref, Root, Session};

/// A unit belongs to the game. Scripts get it lent for one call, so it is never copied.
#[derive(Clone)]
struct Unit {
    name: String,
    at: (i64, i64),
    health: i64,
}

impl HostType for Unit {
    fn class() -> Class<Unit> {
        Class::<Unit>::new("game.Unit@1")
            .getter("name", |unit| unit.name.clone())
            .getter("x", |unit| unit.at.0)
            .getter("y", |unit| unit.at.1)
            .getter("health", |unit| unit.health)
            .method_mut("move_by", |unit: &mut Unit, x: i64, y: i64| {
                // Scripts may ask for anything; the rules of the game are here.
                unit.at = (unit.at.0 + x.clamp(-1, 1), unit.at.1 + y.clamp(-1, 1));
            })
            .method_mut("hit", |unit: &mut Unit, by: i64| unit.health -= by.clamp(0, 10))
    }
}

/// What scripts have said in one game. An engine is shared by all games, so it stands with the session.
#[derive(Default)]
struct Said(Vec<String>);

/// What all games have in common.
fn engine() -> Result<Engine, quipu::Error> {
    let engine = Engine::builder()
        .class::<Unit>()
        .native("say", |cx: &mut Cx<'_>, text: &str| cx.extension::<Said>().0.push(text.to_owned()))
        .native("game.distance@1", |one: Ref<'_, Unit>, other: Ref<'_, Unit>| {
            let (x, y) = (one.at.0 - other.at.0, one.at.1 - other.at.1);
            x.abs().max(y.abs())
        })
        .build()?;
    Ok(engine)
}

/// A guard remembers what has happened to it: its script is a closure with a counter.
const GUARD: &str = r#"
import game
var turns = 0
|me, enemy| {
  turns += 1
  if game.distance(me, enemy) <= 1 {
    enemy.hit(3)
    say("${me.name} hits ${enemy.name} in turn ${turns}")
  } else {
    me.move_by(enemy.x - me.x, enemy.y - me.y)
  }
}
"#;

const COWARD: &str = "|me, enemy| me.move_by(me.x - enemy.x, me.y - enemy.y)";
const STUCK: &str = "|me, enemy| { while true {} }";
const TYPO: &str = "|me, enemy| me.heal(5)";

struct Game {
    session: Session,
    units: Vec<Unit>,
    /// The script of each unit.
    scripts: Vec<Func<(Root, Root), ()>>,
}

impl Game {
    fn new(engine: &Engine, units: &[(&str, (i64, i64), &str)]) -> Result<Game, quipu::Error> {
        // What a game may use in all.
        let mut session = engine.session(Limits { heap: Some(16 << 20), ..Limits::default() })?;
        let mut game = (Vec::new(), Vec::new());
        for &(name, at, script) in units {
            game.0.push(Unit { name: name.to_owned(), at, health: 5 });
            let function = session.run(&Input::text(format!("{name}.qp"), script))?;
            // That it takes two arguments is checked here, not in the middle of the game.
            game.1.push(session.get(&function)?);
        }
        Ok(Game { session, units: game.0, scripts: game.1 })
    }

    /// The script of a unit moves it; the enemy is the next unit.
    fn turn(&mut self, index: usize) -> Result<(), Failure> {
        let enemy = (index + 1) % self.units.len();
        let Ok([me, enemy]) = self.units.get_disjoint_mut([index, enemy]) else { return Ok(()) };
        let script = &self.scripts[index];
        // A turn has fuel of its own. What it uses up ends this turn, and nothing else.
        let turn = Limits { fuel: Some(1_000), ..Limits::default() };
        self.session.with_limits(turn, |session| {
            session.scope(|scope| {
                let arguments = (scope.lend_mut(me)?, scope.lend_mut(enemy)?);
                script.call(scope, arguments)
            })
        })
    }

    fn save(&mut self) -> Result<(Vec<Unit>, Vec<u8>), Failure> {
        // One image for all scripts: what they share stays shared.
        let scripts: Vec<Root> = self.scripts.iter().map(|script| script.value().clone()).collect();
        let scripts = self.session.make(scripts)?;
        let image = self.session.vm().image(&scripts)?;
        Ok((self.units.clone(), image.dump(Form::default())))
    }

    fn load(engine: &Engine, (units, scripts): (Vec<Unit>, Vec<u8>)) -> Result<Game, quipu::Error> {
        let mut session = engine.session(Limits { heap: Some(16 << 20), ..Limits::default() })?;
        let scripts = session.vm().load(&Image::parse(scripts, &())?)?;
        let scripts = session.get(&scripts)?;
        Ok(Game { session, units, scripts })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    run(&mut io::stdout())
}

/// The example, with a place for what it prints.
pub fn run(out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let engine = engine()?;
    let units = [("guard", (0, 0), GUARD), ("coward", (3, 0), COWARD), ("rock", (9, 9), STUCK), ("bard", (5, 5), TYPO)];
    let mut game = Game::new(&engine, &units)?;
    for round in 0..4 {
        if round == 2 {
            // As another process would: nothing is left of the first game but what was saved.
            let saved = game.save()?;
            game = Game::load(&engine, saved)?;
            writeln!(out, "saved and loaded")?;
            game.units[1].at = (2, 0);
        }
        for index in 0..game.units.len() {
            if let Err(failure) = game.turn(index) {
                writeln!(out, "{}: {failure}", game.units[index].name)?;
            }
        }
        for said in game.session.extension::<Said>().0.drain(..) {
            writeln!(out, "{said}")?;
        }
    }
    for Unit { name, at, health } in &game.units {
        writeln!(out, "{name} at {at:?} has {health}")?;
    }
    Ok(())
}
