//! A node as the server sees it: calls go to it as they are, operators' questions are answered in JSON.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};

use quipu_code::hash::{CodeHash, GraphHash};

use super::host::{CallHost, CancelCall, Reply, ReplyTo};
use crate::call::{Busy, Call, CodeBytes};
use crate::node::{Figures, Node, Way};
use crate::store::StoreError;
use crate::wire::Question;

/// How many questions of operators are looked into at once.
const QUESTIONS: usize = 16;

/// Those of this process that are.
static OPEN: AtomicUsize = AtomicUsize::new(0);

/// One of them.
struct Asked;

impl Asked {
    fn new() -> Option<Asked> {
        let asked = Asked;
        // Dropped, it counts no more.
        (OPEN.fetch_add(1, Ordering::Relaxed) < QUESTIONS).then_some(asked)
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        OPEN.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many lines of a log an operator is shown.
const LINES: usize = 100;

/// A reply that is told in any case: whoever loses it tells that nobody knows.
struct Told(Option<ReplyTo>);

impl Told {
    fn tell(mut self, reply: Reply) {
        if let Some(to) = self.0.take() {
            to(reply);
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(to) = self.0.take() {
            to(Reply::Lost);
        }
    }
}

impl CallHost for Node {
    fn call(&self, call: Call, reply: ReplyTo, now: bool) -> Result<CancelCall, Busy> {
        let told = Told(Some(reply));
        let tell = Box::new(move |outcome| told.tell(Reply::Called(outcome)));
        let ticket = if now { self.submit_now(call, tell) } else { self.submit(call, tell) }?;
        let node = self.clone();
        Ok(Box::new(move || node.cancel(&ticket)))
    }

    fn has_code(&self, code: &CodeHash) -> bool {
        Node::has_code(self, code)
    }

    fn put_function(
        &self,
        hash: &GraphHash,
        image: &[u8],
        codes: &[CodeHash],
        sent: &HashMap<CodeHash, CodeBytes>,
    ) -> Result<Vec<CodeHash>, String> {
        Node::put_function(self, hash, image, codes, sent)
    }

    fn ask(&self, question: Question, actor: &str, reply: ReplyTo) {
        let (node, actor) = (self.clone(), actor.to_owned());
        let told = Told(Some(reply));
        let Some(asked) = Asked::new() else {
            return told.tell(Reply::Told(Err(format!("{QUESTIONS} questions are being answered already: ask again"))));
        };
        // Looking through a store takes its time, and other connections must not wait for it. Without a thread to be had
        // the question is lost, and with it the connection.
        let look = move || {
            match question {
                Question::Snapshot => node
                    .snapshot(&actor, Box::new(move |step| told.tell(Reply::Told(step.and_then(|step| json(&step)))))),
                _ => told.tell(Reply::Told(answer(&node, question, &actor))),
            }
            drop(asked);
        };
        let _ = std::thread::Builder::new().name("actor question".to_owned()).spawn(look);
    }

    fn metrics(&self) -> String {
        figures(&self.figures())
    }
}

/// The figures of a node in the text format that Prometheus reads.
fn figures(node: &Figures) -> String {
    let mut text = String::new();
    let mut line = |name: &str, help: &str, values: &[(&str, u64)]| {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        let _ = writeln!(text, "# HELP quipu_node_{name} {help}\n# TYPE quipu_node_{name} {kind}");
        for (label, value) in values {
            let _ = writeln!(text, "quipu_node_{name}{label} {value}");
        }
    };
    line("actors", "Actors that were called and are in memory.", &[("", node.actors)]);
    line("named", "Actors that are in memory or have something to do.", &[("", node.named)]);
    line("displaced_total", "Actors that were put away for others.", &[("", node.displaced)]);
    line("memory_bytes", "Bytes of actors in memory, with what calls under way may add.", &[("", node.memory_bytes)]);
    line("memory_bytes_peak", "The most of them so far.", &[("", node.memory_peak)]);
    line("memory_bytes_limit", "As many as there may be.", &[("", node.memory_limit)]);
    line(
        "calls_total",
        "Calls that were carried out, by outcome.",
        &[
            ("{outcome=\"done\"}", node.done),
            ("{outcome=\"failed\"}", node.failed),
            ("{outcome=\"stopped\"}", node.stopped),
            ("{outcome=\"refused\"}", node.refused),
        ],
    );
    line("repeated_total", "Requests that came again and were not carried out again.", &[("", node.repeated)]);
    line("busy_total", "Calls for which there was no room.", &[("", node.busy)]);
    line("broken_total", "Calls that broke a machine.", &[("", node.panics)]);
    line(
        "functions_total",
        "Where functions that were called by hash were found.",
        &[("{in=\"memory\"}", node.hits), ("{in=\"store\"}", node.loads), ("{in=\"nowhere\"}", node.unknown)],
    );
    line("functions_bytes", "Bytes of functions and code that are kept ready.", &[("", node.cache_bytes)]);
    line("waiting_bytes", "Bytes of arguments that wait.", &[("", node.waiting_bytes)]);
    line("threads", "Threads that carry calls out.", &[("", node.threads)]);
    line("threads_holding", "Those of them whose call has not run for long.", &[("", node.holding)]);
    line("log_calls", "Calls of actors in memory since their newest snapshots.", &[("", node.log_calls)]);
    line("log_bytes", "Bytes of the arguments of these calls.", &[("", node.log_bytes)]);
    line("store_bytes", "Bytes of the store.", &[("", node.store_bytes)]);
    line("commits_total", "Commits of the store.", &[("", node.commits)]);
    line("committed_calls_total", "Calls in these commits.", &[("", node.steps)]);
    line("snapshots_total", "Snapshots that were taken.", &[("", node.snapshots)]);
    line("replayed_total", "Calls that were made again to bring actors back.", &[("", node.replayed)]);
    line("held_actors", "Actors that do not come back, and wait for an operator.", &[("", node.held)]);
    let _ = writeln!(text, "# HELP quipu_node_run_seconds_total Time in which calls ran.");
    let _ = writeln!(text, "# TYPE quipu_node_run_seconds_total counter");
    let _ = writeln!(text, "quipu_node_run_seconds_total {}", node.nanoseconds as f64 / 1e9);
    text
}

fn answer(node: &Node, question: Question, actor: &str) -> Result<String, String> {
    let failed = |error: StoreError| error.to_string();
    match question {
        Question::List => json(&node.list().map_err(failed)?),
        Question::Info => match node.info(actor).map_err(failed)? {
            Some(info) => json(&info),
            None => Err(format!("there is no actor {actor:?}")),
        },
        Question::Log => json(&node.log(actor, LINES).map_err(failed)?),
        Question::Gc | Question::GcDry => json(&node.gc(question == Question::GcDry).map_err(failed)?),
        Question::Accept => go_on(node, actor, Way::Accept),
        Question::To(step) => go_on(node, actor, Way::To(step)),
        Question::Snapshot => Err("a snapshot is taken elsewhere".to_owned()),
    }
}

fn go_on(node: &Node, actor: &str, way: Way) -> Result<String, String> {
    json(&node.release(actor, way).map_err(|error| error.to_string())?)
}

fn json(value: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}
