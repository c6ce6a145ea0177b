//! The files that this program writes for people: the commented example, and the first one of `init`.

use std::collections::BTreeMap;

use super::model::description;
use super::table::{table_example, table_with};

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

/// A first file: what is set in it, by the dotted path of each key. Every other key stands there as a comment.
#[derive(Clone, Debug, Default)]
pub struct FirstFile(BTreeMap<String, String>);

impl FirstFile {
    /// Sets a key.
    pub fn set(&mut self, key: &str, value: impl Into<toml::Value>) {
        self.0.insert(key.to_owned(), value.into().to_string());
    }

    /// Sets a key, where there is something to set.
    pub fn set_any(&mut self, key: &str, value: Option<impl Into<toml::Value>>) {
        if let Some(value) = value {
            self.set(key, value);
        }
    }

    /// The file.
    #[must_use]
    pub fn text(&self) -> String {
        let keys = description().map_or_else(String::new, |file| table_with(&file, &self.0));
        format!("{FIRST}\n{keys}")
    }
}

const FIRST: &str = "\
# roundsman.toml: whom to verify, and what healthy means. `roundsman config check` says whether it is right.
# A line that begins with `#` and a key is a setting left out; without it the default holds, which is the value shown
# unless the comment says otherwise. Take the `#` away, that before the name of its table too, to set it.
";

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
    fn a_first_file_sets_what_it_is_told_and_nothing_else() {
        let mut file = FirstFile::default();
        file.set("domain", "example.com");
        file.set("edge.app", "ma\"nagement");
        file.set("fly.organization", "a\\cme");
        file.set("tenants.file", "te\"nants.txt");
        file.set("schedule.concurrency", 7);
        file.set("overrides.skip", vec!["route"]);
        file.set(
            "overrides.match",
            toml::Table::from_iter([("tenant".to_owned(), "*".into())]),
        );
        let text = file.text();
        let read = text.parse::<toml::Table>().unwrap();
        let mut expected = toml::Table::new();
        for part in [
            "domain = \"example.com\"\n[edge]\napp = \"ma\\\"nagement\"\n[fly]\norganization = \"a\\\\cme\"",
            "[tenants]\nfile = \"te\\\"nants.txt\"\n[schedule]\nconcurrency = 7",
            "[[overrides]]\nskip = [\"route\"]\nmatch = { tenant = \"*\" }",
        ] {
            expected.extend(part.parse::<toml::Table>().unwrap());
        }
        assert_eq!(read, expected, "{text}");
        let config = Config::parse(&text, Path::new("roundsman.toml")).unwrap();
        assert!(config.with_flags(&Flags::default()).is_ok());
        // Everything else can be switched on: the names of all tables and keys are there.
        let switched = |text: &str| {
            text.lines()
                .filter(|line| line.contains('=') || line.contains('['))
                .count()
        };
        assert!(switched(&text) > 100, "{text}");
    }
}
