//! Tests of code objects: what the checker refuses, that bytes have one form, what listings look like.

mod sample;
mod likely;
mod check;
mod bytes;
mod liveness;
mod listing;
mod random;
