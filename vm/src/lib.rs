//! Quipu's machine: values, heap, frames, fibers and the run loop.
