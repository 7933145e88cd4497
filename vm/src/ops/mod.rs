//! What operators and built-in functions do to values: arithmetic, comparison, text, indexing.
