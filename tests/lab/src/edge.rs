//! The edge: its certificates, its doors, and the apps that answer behind it.

pub(crate) mod answer;
pub(crate) mod authority;
pub(crate) mod behaviour;
pub(crate) mod body;
pub(crate) mod connection;
pub(crate) mod cut;
pub(crate) mod doors;
pub(crate) mod extensions;
pub(crate) mod flood;
pub(crate) mod frames;
pub(crate) mod site;
pub(crate) mod throttle;
