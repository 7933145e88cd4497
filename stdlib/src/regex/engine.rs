//! What a pattern is compiled to: automata for both directions, which are stepped through here, so that the limits are
//! looked at in between, whatever pattern and text are.

use quipu_vm::{Cx, Fault};
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{self, DFA};
use regex_automata::nfa::thompson::backtrack::{self, BoundedBacktracker};
use regex_automata::nfa::thompson::{self, NFA, WhichCaptures};
use regex_automata::util::prefilter::Prefilter;
use regex_automata::util::primitives::PatternID;
use regex_automata::{Anchored, Input, MatchKind};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::walk::Walk;
use crate::charge::{self, Meter};

/// Bytes that one automaton may take.
pub(super) const LARGEST: usize = 4 << 20;

/// Bytes that the states of one automaton may take that are kept because they were met before.
const MET: usize = 256 << 10;

/// How many states are looked at between two looks at the limits: about half a millisecond's work.
const PIECE: usize = 1 << 15;

/// A compiled pattern, and what its searches keep.
pub(super) struct Engine {
    nfa: NFA,
    lazy: Option<Box<Lazy>>,
    prefilter: Option<Prefilter>,
    backtracker: BoundedBacktracker,
    tracks: backtrack::Cache,
    /// Walks for places and for groups, while there is a search that needs them.
    walks: [Option<Walk>; 2],
    /// How many states may be active at one place: what a byte costs, in sixteenths of a unit of fuel.
    states: usize,
}

/// Automata whose states are made when they are met: one finds where a match ends, the other where it begins.
struct Lazy {
    forward: DFA,
    backward: DFA,
    met: dfa::Cache,
    met_backward: dfa::Cache,
}

/// Where a match begins, and the place behind its end.
pub(super) type Span = (usize, usize);

/// Why an automaton is not stepped on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Event {
    /// A piece is done.
    Piece,
    /// It stands where it began.
    Start,
    /// Nothing more can be found.
    Done,
}

/// The automaton cannot tell: a word boundary beside a letter that is not ASCII.
struct CannotTell;

impl Engine {
    /// Compiles a pattern; `weight` is that of its form.
    pub(super) fn new(form: &Hir, weight: &Weight) -> Result<Engine, Box<thompson::BuildError>> {
        let compile = |reverse, captures| {
            let config = thompson::Config::new();
            let config = config.reverse(reverse).which_captures(captures).nfa_size_limit(Some(LARGEST));
            thompson::Compiler::new().configure(config).build_from_hir(form).map_err(Box::new)
        };
        let nfa = compile(false, WhichCaptures::All)?;
        let prefilter = Prefilter::from_hir_prefix(MatchKind::LeftmostFirst, form);
        let config = dfa::Config::new().unicode_word_boundary(true).cache_capacity(MET).skip_cache_capacity_check(true);
        let forward = config.clone().match_kind(MatchKind::LeftmostFirst).specialize_start_states(prefilter.is_some());
        let backward = config.match_kind(MatchKind::All);
        let build = |config, nfa| dfa::Builder::new().configure(config).build_from_nfa(nfa).ok();
        let both = build(forward, nfa.clone()).zip(build(backward, compile(true, WhichCaptures::None)?));
        let lazy = both.map(|(forward, backward)| {
            let (met, met_backward) = (forward.create_cache(), backward.create_cache());
            Box::new(Lazy { forward, backward, met, met_backward })
        });
        let backtracker = BoundedBacktracker::new_from_nfa(nfa.clone()).map_err(Box::new)?;
        let tracks = backtracker.create_cache();
        Ok(Engine { nfa, lazy, prefilter, backtracker, tracks, walks: [None, None], states: weight.states.max(1) })
    }

    /// Bytes that are kept until the pattern is forgotten.
    pub(super) fn bytes(&self) -> usize {
        let lazy = self.lazy.as_ref().map_or(0, |lazy| {
            let automata = lazy.forward.memory_usage() + lazy.backward.memory_usage();
            automata + lazy.met.memory_usage() + lazy.met_backward.memory_usage()
        });
        let prefilter = self.prefilter.as_ref().map_or(0, Prefilter::memory_usage);
        self.nfa.memory_usage() + lazy + prefilter + self.tracks.memory_usage()
    }

    /// The names of the groups, beginning with that of the whole match, which has none.
    pub(super) fn names(&self) -> impl Iterator<Item = Option<&str>> {
        self.nfa.group_info().pattern_names(PatternID::ZERO)
    }

