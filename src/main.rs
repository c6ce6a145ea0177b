//! The program. All it does is in the library.

use clap::Parser as _;
use roundsman::cli::{Cli, manual, run};

fn main() -> std::process::ExitCode {
    match manual::complete() {
        Ok(true) => std::process::ExitCode::SUCCESS,
        Ok(false) => run(&Cli::parse()).into(),
        Err(error) => error.exit(),
    }
}
