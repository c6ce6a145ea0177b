//! What a token lets read, asked piece by piece in as few calls as that takes: for whoever wonders why a bulk read tells
//! less than it should.

use jiff::Timestamp;

/// What the platform says of the token that asks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenScope {
    /// The organizations that it belongs to, by slug.
    pub organizations: Vec<String>,
    /// The apps that it is for; none: all of the organization.
    pub apps: Vec<String>,
    /// The machine that alone may use it.
    pub machine: Option<String>,
}

/// What can be told of a token without asking anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenEnd {
    /// Until when it is valid.
    At(Timestamp),
    /// It names no end.
    Never,
    /// It is of a kind that does not say.
    Unknown,
}
