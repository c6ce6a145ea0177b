//! The command line.

mod demo;
mod fault;
mod start;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use roundsman_lab::{Fault, LabError, Scope};

/// A simulated multi-tenant platform on loopback: DNS, edge, tenant apps, and every fault by name
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Examples:
  roundsman-lab demo
  roundsman-lab start --tenants 100 --fault edge-throttled=5/10
  roundsman-lab fault add dns-override@q7f9 site-status@a3b1=503
  roundsman verify --config .lab/roundsman.toml";

const START_EXAMPLES: &str = "\
Examples:
  roundsman-lab start
  roundsman-lab start --tenants 10000 --rsa --dir /tmp/lab
  roundsman-lab start --platform --fault certificate-conflict@q7f9
  roundsman-lab start --edge 127.0.0.1 --edge 127.0.0.2 --fault edge-unreachable=127.0.0.2";

const FAULT_EXAMPLES: &str = "\
Examples:
  roundsman-lab fault add dns-blocked@q7f9=acme-challenge platform-outage=60
  roundsman-lab fault remove platform-outage=60
  roundsman-lab fault list --dir /tmp/lab
  roundsman-lab fault clear";

#[derive(Debug, Subcommand)]
enum Command {
    /// Start a lab and serve until Ctrl-C
    #[command(after_help = START_EXAMPLES)]
    Start(start::Options),
    /// Stage faults in the running lab, or take them back
    #[command(after_help = FAULT_EXAMPLES)]
    Fault {
        /// Where the lab was started (its --dir)
        #[arg(long, default_value = ".lab", global = true, value_name = "DIR")]
        dir: PathBuf,
        #[command(subcommand)]
        action: fault::Action,
    },
    /// List every fault: its name, its variants, what it does
    Faults,
    /// Start a lab with a handful of faults and run `roundsman verify` on it
    Demo,
}

pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode, LabError> {
    match arguments.command {
        Command::Start(options) => start::run(options).await,
        Command::Fault { dir, action } => fault::run(&dir, action).await,
        Command::Faults => {
            // A reader that goes away (`| head`) has seen enough.
            let _ = std::io::stdout().write_all(catalog().as_bytes());
            Ok(ExitCode::SUCCESS)
        }
        Command::Demo => demo::run().await,
    }
}

/// Written `cause[@tenant][=variant]`.
fn catalog() -> String {
    let mut text = String::from("A fault is written CAUSE[@TENANT][=VARIANT].\n");
    let groups = [
        (Scope::Tenant, "One tenant (CAUSE@TENANT):"),
        (Scope::Either, "One tenant or everybody:"),
        (Scope::Fleet, "Everybody:"),
        (Scope::Agent, "Whoever watches:"),
    ];
    for (scope, title) in groups {
        text.push_str(&format!("\n{title}\n"));
        for entry in Fault::catalog().iter().filter(|entry| entry.scope == scope) {
            text.push_str(&format!("  {:38} {}\n", entry.name, entry.does));
            if entry.details() != "no detail" {
                text.push_str(&format!("  {:38}   = {}\n", "", entry.details()));
            }
        }
    }
    text
}
