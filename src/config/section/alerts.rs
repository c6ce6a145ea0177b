//! `[alerts]`: who is told of incidents, how and how often.

use std::collections::BTreeMap;
use std::time::Duration;

use roundsman_alerts::channel::Security;
use roundsman_alerts::notification::{GroupBy, Repeat};
use roundsman_alerts::{Matcher, Severity};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;

use crate::config::form::{
    ValueForm, choice, cron, duration, duration_or_zero, filled, glob, interval, labels, list, optional, quoted,
    secret, text, text_or_secret, timezone,
};
use crate::config::glob::Glob;
use crate::config::nearest::nearest;
use crate::config::reader::{self, Read, Section, Value, expected};
use crate::config::secret::{HeaderText, Secret};
use crate::config::table::{inner_table, table, tables};
use crate::config::units::write_duration;

table! {
    /// Who is told of incidents, how and how often.
    #[derive(Clone, Debug)]
    pub struct Alerts {
        /// How long the first message waits for more of the same.
        group_wait: Duration = Duration::from_secs(15) => duration_or_zero();
        /// How far apart updates are at least.
        group_interval: Duration = Duration::from_secs(300) => interval();
        /// Incidents that have these in common are told in one message: "cause", "scope", "severity", "label:NAME"; []:
        /// each alone.
        group_by: Vec<GroupBy> = vec![GroupBy::Cause] => list(group_by());
        /// How often what goes on is told again: one duration, or one for each severity; what is only "info" never is.
        repeat_interval: Repeat = Repeat::default() => repeat();
        /// Where messages go.
        channels: Vec<AlertChannel> = Vec::new() => tables();
        /// Who is told of what; the first that matches. None: everything goes to every channel.
        routes: Vec<AlertRoute> = Vec::new() => tables();
        /// When nobody is told.
        maintenance: Vec<Maintenance> = Vec::new() => tables();
    }
    check whole;
}

/// How messages are carried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelKind {
    /// Mails over SMTP.
    #[default]
    Email,
    /// A JSON document, signed as Standard Webhooks asks.
    Webhook,
    /// An incoming webhook of Slack.
    Slack,
    /// PagerDuty's Events API v2.
    Pagerduty,
    /// Prometheus' Alertmanager.
    Alertmanager,
}

/// A server that takes mail: how it is spoken to, and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// How the way there is protected.
    pub security: Security,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
}

table! {
    /// One way to tell people.
    #[derive(Clone, Debug)]
    pub struct AlertChannel {
        /// What routes call it.
        name: String = String::new() => filled(), sample = "\"ops\"", needed = "every channel needs a name: name = \"ops\"";
        /// "email", "webhook", "slack", "pagerduty" or "alertmanager".
        kind: ChannelKind = ChannelKind::Email => choice(&KINDS), sample = "\"email\"", needed = "say what carries its messages: kind = \"email\"";
        /// email: the server, as smtps://HOST, smtp+starttls://HOST or, to this machine only, smtp://HOST; a port may
        /// follow.
        server: Option<Server> = None => optional(server()), sample = "\"smtp+starttls://smtp.example.com:587\"";
        /// email: the name to log in with.
        username: Option<String> = None => optional(filled()), sample = "\"roundsman\"";
        /// email: its password.
        password: Option<Secret> = None => optional(secret()), sample = "{ env = \"SMTP_PASSWORD\" }";
        /// email: who sends.
        from: Option<String> = None => optional(mailbox()), sample = "\"roundsman@example.com\"";
        /// email: who gets it.
        to: Vec<String> = Vec::new() => list(mailbox()), sample = "[\"ops@example.com\"]";
        /// webhook, slack, alertmanager, pagerduty (where it is not the usual one): where to. Slack's is a secret.
        url: Option<HeaderText> = None => optional(text_or_secret(read_channel_url)), sample = "\"https://example.com/hook\"";
        /// webhook: what signs it, as Standard Webhooks has it.
        secret: Option<Secret> = None => optional(secret()), sample = "{ env = \"WEBHOOK_SECRET\" }";
        /// pagerduty: the integration key.
        routing_key: Option<Secret> = None => optional(secret()), sample = "{ env = \"PAGERDUTY_KEY\" }";
    }
    check fits_its_kind;
}

