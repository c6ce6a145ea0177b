//! `[tenants]`, and the entries of a tenant list, here and in files of their own.

use std::ops::Range;

use toml::de::DeValue;

use super::{form, secret};
use crate::config::glob::Glob;
use crate::config::model::{Fields, ListedTenant, Source, Tenants};
use crate::config::reader::{Read, Section, Value, each, expected, pairs, parsed};

/// Where a source is named, and which.
type Named = (Range<usize>, Source);

pub(super) fn tenants(section: Section<'_>, tenants: &mut Tenants) {
    section.set("app_prefix", &mut tenants.app_prefix, parsed(form::app_prefix));
    let named = section.get("source", sources);
    tenants.file = section.get("file", parsed(form::filled)).map(Into::into);
    tenants.url = section.get("url", parsed(form::url));
    tenants.token = secret::secret(&section, "token");
    tenants.next = section.get("next", parsed(form::pointer));
    if let Some(inner) = section.section("fields") {
        tenants.fields = fields(inner);
    }
    section.set(
        "inactive",
        &mut tenants.inactive,
        each(parsed(|text| form::filled(text).map(|s| s.to_lowercase()))),
    );
    tenants.list = listed(&section, "list");
    tenants.exclude = section
        .get("exclude", each(parsed(form::filled)))
        .unwrap_or_default()
        .into_iter()
        .map(Glob::new)
        .collect();
    match named {
        Some(named) => tenants.sources = check_named(&section, named),
        None if section.key_span("source").is_none() => tenants.sources = infer(&section),
        None => {}
    }
    section.finish();
}

/// The entries of an array of tenants under `key`: ids, or tables.
pub(crate) fn listed(section: &Section<'_>, key: &'static str) -> Vec<ListedTenant> {
    let Some(value) = section.value(key) else {
        return Vec::new();
    };
    let DeValue::Array(array) = value.get_ref() else {
        section.get(key, |value| {
            expected::<()>(value, "an array of ids or of tables { id = \"…\" }")
        });
        return Vec::new();
    };
    array.iter().filter_map(|item| entry(section, key, item)).collect()
}

fn entry<'a>(list: &Section<'a>, key: &'static str, item: &'a Value<'a>) -> Option<ListedTenant> {
    match item.get_ref() {
        DeValue::String(id) => Some(ListedTenant {
            id: id.to_string(),
            line: list.line(item.span().start),
            ..ListedTenant::default()
        }),
        DeValue::Table(table) => entry_table(list, list.inner(table, item.span(), format!("an entry of `{key}`"))),
        _ => {
            list.get(key, |_| {
                expected::<()>(item, "an id in quotes or a table { id = \"…\" }")
            });
            None
        }
    }
}

fn entry_table(list: &Section<'_>, entry: Section<'_>) -> Option<ListedTenant> {
    let span = entry.span();
    let id = entry.get("id", parsed(form::filled));
    if id.is_none() && entry.key_span("id").is_none() {
        entry.note(span.clone(), "a tenant has no `id`", "every tenant needs an `id`");
    }
    let tenant = ListedTenant {
        app: entry.get("app", parsed(form::filled)),
        hostname: entry.get("hostname", parsed(form::filled)),
        labels: entry
            .get("labels", pairs(form::filled, parsed(form::any)))
            .unwrap_or_default(),
        status: entry.get("status", parsed(form::any)),
        line: list.line(span.start),
        id: id.unwrap_or_default(),
    };
    entry.finish();
    (!tenant.id.is_empty()).then_some(tenant)
}

fn fields(section: Section<'_>) -> Fields {
    let fields = Fields {
        id: section.get("id", parsed(form::pointer)),
        app: section.get("app", parsed(form::pointer)),
        hostname: section.get("hostname", parsed(form::pointer)),
        labels: section.get("labels", parsed(form::pointer)),
        status: section.get("status", parsed(form::pointer)),
    };
    section.finish();
    fields
}

fn sources(value: &Value<'_>) -> Read<Vec<Named>> {
    match value.get_ref() {
        DeValue::Array(_) => each(source)(value),
        _ => source(value).map(|one| vec![one]),
    }
}

fn source(value: &Value<'_>) -> Read<Named> {
    let source = match value.get_ref().as_str() {
        Some("list") => Source::List,
        Some("file") => Source::File,
        Some("http") => Source::Http,
        Some("fly") => Source::Fly,
        _ => return expected(value, "\"fly\", \"http\", \"list\" or \"file\", or an array of several"),
    };
    Ok((value.span(), source))
}

fn check_named(section: &Section<'_>, named: Vec<Named>) -> Vec<Source> {
    let mut sources = Vec::new();
    for (span, source) in named {
        let (name, key) = match source {
            Source::List => ("list", "list"),
            Source::File => ("file", "file"),
            Source::Http => ("http", "url"),
            Source::Fly => ("fly", "fly"),
        };
        if source == Source::Fly && !sources.contains(&source) {
            sources.push(source);
            continue;
        }
        if sources.contains(&source) {
            section.note(span, format!("source \"{name}\" is named twice"), "remove one");
        } else if section.key_span(key).is_none() {
            section.note(
                span,
                format!("source \"{name}\" needs the key `{key}`"),
                format!("add `{key}` to [tenants]"),
            );
        }
        sources.push(source);
    }
    sources
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
