//! A progress bar for images that take long, on a terminal and nowhere else.

use std::cell::OnceCell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use quipu::report::Shown;
use quipu::vm::image::Progress;

use super::super::terminal::is_error_seen;

/// What is over before this is shown by its result alone.
const PATIENCE: Duration = Duration::from_millis(300);

/// Does what may take long: with a bar when it does, which is gone before anybody says how it went.
pub fn shown<T>(what: Shown, work: impl FnOnce(&mut Progress<'_>) -> T) -> T {
    let bar = Bar { what, since: Instant::now(), shown: OnceCell::new() };
    work(&mut bar.progress())
}

struct Bar {
    what: Shown,
    since: Instant,
    shown: OnceCell<ProgressBar>,
}

impl Bar {
    /// Moves the bar.
    fn progress(&self) -> Progress<'_> {
        if !is_error_seen() {
            return Progress::silent();
        }
        Progress::new(|done, of| {
            if self.since.elapsed() >= PATIENCE {
                let bar = self.shown.get_or_init(|| self.appear(of));
                bar.set_position(done as u64);
            }
        })
    }

    fn appear(&self, of: Option<usize>) -> ProgressBar {
        let (bar, template) = match of {
            Some(of) => (ProgressBar::new(of as u64), "{msg} {bar:30} {bytes}/{total_bytes} {eta}"),
            None => (ProgressBar::new_spinner(), "{msg} {spinner} {bytes}"),
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(self.what.as_str().to_owned());
        bar
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = self.shown.get() {
            bar.finish_and_clear();
        }
    }
}
