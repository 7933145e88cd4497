//! What the help says behind the options: how words are told apart, exit codes.

use super::ending::EXITS;

/// Behind the help on all of `vm`.
pub fn of_all() -> String {
    let codes: Vec<String> = EXITS.iter().map(|(exit, short, _)| format!("{} {short}", *exit as u8)).collect();
    format!(
        "`vm help COMMAND` tells more about a command, `vm explain` about errors.\n\n\
         Options for vm stand before FILE; what stands behind it is for the program: `vm a.qp --fuel 10` gives \
         `--fuel 10` to a.qp. Options of a command may stand before it too: `vm --sandbox test` is `vm test --sandbox`.\n\n\
         Exit codes: {}; os.exit(n) gives n.",
        codes.join(", ")
    )
}