table! {
    /// Who is told of what matches.
    #[derive(Clone, Debug)]
    pub struct AlertRoute {
        /// What it is about; all that is said must hold, and nothing said is everything.
        matching as "match": AlertMatch = AlertMatch::default() => inner_table(), sample = "{ severity = \"critical\", cause = \"certificate-*\", scope = \"tenant\", tenant = \"a*\", labels = { plan = \"pro\" } }";
        /// The channels.
        channels: Vec<String> = Vec::new() => list(filled()), sample = "[\"ops\"]", needed = "name the channels: channels = [\"ops\"]; [] tells nobody";
        /// The channels that are told too where something critical was delivered nowhere for 2 minutes.
        fallback: Vec<String> = Vec::new() => list(filled()), sample = "[\"pager\"]";
    }
}

table! {
    /// A time in which nobody is told of what matches.
    #[derive(Clone, Debug)]
    pub struct Maintenance {
        /// When it begins: five fields as in crontab(5), or six with seconds.
        cron: String = String::new() => cron(), sample = "\"0 3 * * 0\"", needed = "say when it begins: cron = \"0 3 * * 0\"";
        /// How long it lasts.
        duration: Duration = Duration::from_secs(3600) => duration(), sample = "\"2h\"", needed = "say how long it lasts: duration = \"2h\"";
        /// The IANA time zone of `cron`; by default UTC.
        timezone: Option<String> = None => optional(timezone()), sample = "\"Europe/London\"";
        /// What it is about; nothing said is everything.
        matching as "match": AlertMatch = AlertMatch::default() => inner_table(), sample = "{ severity = \"warning\", cause = \"site-*\", scope = \"tenant\", tenant = \"demo-*\", labels = { plan = \"free\" } }";
    }
}

table! {
    /// What a route or a window is about: all that is said must hold.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AlertMatch {
        /// How urgent.
        severity: Option<Severity> = None => optional(choice(&[Severity::Critical, Severity::Warning, Severity::Info])), sample = "\"critical\"";
        /// A pattern over the cause.
        cause: Option<Glob> = None => optional(glob()), sample = "\"certificate-*\"";
        /// "agent", "fleet" or "tenant".
        scope: Option<String> = None => optional(scope()), sample = "\"fleet\"";
        /// A pattern over the tenant.
        tenant: Option<Glob> = None => optional(glob()), sample = "\"a*\"";
        /// Labels of the tenant, with these values.
        labels: BTreeMap<String, String> = BTreeMap::new() => labels();
    }
}

const KINDS: [ChannelKind; 5] = [
    ChannelKind::Email,
    ChannelKind::Webhook,
    ChannelKind::Slack,
    ChannelKind::Pagerduty,
    ChannelKind::Alertmanager,
];

impl AlertChannel {
    /// Its secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let own = [&self.password, &self.secret, &self.routing_key].into_iter().flatten();
        own.chain(self.url.iter().filter_map(HeaderText::secret))
    }
}

impl AlertMatch {
    /// The conditions that it stands for.
    #[must_use]
    pub fn matchers(&self) -> Vec<Matcher> {
        let named = [
            ("severity", self.severity.map(|severity| severity.to_string())),
            ("cause", self.cause.as_ref().map(ToString::to_string)),
            ("scope", self.scope.clone()),
            ("tenant", self.tenant.as_ref().map(ToString::to_string)),
        ];
        let named = named
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        let labels = self
            .labels
            .iter()
            .map(|(name, value)| (format!("label:{name}"), value.clone()));
        // Each was read as what it is, so none of them is wrong.
        named
            .chain(labels)
            .filter_map(|(name, value)| format!("{name}={value}").parse().ok())
            .collect()
    }
}

