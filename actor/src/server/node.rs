//! A node as the server sees it: calls go to it as they are, operators' questions are answered in JSON.

use std::collections::HashMap;
use std::fmt::Write as _;

use super::host::{Busy, Call, CancelCall, CodeBytes, Host, Reply, ReplyTo};
use crate::node::Node;
use crate::store::StoreError;
use crate::wire::{Hash, Question};

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

impl Host for Node {
    fn call(&self, call: Call, reply: ReplyTo) -> Result<CancelCall, Busy> {
        let told = Told(Some(reply));
        let ticket = self.submit(call, Box::new(move |outcome| told.tell(Reply::Called(outcome))))?;
        let node = self.clone();
        Ok(Box::new(move || node.cancel(&ticket)))
    }

    fn has_code(&self, code: &Hash) -> bool {
        Node::has_code(self, code)
    }

    fn put_function(
        &self,
        hash: &Hash,
        image: &[u8],
        codes: &[Hash],
        sent: &HashMap<Hash, CodeBytes>,
    ) -> Result<Vec<Hash>, String> {
        Node::put_function(self, hash, image, codes, sent)
    }

    fn ask(&self, question: Question, actor: &str, reply: ReplyTo) {
        let (node, actor) = (self.clone(), actor.to_owned());
        let told = Told(Some(reply));
        // Looking through a store takes its time, and other connections must not wait for it.
        std::thread::spawn(move || match question {
            Question::Snapshot => {
                node.snapshot(&actor, Box::new(move |step| told.tell(Reply::Told(step.and_then(|step| json(&step))))))
            }
            _ => told.tell(Reply::Told(answer(&node, question, &actor))),
        });
    }

    fn metrics(&self) -> String {
        let mut text = String::new();
        if let Ok(serde_json::Value::Object(figures)) = serde_json::to_value(self.figures()) {
            for (name, value) in figures {
                let _ = writeln!(text, "# TYPE quipu_node_{name} gauge\nquipu_node_{name} {value}");
            }
        }
        text
    }
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
        Question::Snapshot => Err("a snapshot is taken elsewhere".to_owned()),
    }
}

fn json(value: &impl serde::Serialize) -> Result<String, String> {
    serde_json::to_string(value).map_err(|error| error.to_string())
}
