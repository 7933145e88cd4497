//! The run loop: prepared code, frames, fibers, and the handlers that carry instructions out.

pub mod machine;
pub(crate) mod frame;
pub(crate) mod fiber;
pub(crate) mod prepare;

/// The word that fills prepared code in at its first call.
pub(crate) fn first_call() -> *const u64 {
    static FIRST: [u64; 1] = [0];
    FIRST.as_ptr()
}
