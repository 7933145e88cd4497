//! The module `random`: xoshiro256** by David Blackman and Sebastiano Vigna, seeded by SplitMix64 as they advise. The
//! state is in the four fields of an instance, whose type and methods are in `random.qp`.

use quipu_vm::heap::Instance;
use quipu_vm::{Cx, ErrorKind, Fault, Outcome, Value, View};

use crate::args::{count, expected_by, int, this_list};
use crate::charge::PIECE;
use crate::entry::{Entry, native};
use crate::grant::Capability;

pub(crate) const NATIVES: &[Entry] = &[
    native("entropy()", "An int of 64 bits from the system's source of entropy.", entropy).needing(Capability::Entropy),
    native("new()", "A generator that gives other numbers each time.", new).needing(Capability::Entropy),
];

pub(crate) const INTERNALS: &[Entry] = &[
    native("_random_seed(n)", "The state that an int stands for, as a tuple of ints.", seed).shown("random.seed"),
    native("_random_word(g)", "64 random bits.", word),
    native("_random_int(g, a, b)", "An int from a to b.", int_between).shown("Generator.int"),
    native("_random_float(g)", "A float from 0.0 up to 1.0.", float),
    native("_random_normal(g)", "A float from the standard normal distribution.", normal),
    native("_random_exponential(g)", "A float from the exponential distribution of rate 1.", exponential),
    native("_random_bytes(g, n)", "Random bytes.", bytes).shown("Generator.bytes"),
    native("_random_shuffle(g, xs, k)", "Moves random elements to the first k places of a list.", shuffle)
        .shown("Generator.shuffle"),
];

/// A state that is not zero everywhere.
struct State([u64; 4]);

impl State {
    fn seeded(mut seed: u64) -> State {
        State(std::array::from_fn(|_| {
            seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = seed;
            word = (word ^ word >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ word >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ word >> 31
        }))
    }

    fn of<'v>(cx: &mut Cx<'v>, value: Value<'v>) -> Result<(State, Instance<'v>), Fault<'v>> {
        if let View::Instance(generator) = value.view() {
            let word = |index| Some(generator.get(index)?.as_int()? as u64);
            if let [Some(a), Some(b), Some(c), Some(d)] = [0, 1, 2, 3].map(word) {
                // All zeros would give zeros for ever.
                let state = if a | b | c | d == 0 { State::seeded(0) } else { State([a, b, c, d]) };
                return Ok((state, generator));
            }
        }
        Err(expected_by(cx, "random", "a generator with four ints as state", value))
    }

    /// Puts the state back where it came from.
    fn store<'v>(self, cx: &mut Cx<'v>, generator: Instance<'v>) {
        for (index, word) in self.0.into_iter().enumerate() {
            generator.set(cx, index, Value::int(word as i64));
        }
    }

    fn word(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let result = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        result
    }

    /// A number up to `most`, each as likely as any other: the upper half of a product, without the products that
    /// would make some numbers likelier (Daniel Lemire's method).
    fn up_to(&mut self, most: u64) -> u64 {
        let Some(count) = most.checked_add(1) else { return self.word() };
        let unfair = count.wrapping_neg() % count;
        loop {
            let product = u128::from(self.word()) * u128::from(count);
            if product as u64 >= unfair {
                return (product >> 64) as u64;
            }
        }
    }

    fn float(&mut self) -> f64 {
        // As many bits as a float has, so that every result is exact.
        (self.word() >> 11) as f64 / (1u64 << 53) as f64
    }
}

fn seed<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let seed = int(cx, args[0], "seed")?;
    cx.tuple(&State::seeded(seed as u64).0.map(|word| Value::int(word as i64)))
}

fn word<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut state, generator) = State::of(cx, args[0])?;
    let word = state.word();
    state.store(cx, generator);
    Ok(Value::int(word as i64))
}

