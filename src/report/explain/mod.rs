//! What every code means, with an example: the texts of `vm explain`, one file each.

use std::borrow::Cow;
use std::fmt::Write;

macro_rules! texts {
    ($($code:literal)*) => { &[$(($code, include_str!(concat!($code, ".md")))),*] };
}

/// By code, sorted.
const TEXTS: &[(&str, &str)] = texts! {
    // Tokens and grammar.
    "Q0101" "Q0102" "Q0103" "Q0104" "Q0105" "Q0106" "Q0107" "Q0108" "Q0110" "Q0111" "Q0112"
    // Names, modules and shapes.
    "Q0201" "Q0202" "Q0203" "Q0204" "Q0205" "Q0206" "Q0207" "Q0208" "Q0209"
    "Q0210" "Q0211" "Q0212" "Q0213" "Q0214" "Q0215" "Q0216" "Q0217" "Q0218" "Q0219"
    "Q0220" "Q0221" "Q0222"
    // What is right, and probably not meant.
    "Q0301"
    // Errors of the running program.
    "Q0401" "Q0402" "Q0403" "Q0404" "Q0405" "Q0406" "Q0407" "Q0408" "Q0409" "Q0410" "Q0411"
    "Q0412" "Q0413" "Q0414" "Q0415" "Q0416" "Q0417" "Q0418" "Q0419" "Q0420" "Q0421" "Q0422"
    // Limits.
    "Q0501" "Q0502" "Q0503" "Q0504"
};

/// Every code that has an explanation, in order.
pub fn codes() -> impl Iterator<Item = &'static str> {
    TEXTS.iter().map(|(code, _)| *code)
}

/// The explanation of a code as Markdown, whose blocks marked `quipu` run and whose blocks marked `quipu,fails` fail
/// with that code.
pub fn explain(code: &str) -> Option<&'static str> {
    let index = TEXTS.binary_search_by_key(&code, |(code, _)| code).ok()?;
    Some(TEXTS[index].1)
}

/// The first line of the explanation.
pub fn title(code: &str) -> Option<&'static str> {
    explain(code)?.lines().next()?.strip_prefix("# ")
}

/// The explanation as plain text for a terminal: code blocks are indented instead of fenced.
pub fn explain_plain(code: &str) -> Option<String> {
    let mut out = format!("{code}: ");
    let mut in_code = false;
    for line in explain(code)?.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if in_code {
            let _ = writeln!(out, "    {line}");
        } else {
            let _ = writeln!(out, "{}", wrap(line.trim_start_matches("# ")));
        }
    }
    Some(out)
}

/// Breaks a paragraph into lines of at most 80 characters.
fn wrap(paragraph: &str) -> Cow<'_, str> {
    const WIDTH: usize = 80;
    if paragraph.len() <= WIDTH {
        return paragraph.into();
    }
    let mut out = String::new();
    let mut column = 0;
    for word in paragraph.split(' ') {
        let width = word.chars().count();
        if column > 0 && column + 1 + width > WIDTH {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use quipu_vm::ErrorKind;

    #[test]
    fn the_table_is_sorted() {
        assert!(TEXTS.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn every_kind_of_error_is_explained_under_its_name() {
        for kind in ErrorKind::ALL {
            let text = explain(kind.code()).unwrap_or_else(|| panic!("{} has no explanation", kind.code()));
            assert!(text.starts_with(&format!("# {}: ", kind.name())), "{}", kind.code());
        }
    }

    #[test]
    fn plain_text_is_narrow_and_has_no_fences() {
        for code in codes() {
            let text = explain_plain(code).unwrap();
            assert!(!text.contains("```"), "{code}");
            assert!(
                text.lines().filter(|line| !line.starts_with("    ")).all(|line| line.chars().count() <= 90),
                "{text}"
            );
        }
    }
}
