//! The lines of a source around some spans, made safe to show, with the spans moved along.

use std::ops::Range;

use quipu_code::span::{Source, Span};

use super::clean::source_char;

/// Lines longer than this are not shown at all: nobody reads them, and laying them out takes long.
const LONGEST_LINE: usize = 4096;
/// Most lines between the first and the last span.
const MOST_LINES: usize = 2000;

/// Whole lines of a source.
pub(super) struct Excerpt {
    /// The lines.
    pub text: String,
    /// Number of the first line, from 1.
    pub first_line: usize,
    /// Offset in the source of each piece that grew or shrank, and the offset it has here; sorted.
    moved: Vec<(usize, usize)>,
    start: usize,
    end: usize,
}

impl Excerpt {
    /// The lines from the first span's start to the last span's end. Nothing if they are too long to be shown.
    pub fn around(source: &Source, spans: impl IntoIterator<Item = Span>) -> Option<Excerpt> {
        let text = source.text();
        let (mut first, mut last) = (usize::MAX, 0);
        for span in spans {
            let span = inside(text, span);
            first = first.min(span.start);
            last = last.max(span.end);
        }
        let first = first.min(last);
        let start = text[..first].rfind('\n').map_or(0, |newline| newline + 1);
        let end = text[last..].find('\n').map_or(text.len(), |newline| last + newline);
        let lines = &text[start..end];
        let lines = lines.strip_suffix('\r').unwrap_or(lines);
        let end = start + lines.len();
        if lines.split('\n').any(|line| line.len() > LONGEST_LINE) || lines.split('\n').nth(MOST_LINES).is_some() {
            return None;
        }
        let mut out = String::with_capacity(lines.len());
        let mut moved = vec![(start, 0)];
        for (at, c) in lines.char_indices() {
            // The renderer breaks lines at `\r\n` itself.
            let shown = if c == '\r' && lines[at + 1..].starts_with('\n') { c } else { source_char(c) };
            out.push(shown);
            if shown.len_utf8() != c.len_utf8() {
                moved.push((start + at + c.len_utf8(), out.len()));
            }
        }
        Some(Excerpt { text: out, first_line: source.line_column(start as u32).0 as usize, moved, start, end })
    }

    /// Where a span of the source lies in `text`.
    pub fn range(&self, source: &Source, span: Span) -> Range<usize> {
        let span = inside(source.text(), span);
        self.offset(span.start)..self.offset(span.end)
    }

    fn offset(&self, offset: usize) -> usize {
        let offset = offset.clamp(self.start, self.end);
        let piece = self.moved.partition_point(|&(from, _)| from <= offset) - 1;
        let (from, to) = self.moved[piece];
        to + (offset - from)
    }
}

/// The span as a range of whole characters inside the text, whatever it was.
pub(super) fn inside(text: &str, span: Span) -> Range<usize> {
    let start = text.floor_char_boundary((span.start as usize).min(text.len()));
    let end = text.ceil_char_boundary((span.end as usize).clamp(start, text.len()));
    start..end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_move_with_replaced_characters() {
        let source = Source::new("t", "one\n\x1bx\u{9b}yz\nthree");
        let excerpt = Excerpt::around(&source, [Span::new(8, 9)]).unwrap();
        assert_eq!(excerpt.text, "␛x\u{fffd}yz");
        assert_eq!(excerpt.first_line, 2);
        assert_eq!(&excerpt.text[excerpt.range(&source, Span::new(8, 9))], "y");
        assert_eq!(&excerpt.text[excerpt.range(&source, Span::new(4, 5))], "␛");
    }

    #[test]
    fn a_span_outside_is_cut_to_the_text() {
        let source = Source::new("t", "añ");
        let excerpt = Excerpt::around(&source, [Span::new(2, 99)]).unwrap();
        assert_eq!(excerpt.range(&source, Span::new(2, 99)), 1..3);
        assert_eq!(excerpt.range(&source, Span::new(50, 40)), 3..3);
    }

    #[test]
    fn an_overlong_line_is_not_shown() {
        let source = Source::new("t", "x".repeat(10_000));
        assert!(Excerpt::around(&source, [Span::new(5, 6)]).is_none());
    }
}
