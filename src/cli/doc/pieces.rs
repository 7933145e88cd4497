//! The pieces of a text in the manual: paragraphs, programs, lists.

/// A piece of Markdown: what the manual and comments use of it.
pub(super) enum Piece<'t> {
    Paragraph(String),
    /// Its lines, and whether it is a program.
    Code(Vec<&'t str>, bool),
    /// Points of a list.
    List(Vec<String>),
}

/// The pieces of a text.
pub(super) fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let code = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
            pieces.push(Piece::Code(code, language.starts_with("quipu")));
        } else if let Some(point) = line.strip_prefix("- ") {
            match pieces.last_mut() {
                Some(Piece::List(points)) => points.push(point.to_owned()),
                _ => pieces.push(Piece::List(vec![point.to_owned()])),
            }
        } else if line.trim().is_empty() {
            pieces.push(Piece::Paragraph(String::new()));
        } else {
            match pieces.last_mut() {
                Some(Piece::Paragraph(text)) if !text.is_empty() => {
                    text.push(' ');
                    text.push_str(line.trim());
                }
                Some(Piece::List(points)) if line.starts_with("  ") => {
                    if let Some(point) = points.last_mut() {
                        point.push(' ');
                        point.push_str(line.trim());
                    }
                }
                _ => pieces.push(Piece::Paragraph(line.trim().to_owned())),
            }
        }
    }
    pieces.retain(|piece| !matches!(piece, Piece::Paragraph(text) if text.is_empty()));
    pieces
}

/// What stands between backticks in a paragraph, and what does not, in turns; the first is plain.
pub(super) fn spans(paragraph: &str) -> Vec<String> {
    paragraph.split('`').map(|span| span.replace("\\*", "*").replace("\\_", "_")).collect()
}