fn int_between<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut state, generator) = State::of(cx, args[0])?;
    let low = int(cx, args[1], "lower bound")?;
    let high = int(cx, args[2], "upper bound")?;
    if low > high {
        return Err(cx.fail_here(ErrorKind::Value, format!("there is no int from {low} to {high}")));
    }
    let number = state.up_to(high.wrapping_sub(low) as u64);
    state.store(cx, generator);
    Ok(Value::int(low.wrapping_add(number as i64)))
}

fn float<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut state, generator) = State::of(cx, args[0])?;
    let float = state.float();
    state.store(cx, generator);
    Ok(Value::float(float))
}

fn normal<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut state, generator) = State::of(cx, args[0])?;
    // The method of Box and Muller. The first number is never 0, which has no logarithm.
    let radius = (-2.0 * libm::log(1.0 - state.float())).sqrt();
    let angle = std::f64::consts::TAU * state.float();
    state.store(cx, generator);
    Ok(Value::float(radius * libm::cos(angle)))
}

fn exponential<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut state, generator) = State::of(cx, args[0])?;
    let float = -libm::log(1.0 - state.float());
    state.store(cx, generator);
    Ok(Value::float(float))
}

fn bytes<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut state, generator) = State::of(cx, args[0])?;
    let count = count(cx, args[1], "count", 0)?;
    cx.reserve(count.saturating_mul(2))?;
    let mut bytes = Vec::with_capacity(count);
    while bytes.len() < count {
        if bytes.len().is_multiple_of(PIECE) {
            cx.work((count - bytes.len()).min(PIECE) / 16)?;
        }
        let word = state.word().to_le_bytes();
        bytes.extend_from_slice(&word[..word.len().min(count - bytes.len())]);
    }
    let bytes = cx.bytes(&bytes)?;
    state.store(cx, generator);
    Ok(bytes)
}

/// How many elements change places between two looks at the limits.
const SWAPS: usize = 1024;

fn shuffle<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let (mut state, generator) = State::of(cx, args[0])?;
    let list = this_list(cx, &args[1..])?;
    let places = count(cx, args[2], "count", 0)?.min(list.len());
    for place in 0..places {
        if place.is_multiple_of(SWAPS) {
            cx.work((places - place).min(SWAPS) / 2)?;
        }
        let from = place + state.up_to((list.len() - 1 - place) as u64) as usize;
        list.swap(cx, place, from);
    }
    state.store(cx, generator);
    Ok(Value::NIL)
}

fn entropy<'v>(cx: &mut Cx<'v>, _: &[Value<'v>]) -> Outcome<'v> {
    match from_system() {
        Ok(word) => Ok(Value::int(word as i64)),
        Err(error) => Err(cx.fail_here(ErrorKind::Io, error)),
    }
}

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
fn from_system() -> Result<u64, String> {
    getrandom::u64().map_err(|error| error.to_string())
}

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
fn from_system() -> Result<u64, String> {
    Err("there is no source of entropy here".to_owned())
}

fn new<'v>(cx: &mut Cx<'v>, args: &[Value<'v>]) -> Outcome<'v> {
    let word = entropy(cx, args)?;
    match cx.native("random.seed")? {
        Some(seed) => cx.call(seed, &[word]),
        None => Err(cx.fail_here(ErrorKind::Capability, "this library has no random.seed")),
    }
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn the_numbers_are_those_of_the_published_algorithms() {
        // SplitMix64 from 1234567, and xoshiro256** from the state 1, 2, 3, 4.
        assert_eq!(State::seeded(1_234_567).0[..2], [6_457_827_717_110_365_317, 3_203_168_211_198_807_973]);
        let mut state = State([1, 2, 3, 4]);
        assert_eq!([0; 4].map(|_| state.word()), [11_520, 0, 1_509_978_240, 1_215_971_899_390_074_240]);
    }

    #[test]
    fn bounded_numbers_are_spread_evenly() {
        let mut state = State::seeded(7);
        let mut counts = [0; 6];
        (0..60_000).for_each(|_| counts[state.up_to(5) as usize] += 1);
        assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        // The widest range that is not a power of two: half of the words are thrown away.
        assert!((0..1000).all(|_| state.up_to(1 << 63) <= 1 << 63));
    }
}
