//! `vm explain`: what a code means.

use std::process::ExitCode;

use quipu::code::closest;
use quipu::report::{Shown, codes, explain_plain, title};

use super::ending::Exit;
use super::terminal::show;

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
    show(&Shown::text(&text));
    Ok(Exit::Ok.into())
}
