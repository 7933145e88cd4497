//! What a server has done so far, as numbers that monitoring asks for.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::wire::{Answer, Need, Request};

/// Upper bounds of the classes of latencies, in microseconds.
const CLASSES: [u64; 14] =
    [25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 1_000_000, 10_000_000];

/// Counters of one server.
#[derive(Default)]
pub struct Metrics {
    pub(super) connections: AtomicU64,
    pub(super) open: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) broken: AtomicU64,
    pub(super) late: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) sent: AtomicU64,
    pub(super) no_room: AtomicU64,
    waiting: AtomicU64,
    waiting_peak: AtomicU64,
    calls: AtomicU64,
    done: AtomicU64,
    failed: AtomicU64,
    stopped: AtomicU64,
    rejected: AtomicU64,
    busy: AtomicU64,
    needs_graph: AtomicU64,
    needs_code: AtomicU64,
    warm: AtomicU64,
    saved: AtomicU64,
    latencies: [AtomicU64; CLASSES.len()],
    latency_sum: AtomicU64,
    latency_count: AtomicU64,
}

pub(super) fn add(counter: &AtomicU64, number: usize) {
    counter.fetch_add(number as u64, Ordering::Relaxed);
}

opaque!(Metrics);

impl Metrics {
    /// So many bytes wait now.
    pub(super) fn waits(&self, bytes: usize) {
        self.waiting.store(bytes as u64, Ordering::Relaxed);
        self.waiting_peak.fetch_max(bytes as u64, Ordering::Relaxed);
    }

    /// A request has come in.
    pub(super) fn request(&self, request: &Request) {
        if let Request::Call { .. } = request {
            add(&self.calls, 1);
        }
    }

    /// A call came by hash, and its function of so many bytes was there.
    pub(super) fn warm(&self, saved: usize) {
        add(&self.warm, 1);
        add(&self.saved, saved);
    }

    /// An answer goes out.
    pub(super) fn answer(&self, answer: &Answer) {
        let counter = match answer {
            Answer::Done { .. } => &self.done,
            Answer::Failed { .. } => &self.failed,
            Answer::Stopped { .. } => &self.stopped,
            Answer::Refused { .. } => &self.rejected,
            Answer::Busy { .. } => &self.busy,
            Answer::Need { what: Need::Graph, .. } => &self.needs_graph,
            Answer::Need { what: Need::Codes(_), .. } => &self.needs_code,
            Answer::Welcome { .. } | Answer::Pong(_) | Answer::Answer { .. } | Answer::Going => return,
        };
        add(counter, 1);
    }

    /// A call took this long, from its arrival to its answer.
    pub(super) fn took(&self, time: Duration) {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        if let Some(class) = CLASSES.iter().position(|bound| micros <= *bound) {
            add(&self.latencies[class], 1);
        }
        self.latency_sum.fetch_add(micros, Ordering::Relaxed);
        add(&self.latency_count, 1);
    }

    /// All numbers in the text format that Prometheus reads.
    pub fn text(&self) -> String {
        let mut text = String::new();
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let mut line = |name: &str, kind: &str, help: &str, values: &[(&str, u64)]| {
            let _ = writeln!(text, "# HELP quipu_{name} {help}\n# TYPE quipu_{name} {kind}");
            for (label, value) in values {
                let _ = writeln!(text, "quipu_{name}{label} {value}");
            }
        };
        line("connections_total", "counter", "Connections accepted.", &[("", get(&self.connections))]);
        line("connections_open", "gauge", "Connections now.", &[("", get(&self.open))]);
        line(
            "connections_closed_total",
            "counter",
            "Connections that the server closed, by reason.",
            &[
                ("{reason=\"full\"}", get(&self.refused)),
                ("{reason=\"protocol\"}", get(&self.broken)),
                ("{reason=\"deadline\"}", get(&self.late)),
            ],
        );
        line("received_bytes_total", "counter", "Bytes from clients.", &[("", get(&self.received))]);
        line("sent_bytes_total", "counter", "Bytes to clients.", &[("", get(&self.sent))]);
        line(
            "waiting_bytes",
            "gauge",
            "Bytes that were sent and are not carried out, or were told and are not taken.",
            &[("", get(&self.waiting))],
        );
        line("waiting_bytes_peak", "gauge", "The most of them so far.", &[("", get(&self.waiting_peak))]);
        line("no_room_total", "counter", "How often there was no room for more of them.", &[("", get(&self.no_room))]);
        line("calls_total", "counter", "Calls that came in.", &[("", get(&self.calls))]);
        line(
            "answers_total",
            "counter",
            "Calls that were answered, by outcome.",
            &[
                ("{outcome=\"done\"}", get(&self.done)),
                ("{outcome=\"failed\"}", get(&self.failed)),
                ("{outcome=\"stopped\"}", get(&self.stopped)),
                ("{outcome=\"refused\"}", get(&self.rejected)),
                ("{outcome=\"busy\"}", get(&self.busy)),
            ],
        );
        line(
            "needs_total",
            "counter",
            "Functions that clients were asked for, by part.",
            &[("{part=\"graph\"}", get(&self.needs_graph)), ("{part=\"code\"}", get(&self.needs_code))],
        );
        line("warm_calls_total", "counter", "Calls whose function was there.", &[("", get(&self.warm))]);
        line("saved_bytes_total", "counter", "Bytes of graphs that hashes stood for.", &[("", get(&self.saved))]);
        let _ = writeln!(
            text,
            "# HELP quipu_call_seconds From the arrival of a call to its answer.\n# TYPE quipu_call_seconds histogram"
        );
        let mut below = 0;
        for (bound, count) in CLASSES.iter().zip(&self.latencies) {
            below += get(count);
            let _ = writeln!(text, "quipu_call_seconds_bucket{{le=\"{}\"}} {below}", *bound as f64 / 1e6);
        }
        let count = get(&self.latency_count);
        let _ = writeln!(text, "quipu_call_seconds_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(text, "quipu_call_seconds_sum {}", get(&self.latency_sum) as f64 / 1e6);
        let _ = writeln!(text, "quipu_call_seconds_count {count}");
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_add_up() {
        let metrics = Metrics::default();
        [10, 30, 70_000, 60_000_000].iter().for_each(|&micros| metrics.took(Duration::from_micros(micros)));
        let text = metrics.text();
        assert!(text.contains("_bucket{le=\"0.000025\"} 1\n"), "{text}");
        assert!(text.contains("_bucket{le=\"0.1\"} 3\n") && text.contains("_bucket{le=\"+Inf\"} 4\n"), "{text}");
        assert!(text.contains("quipu_call_seconds_sum 60.07004"), "{text}");
    }
}
