//! The product from outside: one binary, a module a theme.

mod witness;
