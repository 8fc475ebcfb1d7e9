//! The LiveSky program.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use livesky::cli::Cli;
use livesky::commands;

fn main() -> ExitCode {
    match smol::block_on(commands::run(Cli::parse())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody reading is no reason to panic.
            let _is_read = writeln!(io::stderr(), "error: {failure}");
            ExitCode::FAILURE
        }
    }
}
