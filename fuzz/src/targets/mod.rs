//! The targets, a file for each.

pub(crate) mod api;
pub(crate) mod baseline;
pub(crate) mod chain;
pub(crate) mod collector;
pub(crate) mod configuration;
pub(crate) mod dns;
pub(crate) mod http;
pub(crate) mod inventory;
pub(crate) mod logs;
pub(crate) mod recording;
