//! `[tenants]`: who they are and where that is written.

use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use toml::Spanned;
use toml::de::DeValue;

use super::listed::{ListedTenant, entries};
use crate::config::form::{
    ValueForm, app_prefix, file, filled, glob, interval, list, optional, pointer, secret, url, words_of,
};
use crate::config::glob::Glob;
use crate::config::reader::{Read, Section, Value, each, expected};
use crate::config::secret::Secret;
use crate::config::table::{inner_table, table};

table! {
    /// Who the tenants are.
    #[derive(Clone, Debug)]
    pub struct Tenants {
        /// A tenant's app = prefix + id.
        app_prefix: String = "sp-".into() => app_prefix();
        /// Where tenants are named: "fly" (every app with the prefix), "http", "list", "file", or an array of several.
        /// The first says who should exist, the others add what they know. By default whichever of `url`, `list` and
        /// `file` is there, else "fly" where `[fly]` is.
        sources as "source": Vec<Source> = Vec::new() => sources(), sample = "\"list\"";
        /// A file of tenants: .toml with `[[tenants]]` and an `id` each, .json, or a text with an id a line.
        file: Option<PathBuf> = None => optional(file()), sample = "\"tenants.toml\"";
        /// An endpoint that lists tenants, for source "http": JSON as in a .json file, over https or to loopback.
        url: Option<String> = None => optional(url()), sample = "\"https://tenants.example.com\"";
        /// The bearer token for `url`. By default none is sent.
        token: Option<Secret> = None => optional(secret()), sample = "{ env = \"TENANTS_TOKEN\" }";
        /// JSON pointer to the next page of `url`, which an answer names as a URL, a path or a cursor.
        next: Option<String> = None => optional(pointer()), sample = "\"/next\"";
        /// JSON pointers into an entry of `url` or of a .json file, where the names differ.
        fields: Fields = Fields::default() => inner_table(),
            sample = "{ id = \"/slug\", app = \"/app\", hostname = \"/host\", labels = \"/labels\", status = \"/subscription_status\" }";
        /// Statuses whose tenants are expected not to run; upper and lower case are the same.
        inactive: Vec<String> = ["suspended", "paused", "canceled", "deleted"].map(str::to_owned).into()
            => list(status());
        /// The tenants: ids, or tables { id = "abc123", app = "…", hostname = "…", labels = { plan = "pro" },
        /// status = "active" }.
        list: Vec<ListedTenant> = Vec::new() => entries(), live = "[\"abc123\"]";
        /// Ids to leave out; `*` stands for any text, `?` for one character.
        exclude: Vec<Glob> = Vec::new() => list(glob()), sample = "[\"demo-*\"]";
        /// How often `watch` reads the sources.
        every: Duration = Duration::from_secs(30) => interval();
    }
    check sources_are_there;
}

/// A place that names tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// `tenants.list`.
    List,
    /// `tenants.file`.
    File,
    /// Every app of the organization with the prefix.
    Fly,
    /// `tenants.url`.
    Http,
}

impl Source {
    /// Whether the platform names the tenants.
    #[must_use]
    pub fn is_platform(self) -> bool {
        match self {
            Self::Fly => true,
            Self::List | Self::File | Self::Http => false,
        }
    }
}

table! {
    /// JSON pointers (RFC 6901) into an entry of a JSON inventory, where the names differ from the usual ones.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Fields {
        /// Instead of `id`.
        id: Option<String> = None => optional(pointer()), sample = "\"/slug\"";
        /// Instead of `app`, `app_id`, `fly_app_name`.
        app: Option<String> = None => optional(pointer()), sample = "\"/app\"";
        /// Instead of `hostname`.
        hostname: Option<String> = None => optional(pointer()), sample = "\"/host\"";
        /// Instead of `labels`.
        labels: Option<String> = None => optional(pointer()), sample = "\"/labels\"";
        /// Instead of `status`, `subscription_status`.
        status: Option<String> = None => optional(pointer()), sample = "\"/subscription_status\"";
    }
}

fn status() -> ValueForm<String> {
    filled().map(|status| status.to_lowercase()).shown()
}

fn sources() -> ValueForm<Vec<Source>> {
    let word = words_of(&[Source::Fly, Source::Http, Source::List, Source::File]);
    let schema = json!({ "anyOf": [word, { "type": "array", "uniqueItems": true, "items": word }] });
    ValueForm::new(read_sources, schema)
}

fn read_sources(value: &Value<'_>) -> Read<Vec<Source>> {
    match value.get_ref() {
        DeValue::Array(_) => each(read_source)(value),
        _ => read_source(value).map(|one| vec![one]),
    }
}

fn read_source(value: &Value<'_>) -> Read<Source> {
    match value.get_ref().as_str() {
        Some("list") => Ok(Source::List),
        Some("file") => Ok(Source::File),
        Some("http") => Ok(Source::Http),
        Some("fly") => Ok(Source::Fly),
        _ => expected(value, "\"fly\", \"http\", \"list\" or \"file\", or an array of several"),
    }
}

fn sources_are_there(section: &Section<'_>, tenants: &mut Tenants) {
    match section.value("source") {
        None => tenants.sources = infer(section),
        Some(source) => check_named(section, &places(source), &tenants.sources),
    }
}

/// Where each source is named.
fn places(source: &Value<'_>) -> Vec<Range<usize>> {
    match source.get_ref() {
        DeValue::Array(array) => array.iter().map(Spanned::span).collect(),
        _ => vec![source.span()],
    }
}

fn check_named(section: &Section<'_>, places: &[Range<usize>], sources: &[Source]) {
    for (at, (span, source)) in places.iter().zip(sources).enumerate() {
        let (name, key) = match source {
            Source::List => ("list", "list"),
            Source::File => ("file", "file"),
            Source::Http => ("http", "url"),
            Source::Fly => ("fly", ""),
        };
        if sources[..at].contains(source) {
            section.note(span.clone(), format!("source \"{name}\" is named twice"), "remove one");
        } else if !source.is_platform() && section.key_span(key).is_none() {
            section.note(
                span.clone(),
                format!("source \"{name}\" needs the key `{key}`"),
                format!("add `{key}` to [tenants]"),
            );
        }
    }
}

/// Without `source`, what is there is what is meant; where two are there, the file must say which comes first.
fn infer(section: &Section<'_>) -> Vec<Source> {
    let keys = [
        ("url", "http", Source::Http),
        ("file", "file", Source::File),
        ("list", "list", Source::List),
    ];
    let there = keys
        .into_iter()
        .filter_map(|(key, name, source)| Some((section.key_span(key)?, key, name, source)));
    let there = there.collect::<Vec<_>>();
    if let [(first, key, name, _), (second, other, other_name, _), ..] = there.as_slice() {
        let label = format!(
            "add source = [\"{other_name}\", \"{name}\"]: the first says who should exist, the other adds what it knows"
        );
        let title = format!("[tenants] has a `{key}` and a `{other}`");
        section.note_both((first.clone(), &label), (second.clone(), "and this"), &title);
        return Vec::new();
    }
    there.into_iter().map(|(_, _, _, source)| source).collect()
}
