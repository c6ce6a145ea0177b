//! A message as a mail: what to read first on a small screen at night, in text and in HTML.

use askama::Template;

use super::words;
use crate::notification::{Message, Status};
use crate::text::wrap;

/// Columns of the text part (RFC 5322, section 2.1.1 asks for at most 78 characters a line).
const COLUMNS: usize = 78;
/// How large both parts are at most, in bytes, so that a mail in base64 is less than 64 KiB.
const LARGEST: usize = 44 * 1024;
/// How many incidents, and lines of each list, are shown: the first that fits.
const SHORTER: [(usize, usize); 5] = [(20, 12), (10, 8), (5, 5), (2, 3), (0, 1)];
/// How deep values stand in it.
const INDENT: usize = 15;

/// A mail, without its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The subject: the same in the whole thread.
    pub subject: String,
    /// The text part, lines of at most 78 columns but for commands, which are never broken.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// `Message-ID`, with its brackets.
    pub message_id: String,
    /// `In-Reply-To` and `References`: the first mail of the thread, but for that one itself.
    pub references: Option<String>,
}

/// The `Message-ID` of a message: the same at each attempt (RFC 5322, section 3.6.4).
#[must_use]
pub fn message_id(message: &Message) -> String {
    format!("<{}@{}>", message.id, host(message))
}

/// What stands behind the `@`: the domain, as far as it is one.
fn host(message: &Message) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let host = message.domain.chars().filter(plain).collect::<String>();
    format!("roundsman.{}", if host.is_empty() { "invalid" } else { &host })
}

/// A message as a mail.
#[must_use]
pub fn mail(message: &Message) -> Mail {
    let (text, html) = parts(message);
    let references = format!("<{}-1@{}>", message.thread, host(message));
    let own = message_id(message);
    Mail {
        subject: message.subject.clone(),
        text,
        html,
        references: Some(references).filter(|first| *first != own),
        message_id: own,
    }
}

/// Both parts, with as much of the lists as fits.
fn parts(message: &Message) -> (String, String) {
    let all = SHORTER.into_iter().map(|(incidents, lines)| {
        let shorter = shortened(message, incidents, lines);
        let view = View::of(&shorter);
        let text = Text { view: &view }.render().unwrap_or_default();
        (text, Html { view: &view }.render().unwrap_or_default())
    });
    let mut last = (String::new(), String::new());
    for parts in all {
        last = parts;
        if last.0.len() + last.1.len() <= LARGEST {
            break;
        }
    }
    last
}

/// The message with lists no longer than this.
fn shortened(message: &Message, incidents: usize, lines: usize) -> Message {
    let mut shorter = message.clone();
    shorter.incidents.truncate(incidents);
    let cut = |list: &mut Vec<String>| {
        let more = list.len().saturating_sub(lines);
        list.truncate(lines);
        list.extend((more > 0).then(|| format!("and {more} more")));
    };
    cut(&mut shorter.evidence);
    cut(&mut shorter.remedy);
    let old = shorter.log.len().saturating_sub(lines);
    shorter.log.drain(..old);
    shorter
}

#[derive(Template)]
#[template(path = "mail.txt", escape = "none")]
struct Text<'v> {
    view: &'v View<'v>,
}

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'v> {
    view: &'v View<'v>,
}

/// What both parts show.
struct View<'m> {
    message: &'m Message,
    state: &'static str,
    colour: &'static str,
    headline: String,
    who: String,
    causes: String,
    /// What proofs and advice are about, where several incidents are told.
    lead: String,
    since: Option<String>,
    at: String,
    /// How many incidents there are beside those that are listed.
    more: usize,
    /// Whether the incidents are listed: one alone is told already.
    listed: bool,
}

impl<'m> View<'m> {
    fn of(message: &'m Message) -> Self {
        let headline = match message.title.as_str() {
            "" => message.cause.clone(),
            title => title.to_owned(),
        };
        Self {
            message,
            state: words::state(message),
            colour: match (message.status, message.severity) {
                (Status::Resolved, _) => "#1a7f37",
                (Status::Test, _) | (_, crate::Severity::Info) => "#0969da",
                (_, crate::Severity::Warning) => "#9a6700",
                (_, crate::Severity::Critical) => "#cf222e",
            },
            headline,
            who: words::who(message),
            causes: message.causes.join(", "),
            lead: message
                .incidents
                .first()
                .map(|first| first.id.clone())
                .unwrap_or_default(),
            since: words::since(message),
            at: words::moment(message.at),
            more: message.incidents_total.saturating_sub(message.incidents.len()),
            listed: message.incidents_total > 1,
        }
    }

    fn is_over(&self) -> bool {
        self.message.status == Status::Resolved
    }

    /// A text under a name at the left, broken between words.
    fn row(&self, name: &str, text: &str) -> String {
        wrap(&format!("{name:<INDENT$}"), text, Some(COLUMNS))
    }

    /// A text below something.
    fn under(&self, text: &str) -> String {
        wrap("    ", text, Some(COLUMNS))
    }

    /// Whether something is said above already.
    fn is_told(&self, remedy: &str) -> bool {
        self.message.remedy.iter().any(|told| told == remedy)
    }

    /// A line of a list.
    fn item(&self, text: &str) -> String {
        wrap("  - ", text, Some(COLUMNS))
    }
}
