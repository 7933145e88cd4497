//! Walks through all states of a pattern at once, byte by byte, as Ken Thompson and Rob Pike did it. It needs nothing but
//! room for the states, finds groups too, and can be stopped after every byte.

use quipu_vm::{Cx, Fault};
use regex_automata::nfa::thompson::{NFA, State};
use regex_automata::util::primitives::StateID;

use crate::charge::Meter;

/// Places that groups begin and end at, or not.
type Slots = Vec<Option<usize>>;

/// What one walk needs.
pub(super) struct Walk {
    nfa: NFA,
    /// How many slots are kept for each state.
    count: usize,
    now: Active,
    next: Active,
    todo: Vec<Todo>,
    slots: Slots,
}

/// The states that are active at one place, those first that are preferred, each with its slots.
struct Active {
    states: Vec<StateID>,
    /// Where each state stands among them, if it does.
    place: Vec<usize>,
    slots: Slots,
}

impl Active {
    fn new(states: usize, count: usize) -> Active {
        Active { states: Vec::with_capacity(states), place: vec![0; states], slots: vec![None; states * count] }
    }

    /// Adds a state, unless it is there.
    fn insert(&mut self, state: StateID) -> bool {
        let place = self.place[state.as_usize()];
        if self.states.get(place) == Some(&state) {
            return false;
        }
        self.place[state.as_usize()] = self.states.len();
        self.states.push(state);
        true
    }

    fn slots_of(&mut self, state: StateID, count: usize) -> &mut [Option<usize>] {
        let first = state.as_usize() * count;
        &mut self.slots[first..first + count]
    }
}

/// What is left to do to find the states that are reached without a byte.
enum Todo {
    Reach(StateID),
    /// A slot gets back what it was before a group was entered.
    Restore(usize, Option<usize>),
}

impl Walk {
    /// A walk that keeps so many slots.
    ///
    /// # Errors
    /// There is no memory.
    pub(super) fn new<'v>(cx: &mut Cx<'v>, nfa: &NFA, count: usize) -> Result<Walk, Fault<'v>> {
        let states = nfa.states().len();
        let each = size_of::<StateID>() + size_of::<usize>() + count * size_of::<Option<usize>>();
        cx.reserve(states.saturating_mul(2 * each + size_of::<Todo>()))?;
        cx.work(states.saturating_mul(2 * each) / 64)?;
        let (now, next) = (Active::new(states, count), Active::new(states, count));
        Ok(Walk { nfa: nfa.clone(), count, now, next, todo: Vec::new(), slots: vec![None; count] })
    }

    /// The slots of the first match that begins at `start` or behind it; with an end, of the match from `start` to there.
    ///
    /// # Errors
    /// A limit.
    pub(super) fn run<'v>(
        &mut self,
        cx: &mut Cx<'v>,
        meter: &mut Meter,
        bytes: &[u8],
        start: usize,
        end: Option<usize>,
    ) -> Result<Option<Slots>, Fault<'v>> {
        let last = end.unwrap_or(bytes.len());
        let mut found: Option<Slots> = None;
        self.now.states.clear();
        self.next.states.clear();
        for at in start..=last {
            if found.is_none() && (at == start || end.is_none()) {
                self.slots.fill(None);
                std::mem::swap(&mut self.now, &mut self.next);
                self.reach(self.nfa.start_anchored(), bytes, at);
                std::mem::swap(&mut self.now, &mut self.next);
            }
            if self.now.states.is_empty() {
                break;
            }
            meter.steps(cx, 6 * self.now.states.len())?;
            for index in 0..self.now.states.len() {
                let state = self.now.states[index];
                let to = match self.nfa.state(state) {
                    State::ByteRange { trans } => trans.matches(bytes, at).then_some(trans.next),
                    State::Sparse(sparse) => sparse.matches(bytes, at),
                    State::Dense(dense) => dense.matches(bytes, at),
                    State::Match { .. } => {
                        found = Some(self.now.slots_of(state, self.count).to_vec());
                        // Those behind it are not preferred.
                        break;
                    }
                    _ => None,
                };
                if let Some(to) = to
                    && at < last
                {
                    self.slots.copy_from_slice(self.now.slots_of(state, self.count));
                    self.reach(to, bytes, at + 1);
                }
            }
            std::mem::swap(&mut self.now, &mut self.next);
            self.next.states.clear();
        }
        Ok(found)
    }

    /// Adds to the next states one and all that it reaches without a byte.
    fn reach(&mut self, state: StateID, bytes: &[u8], at: usize) {
        self.todo.push(Todo::Reach(state));
        while let Some(todo) = self.todo.pop() {
            let mut state = match todo {
                Todo::Reach(state) => state,
                Todo::Restore(slot, place) => {
                    self.slots[slot] = place;
                    continue;
                }
            };
            while self.next.insert(state) {
                match self.nfa.state(state) {
                    State::Look { look, next } => {
                        if !self.nfa.look_matcher().matches(*look, bytes, at) {
                            break;
                        }
                        state = *next;
                    }
                    State::Union { alternates } => {
                        let Some((first, others)) = alternates.split_first() else { break };
                        self.todo.extend(others.iter().rev().map(|&other| Todo::Reach(other)));
                        state = *first;
                    }
                    State::BinaryUnion { alt1, alt2 } => {
                        self.todo.push(Todo::Reach(*alt2));
                        state = *alt1;
                    }
                    State::Capture { next, slot, .. } => {
                        let slot = slot.as_usize();
                        if slot < self.count {
                            self.todo.push(Todo::Restore(slot, self.slots[slot]));
                            self.slots[slot] = Some(at);
                        }
                        state = *next;
                    }
                    _ => {
                        let count = self.count;
                        self.next.slots_of(state, count).copy_from_slice(&self.slots);
                        break;
                    }
                }
            }
        }
    }
}
