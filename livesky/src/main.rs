//! The LiveSky program.

use std::process::ExitCode;

use clap::Parser;
use livesky::cli::Cli;
use livesky::commands;

fn main() -> ExitCode {
    match smol::block_on(commands::run(Cli::parse())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
