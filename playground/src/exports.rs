//! What a host of WebAssembly sees: four functions. No memory is handed over in either direction: both texts stay here, and
//! the host writes and reads them in place.
//!
//! The only unsafe code is that names are not mangled. Each is defined once in this module, and nothing that is linked with it
//! defines symbols of these names: the linker would refuse two.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::run::run as run_program;

/// What the host has written, and what it is told. One thread runs here, so that nobody ever waits for them.
static TEXT: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static ANSWER: Mutex<Vec<u8>> = Mutex::new(Vec::new());

/// Memory for so many bytes, until the next call.
#[unsafe(no_mangle)]
pub extern "C" fn alloc(length: usize) -> *mut u8 {
    let mut text = lock(&TEXT);
    *text = vec![0; length];
    text.as_mut_ptr()
}

/// Runs a program: the name and the text that were written, the name being the first so many bytes. Gives the length of the
/// answer.
#[unsafe(no_mangle)]
pub extern "C" fn run(name_length: usize) -> usize {
    let written = std::mem::take(&mut *lock(&TEXT));
    let (name, text) = written.split_at(name_length.min(written.len()));
    let answer = run_program(&String::from_utf8_lossy(name), &String::from_utf8_lossy(text));
    let length = answer.len();
    *lock(&ANSWER) = answer.into_bytes();
    length
}

/// Where the answer is, until the next call of [`run`].
#[unsafe(no_mangle)]
pub extern "C" fn answer() -> *const u8 {
    lock(&ANSWER).as_ptr()
}

/// The edition of instructions and code objects, for hosts that keep several builds.
#[unsafe(no_mangle)]
pub extern "C" fn edition() -> u32 {
    quipu::code::EDITION
}

fn lock(text: &Mutex<Vec<u8>>) -> MutexGuard<'_, Vec<u8>> {
    text.lock().unwrap_or_else(PoisonError::into_inner)
}
