//! A message for a Slack incoming webhook: `text` for notifications, `blocks` for the channel.
//!
//! Limits as Slack documents them: 50 blocks, 150 characters in a header, 3,000 in the text of a section, 10 elements and
//! 2,000 characters a field; `&`, `<` and `>` are written as entities, since `<!channel>` and `<@user>` would call people.

use serde_json::{Value, json};

use super::words;
use crate::notification::{Message, Status};
use crate::text::line;

const HEADER: usize = 150;
/// What the text of a section may hold, its title beside it.
const SECTION: usize = 2_800;

/// A message for Slack.
#[must_use]
pub fn slack(message: &Message) -> Value {
    let state = words::state(message);
    let headline = match message.title.as_str() {
        "" => &message.cause,
        title => title,
    };
    let mut blocks = vec![json!({
        "type": "header",
        "text": { "type": "plain_text", "text": line(&format!("{state}: {headline}"), HEADER), "emoji": false },
    })];
    let mut facts = vec![escaped(&message.why), field("Cause", &message.causes.join(", "))];
    facts.extend(message.changed.as_ref().map(|changed| field("What changed", changed)));
    facts.extend(words::since(message).map(|since| field("Since", &since)));
    facts.push(field("Who", &words::who(message)));
    blocks.push(section(&cut(&facts.join("\n"))));
    let list = |title: &str, lines: &[String]| {
        let lines = lines
            .iter()
            .map(|line| format!("• {}", escaped(line)))
            .collect::<Vec<_>>();
        section(&format!("*{title}*\n{}", cut(&lines.join("\n"))))
    };
    if !message.evidence.is_empty() {
        blocks.push(list("What proves it", &message.evidence));
    }
    if !message.log.is_empty() {
        blocks.push(section(&format!(
            "*What the app wrote last*\n{}",
            code(&message.log.join("\n"))
        )));
    }
    if !message.remedy.is_empty() && message.status != Status::Resolved {
        blocks.push(section(&format!("*What to do*\n{}", code(&message.remedy.join("\n")))));
    }
    if !message.repair.is_empty() {
        blocks.push(list("Repair", &message.repair));
    }
    let commands = [&message.acknowledge, &message.silence, &message.explain]
        .into_iter()
        .flatten();
    let commands = commands.cloned().collect::<Vec<_>>();
    if !commands.is_empty() {
        blocks.push(section(&code(&commands.join("\n"))));
    }
    let docs = message.docs.as_deref().map(|docs| format!(" · {}", escaped(docs)));
    let foot = format!(
        "{} · message {} of {} · {}{}",
        escaped(&message.domain),
        message.sequence,
        message.thread,
        words::moment(message.at),
        docs.unwrap_or_default()
    );
    blocks.push(json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": foot }] }));
    json!({ "text": escaped(&format!("{state}: {}", message.subject)), "blocks": blocks })
}

fn field(name: &str, value: &str) -> String {
    format!("*{name}*: {}", escaped(value))
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": text } })
}

/// A text in a block of code: what would end it is taken apart.
fn code(text: &str) -> String {
    let text = escaped(text);
    format!("```{}```", cut(&text))
}

/// At most as much as a section may hold, never cut within an entity.
fn cut(text: &str) -> String {
    match text.char_indices().nth(SECTION) {
        None => text.to_owned(),
        Some((end, _)) => {
            let kept = text.get(..end).unwrap_or_default();
            let whole = kept
                .rfind('&')
                .filter(|at| kept.len() - at < 6 && !kept[*at..].contains(';'));
            format!("{}…", &kept[..whole.unwrap_or(kept.len())])
        }
    }
}

/// What means something to Slack, as text.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // What would begin or end a block of code.
    text.replace('`', "'")
}