    /// The first match that begins at a byte or behind it. `any` says that it need not be the longest.
    pub(super) fn find<'v>(
        &mut self,
        cx: &mut Cx<'v>,
        meter: &mut Meter,
        text: &str,
        from: usize,
        any: bool,
    ) -> Result<Option<Span>, Fault<'v>> {
        let mut from = from;
        while from <= text.len() {
            from = text.ceil_char_boundary(from);
            let found = match self.step(cx, meter, text, from, any)? {
                Ok(found) => found,
                Err(CannotTell) => {
                    let slots = self.walk(cx, 2)?.run(cx, meter, text.as_bytes(), from, None)?;
                    slots.and_then(|slots| slots[0].zip(slots[1]))
                }
            };
            match found {
                // Nothing is found inside of a letter.
                Some((_, end)) if !text.is_char_boundary(end) => from += 1,
                found => return Ok(found),
            }
        }
        Ok(None)
    }

    /// The same by automata whose states are made when they are met.
    fn step<'v>(
        &mut self,
        cx: &mut Cx<'v>,
        meter: &mut Meter,
        text: &str,
        from: usize,
        any: bool,
    ) -> Result<Result<Option<Span>, CannotTell>, Fault<'v>> {
        let Some(lazy) = &mut self.lazy else { return Ok(Err(CannotTell)) };
        let bytes = text.as_bytes();
        let piece = (PIECE / self.states).max(1);
        let mut prefilter = Candidates { prefilter: self.prefilter.as_ref(), bytes };
        let start_at = |lazy: &mut Lazy, at: usize| {
            let input = Input::new(bytes).span(at..bytes.len());
            lazy.forward.start_state_forward(&mut lazy.met, &input)
        };
        let Some(mut at) = prefilter.next(cx, meter, from)? else { return Ok(Ok(None)) };
        let Ok(mut state) = start_at(lazy, at) else { return Ok(Err(CannotTell)) };
        let mut end = None;
        loop {
            let last = bytes.len().min(at.saturating_add(piece));
            let begun = at;
            let mut event = Event::Piece;
            while at < last {
                let Ok(next) = lazy.forward.next_state(&mut lazy.met, state, bytes[at]) else {
                    return Ok(Err(CannotTell));
                };
                state = next;
                if state.is_tagged() {
                    if state.is_match() {
                        end = Some(at);
                        event = if any { Event::Done } else { Event::Piece };
                    } else if state.is_dead() {
                        event = Event::Done;
                    } else if state.is_quit() {
                        return Ok(Err(CannotTell));
                    } else if state.is_start() && end.is_none() {
                        event = Event::Start;
                    }
                    if event != Event::Piece {
                        break;
                    }
                }
                at += 1;
            }
            meter.steps(cx, 1 + (at - begun) * self.states)?;
            match event {
                Event::Done => break,
                Event::Start => match prefilter.next(cx, meter, at)? {
                    None => return Ok(Ok(None)),
                    Some(candidate) if candidate > at => {
                        at = candidate;
                        let Ok(start) = start_at(lazy, at) else { return Ok(Err(CannotTell)) };
                        state = start;
                    }
                    Some(_) => at += 1,
                },
                Event::Piece => {}
            }
            if at == bytes.len() {
                let Ok(last) = lazy.forward.next_eoi_state(&mut lazy.met, state) else { return Ok(Err(CannotTell)) };
                if last.is_match() {
                    end = Some(at);
                }
                break;
            }
        }
        let Some(end) = end else { return Ok(Ok(None)) };
        if any || end == from {
            return Ok(Ok(Some((from, end))));
        }
        let start = lazy.start_of(cx, meter, bytes, (from, end), self.states)?;
        Ok(start.map(|start| Some((start, end))))
    }

    /// A walk that keeps so many slots.
    fn walk<'v>(&mut self, cx: &mut Cx<'v>, count: usize) -> Result<&mut Walk, Fault<'v>> {
        let walk = &mut self.walks[usize::from(count > 2)];
        match walk {
            Some(walk) => Ok(walk),
            none => Ok(none.insert(Walk::new(cx, &self.nfa, count)?)),
        }
    }

    /// The search is over.
    pub(super) fn rest(&mut self) {
        self.walks = [None, None];
    }

    /// What the groups of a match matched: where each begins and ends, if it took part.
    pub(super) fn groups<'v>(
        &mut self,
        cx: &mut Cx<'v>,
        meter: &mut Meter,
        text: &str,
        (start, end): Span,
    ) -> Result<Vec<Option<usize>>, Fault<'v>> {
        let count = self.nfa.group_info().slot_len();
        let mut slots = vec![None; count];
        if count <= 2 {
            slots[..2].copy_from_slice(&[Some(start), Some(end)]);
            return Ok(slots);
        }
        meter.steps(cx, (end - start + 1).saturating_mul(self.states))?;
        // Every state is looked at once for every byte at most.
        if end - start <= self.backtracker.max_haystack_len() {
            let input = Input::new(text).span(start..end).anchored(Anchored::Yes);
            let mut found: Vec<_> = vec![None; count];
            if let Ok(Some(_)) = self.backtracker.try_search_slots(&mut self.tracks, &input, &mut found) {
                slots.iter_mut().zip(found).for_each(|(slot, found)| *slot = found.map(|place| place.get()));
                return Ok(slots);
            }
        }
        let found = self.walk(cx, count)?.run(cx, meter, text.as_bytes(), start, Some(end))?;
        Ok(found.unwrap_or(slots))
    }
}

