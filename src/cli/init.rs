//! `roundsman init`: writes a first `roundsman.toml`, in which is set what the options say and all else is a comment; never
//! over an existing file.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{ArgGroup, Args};
use roundsman_checks::finding::Check;
use roundsman_checks::target::Hostname;
use thiserror::Error;

use super::args::{Label, TargetArgs, any_path, duration, from_text};
use super::candidates;
use super::configuration::ConfigurationError;
use super::{colour_errors, print, usage_error};
use crate::agent::anchors;
use crate::config::{
    Config, ConfigError, DEFAULT_FILE, FirstFile, Flags, Glob, parse_domain, render_plain, write_duration,
};
use crate::exit_code::ExitCode;
use crate::inventory::{Answers, TenantsFrom, load};

/// Options of `init`.
#[derive(Debug, Args)]
#[command(group(ArgGroup::new("where the edge is").args(["edge", "edge_app"]).required(true).multiple(true)))]
pub struct InitArgs {
    /// The file to write [default: roundsman.toml]
    #[arg(long, value_name = "FILE", env = "ROUNDSMAN_CONFIG", value_parser = any_path())]
    pub config: Option<PathBuf>,
    /// The domain whose wildcard the tenants live under
    #[arg(long, value_parser = parse_domain)]
    pub domain: Hostname,
    /// IP addresses of the edge; may be repeated
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',')]
    pub edge: Vec<IpAddr>,
    /// The edge app on the platform (Fly), which then tells addresses and tenants
    #[arg(long, value_name = "APP")]
    pub edge_app: Option<String>,
    /// The organization on the platform; by default the token's own
    #[arg(long, value_name = "SLUG", requires = "edge_app")]
    pub org: Option<String>,
    /// A tenant's app is this prefix and its id [default: sp-]
    #[arg(long, value_name = "PREFIX")]
    pub app_prefix: Option<String>,
    /// A file of tenants to refer to: .toml, .json or an id a line
    #[arg(long = "tenants", value_name = "FILE", value_parser = from_text, value_hint = clap::ValueHint::FilePath, conflicts_with = "tenants")]
    pub tenants_from: Option<TenantsFrom>,
    /// A label of the tenants that are named here; may be repeated
    #[arg(long, value_name = "KEY=VALUE", requires = "tenants", help_heading = "Settings")]
    pub label: Vec<Label>,
    /// Leave out tenants whose id fits one of these patterns
    #[arg(long, value_name = "GLOB", value_delimiter = ',', help_heading = "Settings")]
    pub exclude: Vec<Glob>,
    /// Checks that apply to no tenant
    #[arg(long, value_name = "CHECK", value_delimiter = ',', add = candidates::checks(), help_heading = "Settings")]
    pub skip: Vec<Check>,
    /// Tenants visited at the same time; by default as many as the edge and the machine bear
    #[arg(long, value_name = "N", help_heading = "Settings")]
    pub concurrency: Option<NonZeroU32>,
    /// The port of the edge that serves HTTPS [default: 443]
    #[arg(long, value_name = "PORT", help_heading = "Settings")]
    pub port: Option<u16>,
    /// PEM roots that are trusted besides the system's
    #[arg(long, value_name = "FILE", value_hint = clap::ValueHint::FilePath, help_heading = "Settings")]
    pub ca_file: Option<PathBuf>,
    /// Recursive resolvers to compare, as IP or IP:PORT [default: the system's]
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', help_heading = "Settings")]
    pub resolver: Vec<String>,
    /// Path that every tenant is asked for [default: /]
    #[arg(long, value_name = "PATH", help_heading = "Settings")]
    pub path: Option<String>,
    /// How long a whole visit may take [default: 10s]
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Settings")]
    pub timeout: Option<Duration>,
    /// Ids of the tenants
    #[arg(value_name = "TENANT")]
    pub tenants: Vec<String>,
}

