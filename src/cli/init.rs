//! `roundsman init`: writes a minimal `roundsman.toml`, never over an existing file.

use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use clap::{ArgGroup, Args};
use roundsman_checks::target::Hostname;
use thiserror::Error;

use super::args::{TargetArgs, any_path, from_text};
use super::configuration::ConfigurationError;
use super::{colour_errors, print, usage_error};
use crate::config::{Config, ConfigError, DEFAULT_FILE, Flags, Minimal, minimal, parse_domain, render_plain};
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
    #[error("the name of the tenants file is not valid UTF-8: rename it")]
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
        Err(InitError::Configuration(error)) => usage_error(&error.render(colour_errors())),
        Err(error) => usage_error(&render_plain(&error.to_string(), colour_errors())),
    }
}

fn write(args: &InitArgs, path: &Path) -> Result<(), InitError> {
    let file = match &args.tenants_from {
        None => None,
        Some(TenantsFrom::Stdin | TenantsFrom::DnsAnswer(_)) => return Err(InitError::Stdin),
        Some(TenantsFrom::File(file)) => Some(beside(file, path).to_str().ok_or(InitError::StrangePath)?.to_owned()),
    };
    let text = minimal(Minimal {
        domain: &args.domain,
        edge: &args.edge,
        edge_app: args.edge_app.as_deref(),
        organization: args.org.as_deref(),
        app_prefix: args.app_prefix.as_deref(),
        listing: args.edge_app.is_some() && TargetArgs::default().flags().listing_token,
        file: file.as_deref(),
        ids: &args.tenants,
    });
    // A file that `verify` would refuse is worse than none, so what it will say is read first.
    let config = Config::parse(&text, path)
        .map_err(ConfigError::from)
        .map_err(ConfigurationError::from)?;
    let config = config
        .with_flags(&Flags::default())
        .map_err(ConfigError::from)
        .map_err(ConfigurationError::from)?;
    load(&config, None, &[], Answers::default()).map_err(ConfigurationError::from)?;
    create(path, &text)
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
