//! How a message looks in each channel. Pure: what is rendered is the same however often it is sent.

mod alertmanager;
mod mail;
mod pagerduty;
mod slack;
mod words;

pub use alertmanager::{Alert, alertmanager, test_alert};
pub use mail::{Mail, mail, message_id};
pub use pagerduty::pagerduty;
pub use slack::slack;