/// Why nothing was written.
#[derive(Debug, Error)]
pub enum InitError {
    /// A file is there.
    #[error("{0} exists already and is left as it is: remove it first, or name another file with --config")]
    Exists(String),
    /// The file cannot be made.
    #[error("{path} cannot be written: {why}")]
    Unwritable {
        /// The file.
        path: String,
        /// What the system said.
        why: String,
    },
    /// A stream cannot be referred to from a file.
    #[error("standard input cannot be named in a file: write the tenants into a file, and name it with --tenants FILE")]
    Stdin,
    /// A path that TOML cannot hold.
    #[error("the name of a file is not valid UTF-8: rename it")]
    StrangePath,
    /// What it was told is wrong.
    #[error(transparent)]
    Configuration(#[from] ConfigurationError),
}

/// Writes the file and says what to do next.
#[must_use]
pub fn run(args: &InitArgs) -> ExitCode {
    let path = args
        .config
        .as_deref()
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(Path::new(DEFAULT_FILE));
    match write(args, path) {
        Ok(()) => print(&next_step(args, path), ExitCode::Verified),
        Err(InitError::Configuration(error)) => {
            let rendered = error.render(colour_errors());
            usage_error(&format!("{rendered}\n{}", unwritten(&error, path)))
        }
        Err(error) => usage_error(&render_plain(&error.to_string(), colour_errors())),
    }
}

/// What is said below an error: it may show lines of a file that there is not.
fn unwritten(error: &ConfigurationError, path: &Path) -> String {
    let path = path.display();
    match error.render(false).contains(&format!("--> {path}:")) {
        true => format!("nothing was written: {path} is shown as it would have been"),
        false => "nothing was written".to_owned(),
    }
}

fn write(args: &InitArgs, path: &Path) -> Result<(), InitError> {
    // A mistake is never shown in a file that somebody else wrote. That it is made by nobody meanwhile is seen below.
    if path.symlink_metadata().is_ok() {
        return Err(InitError::Exists(path.display().to_string()));
    }
    let text = first_file(args, path)?.text();
    // A file that `verify` would refuse is worse than none, so what it will say is read first.
    let config = Config::parse(&text, path)
        .map_err(ConfigError::from)
        .map_err(ConfigurationError::from)?;
    let config = config
        .with_flags(&Flags::default())
        .map_err(ConfigError::from)
        .map_err(ConfigurationError::from)?;
    config.check_files().map_err(ConfigurationError::from)?;
    anchors(config.edge.ca_file.as_deref()).map_err(ConfigurationError::from)?;
    load(&config, None, &[], Answers::default()).map_err(ConfigurationError::from)?;
    create(path, &text)
}

/// What the options set.
fn first_file(args: &InitArgs, path: &Path) -> Result<FirstFile, InitError> {
    let named = |file: &Path| {
        let file = beside(file, path);
        file.to_str().map(str::to_owned).ok_or(InitError::StrangePath)
    };
    let mut file = FirstFile::default();
    file.set("domain", args.domain.as_str());
    file.set_any("edge.app", args.edge_app.clone());
    file.set_any("edge.addresses", some(args.edge.iter().map(ToString::to_string)));
    file.set_any("edge.port", args.port.map(i64::from));
    file.set_any("edge.ca_file", args.ca_file.as_deref().map(named).transpose()?);
    if args.edge_app.is_some() {
        file.set_any("fly.organization", args.org.clone());
        file.set("fly.token", secret("FLY_API_TOKEN"));
        if TargetArgs::default().flags().listing_token {
            file.set("cloudflare.token", secret("CLOUDFLARE_API_TOKEN"));
        }
    }
    file.set_any("tenants.app_prefix", args.app_prefix.clone());
    match &args.tenants_from {
        Some(TenantsFrom::Stdin | TenantsFrom::DnsAnswer(_)) => return Err(InitError::Stdin),
        Some(TenantsFrom::File(from)) => file.set("tenants.file", named(from)?),
        None if !args.tenants.is_empty() => file.set("tenants.list", listed(args)),
        None if args.edge_app.is_some() => file.set("tenants.source", "fly"),
        None => {}
    }
    file.set_any("tenants.exclude", some(args.exclude.iter().map(ToString::to_string)));
    file.set_any("dns.resolvers", some(args.resolver.iter().cloned()));
    file.set_any("site.path", args.path.clone());
    file.set_any("site.timeout", args.timeout.map(write_duration));
    file.set_any(
        "schedule.concurrency",
        args.concurrency.map(|count| i64::from(count.get())),
    );
    if let Some(skip) = some(args.skip.iter().map(ToString::to_string)) {
        file.set(
            "overrides.match",
            toml::Table::from_iter([("tenant".to_owned(), "*".into())]),
        );
        file.set("overrides.skip", skip);
    }
    Ok(file)
}

/// A list, where it has entries.
fn some(list: impl Iterator<Item = String>) -> Option<Vec<String>> {
    let list = list.collect::<Vec<_>>();
    (!list.is_empty()).then_some(list)
}

fn secret(variable: &str) -> toml::Table {
    toml::Table::from_iter([("env".to_owned(), variable.into())])
}

/// The tenants, with their labels where they have some.
fn listed(args: &InitArgs) -> Vec<toml::Value> {
    let labels = args
        .label
        .iter()
        .map(|Label(key, value)| (key.clone(), value.clone().into()));
    let labels = labels.collect::<toml::Table>();
    let entry = |id: &String| match labels.is_empty() {
        true => id.clone().into(),
        false => {
            let parts = [("id", id.clone().into()), ("labels", labels.clone().into())];
            toml::Value::Table(
                parts
                    .into_iter()
                    .map(|(key, value): (_, toml::Value)| (key.to_owned(), value))
                    .collect(),
            )
        }
    };
    args.tenants.iter().map(entry).collect()
}

fn create(path: &Path, text: &str) -> Result<(), InitError> {
    let name = path.display().to_string();
    // Looking first and writing then would leave a gap in which another process may have made the file.
    let file = OpenOptions::new().write(true).create_new(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => InitError::Exists(name),
            _ => InitError::Unwritable {
                path: name,
                why: error.to_string(),
            },
        })
}