fn group_by() -> ValueForm<GroupBy> {
    text(|word: &str| match word {
        "cause" => Ok(GroupBy::Cause),
        "scope" => Ok(GroupBy::Scope),
        "severity" => Ok(GroupBy::Severity),
        other => match other.strip_prefix("label:").filter(|name| !name.is_empty()) {
            Some(name) => Ok(GroupBy::Label(name.to_owned())),
            None => Err("expected \"cause\", \"scope\", \"severity\" or \"label:NAME\""),
        },
    })
    .schema(json!({ "type": "string", "pattern": "^(cause|scope|severity|label:.+)$" }))
    .written(|by| {
        Some(quoted(&match by {
            GroupBy::Cause => "cause".to_owned(),
            GroupBy::Scope => "scope".to_owned(),
            GroupBy::Severity => "severity".to_owned(),
            GroupBy::Label(name) => format!("label:{name}"),
        }))
    })
}

fn repeat() -> ValueForm<Repeat> {
    let duration = json!({ "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$" });
    let schema = json!({ "anyOf": [duration, {
        "type": "object", "propertyNames": { "enum": ["critical", "warning"] }, "additionalProperties": duration,
    }] });
    ValueForm::new(read_repeat, schema).written(|repeat| {
        let (critical, warning) = (write_duration(repeat.critical), write_duration(repeat.warning));
        Some(format!(
            "{{ critical = {}, warning = {} }}",
            quoted(&critical),
            quoted(&warning)
        ))
    })
}

fn read_repeat(value: &Value<'_>) -> Read<Repeat> {
    const FORM: &str = "a duration such as \"4h\", or { critical = \"4h\", warning = \"24h\" }";
    let Some(table) = value.get_ref().as_table() else {
        let every = reader::interval(value)?;
        return Ok(Repeat {
            critical: every,
            warning: every,
        });
    };
    let mut repeat = Repeat::default();
    for (key, inner) in table {
        let every = match key.get_ref().as_ref() {
            "critical" => &mut repeat.critical,
            "warning" => &mut repeat.warning,
            _ => return expected(value, FORM),
        };
        *every = reader::interval(inner)?;
    }
    Ok(repeat)
}

fn scope() -> ValueForm<String> {
    text(|word: &str| match word {
        "agent" | "fleet" | "tenant" => Ok(word.to_owned()),
        _ => Err("expected \"agent\", \"fleet\" or \"tenant\""),
    })
    .schema(json!({ "enum": ["agent", "fleet", "tenant"] }))
    .shown()
}

/// An address that mail can go to or come from, with a name before it or without.
fn mailbox() -> ValueForm<String> {
    text(|address: &str| match roundsman_alerts::channel::is_mailbox(address) {
        true => Ok(address.to_owned()),
        false => Err("expected an address such as \"ops@example.com\""),
    })
    .schema(json!({ "type": "string", "pattern": "@" }))
    .shown()
}

fn server() -> ValueForm<Server> {
    text(read_server)
        .schema(json!({ "type": "string", "pattern": "^(smtps|smtp|smtp\\+starttls)://[^/\\s@]+/?$" }))
        .written(|server| {
            let scheme = match server.security {
                Security::Tls => "smtps",
                Security::StartTls => "smtp+starttls",
                Security::Clear => "smtp",
            };
            Some(quoted(&format!("{scheme}://{}:{}", server.host, server.port)))
        })
}

fn read_server(text: &str) -> Result<Server, &'static str> {
    const FORM: &str = "expected smtps://HOST, smtp+starttls://HOST or smtp://localhost, with a port behind it or without; \
                        the name and the password are keys of their own";
    let (scheme, rest) = text.split_once("://").ok_or(FORM)?;
    let (security, usual) = match scheme {
        "smtps" => (Security::Tls, 465),
        "smtp+starttls" => (Security::StartTls, 587),
        "smtp" => (Security::Clear, 25),
        _ => return Err(FORM),
    };
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let url = format!("http://{rest}").parse::<http::Uri>().map_err(|_| FORM)?;
    let authority = url
        .authority()
        .filter(|_| url.path() == "/" && url.query().is_none())
        .ok_or(FORM)?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(FORM);
    }
    let host = authority.host().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    if security == Security::Clear && !loopback {
        return Err("without TLS only this machine is spoken to: write smtps:// or smtp+starttls://");
    }
    Ok(Server {
        security,
        host: host.to_owned(),
        port: authority.port_u16().unwrap_or(usual),
    })
}