impl Lazy {
    /// Where a match begins of which the end is known, at a byte or behind it.
    fn start_of<'v>(
        &mut self,
        cx: &mut Cx<'v>,
        meter: &mut Meter,
        bytes: &[u8],
        (from, end): Span,
        states: usize,
    ) -> Result<Result<usize, CannotTell>, Fault<'v>> {
        let piece = (PIECE / states).max(1);
        let input = Input::new(bytes).span(from..end).anchored(Anchored::Yes);
        let Ok(mut state) = self.backward.start_state_reverse(&mut self.met_backward, &input) else {
            return Ok(Err(CannotTell));
        };
        let mut start = None;
        let mut at = end;
        // What is met is told one byte later.
        let mut note = |state: LazyStateID, at: usize| {
            if state.is_match() {
                start = Some(at);
            }
            !state.is_tagged() || !(state.is_dead() || state.is_quit())
        };
        let mut goes_on = true;
        while at > from && goes_on {
            let last = at.saturating_sub(piece).max(from);
            let begun = at;
            while at > last && goes_on {
                let Ok(next) = self.backward.next_state(&mut self.met_backward, state, bytes[at - 1]) else {
                    return Ok(Err(CannotTell));
                };
                state = next;
                goes_on = note(state, at);
                at -= 1;
            }
            meter.steps(cx, (begun - at) * states)?;
        }
        if state.is_quit() {
            return Ok(Err(CannotTell));
        }
        if goes_on {
            let next = match from.checked_sub(1) {
                Some(before) => self.backward.next_state(&mut self.met_backward, state, bytes[before]),
                None => self.backward.next_eoi_state(&mut self.met_backward, state),
            };
            match next {
                Ok(state) if !state.is_quit() => _ = note(state, from),
                _ => return Ok(Err(CannotTell)),
            }
        }
        Ok(start.ok_or(CannotTell))
    }
}

/// The places where a match may begin, found faster than automata step.
struct Candidates<'t> {
    prefilter: Option<&'t Prefilter>,
    bytes: &'t [u8],
}

impl Candidates<'_> {
    /// The first at a byte or behind it.
    fn next<'v>(&mut self, cx: &mut Cx<'v>, meter: &mut Meter, from: usize) -> Result<Option<usize>, Fault<'v>> {
        let Some(prefilter) = self.prefilter else { return Ok(Some(from)) };
        // What begins in one piece may end in the next.
        let more = prefilter.max_needle_len().saturating_sub(1);
        let mut at = from;
        loop {
            let end = self.bytes.len().min(at.saturating_add(charge::PIECE).saturating_add(more));
            let found = prefilter.find(self.bytes, (at..end).into());
            meter.bytes(cx, found.map_or(end, |found| found.start) - at)?;
            match found {
                Some(found) => return Ok(Some(found.start)),
                None if end == self.bytes.len() => return Ok(None),
                None => at = end - more,
            }
        }
    }
}

/// How much a pattern's form weighs, without compiling it.
#[derive(Clone, Copy, Default, Debug, PartialEq, Eq)]
pub(super) struct Weight {
    /// How many states may be active at one place.
    pub states: usize,
    /// About how many bytes it is compiled to.
    pub bytes: usize,
}

/// Bytes of a state of an automaton.
const STATE: usize = 40;

/// What a range of letters in a class weighs: it takes less, but is long in the making.
const RANGE: usize = 32;

impl Weight {
    /// The weight of a form, in which repetitions weigh what they are compiled to. Forms nest no deeper than patterns may.
    pub(super) fn of(form: &Hir) -> Weight {
        match form.kind() {
            HirKind::Empty => Weight { states: 0, bytes: STATE },
            HirKind::Literal(literal) => Weight { states: 1, bytes: literal.0.len().saturating_mul(STATE) },
            HirKind::Class(class) => {
                let ranges = match class {
                    Class::Unicode(class) => class.ranges().len(),
                    Class::Bytes(class) => class.ranges().len(),
                };
                Weight { states: if ranges > 16 { 3 } else { 1 }, bytes: 3 * STATE + ranges * RANGE }
            }
            HirKind::Look(_) => Weight { states: 1, bytes: STATE },
            HirKind::Repetition(repetition) => {
                let times = repetition.max.unwrap_or(repetition.min.saturating_add(1)).max(1);
                Weight::of(&repetition.sub).times(times as usize)
            }
            HirKind::Capture(capture) => Weight::of(&capture.sub).and(Weight { states: 0, bytes: 2 * STATE }),
            HirKind::Concat(parts) => parts.iter().map(Weight::of).fold(Weight::default(), Weight::and),
            HirKind::Alternation(parts) => {
                let parts = parts.iter().map(|part| Weight::of(part).and(Weight { states: 0, bytes: STATE }));
                parts.fold(Weight::default(), Weight::and)
            }
        }
    }

    fn and(self, other: Weight) -> Weight {
        Weight { states: self.states.saturating_add(other.states), bytes: self.bytes.saturating_add(other.bytes) }
    }

    fn times(self, times: usize) -> Weight {
        Weight {
            states: self.states.saturating_mul(times),
            bytes: self.bytes.saturating_add(STATE).saturating_mul(times),
        }
    }
}
