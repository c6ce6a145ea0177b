//! What can be said to `verify`, and the pieces of it that other commands share.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{OsStringValueParser, TypedValueParser};
use clap::{Args, ValueEnum, ValueHint};
use roundsman_checks::diagnosis::Cause;
use roundsman_checks::finding::Check;
use roundsman_checks::release::ExpectedImage;
use roundsman_checks::target::Hostname;
use thiserror::Error;

use super::candidates;
use crate::config::{Flags, Glob, Release, parse_domain, parse_duration, read_cause};
use crate::inventory::TenantsFrom;
use crate::text::Detail;

/// Options of `verify`.
#[derive(Clone, Debug, Args)]
pub struct VerifyArgs {
    /// Where the configuration is.
    #[command(flatten)]
    pub target: TargetArgs,
    /// Ids or host names of the tenants to verify, or patterns such as 'q*' [default: all]
    #[arg(value_name = "TENANT", add = candidates::tenants())]
    pub tenants: Vec<String>,
    /// What to write to standard output [default: human; github where GITHUB_ACTIONS is true]
    #[arg(long, value_enum, value_name = "FORMAT", help_heading = "Output")]
    pub format: Option<Format>,
    /// The same as --format json
    #[arg(long, conflicts_with = "format", help_heading = "Output")]
    pub json: bool,
    /// For people: nothing but failures
    #[arg(short, long, conflicts_with = "verbose", help_heading = "Output")]
    pub quiet: bool,
    /// For people: each tenant with each of its checks as well
    #[arg(short, long, help_heading = "Output")]
    pub verbose: bool,
    /// For people: every tenant, fact and fix of each cause, however many
    #[arg(long, conflicts_with = "quiet", help_heading = "Output")]
    pub all: bool,
    /// Write the report to a file as well, `-` for standard output in the place of --format; may be repeated
    #[arg(long, value_name = "FORMAT=FILE", add = candidates::outputs(), help_heading = "Output")]
    pub output: Vec<Output>,
    /// Run these checks only: dns, certificate, site, conflicts, app, route
    #[arg(long, value_name = "CHECK", value_delimiter = ',', add = candidates::checks(), help_heading = "Selection")]
    pub only: Vec<Check>,
    /// Leave these checks out
    #[arg(long, value_name = "CHECK", value_delimiter = ',', add = candidates::checks(), help_heading = "Selection")]
    pub skip: Vec<Check>,
    /// Only tenants with this label; may be repeated, all must hold
    #[arg(long, value_name = "KEY=VALUE", help_heading = "Selection")]
    pub label: Vec<Label>,
    /// Leave out tenants whose id fits one of these patterns
    #[arg(long, value_name = "GLOB", value_delimiter = ',', help_heading = "Selection")]
    pub exclude: Vec<Glob>,
    /// Only tenants that failed in this earlier JSON report
    #[arg(long, value_name = "REPORT", help_heading = "Selection")]
    pub failed_in: Option<PathBuf>,
    /// Causes that are accepted for this run: they are told apart and decide nothing
    #[arg(long, value_name = "CAUSE", value_delimiter = ',', value_parser = cause, add = candidates::causes(), help_heading = "Verdict")]
    pub ignore: Vec<Cause>,
    /// Exit with 3 where one of these checks is skipped or unknown
    #[arg(long, value_name = "CHECK", value_delimiter = ',', add = candidates::checks(), help_heading = "Verdict")]
    pub require: Vec<Check>,
    /// What decides the exit code
    #[arg(long, value_enum, default_value_t, help_heading = "Verdict")]
    pub scope: Scope,
    /// What counts as failing
    #[arg(long, value_enum, default_value_t, help_heading = "Verdict")]
    pub fail_on: FailOn,
    /// Whether a sleeping tenant is asked for its page; auto: when it is named here
    #[arg(long, value_enum, default_value_t, help_heading = "Selection")]
    pub wake: Wake,
    /// Verify again until all is healthy or this much time is up, such as 5m
    #[arg(long, value_name = "DURATION", value_parser = duration, help_heading = "Waiting")]
    pub wait: Option<Duration>,

