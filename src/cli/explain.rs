//! `vm explain`: what a code means.

use std::io::Write;
use std::process::ExitCode;

use quipu::lang::diagnostic::closest;
use quipu::report::{codes, explain_plain, title};

use super::exit::Exit;
use super::terminal::Output;

/// Explains a code, or lists all of them.
pub fn explain(code: Option<&str>) -> Result<ExitCode, String> {
    let text = match code {
        Some(code) => {
            let code = code.to_uppercase();
            explain_plain(&code).ok_or_else(|| match closest(&code, codes()) {
                Some(near) => format!("there is no code `{code}`; did you mean {near}?"),
                None => format!("there is no code `{code}`; `vm explain` lists all"),
            })?
        }
        None => codes().map(|code| format!("{code}  {}\n", title(code).unwrap_or_default())).collect(),
    };
    let mut output = Output::new();
    let _ = output.write_all(text.as_bytes());
    let _ = output.flush();
    Ok(Exit::Ok.into())
}
