//! Quipu's built-in functions, methods and standard modules.
