//! From the configuration to what the alerts crate needs: channels that can send, routes, windows, and the words of causes.

mod channels;
mod routing;
mod sample;

pub use channels::{ChannelError, channel, channels};
pub use routing::{dossier, routing};
pub use sample::{preview, test_message};
