//! What Ctrl-C and SIGTERM do: the first one ends the program, which runs what it has deferred and ends with its trace; the
//! second one ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use quipu::vm::Vm;
use signal_hook::SigId;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

/// Signals are the process's, and so is what listens to them. The signal's handler does all of it, so there is no thread
/// that waits.
static LISTENING: Mutex<Option<Listening>> = Mutex::new(None);

/// Whether somebody else sees to Ctrl-C.
static LEFT: AtomicBool = AtomicBool::new(false);

struct Listening {
    pressed: Arc<AtomicBool>,
    terminated: Arc<AtomicBool>,
    /// What stops the machine that was named last.
    stops: Vec<SigId>,
}

/// The signals that end a program.
const ENDS: [i32; 2] = [SIGINT, SIGTERM];

/// What a process ends with, beside the number of the signal that ended it.
const SIGNALLED: i32 = 128;

/// The first signal ends what this machine runs from now on, and none that was named before: what was deferred runs.
pub fn stop(vm: &mut Vm) {
    if LEFT.load(Ordering::Relaxed) {
        return;
    }
    vm.unwind_on_interrupt(true);
    let mut listening = LISTENING.lock().unwrap_or_else(PoisonError::into_inner);
    let listening = listening.get_or_insert_with(|| {
        let (pressed, terminated) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        // In this order: the first signal finds that there was none before. Where there is no such thing as a signal,
        // programs run all the same.
        for signal in ENDS {
            let _ = flag::register_conditional_shutdown(signal, SIGNALLED + signal, pressed.clone());
            let _ = flag::register(signal, pressed.clone());
        }
        let _ = flag::register(SIGTERM, terminated.clone());
        Listening { pressed, terminated, stops: Vec::new() }
    });
    let stops = ENDS.iter().filter_map(|&signal| flag::register(signal, vm.interrupt_handle().into_flag()).ok());
    let before = std::mem::replace(&mut listening.stops, stops.collect());
    before.into_iter().for_each(|id| {
        low_level::unregister(id);
    });
}

/// Leaves Ctrl-C as it is in this process, for commands with a way of their own to end.
#[cfg(feature = "serve")]
pub fn leave() {
    LEFT.store(true, Ordering::Relaxed);
}

/// Whether it has happened.
pub fn is_pressed() -> bool {
    let listening = LISTENING.lock().unwrap_or_else(PoisonError::into_inner);
    listening.as_ref().is_some_and(|listening| listening.pressed.load(Ordering::Relaxed))
}

/// Whether the program was stopped by SIGTERM.
pub fn is_terminated() -> bool {
    let listening = LISTENING.lock().unwrap_or_else(PoisonError::into_inner);
    listening.as_ref().is_some_and(|listening| listening.terminated.load(Ordering::Relaxed))
}
