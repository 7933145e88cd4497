//! The one door to code of the host. What panics behind it comes back as text, so that nothing of the machine's own is
//! left half done.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs code of the host: a resolver, a listener, an output.
///
/// What it works on may be seen after a panic. That is right for data of the host, which keep themselves whole, and for
/// machines: calls into them put them right whatever passes through.
///
/// # Errors
/// The message of the panic that ended it.
#[inline]
pub fn caught<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(run)).map_err(text_of)
}

/// Drops what belongs to the host. A panic in that is told by the panic hook alone: whoever drops has no use for it.
pub fn dispose<T>(value: T) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(move || drop(value))) {
        text_of(panic);
    }
}

/// What is said of a panic.
pub(crate) fn told(name: &str, text: &str) -> String {
    format!("{name}: the host's function panicked: {text}")
}

/// The message of a panic, which is over with this.
#[cold]
fn text_of(mut panic: Box<dyn Any + Send>) -> String {
    /// How many payloads are dropped, each of which panics with the next one.
    const MOST: usize = 8;
    let text = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "without a message".to_owned(),
    };
    // A payload is the host's, so dropping it may panic as well.
    for _ in 0..MOST {
        match catch_unwind(AssertUnwindSafe(move || drop(panic))) {
            Ok(()) => return text,
            Err(next) => panic = next,
        }
    }
    // It goes on like this. What is left is not dropped.
    std::mem::forget(panic);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Panics when it is dropped, so many times in a row.
    struct Angry(usize);

    impl Drop for Angry {
        fn drop(&mut self) {
            if let Some(next) = self.0.checked_sub(1) {
                std::panic::panic_any(Angry(next));
            }
        }
    }

    #[test]
    fn a_payload_that_panics_is_disposed_of() {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {}));
        for times in [1, 5, 100] {
            assert_eq!(caught(|| -> i64 { std::panic::panic_any(Angry(times)) }), Err("without a message".to_owned()));
            dispose(Angry(times));
        }
        std::panic::set_hook(hook);
        assert_eq!(caught(|| 1), Ok(1));
    }
}
