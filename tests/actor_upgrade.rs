//! What operators do before and after an upgrade of `vm serve`, from outside: the program's engine edition, a file of an
//! older version, an actor that does not come back as it was.
#![cfg(feature = "serve")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use quipu::actor::store::SqliteStore;
use quipu::code::hash::GraphHash;
use quipu::stdlib::EngineEdition;
use quipu::stdlib::engine_edition;

use crate::program::{Scratch, vm, vm_in};
use crate::served::Server;

const STORED: &str = "tests/golden/stores/engine_1/closed.db";

fn stop(mut server: Server) {
    let ended = Command::new("kill").arg(server.child.id().to_string()).status().unwrap();
    assert!(ended.success() && server.child.wait().unwrap().success());
}

fn serve(folder: &Path) -> Server {
    let mut server = Server::start(folder, &["--data", "data.db"]);
    server.wait_until_it_listens();
    server
}

#[test]
fn the_program_tells_its_engine_edition() {
    let line = format!(
        "{{\"version\":\"{}\",\"edition\":2,\"engine\":\"{}\"}}\n",
        env!("CARGO_PKG_VERSION"),
        engine_edition()
    );
    for words in [["--version", "--json"], ["--json", "--version"], ["version", "--json"], ["--json", "-V"]] {
        vm(&words).ends(0).prints(&line).says_nothing();
    }
}

#[test]
fn a_file_of_version_1_is_served_behind_a_copy() {
    let scratch = Scratch::new("upgrade");
    let folder = &scratch.0;
    fs::copy(STORED, folder.join("data.db")).unwrap();
    // Looking leaves it what it is.
    assert!(vm_in(folder, &["serve", "--check", "data.db"]).ends(0).out.contains("ok, 6 actors"));
    vm_in(folder, &["actor", "recover", "--data", "data.db"]).ends(0).prints("[]\n");
    assert!(!folder.join("data.db.v1").exists());
    let server = serve(folder);
    vm_in(folder, &["call", "unix:socket", "--actor", "bank", "--invoke", "count", "1"]).ends(0).prints("15\n");
    stop(server);
    for file in ["data.db", "data.db.v1"] {
        assert_eq!(fs::metadata(folder.join(file)).unwrap().permissions().mode() & 0o777, 0o600, "{file}");
    }
    // The old one is the same as ever.
    assert_eq!(fs::read_dir(folder).unwrap().filter(|it| it.as_ref().unwrap().path().is_file()).count(), 2);
    assert!(vm_in(folder, &["serve", "--check", "data.db.v1"]).ends(0).out.contains("ok, 6 actors"));
    assert!(vm_in(folder, &["serve", "--check", "data.db"]).ends(0).out.contains("ok, 6 actors"));
}

#[test]
fn an_actor_that_is_held_goes_on_when_its_operator_has_decided() {
    let scratch = Scratch::new("held");
    let folder = &scratch.0;
    fs::copy(STORED, folder.join("data.db")).unwrap();
    let mut store = SqliteStore::open(&folder.join("data.db")).unwrap();
    for actor in ["lists", "types"] {
        store
            .forge(actor, 3, |entry| (entry.outcome, entry.engine) = (GraphHash([3; 32]), Some(EngineEdition([5; 32]))))
            .unwrap();
    }
    drop(store);
    let said = vm_in(folder, &["serve", "--check", "data.db"]).ends(5).err;
    assert!(said.contains("actor `lists`: call 3 cannot be repeated") && said.contains("actor `types`"), "{said}");
    let server = serve(folder);
    let call = |actor: &str| vm_in(folder, &["call", "unix:socket", "--actor", actor, "-e", "|s| s.len()"]);
    for actor in ["lists", "types"] {
        call(actor).ends(1).says("is held").says("call 3").says("vm actor recover ADDRESS NAME --to 2");
    }
    call("bank").ends(0);
    let listed = vm_in(folder, &["actor", "list", "unix:socket"]).ends(0).out;
    assert!(listed.contains("\"name\":\"lists\",\"epoch\":3,\"seq\":10,\"held\":3"), "{listed}");
    let info = vm_in(folder, &["actor", "info", "unix:socket", "types"]).ends(0).out;
    assert!(info.contains("\"held\":{\"step\":3") && info.contains("\"gives_text\":\"("), "{info}");
    vm_in(folder, &["actor", "recover", "lists", "--data", "data.db", "--accept"])
        .ends(2)
        .says("stop it, or give its address");
    // At a server that runs.
    let ask = |words: &[&str]| vm_in(folder, &[&["actor", "recover", "unix:socket"], words].concat());
    ask(&["lists"]).ends(2);
    ask(&["lists", "--accept", "--dry-run"]).ends(2);
    ask(&["nobody", "--accept"]).ends(1).says("there is no actor \"nobody\"");
    ask(&["text", "--to", "99"]).ends(1).says("is at step 12");
    assert!(ask(&["text", "--to", "7"]).ends(0).out.contains("\"seq\":7,\"cut\":5"));
    call("text").ends(0);
    stop(server);
    // What is not held can be taken back as well.
    assert!(vm_in(folder, &["actor", "recover", "text", "--data", "data.db"]).ends(0).out.contains("\"seq\":8"));

    let recover = |words: &[&str]| vm_in(folder, &[&["actor", "recover", "--data", "data.db"], words].concat());
    let held = recover(&[]).ends(0).out;
    assert!(held.contains("\"name\":\"lists\"") && held.contains("\"name\":\"types\""), "{held}");
    recover(&["--to", "2"]).ends(2);
    recover(&["lists", "--to", "2", "--accept"]).ends(2);
    recover(&["nobody", "--to", "2"]).ends(1).says("there is no actor \"nobody\"");
    recover(&["lists", "--to", "99"]).ends(1).says("is at step 10");
    recover(&["lists", "--to", "3"]).ends(1).says("choose `--to 2`");
    let would = recover(&["lists", "--to", "2", "--dry-run"]).ends(0).out;
    assert!(would.contains("\"seq\":2,\"cut\":8") && would.contains("\"dry_run\":true"), "{would}");
    assert!(recover(&["lists"]).ends(0).out.contains("\"seq\":10"));
    assert!(recover(&["lists", "--to", "2"]).ends(0).out.contains("\"dry_run\":false"));
    let shown = recover(&["lists"]).ends(0).out;
    assert!(shown.contains("\"seq\":2,\"snapshots\":[0],\"held\":null,\"cut\":[{\"turn\":1,\"seq\":3"), "{shown}");
    let accepted = recover(&["types", "--accept"]).ends(0).out;
    assert!(accepted.contains("\"seq\":12,\"cut\":0,\"accepted\":1,\"first\":[{\"step\":3"), "{accepted}");
    recover(&[]).ends(0).prints("[]\n");

    let server = serve(folder);
    call("lists").ends(0).prints("1\n");
    call("types").ends(0);
    stop(server);
    assert!(vm_in(folder, &["serve", "--check", "data.db"]).ends(0).out.contains("ok, 6 actors"));
}
