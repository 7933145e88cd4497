//! `vm completions`: what a shell needs to complete command lines of `vm`.

use std::process::ExitCode;

use clap_complete::{Shell, generate};
use quipu::report::Shown;

use super::ending::Exit;
use super::help::declared;
use super::terminal::show;

/// Prints the script for a shell.
pub fn completions(shell: Shell) -> ExitCode {
    show(&Shown::text(&script(shell)));
    Exit::Ok.into()
}

fn script(shell: Shell) -> String {
    let mut script = Vec::new();
    generate(shell, &mut declared(), "vm", &mut script);
    let mut script = String::from_utf8_lossy(&script).into_owned();
    for (from, to) in changes(shell) {
        script = script.replacen(from, to, 1);
    }
    match shell {
        Shell::Bash => script + include_str!("complete.bash"),
        Shell::Fish => script + "complete -c vm -n \"__fish_vm_needs_command\" -F\n",
        _ => script,
    }
}

/// What has to be otherwise in clap's script. It offers commands alone where the first word stands, and `vm` runs files.
fn changes(shell: Shell) -> &'static [(&'static str, &'static str)] {
    match shell {
        Shell::Zsh => &[
            ("\":: :_vm_commands\" \\\n\"*::: :->vm\"", "\":: :_vm_commands_or_files\" \\\n\"*::: :->vm\""),
            (
                "(( $+functions[_vm_commands] )) ||",
                "(( $+functions[_vm_commands_or_files] )) ||\n_vm_commands_or_files() {\n    _alternative \
                 'commands:command:_vm_commands' 'files:file:_files'\n}\n\n(( $+functions[_vm_commands] )) ||",
            ),
        ],
        // Where the value of an option is still to come, there is no command either.
        Shell::Fish => &[("    or return\n", "    or return 0\n")],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn nothing_in_a_script_is_what_a_terminal_obeys() {
        for &shell in Shell::value_variants() {
            let script = script(shell);
            // Tabs would become spaces.
            assert_eq!(Shown::text(&script).as_str(), script, "{shell}");
            for (from, to) in changes(shell) {
                assert!(script.contains(to) && (to.contains(from) || !script.contains(from)), "{shell}: {from}");
            }
        }
    }
}
