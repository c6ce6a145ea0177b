//! The forms of values: how one is read, what the JSON Schema says of it and how the example writes it, side by side, so
//! that the three cannot drift apart. Knows no key.

mod general;
mod http;
mod names;
mod net;
mod secret;
mod value;

pub(crate) use general::*;
pub(crate) use http::*;
pub(crate) use names::*;
pub use net::parse_domain;
pub(crate) use net::*;
pub(crate) use secret::*;
pub(crate) use value::{Form, ValueForm, quoted};
