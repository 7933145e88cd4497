//! The only place that knows LALRPOP: runs the generated parser over the tokens of one piece.

use lalrpop_util::{ParseError, lalrpop_mod};

use super::build::Builder;
use super::parts::Piece;
use crate::token::{Kind, Token};

lalrpop_mod!(
    #[allow(missing_docs, unused_qualifications, clippy::all, clippy::pedantic)]
    generated,
    "/parse/grammar.rs"
);

/// Where a piece stopped making sense.
#[derive(Debug)]
pub struct Stop {
    /// Index of the token that does not fit; None if the piece ends too early.
    pub at: Option<usize>,
    /// What would have fitted: the terminals of the grammar by their names there.
    pub expected: Vec<String>,
}

/// The parser with its tables.
pub struct Grammar {
    parser: generated::PieceParser,
}

impl Grammar {
    /// The parser.
    pub fn new() -> Grammar {
        Grammar { parser: generated::PieceParser::new() }
    }

    /// Parses the tokens of a piece, which is of the sort that `sort` names.
    pub fn parse<'s>(&self, sort: Kind, tokens: &[Token], builder: &mut Builder<'s>) -> Result<Piece<'s>, Stop> {
        let start = tokens.first().map_or(0, |token| token.span.start);
        let triples = tokens.iter().map(|token| (token.span.start, token.kind, token.span.end));
        let result = self.parser.parse(builder, std::iter::once((start, sort, start)).chain(triples));
        let error = match result {
            Ok(()) => return builder.take_piece().ok_or(Stop { at: None, expected: Vec::new() }),
            Err(error) => error,
        };
        let (place, expected) = match error {
            ParseError::UnrecognizedToken { token, expected } => (Some((token.0, token.1)), expected),
            ParseError::ExtraToken { token } => (Some((token.0, token.1)), Vec::new()),
            ParseError::UnrecognizedEof { expected, .. } => (None, expected),
            ParseError::InvalidToken { .. } | ParseError::User { .. } => (None, Vec::new()),
        };
        let at = place
            .and_then(|(start, kind)| tokens.iter().position(|token| token.span.start == start && token.kind == kind));
        Err(Stop { at, expected })
    }
}
