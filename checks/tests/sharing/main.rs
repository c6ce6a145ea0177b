//! What is remembered of verified chains changes no verdict and excuses nobody: not another chain, root, name or
//! moment, and not a peer without the key. And a visit leaves nothing behind.
#![expect(clippy::unwrap_used, reason = "a test may fail")]

#[cfg(feature = "probe")]
mod leftovers;
mod pki;
#[cfg(feature = "probe")]
mod possession;
#[cfg(feature = "probe")]
mod server;
mod swaps;
mod windows;
