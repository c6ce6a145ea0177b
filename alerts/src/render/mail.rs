//! A message as a mail: what to read first on a small screen at night, in text and in HTML.

use askama::Template;

use super::words;
use crate::notification::{Message, Status};

/// Columns of the text part (RFC 5322, section 2.1.1 asks for at most 78 characters a line).
const COLUMNS: usize = 78;
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
    let view = View::of(message);
    let references = format!("<{}-1@{}>", message.thread, host(message));
    let own = message_id(message);
    Mail {
        subject: message.subject.clone(),
        text: Text { view: &view }.render().unwrap_or_default(),
        html: Html { view: &view }.render().unwrap_or_default(),
        references: Some(references).filter(|first| *first != own),
        message_id: own,
    }
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
        wrap(&format!("{name:<INDENT$}"), text)
    }

    /// A line of a list.
    fn item(&self, text: &str) -> String {
        wrap("  - ", text)
    }
}

/// Breaks a text between words behind a first prefix; the other lines begin with as many spaces.
fn wrap(first: &str, text: &str) -> String {
    let indent = first.chars().count();
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let Some(line) = lines.last_mut() else { continue };
        let longer = indent + line.chars().count() + 1 + word.chars().count();
        if line.is_empty() {
            line.push_str(word);
        } else if longer > COLUMNS {
            lines.push(word.to_owned());
        } else {
            line.push(' ');
            line.push_str(word);
        }
    }
    format!("{first}{}", lines.join(&format!("\n{}", " ".repeat(indent))))
}
