//! The program `roundsman-lab`: a simulated platform to try the product on.

mod cli;

use std::process::ExitCode;

use clap::Parser;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("roundsman-lab: {error}");
            ExitCode::from(2)
        }
    }
}
