//! Taking out instructions that no path reaches, for the rare function in which the builder cannot tell in time.

use quipu_code::effects::target;
use quipu_code::{Body, Debug, Op};

/// Keeps the instructions that some path reaches, and brings everything that counts them along.
pub(super) fn prune(body: Body, mut debug: Debug) -> (Body, Debug) {
    let keep = reachable(&body);
    let mut moved = Vec::with_capacity(body.words.len() + 1);
    let mut kept = 0;
    for &keep in &keep {
        moved.push(kept);
        kept += keep as u32;
    }
    moved.push(kept);
    let new = |pc: u32| moved[(pc as usize).min(body.words.len())];

    let words = body.words.iter().zip(&keep).filter(|(_, keep)| **keep);
    let words = words.map(|(&word, _)| match target(word) {
        Some(pc) => word.with_x(new(pc)),
        None => word,
    });
    let words = words.collect();
    let mut handlers = body.handlers.clone();
    for handler in &mut handlers {
        (handler.start, handler.end, handler.target) = (new(handler.start), new(handler.end), new(handler.target));
    }
    handlers.retain(|handler| handler.start < handler.end);

    for position in &mut debug.positions {
        position.pc = new(position.pc);
    }
    // Of several positions for one instruction the last one is its own.
    debug.positions.reverse();
    debug.positions.dedup_by_key(|position| position.pc);
    debug.positions.reverse();
    debug.positions.retain(|position| position.pc < kept);
    for local in &mut debug.locals {
        (local.start, local.end) = (new(local.start), new(local.end));
    }

    let pruned = Body { words, handlers, ..body };
    // Tables that lost their users are brought in order again; the indexes were right before.
    let arranged = pruned.clone().arrange().unwrap_or(pruned);
    (arranged, debug)
}

fn reachable(body: &Body) -> Vec<bool> {
    let mut seen = vec![false; body.words.len()];
    let mut todo = vec![0];
    while let Some(start) = todo.pop() {
        let mut pc = start as usize;
        while pc < seen.len() && !seen[pc] {
            seen[pc] = true;
            let covering = body.handlers.iter().filter(|handler| (handler.start..handler.end).contains(&(pc as u32)));
            todo.extend(covering.map(|handler| handler.target));
            let word = body.words[pc];
            todo.extend(target(word));
            if !word.op().is_some_and(Op::falls_through) {
                break;
            }
            pc += 1;
        }
    }
    seen
}
