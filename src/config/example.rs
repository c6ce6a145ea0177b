//! The files that this program writes for people: the commented example, and the minimal one of `init`.

use std::fmt::Write as _;
use std::net::IpAddr;

use roundsman_checks::target::Hostname;

/// Every key that this version reads, with its default and what it means.
pub const EXAMPLE: &str = include_str!("example.toml");

/// A file that is just enough: domain, edge, and the tenants by file or by id, where there are any.
#[must_use]
pub fn minimal(domain: &Hostname, edge: &[IpAddr], file: Option<&str>, ids: &[String]) -> String {
    let mut text = String::from("# All keys: roundsman config example\n");
    // Writing to a String cannot fail.
    let _ = writeln!(text, "domain = {}\n\n[edge]", quoted(domain.as_str()));
    let _ = writeln!(
        text,
        "addresses = [{}]",
        edge.iter()
            .map(|ip| quoted(&ip.to_string()))
            .collect::<Vec<_>>()
            .join(", ")
    );
    match file {
        Some(file) => {
            let _ = writeln!(text, "\n[tenants]\nfile = {}", quoted(file));
        }
        None if !ids.is_empty() => {
            let ids: Vec<String> = ids.iter().map(|id| quoted(id)).collect();
            let _ = writeln!(text, "\n[tenants]\nlist = [{}]", ids.join(", "));
        }
        None => text.push_str("\n# [tenants]\n# list = [\"abc123\"]        # or file = \"tenants.toml\"\n"),
    }
    text
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use std::path::Path;

    use super::*;
    use crate::config::{Config, Flags};

    #[test]
    fn the_example_is_valid_and_complete() {
        let config = Config::parse(EXAMPLE, Path::new("roundsman.toml")).unwrap();
        assert!(config.with_flags(&Flags::default()).is_ok());
    }

    #[test]
    fn the_values_shown_in_the_example_are_the_defaults() {
        let read = |text: &str| Config::parse(text, Path::new("")).unwrap();
        let (example, default) = (read(EXAMPLE), read("domain = \"example.com\""));
        assert_eq!(format!("{:?}", example.dns), format!("{:?}", default.dns));
        assert_eq!(format!("{:?}", example.site), format!("{:?}", default.site));
        assert_eq!(example.certificate, default.certificate);
        assert_eq!(example.schedule, default.schedule);
        assert_eq!(example.vantage, default.vantage);
        assert_eq!(example.tenants.inactive, default.tenants.inactive);
    }

    #[test]
    fn a_minimal_file_is_valid_whatever_the_names_hold() {
        let domain = Hostname::parse("example.com").unwrap();
        let edge = ["192.0.2.1".parse().unwrap(), "2001:db8::1".parse().unwrap()];
        for text in [
            minimal(&domain, &edge, Some("te\"nants.txt"), &[]),
            minimal(&domain, &edge, None, &["a".into(), "b\\".into()]),
            minimal(&domain, &edge, None, &[]),
        ] {
            let config = Config::parse(&text, Path::new("roundsman.toml")).unwrap();
            assert_eq!(config.edge.addresses, edge);
        }
    }
}
