//! What the tests of the node share: functions out of source, calls, and what came of them.

#![allow(dead_code)]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use quipu_actor::ClientId;
use quipu_actor::call::{Busy, Call, CallOrigin, CallOutcome, Target};
use quipu_actor::node::{Node, NodeOptions, Ticket};
use quipu_actor::store::Store;
use quipu_code::hash::GraphHash;
use quipu_code::span::Source;
use quipu_lang::compile::compile;
use quipu_lang::parse::parse;
use quipu_stdlib::Grant;
use quipu_vm::image::Form;
use quipu_vm::{Image, Limits, Root, Vm};

/// A machine of a client.
pub fn machine() -> Vm {
    Vm::new(Arc::new(quipu_stdlib::library(&Grant::pure())), Limits::default()).expect("a machine")
}

/// The value of a program.
pub fn run(vm: &mut Vm, text: &str) -> Root {
    let source = Source::new("test.qp", text);
    let names = quipu_stdlib::names(&Grant::pure());
    let unit = compile(&parse(&source), &source, &[], &names, &[]).unwrap_or_else(|found| panic!("{text}: {found:?}"));
    let main = vm.instantiate(&unit.main, &[]).expect("main code");
    let result = vm.call(&main, &[]).unwrap_or_else(|failure| panic!("{text}: {failure}"));
    vm.tuple_item(&result, 0).expect("the last value")
}

/// The image of a program's value.
pub fn image(text: &str) -> Image {
    let mut vm = machine();
    let value = run(&mut vm, text);
    vm.image(&value).expect("a portable value")
}

/// The same as bytes, with code.
pub fn fat(text: &str) -> Vec<u8> {
    image(text).dump(Form::default())
}

/// What bytes of an image hold, as source.
pub fn shown(bytes: &[u8]) -> String {
    let mut vm = machine();
    let image = Image::parse(bytes, &()).expect("an image");
    let value = vm.load(&image).expect("a value");
    vm.repr(&value).expect("a text")
}

/// A client of a node.
pub struct Client<'n> {
    node: &'n Node,
    hash: ClientId,
    next: AtomicU64,
}

impl<'n> Client<'n> {
    /// A client with a hash made of this number.
    pub fn new(node: &'n Node, number: u8) -> Client<'n> {
        Client { node, hash: ClientId([number; 32]), next: AtomicU64::new(1) }
    }

    /// Makes a function known.
    pub fn send(&self, text: &str) -> GraphHash {
        let image = image(text);
        let hash = image.hash();
        let fat = image.dump(Form::default());
        let missing = self.node.put_function(&hash, &fat, &[], &HashMap::new()).expect("a function");
        assert!(missing.is_empty());
        hash
    }

    /// A call with this number.
    pub fn request(&self, request: u64, actor: &str, target: Target, args: &str) -> Call {
        Call { actor: actor.into(), client: self.hash, request, target, args: fat(args), origin: CallOrigin::default() }
    }

    /// Begins a call.
    pub fn begin(&self, call: Call) -> Result<(Ticket, Receiver<CallOutcome>), Busy> {
        let (to, from) = sync_channel(1);
        let ticket = self.node.submit(
            call,
            Box::new(move |outcome| {
                let _ = to.send(outcome);
            }),
        )?;
        Ok((ticket, from))
    }

    /// Makes a call and waits for its outcome; none if the store failed.
    pub fn wait(&self, call: Call) -> Option<CallOutcome> {
        let (_, from) = self.begin(call).ok()?;
        from.recv().ok()
    }

    /// Calls a function given as source.
    pub fn outcome(&self, actor: &str, function: &str, args: &str) -> CallOutcome {
        let target = Target::Function(self.send(function));
        self.target(actor, target, args)
    }

    /// Calls anything.
    pub fn target(&self, actor: &str, target: Target, args: &str) -> CallOutcome {
        let request = self.next.fetch_add(1, Ordering::Relaxed);
        self.wait(self.request(request, actor, target, args)).expect("an outcome")
    }

    /// Calls a function that gives something.
    pub fn call(&self, actor: &str, function: &str, args: &str) -> String {
        done(self.outcome(actor, function, args))
    }
}

/// What a call that ended well gave.
pub fn done(outcome: CallOutcome) -> String {
    match outcome {
        CallOutcome::Done(bytes) => shown(&bytes),
        CallOutcome::Failed { value, .. } => panic!("failed: {}", shown(&value)),
        other => panic!("{other:?}"),
    }
}

/// A node with few threads.
pub fn node(store: impl Store + 'static) -> Node {
    node_with(store, NodeOptions::default())
}

/// The same with options.
pub fn node_with(store: impl Store + 'static, options: NodeOptions) -> Node {
    Node::open(options.threads(2), Box::new(store)).expect("a node")
}
