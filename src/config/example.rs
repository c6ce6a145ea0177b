//! The files that this program writes for people: the commented example, and the minimal one of `init`.

use std::fmt::Write as _;
use std::net::IpAddr;

use roundsman_checks::target::Hostname;

use super::model::description;
use super::table::table_example;

/// Every key that this version reads, with its default and what it means.
#[must_use]
pub fn example() -> String {
    description().map_or_else(String::new, |file| format!("{PREFACE}\n{}", table_example(&file)))
}

const PREFACE: &str = "\
# roundsman.toml: whom to verify, and what healthy means.
# A line that begins with `#` and a key is a setting left out; without it the default holds, which is the value shown
# unless the comment says otherwise. Durations: \"250ms\", \"30s\", \"5m\", \"1h30m\". A secret is { env = \"NAME\" } or
# { file = \"PATH\" }, never the secret itself. Relative paths start at the directory of this file.
";

/// What a file that is just enough is made of.
#[derive(Clone, Copy, Debug)]
pub struct Minimal<'a> {
    /// The domain.
    pub domain: &'a Hostname,
    /// The edge's addresses; none where the platform is asked for them.
    pub edge: &'a [IpAddr],
    /// The edge app, where there is a platform.
    pub edge_app: Option<&'a str>,
    /// The organization on the platform.
    pub organization: Option<&'a str>,
    /// What stands before a tenant's id in its app's name.
    pub app_prefix: Option<&'a str>,
    /// Whether the DNS provider is asked for the zone's listing.
    pub listing: bool,
    /// A file of tenants.
    pub file: Option<&'a str>,
    /// Ids of tenants.
    pub ids: &'a [String],
}

/// A file that is just enough: domain, edge, the platform where there is one, and the tenants.
#[must_use]
pub fn minimal(what: Minimal<'_>) -> String {
    let mut text = String::from("# All keys: roundsman config example\n");
    let mut line = |line: String| {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{line}");
    };
    let list = |values: Vec<String>| {
        format!(
            "[{}]",
            values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", ")
        )
    };
    line(format!("domain = {}\n\n[edge]", quoted(what.domain.as_str())));
    if let Some(app) = what.edge_app {
        line(format!("app = {}", quoted(app)));
    }
    if !what.edge.is_empty() {
        line(format!(
            "addresses = {}",
            list(what.edge.iter().map(ToString::to_string).collect())
        ));
    }
    if what.edge_app.is_some() {
        line("\n[fly]".to_owned());
        line(match what.organization {
            Some(organization) => format!("organization = {}", quoted(organization)),
            None => "# organization = \"acme\"     # the token's own, where it is not said".to_owned(),
        });
        line("token = { env = \"FLY_API_TOKEN\" }    # read-only is enough: fly tokens create readonly".to_owned());
    }
    if what.listing {
        line("\n[cloudflare]\ntoken = { env = \"CLOUDFLARE_API_TOKEN\" }    # DNS Read is enough".to_owned());
    }
    let named = what.file.is_some() || !what.ids.is_empty();
    if named || what.edge_app.is_some() || what.app_prefix.is_some() {
        line("\n[tenants]".to_owned());
    }
    if let Some(prefix) = what.app_prefix {
        line(format!("app_prefix = {}", quoted(prefix)));
    }
    match what.file {
        Some(file) => line(format!("file = {}", quoted(file))),
        None if named => line(format!("list = {}", list(what.ids.to_vec()))),
        None if what.edge_app.is_some() => line("source = \"fly\"".to_owned()),
        None if what.app_prefix.is_some() => {
            line("# list = [\"abc123\"]        # or file = \"tenants.toml\"".to_owned());
        }
        None => line("\n# [tenants]\n# list = [\"abc123\"]        # or file = \"tenants.toml\"".to_owned()),
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Flags, Fly};

    #[test]
    fn the_example_is_valid_and_complete() {
        let config = Config::parse(&example(), Path::new("roundsman.toml")).unwrap();
        assert!(config.with_flags(&Flags::default()).is_ok());
    }

    #[test]
    fn the_values_shown_in_the_example_are_the_defaults() {
        let read = |text: &str| Config::parse(text, Path::new("")).unwrap();
        let (example, default) = (read(&example()), read("domain = \"example.com\""));
        assert_eq!(format!("{:?}", example.dns), format!("{:?}", default.dns));
        assert_eq!(format!("{:?}", example.site), format!("{:?}", default.site));
        assert_eq!(example.certificate, default.certificate);
        assert_eq!(example.schedule, default.schedule);
        assert_eq!(example.vantage, default.vantage);
        assert_eq!(example.tenants.inactive, default.tenants.inactive);
    }

    #[test]
    fn a_setting_left_out_reads_too() {
        let whole: String = example()
            .lines()
            // The keys that exclude others: one in the schedule, and those of other kinds of channels.
            .filter(|line| {
                let others = [
                    "#cron = \"*/5",
                    "#url = \"https://example.com/hook",
                    "#secret ",
                    "#routing_key ",
                    "#fallback ",
                ];
                !others.iter().any(|other| line.starts_with(other))
            })
            .map(|line| match line.strip_prefix('#') {
                Some(setting) if !setting.starts_with(' ') => format!("{setting}\n"),
                _ => format!("{line}\n"),
            })
            .collect();
        let config = Config::parse(&whole, Path::new("")).unwrap_or_else(|error| panic!("{}", error.render(false)));
        let fly = config.fly.unwrap();
        let shown = Fly {
            organization: fly.organization.clone(),
            ..Fly::default()
        };
        assert_eq!(fly, shown);
        assert!(config.overrides[0].matching.tenant.is_some() && config.tenants.fields.id.is_some());
    }

    #[test]
    fn a_minimal_file_is_valid_whatever_the_names_hold() {
        let domain = Hostname::parse("example.com").unwrap();
        let edge = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        let plain = Minimal {
            domain: &domain,
            edge: &edge,
            edge_app: None,
            organization: None,
            app_prefix: None,
            listing: false,
            file: None,
            ids: &[],
        };
        for text in [
            minimal(Minimal {
                file: Some("te\"nants.txt"),
                ..plain
            }),
            minimal(Minimal {
                ids: &["a".into(), "b\\".into()],
                ..plain
            }),
            minimal(plain),
            minimal(Minimal {
                app_prefix: Some("t-"),
                ..plain
            }),
            minimal(Minimal {
                edge: &[],
                edge_app: Some("management-api"),
                listing: true,
                ..plain
            }),
            minimal(Minimal {
                edge_app: Some("management-api"),
                organization: Some("a\"cme"),
                app_prefix: Some("t-"),
                ids: &["a".into()],
                ..plain
            }),
        ] {
            let config = Config::parse(&text, Path::new("roundsman.toml")).unwrap();
            assert!(config.edge.addresses.is_empty() || config.edge.addresses == edge);
            assert!(config.with_flags(&Flags::default()).is_ok(), "{text}");
        }
    }
}