/// Where messages go: over https, or to this machine.
fn read_channel_url(text: &str) -> Result<String, String> {
    let wrong = || "expected a URL that begins with https://, or with http:// to this machine".to_owned();
    let url = text.parse::<http::Uri>().map_err(|_| wrong())?;
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    let loopback = host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback());
    match url.scheme_str() {
        Some("https") if !host.is_empty() => Ok(text.to_owned()),
        Some("http") if loopback => Ok(text.to_owned()),
        _ => Err(wrong()),
    }
}

fn whole(section: &Section<'_>, alerts: &mut Alerts) {
    let mut names = Vec::<&str>::new();
    for channel in alerts.channels.iter().filter(|channel| !channel.name.is_empty()) {
        if names.contains(&channel.name.as_str()) {
            let title = format!("two channels are called `{}`", channel.name);
            section.note(
                span_of(section, "channels"),
                title,
                "each channel needs a name of its own",
            );
        }
        names.push(&channel.name);
    }
    for name in alerts
        .routes
        .iter()
        .flat_map(|route| route.channels.iter().chain(&route.fallback))
    {
        if !names.contains(&name.as_str()) {
            let near = nearest(name, names.iter().copied(), 1);
            let label = match near.first() {
                Some(near) => format!("did you mean `{near}`?"),
                None => "add it to [[alerts.channels]], or write the name of one that is there".to_owned(),
            };
            let title = format!("a route names the channel `{name}`, and there is none");
            section.note(span_of_channel(section, name), title, label);
        }
    }
}

/// Where a route names this channel.
fn span_of_channel(section: &Section<'_>, name: &str) -> std::ops::Range<usize> {
    let routes = section.value("routes").and_then(|routes| routes.get_ref().as_array());
    let tables = routes
        .into_iter()
        .flatten()
        .filter_map(|route| route.get_ref().as_table());
    let lists = tables.flat_map(|route| ["channels", "fallback"].map(|key| route.get(key)));
    let lists = lists.flatten().filter_map(|names| names.get_ref().as_array());
    let mut named = lists.flatten().filter(|value| value.get_ref().as_str() == Some(name));
    named.next().map_or_else(|| span_of(section, "routes"), Value::span)
}

fn span_of(section: &Section<'_>, key: &str) -> std::ops::Range<usize> {
    section.key_span(key).unwrap_or_else(|| section.span())
}

fn fits_its_kind(section: &Section<'_>, channel: &mut AlertChannel) {
    let (needed, allowed): (&[&str], &[&str]) = match channel.kind {
        ChannelKind::Email => (&["server", "from", "to"], &["username", "password"]),
        ChannelKind::Webhook => (&["url"], &["secret"]),
        ChannelKind::Slack | ChannelKind::Alertmanager => (&["url"], &[]),
        ChannelKind::Pagerduty => (&["routing_key"], &["url"]),
    };
    if section.key_span("kind").is_none() {
        return;
    }
    let kind = serde_json::to_value(channel.kind).ok();
    let kind = kind.as_ref().and_then(|kind| kind.as_str()).unwrap_or_default();
    for key in needed {
        if section.key_span(key).is_none() {
            section.note(
                section.span(),
                format!("the channel `{}` has no `{key}`", channel.name),
                format!("a channel of kind \"{kind}\" needs `{key}`"),
            );
        }
    }
    for key in [
        "server",
        "username",
        "password",
        "from",
        "to",
        "url",
        "secret",
        "routing_key",
    ] {
        if let Some(span) = section
            .key_span(key)
            .filter(|_| !needed.contains(&key) && !allowed.contains(&key))
        {
            section.note(
                span,
                format!("`{key}` means nothing to a channel of kind \"{kind}\""),
                "remove it",
            );
        }
    }
    if section.key_span("username").is_some() != section.key_span("password").is_some() {
        section.note(
            section.span(),
            "`username` and `password` go together",
            "write both, or none of them",
        );
    }
    if channel.kind == ChannelKind::Email && section.key_span("to").is_some() && channel.to.is_empty() {
        section.note(
            span_of(section, "to"),
            format!("the channel `{}` has nobody in `to`", channel.name),
            "name who gets the mails",
        );
    }
}
