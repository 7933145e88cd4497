//! Places in a source text: byte spans, and the text with its name that they are relative to.

use std::sync::Arc;

/// A half-open range of bytes in one source text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Span {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// The span from byte `start` up to, not including, byte `end`.
    pub const fn new(start: u32, end: u32) -> Span {
        Span { start, end }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Span) -> Span {
        Span::new(self.start.min(other.start), self.end.max(other.end))
    }
}

/// A source text under the name that diagnostics and traces show, with an index of its lines.
///
/// A text is at most 4 GiB - 1 bytes long; the parser refuses longer ones before any span is made.
#[derive(Clone, Debug)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
    line_starts: Arc<[u32]>,
}

impl Source {
    /// Takes a text and the name it is shown under (a path, or something like `<stdin>`).
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Source {
        let text = text.into();
        let mut starts = vec![0];
        starts.extend(text.bytes().enumerate().filter(|&(_, b)| b == b'\n').map(|(i, _)| i as u32 + 1));
        Source { name: name.into(), text, line_starts: starts.into() }
    }

    /// The name the text is shown under.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Line and column of a byte offset, both counted from 1; the column counts code points.
    /// Offsets past the end give the end.
    pub fn line_column(&self, offset: u32) -> (u32, u32) {
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let start = self.line_starts[line - 1] as usize;
        let end = (offset as usize).min(self.text.len());
        let column = match self.text.get(start..end) {
            Some(before) => before.chars().count(),
            None => end.saturating_sub(start),
        };
        (line as u32, column as u32 + 1)
    }

    /// The text of a line, counted from 1, without what ends it.
    pub fn line(&self, line: u32) -> Option<&str> {
        let index = (line as usize).checked_sub(1)?;
        let start = *self.line_starts.get(index)? as usize;
        let end = self.line_starts.get(index + 1).map_or(self.text.len(), |&end| end as usize - 1);
        Some(self.text[start..end].trim_end_matches('\r'))
    }

    /// The line that holds an offset: its first byte, the byte after it, and its number from 1. Offsets past the end
    /// belong to the last line.
    pub fn line_at(&self, offset: u32) -> (u32, u32, u32) {
        let line = self.line_starts.partition_point(|&start| start <= offset);
        let end = self.line_starts.get(line).copied().unwrap_or(u32::MAX);
        (self.line_starts[line - 1], end, line as u32)
    }

    /// Number of lines; a text that ends in a newline has an empty last line.
    pub fn line_count(&self) -> usize {
        self.line_starts.len()
    }
}
