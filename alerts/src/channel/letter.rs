//! A mail as bytes (RFC 5322), with its envelope. Its headers are written by a library that knows what may stand in them.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::address::Address;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart, SinglePart};

use crate::render::Mail;

/// A mail as it goes over the line, with its envelope.
pub(super) struct Letter {
    pub from: Address,
    pub to: Address,
    pub bytes: Vec<u8>,
}

impl Letter {
    /// Writes a mail: the same bytes whenever that is done.
    pub(super) fn write(mail: &Mail, at: Timestamp, from: &str, to: &str) -> Result<Self, String> {
        let mailbox = |text: &str| {
            text.parse::<Mailbox>()
                .map_err(|error| format!("`{text}` is no address: {error}"))
        };
        let (from, to) = (mailbox(from)?, mailbox(to)?);
        let mut message = lettre::Message::builder()
            .from(from.clone())
            .to(to.clone())
            .subject(mail.subject.clone())
            .date(moment(at))
            .message_id(Some(mail.message_id.clone()))
            .header(AutoSubmitted);
        if let Some(first) = &mail.references {
            message = message.in_reply_to(first.clone()).references(first.clone());
        }
        let part = |kind: ContentType, text: &str| SinglePart::builder().header(kind).body(text.to_owned());
        // The same bytes at each attempt: lettre would draw another boundary.
        let boundary = format!(
            "=_{}",
            mail.message_id.trim_matches(['<', '>']).replace(['@', '.'], "-")
        );
        let parts = MultiPart::alternative()
            .boundary(boundary)
            .singlepart(part(ContentType::TEXT_PLAIN, &mail.text))
            .singlepart(part(ContentType::TEXT_HTML, &mail.html));
        let message = message
            .multipart(parts)
            .map_err(|error| format!("the mail can't be written: {error}"))?;
        Ok(Self {
            from: from.email,
            to: to.email,
            bytes: message.formatted(),
        })
    }
}

fn moment(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(at.as_second()).unwrap_or_default())
}

/// `Auto-Submitted: auto-generated` (RFC 3834, section 5): no holiday answers to it.
#[derive(Clone, Debug)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}
