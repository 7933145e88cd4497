//! What the front end has to say about a source: a code, a title, labelled spans, notes and patches.

use quipu_code::span::{Source, Span};

/// How bad it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Severity {
    /// The program cannot run.
    Error,
    /// The program runs, but something in it is probably a mistake.
    Warning,
}

/// One finding about a source text. Rendering is somebody else's job; this is data.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Stable code such as `Q0201`; never reused for another meaning.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One line that says what is wrong.
    pub title: String,
    /// The place it is about, with a short remark that may be empty.
    pub primary: Label,
    /// Other places that explain it.
    pub secondary: Vec<Label>,
    /// A sentence of background, if there is one.
    pub note: Option<String>,
    /// What to do about it, if that is known.
    pub help: Option<Help>,
}

/// A remark on a span.
#[derive(Clone, Debug)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What is to be said there; may be empty.
    pub text: String,
}

/// Advice, with the edit that would carry it out where there is one.
#[derive(Clone, Debug)]
pub struct Help {
    /// The advice as a sentence fragment: "write `==` to compare".
    pub text: String,
    /// Replacement of a span by a text, to be shown as a patch.
    pub patch: Option<(Span, String)>,
    /// Whether the edit may be made unasked: the text could not compile, and there is one way to read it.
    pub safe: bool,
}

impl Help {
    /// Advice without an edit.
    pub fn text(text: impl Into<String>) -> Help {
        Help { text: text.into(), patch: None, safe: false }
    }

    /// Advice that one edit carries out.
    pub fn patch(text: impl Into<String>, span: Span, replacement: impl Into<String>) -> Help {
        Help { text: text.into(), patch: Some((span, replacement.into())), safe: false }
    }

    /// Advice that one edit carries out, which may be made unasked.
    pub fn safe_patch(text: impl Into<String>, span: Span, replacement: impl Into<String>) -> Help {
        Help { safe: true, ..Help::patch(text, span, replacement) }
    }
}

impl Diagnostic {
    /// An error with an unlabelled primary span.
    pub fn error(code: &'static str, span: Span, title: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: Severity::Error,
            title: title.into(),
            primary: Label { span, text: String::new() },
            secondary: Vec::new(),
            note: None,
            help: None,
        }
    }

    /// Says something at the primary span.
    pub fn label(mut self, text: impl Into<String>) -> Diagnostic {
        self.primary.text = text.into();
        self
    }

    /// Points at a second place.
    pub fn also(mut self, span: Span, text: impl Into<String>) -> Diagnostic {
        self.secondary.push(Label { span, text: text.into() });
        self
    }

    /// Adds background.
    pub fn note(mut self, text: impl Into<String>) -> Diagnostic {
        self.note = Some(text.into());
        self
    }

    /// Adds advice without an edit.
    pub fn help(mut self, text: impl Into<String>) -> Diagnostic {
        self.help = Some(Help::text(text));
        self
    }

    /// Adds advice that one edit carries out.
    pub fn patch(mut self, text: impl Into<String>, span: Span, replacement: impl Into<String>) -> Diagnostic {
        self.help = Some(Help::patch(text, span, replacement));
        self
    }

    /// Adds advice that one edit carries out, which may be made unasked.
    pub fn safe_patch(mut self, text: impl Into<String>, span: Span, replacement: impl Into<String>) -> Diagnostic {
        self.help = Some(Help::safe_patch(text, span, replacement));
        self
    }
}

/// All findings about one source.
#[derive(Clone, Debug)]
pub struct Diagnostics {
    /// The source that the spans are relative to.
    pub source: Source,
    /// The findings, in the order of their primary spans.
    pub list: Vec<Diagnostic>,
}
