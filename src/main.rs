//! The program. All it does is in the library.

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    roundsman::cli::run(&roundsman::cli::Cli::parse()).into()
}
