//! What Ctrl-C does: the first one stops the program, so that it ends with its trace; the second one ends the process, for
//! programs that wait for something outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use quipu::vm::Vm;
use signal_hook::SigId;
use signal_hook::consts::SIGINT;
use signal_hook::{flag, low_level};

use super::exit::Exit;

/// Listens to Ctrl-C. The signal's handler does all of it, so there is no thread that waits.
pub struct CtrlC {
    pressed: Arc<AtomicBool>,
    /// What stops the machine that was named last.
    stops: Option<SigId>,
}

impl CtrlC {
    pub fn new() -> CtrlC {
        let pressed = Arc::new(AtomicBool::new(false));
        // In this order: the first signal finds that there was none before. Where there is no such thing as Ctrl-C,
        // programs run all the same.
        let _ = flag::register_conditional_shutdown(SIGINT, Exit::Interrupted as i32, pressed.clone());
        let _ = flag::register(SIGINT, pressed.clone());
        CtrlC { pressed, stops: None }
    }

    /// It stops this machine from now on, and none that was named before.
    pub fn stop(&mut self, vm: &Vm) {
        let before = std::mem::replace(&mut self.stops, flag::register(SIGINT, vm.interrupt_handle().into_flag()).ok());
        before.map(low_level::unregister);
    }

    /// Whether it has happened.
    pub fn is_pressed(&self) -> bool {
        self.pressed.load(Ordering::Relaxed)
    }
}