    /// All must be well this many times in a row [default: 1]
    #[arg(long, value_name = "N", requires = "wait", help_heading = "Waiting")]
    pub consecutive: Option<NonZeroU32>,

    /// End waiting at a cause that does not pass by itself, such as a certificate conflict
    #[arg(long, requires = "wait", help_heading = "Waiting")]
    pub fail_fast: bool,

    /// Every machine must run this image: a reference in which {app} stands for the app, :TAG, or sha256:...
    #[arg(long, value_name = "REF", help_heading = "Release")]
    pub expect_image: Option<ExpectedImage>,

    /// Every answer must carry this version, where `[site] version` says
    #[arg(long, value_name = "VALUE", value_parser = filled, help_heading = "Release")]
    pub expect_version: Option<String>,

    /// An earlier JSON report: only what is worse than in it fails
    #[arg(long, value_name = "FILE", help_heading = "Verdict")]
    pub baseline: Option<PathBuf>,

    /// How old the baseline may be [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = duration, requires = "baseline", help_heading = "Verdict")]
    pub baseline_max_age: Option<Duration>,

    /// Write the complete evidence of the round to a file, for `roundsman replay`
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub record: Option<PathBuf>,

    /// Tenants visited at the same time; by default as many as the edge and the machine bear
    #[arg(long, value_name = "N")]
    pub concurrency: Option<NonZeroU32>,
}

/// Which configuration, and what stands in its place.
#[derive(Clone, Debug, Default, Args)]
pub struct TargetArgs {
    /// The configuration [default: roundsman.toml]
    #[arg(long, value_name = "FILE", env = "ROUNDSMAN_CONFIG", value_parser = any_path(), help_heading = "Configuration")]
    pub config: Option<PathBuf>,
    /// The domain whose wildcard the tenants live under
    #[arg(long, value_parser = parse_domain, help_heading = "Configuration")]
    pub domain: Option<Hostname>,
    /// IP addresses of the edge; may be repeated
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', help_heading = "Configuration")]
    pub edge: Vec<IpAddr>,
    /// The edge app on the platform (Fly): with a FLY_API_TOKEN it finds addresses and tenants
    #[arg(long, value_name = "APP", help_heading = "Configuration")]
    pub edge_app: Option<String>,
    /// The organization on the platform [default: the token's own]
    #[arg(long, value_name = "SLUG", help_heading = "Configuration")]
    pub org: Option<String>,
    /// An inventory: .toml, .json, or one id per line; `-` for standard input
    #[arg(long = "tenants", value_name = "FILE", value_parser = from_text, value_hint = ValueHint::FilePath, help_heading = "Configuration")]
    pub tenants_from: Option<TenantsFrom>,
    /// A tenant's app is this prefix and its id [default: sp-]
    #[arg(long, value_name = "PREFIX", help_heading = "Configuration")]
    pub app_prefix: Option<String>,
}

/// Which configuration, where nothing else is asked.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// The configuration [default: roundsman.toml]
    #[arg(long, value_name = "FILE", env = "ROUNDSMAN_CONFIG", value_parser = any_path(), global = true)]
    pub config: Option<PathBuf>,
}

/// What to write to standard output, where there are two ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Shape {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

impl VerifyArgs {
    /// The form of standard output, where one is asked for.
    #[must_use]
    pub fn shape(&self) -> Option<Format> {
        // Whoever says how much people are told wants the form for people.
        let for_people = (self.quiet || self.verbose).then_some(Format::Human);
        self.json.then_some(Format::Json).or(self.format).or(for_people)
    }

    /// How much people are told.
    #[must_use]
    pub fn detail(&self) -> Detail {
        match (self.quiet, self.verbose) {
            (true, _) => Detail::Failures,
            (false, true) => Detail::Everything,
            (false, false) => Detail::Usual,
        }
    }

    /// What the options say about the configuration.
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags {
            concurrency: self.concurrency,
            release: Release {
                image: self.expect_image.clone(),
                version: self.expect_version.clone(),
            },
            ..self.target.flags()
        }
    }
}

