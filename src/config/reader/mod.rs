//! Reads TOML with the place of every key and value at hand, so that each mistake can be underlined and all mistakes
//! are found in one go. Knows TOML and the general forms of values, no key of this program.

mod section;
mod value;

pub(crate) use section::{Mistakes, Section};
pub(crate) use value::{
    LARGEST, Read, SMALLEST, Value, boolean, choice, duration, duration_or_zero, each, expected, fraction, integer,
    interval, json, or_auto, pairs, parsed, positive, size, table, text, wrong,
};
