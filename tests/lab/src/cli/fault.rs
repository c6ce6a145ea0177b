//! `roundsman-lab fault`: talks to the running lab.

use std::net::SocketAddr;
use std::path::Path;
use std::process::ExitCode;

use clap::Subcommand;
use roundsman_lab::{Fault, LabError, control};

/// What to do about faults.
#[derive(Debug, Subcommand)]
pub(super) enum Action {
    /// Stage faults, e.g. dns-blocked@q7f9=acme-challenge
    Add {
        /// CAUSE[@TENANT][=VARIANT]
        #[arg(required = true, value_name = "FAULT")]
        faults: Vec<Fault>,
    },
    /// Take staged faults back
    Remove {
        /// As they were staged
        #[arg(required = true, value_name = "FAULT")]
        faults: Vec<Fault>,
    },
    /// List the staged faults
    List,
    /// Take all faults back
    Clear,
}

pub(super) async fn run(dir: &Path, action: Action) -> Result<ExitCode, LabError> {
    let address = find(dir)?;
    let commands = match action {
        Action::Add { faults } => each("add", &faults),
        Action::Remove { faults } => each("remove", &faults),
        Action::List => vec!["list".to_owned()],
        Action::Clear => vec!["clear".to_owned()],
    };
    let mut staged = Vec::new();
    for command in commands {
        staged = control::ask(address, &command).await?;
    }
    for fault in staged {
        println!("{fault}");
    }
    Ok(ExitCode::SUCCESS)
}

fn each(word: &str, faults: &[Fault]) -> Vec<String> {
    faults.iter().map(|fault| format!("{word} {fault}")).collect()
}

fn find(dir: &Path) -> Result<SocketAddr, LabError> {
    let text = std::fs::read_to_string(dir.join("lab.json")).unwrap_or_default();
    let state = serde_json::from_str::<serde_json::Value>(&text).unwrap_or_default();
    let address = state["control"].as_str().and_then(|address| address.parse().ok());
    address.ok_or_else(|| LabError::NotRunning(dir.to_owned()))
}
