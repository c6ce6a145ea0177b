//! The tables of `roundsman.toml`, a file per table. Each knows its own keys and no other table.

mod certificate;
mod dns;
mod edge;
mod form;
mod overrides;
mod platform;
mod schedule;
mod secret;
mod site;
mod tenants;
mod vantage;

use roundsman_checks::diagnosis::{Cause, Severity};
use roundsman_checks::target::Hostname;

use super::form::Form as _;
use super::form::parse_domain;
use super::model::Config;
use super::reader::{Section, choice, pairs, parsed};
use super::table::{self, optional_table, tables};
pub use certificate::Certificate;
pub use dns::{Ask, Dns};
pub use edge::Edge;
pub use overrides::{Match, Override};
pub(crate) use platform::fly_of_environment;
pub use platform::{Cloudflare, Fly};
pub use schedule::Schedule;
pub use site::Site;
pub(super) use tenants::listed;
pub use vantage::Vantage;

/// Tables of the file format that later versions read.
const LATER: [&str; 7] = [
    "telemetry",
    "incidents",
    "alerts",
    "heartbeat",
    "remediation",
    "store",
    "web",
];

/// Reads the whole file. `None` where it names no usable domain and none is given; mistakes are noted in either case.
pub(super) fn config(top: Section<'_>, given: Option<&Hostname>) -> Option<Config> {
    let domain = domain(&top, given);
    let has_domain = domain.is_some();
    let placeholder = || Hostname::parse("invalid.example").ok();
    let mut config = Config::new(domain.or_else(placeholder)?);
    if let Some(section) = top.section("edge") {
        table::read(section, &mut config.edge);
    }
    if let Some(section) = top.section("tenants") {
        tenants::tenants(section, &mut config.tenants);
    }
    config.fly = optional_table(fly_of_environment).read(&top, "fly", &None).flatten();
    config.cloudflare = optional_table(Cloudflare::default)
        .read(&top, "cloudflare", &None)
        .flatten();
    if let Some(section) = top.section("dns") {
        table::read(section, &mut config.dns);
    }
    if let Some(section) = top.section("site") {
        table::read(section, &mut config.site);
    }
    if let Some(section) = top.section("certificate") {
        table::read(section, &mut config.certificate);
    }
    if let Some(overrides) = tables().read(&top, "overrides", &config.overrides) {
        config.overrides = overrides;
    }
    for entry in &config.overrides {
        certificate::check_patch(&top, &entry.certificate, config.certificate);
    }
    top.set("severity", &mut config.severity, severity());
    if let Some(section) = top.section("vantage") {
        table::read(section, &mut config.vantage);
    }
    if let Some(section) = top.section("schedule") {
        table::read(section, &mut config.schedule);
    }
    refuse_later(&top);
    top.finish();
    has_domain.then_some(config)
}

fn domain(top: &Section<'_>, given: Option<&Hostname>) -> Option<Hostname> {
    if top.key_span("domain").is_none() {
        if given.is_some() {
            return given.cloned();
        }
        // The commonest slip with TOML: a key below a table header belongs to that table.
        let label = "write domain = \"example.com\" at the top of the file, before the first table";
        top.note_missing("`domain` is missing", label);
    }
    top.get("domain", parsed(parse_domain))
}

fn severity() -> impl Fn(&super::reader::Value<'_>) -> super::reader::Read<std::collections::BTreeMap<Cause, Severity>>
{
    let levels = [
        ("critical", Severity::Critical),
        ("warning", Severity::Warning),
        ("info", Severity::Info),
        ("off", Severity::Off),
    ];
    pairs(form::cause, move |value| choice(&levels)(value))
}

fn refuse_later(top: &Section<'_>) {
    for table in LATER {
        if let Some(span) = top.key_span(table) {
            top.accept(table);
            top.note(
                span,
                format!("table [{table}] is not supported by this version yet"),
                "remove it",
            );
        }
    }
}
