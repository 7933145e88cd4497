//! What Ctrl-C does: the first one stops the program, so that it ends with its trace; the second one ends the process, for
//! programs that wait for something outside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use quipu::vm::Vm;
use signal_hook::SigId;
use signal_hook::consts::SIGINT;
use signal_hook::{flag, low_level};

use super::ending::Exit;

/// Signals are the process's, and so is what listens to them. The signal's handler does all of it, so there is no thread
/// that waits.
static LISTENING: Mutex<Option<Listening>> = Mutex::new(None);

/// Whether somebody else sees to Ctrl-C.
static LEFT: AtomicBool = AtomicBool::new(false);

struct Listening {
    pressed: Arc<AtomicBool>,
    /// What stops the machine that was named last.
    stops: Option<SigId>,
}

/// Ctrl-C stops this machine from now on, and none that was named before.
pub fn stop(vm: &Vm) {
    if LEFT.load(Ordering::Relaxed) {
        return;
    }
    let mut listening = LISTENING.lock().unwrap_or_else(PoisonError::into_inner);
    let listening = listening.get_or_insert_with(|| {
        let pressed = Arc::new(AtomicBool::new(false));
        // In this order: the first signal finds that there was none before. Where there is no such thing as Ctrl-C,
        // programs run all the same.
        let _ = flag::register_conditional_shutdown(SIGINT, Exit::Interrupted as i32, pressed.clone());
        let _ = flag::register(SIGINT, pressed.clone());
        Listening { pressed, stops: None }
    });
    let stops = flag::register(SIGINT, vm.interrupt_handle().into_flag()).ok();
    std::mem::replace(&mut listening.stops, stops).map(low_level::unregister);
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