impl TargetArgs {
    /// The file to read, where one is named; an empty `ROUNDSMAN_CONFIG` names none.
    #[must_use]
    pub fn config_path(&self) -> Option<&Path> {
        self.config.as_deref().filter(|path| !path.as_os_str().is_empty())
    }

    /// What the flags say about the configuration.
    #[must_use]
    pub fn flags(&self) -> Flags {
        Flags {
            domain: self.domain.clone(),
            edge: self.edge.clone(),
            edge_app: self.edge_app.clone(),
            organization: self.org.clone(),
            listing_token: std::env::var_os("CLOUDFLARE_API_TOKEN").is_some_and(|token| !token.is_empty()),
            app_prefix: self.app_prefix.clone(),
            ..Flags::default()
        }
    }
}

/// A form of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Human,
    /// For programs (`roundsman.report/1`).
    Json,
    /// JUnit XML, for CI servers.
    Junit,
    /// The human form and an annotation per cause, for the log of GitHub Actions.
    Github,
    /// For a comment on a merge request.
    Markdown,
}

impl Format {
    /// As on the command line.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Human => "human",
            Self::Json => "json",
            Self::Junit => "junit",
            Self::Github => "github",
            Self::Markdown => "markdown",
        }
    }
}

/// A form of what is no report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// For people.
    #[default]
    Human,
    /// For programs.
    Json,
}

/// Whether a sleeping tenant is asked for its page, which wakes it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Wake {
    /// When it is named on the command line.
    #[default]
    Auto,
    /// Never.
    Never,
    /// Always.
    Always,
}

/// What decides the exit code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Scope {
    /// Tenants and fleet checks.
    #[default]
    All,
    /// Tenants alone; what is found about the fleet is reported.
    Tenant,
}

/// What counts as failing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Failures.
    #[default]
    Fail,
    /// Failures and warnings.
    Warn,
}

/// One `--output`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// In which form.
    pub format: Format,
    /// Where to; `None` is standard output.
    pub file: Option<PathBuf>,
}

/// One `--label`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(pub String, pub String);

/// Why an argument is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ArgError {
    /// No `=`, or nothing on one side of it.
    #[error("expected {0}")]
    Form(&'static str),
    /// A report in a form that does not exist.
    #[error("`{0}` is no format: the formats are human, json, junit, github, markdown")]
    Format(String),
}

impl FromStr for Output {
    type Err = ArgError;
    fn from_str(text: &str) -> Result<Self, ArgError> {
        let form = ArgError::Form("FORMAT=FILE, such as json=report.json");
        let (format, file) = text.split_once('=').filter(|(_, file)| !file.is_empty()).ok_or(form)?;
        let format = Format::from_str(format, false).map_err(|_| ArgError::Format(format.to_owned()))?;
        Ok(Self {
            format,
            file: (file != "-").then(|| file.into()),
        })
    }
}

impl FromStr for Label {
    type Err = ArgError;
    fn from_str(text: &str) -> Result<Self, ArgError> {
        let form = ArgError::Form("KEY=VALUE, such as plan=pro");
        let (key, value) = text.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or(form)?;
        Ok(Self(key.to_owned(), value.to_owned()))
    }
}

/// A cause by its name.
fn cause(text: &str) -> Result<Cause, String> {
    read_cause(text)
}

pub(super) fn duration(text: &str) -> Result<Duration, ArgError> {
    let form = ArgError::Form("a duration such as 90s, 5m or 1h30m");
    parse_duration(text).filter(|duration| !duration.is_zero()).ok_or(form)
}

fn filled(text: &str) -> Result<String, ArgError> {
    // An unset variable in a pipeline must not mean that any version will do.
    let blank = text.trim().is_empty();
    if blank {
        Err(ArgError::Form("a version; this one is empty"))
    } else {
        Ok(text.to_owned())
    }
}

/// A path; an empty one, as an unset variable of a pipeline gives, is left to the command to understand.
pub(super) fn any_path() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// `-` or a path.
pub(super) fn from_text(text: &str) -> Result<TenantsFrom, ArgError> {
    if text.is_empty() {
        Err(ArgError::Form("a file, or `-` for standard input"))
    } else {
        Ok(text.into())
    }
}
