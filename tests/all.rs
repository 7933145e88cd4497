//! The tests that can share a process: one program is linked for all of them. What measures the memory of its own
//! process, wants the machine for itself or changes what panics do is a program of its own, `[[test]]` in `Cargo.toml`.

#![allow(clippy::duplicate_mod, reason = "what fuzzing does brings helpers that tests have as well")]

// What they share.
#[path = "support/batches.rs"]
mod batches;
#[cfg(feature = "run")]
#[path = "support/circles.rs"]
mod circles;
#[path = "support/damage.rs"]
mod damage;
#[path = "support/parts.rs"]
mod parts;
#[cfg(feature = "run")]
#[path = "support/program.rs"]
mod program;
#[cfg(feature = "serve")]
#[path = "support/served.rs"]
mod served;
#[cfg(feature = "actor")]
#[path = "support/server.rs"]
mod server;
mod support;
#[path = "support/typed/mod.rs"]
mod typed;

// The tests.
mod actor_module;
mod actor_programs;
mod actor_simulated;
mod actor_upgrade;
mod after_a_limit;
mod cli;
mod cli_docs;
mod cli_images;
mod cli_main;
mod cli_tests;
mod constant_stack;
mod corpus;
mod costs;
mod count_is_a_clock;
mod cut_anywhere;
mod damaged;
mod dependencies;
mod docs;
mod embedding;
mod engine;
mod examples;
mod golden_results;
mod golden_stores;
mod hostile_images;
mod house;
mod images;
mod large;
mod later;
mod limit_sweep;
mod misuse;
mod natives;
mod one_door;
mod playground;
mod programs;
mod scripts;
mod steps;
mod stops;
mod typed_code;
mod versions;
mod watch;

/// A file that nothing names would never run.
#[test]
fn every_file_is_a_module_here_or_a_program_of_its_own() {
    for package in ["", "actor/", "code/", "lang/"] {
        let read = |path: &str| std::fs::read_to_string(format!("{package}{path}")).unwrap();
        let (all, manifest) = (read("tests/all.rs"), read("Cargo.toml"));
        for entry in std::fs::read_dir(format!("{package}tests")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(module) = name.strip_suffix(".rs").filter(|name| *name != "all") else { continue };
            let shared = all.lines().any(|line| line == format!("mod {module};"));
            let apart = manifest.contains(&format!("path = \"tests/{name}\""));
            assert!(
                shared != apart,
                "{package}tests/{name} has to stand in {package}tests/all.rs or in {package}Cargo.toml"
            );
        }
    }
}
