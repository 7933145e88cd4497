//! Calls per second of a node: `cargo run --profile dist -p quipu-actor --example rate [FILE]`, in memory or in a file.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use quipu_actor::ClientId;
use quipu_actor::call::{Call, CallOrigin, CallOutcome, Target};
use quipu_actor::node::{Node, NodeOptions};
use quipu_actor::store::{MemoryStore, SqliteStore, Store};
use quipu_code::hash::GraphHash;
use quipu_code::span::Source;
use quipu_lang::compile::compile;
use quipu_lang::parse::parse;
use quipu_stdlib::Grant;
use quipu_vm::image::Form;
use quipu_vm::{Image, Limits, Vm};

const ADD: &str = "|state, by| { state[\"n\"] = state.get(\"n\", 0) + by; state[\"n\"] }";

fn image(text: &str) -> Result<Image, String> {
    let source = Source::new("rate.qp", text);
    let names = quipu_stdlib::names(&Grant::pure());
    let unit = compile(&parse(&source), &source, &[], &names, &[]).map_err(|found| format!("{found:?}"))?;
    let library = Arc::new(quipu_stdlib::library(&Grant::pure()));
    let failed = |failure: quipu_vm::Failure| failure.to_string();
    let mut vm = Vm::new(library, Limits::default()).map_err(failed)?;
    let main = vm.instantiate(&unit.main, &[]).map_err(failed)?;
    let result = vm.call(&main, &[]).map_err(failed)?;
    let value = vm.tuple_item(&result, 0).ok_or("no value")?;
    vm.image(&value).map_err(failed)
}

/// Calls of one client after the other, each waiting for its reply, for a second.
fn client(node: &Node, number: u8, hash: GraphHash, args: &[u8]) -> u64 {
    let (began, mut calls) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(1) {
        let (to, from) = sync_channel(1);
        calls += 1;
        let (actor, client, target) = ("a".into(), ClientId([number; 32]), Target::Function(hash));
        let call = Call { actor, client, request: calls, target, args: args.to_vec(), origin: CallOrigin::default() };
        let reply = Box::new(move |outcome| {
            let _ = to.send(outcome);
        });
        match node.submit(call, reply).map(|_| from.recv()) {
            Ok(Ok(CallOutcome::Done(_))) => {}
            other => panic!("{other:?}"),
        }
    }
    calls
}

fn main() -> Result<(), String> {
    let file = std::env::args().nth(1);
    let function = image(ADD)?;
    let args = image("[1]")?.dump(Form::default());
    println!("{:>9} entries  {:>7} clients  calls/s  of each commit", "", "");
    for entries in [10, 10_000, 1_000_000] {
        let init = image(&format!("let m = [:]\nfor i in 0..{entries} {{ m[\"k${{i}}\"] = i }}\nm"))?;
        for clients in [1u8, 32] {
            let store: Box<dyn Store> = match &file {
                Some(file) => {
                    for end in ["", "-wal", "-shm"] {
                        let _ = std::fs::remove_file(format!("{file}{end}"));
                    }
                    Box::new(SqliteStore::open(Path::new(file)).map_err(|error| error.to_string())?)
                }
                None => Box::new(MemoryStore::new()),
            };
            let options = NodeOptions::default().init(Some(init.dump(Form::default())));
            let node = Node::open(options, store).map_err(|error| error.to_string())?;
            node.put_function(&function.hash(), &function.dump(Form::default()), &[], &HashMap::new())?;
            // The first call makes the actor.
            client(&node, 200, function.hash(), &args);
            let before = node.figures();
            let hash = function.hash();
            let calls: u64 = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..clients)
                    .map(|n| {
                        scope.spawn({
                            let (node, args) = (&node, &args);
                            move || client(node, n, hash, args)
                        })
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
            });
            let after = node.figures();
            let each = (after.steps - before.steps) as f64 / (after.commits - before.commits).max(1) as f64;
            let spent = (after.nanoseconds - before.nanoseconds) / calls.max(1);
            println!("{entries:>9} entries  {clients:>7} clients  {calls:>7}  {each:.1}   {spent} ns in the machine");
        }
    }
    Ok(())
}