/// The tenants file as the configuration must name it: it is looked for beside the configuration.
fn beside(file: &Path, config: &Path) -> PathBuf {
    let same = config.parent().is_none_or(|directory| directory.as_os_str().is_empty());
    if same || file.is_absolute() {
        file.to_owned()
    } else {
        std::path::absolute(file).unwrap_or_else(|_| file.to_owned())
    }
}

fn next_step(args: &InitArgs, path: &Path) -> String {
    let option = if path == Path::new(DEFAULT_FILE) {
        String::new()
    } else {
        format!(" --config {}", path.display())
    };
    let token = if args.edge_app.is_some() {
        "FLY_API_TOKEN=... "
    } else {
        ""
    };
    let names = if args.tenants.is_empty() && args.tenants_from.is_none() && args.edge_app.is_none() {
        " TENANT..."
    } else {
        ""
    };
    format!(
        "wrote {}\nnext: {token}roundsman verify{option}{names}\n",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn args(tenants: &[&str]) -> InitArgs {
        InitArgs {
            config: None,
            domain: Hostname::parse("example.com").unwrap(),
            edge: vec!["192.0.2.1".parse().unwrap()],
            edge_app: None,
            org: None,
            app_prefix: None,
            tenants_from: None,
            label: Vec::new(),
            exclude: Vec::new(),
            skip: Vec::new(),
            concurrency: None,
            port: None,
            ca_file: None,
            resolver: Vec::new(),
            path: None,
            timeout: None,
            tenants: tenants.iter().map(|id| (*id).to_owned()).collect(),
        }
    }

    #[test]
    fn a_platform_needs_no_address_and_no_tenant() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("roundsman.toml");
        let mut args = args(&[]);
        args.edge.clear();
        args.edge_app = Some("management-api".into());
        args.org = Some("acme".into());
        write(&args, &path).unwrap();
        let config = Config::load(&path).unwrap();
        assert_eq!(config.edge.app.as_deref(), Some("management-api"));
        assert_eq!(config.fly.unwrap().organization.as_deref(), Some("acme"));
        assert!(next_step(&args, &path).contains("next: FLY_API_TOKEN=... roundsman verify"));
    }

    #[test]
    fn writes_a_file_that_verify_accepts_and_never_twice() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("roundsman.toml");
        write(&args(&["abc123"]), &path).unwrap();
        let config = Config::load(&path).unwrap();
        assert_eq!(config.tenants.list[0].id, "abc123");
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(write(&args(&["other"]), &path), Err(InitError::Exists(_))));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn what_the_options_say_is_what_the_file_says() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("roundsman.toml");
        let root = rcgen::generate_simple_self_signed(vec!["root.test".to_owned()]).unwrap();
        std::fs::write(directory.path().join("roots.pem"), root.cert.pem()).unwrap();
        let args = InitArgs {
            edge_app: Some("management-api".into()),
            org: Some("acme".into()),
            app_prefix: Some("t-".into()),
            label: vec![Label("plan".into(), "pro".into())],
            exclude: vec!["demo-*".into()],
            skip: vec![Check::Route, Check::App],
            concurrency: NonZeroU32::new(7),
            port: Some(8443),
            ca_file: Some(directory.path().join("roots.pem")),
            resolver: vec!["192.0.2.53".into(), "192.0.2.54:5353".into()],
            path: Some("/health".into()),
            timeout: Some(Duration::from_secs(90)),
            ..args(&["abc123", "def456"])
        };
        write(&args, &path).unwrap();
        let config = Config::load(&path).unwrap();
        assert_eq!(
            (config.edge.app.as_deref(), config.edge.port),
            (Some("management-api"), 8443)
        );
        assert_eq!(config.edge.addresses, args.edge);
        assert!(config.edge.ca_file.unwrap().ends_with("roots.pem"));
        assert_eq!(config.fly.unwrap().organization.as_deref(), Some("acme"));
        assert_eq!(config.tenants.app_prefix, "t-");
        let labels = config.tenants.list.iter().map(|tenant| tenant.labels["plan"].as_str());
        assert_eq!(labels.collect::<Vec<_>>(), ["pro", "pro"]);
        assert!(config.tenants.exclude[0].matches("demo-1"));
        assert_eq!(config.dns.resolvers[1], "192.0.2.54:5353".parse().unwrap());
        assert_eq!(config.site.expectation.path, "/health");
        assert_eq!(config.site.timeout, Duration::from_secs(90));
        assert_eq!(config.schedule.concurrency, NonZeroU32::new(7));
        assert_eq!(config.overrides.len(), 1);
    }

    #[test]
    fn writes_nothing_that_verify_would_refuse() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("roundsman.toml");
        assert!(matches!(
            write(&args(&["a b"]), &path),
            Err(InitError::Configuration(_))
        ));
        assert!(!path.exists());
    }

    #[test]
    fn says_the_next_command() {
        assert_eq!(
            next_step(&args(&[]), Path::new("x/r.toml")),
            "wrote x/r.toml\nnext: roundsman verify --config x/r.toml TENANT...\n"
        );
        assert!(next_step(&args(&["a"]), Path::new("roundsman.toml")).ends_with("next: roundsman verify\n"));
    }
}
