//! Builds the set-top box's firmware, boots it in QEMU and watches it: `cargo xtask stb help` lists what it can do.
//!
//! [`firmware`] builds it, [`qemu`] runs it, [`log`] reads what it says, [`trial`] tests it.

mod firmware;
mod log;
mod qemu;
mod trial;

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use qemu::{Cable, RunningBox, WaitError};
use trial::Trial;

#[derive(Parser)]
#[command(bin_name = "cargo xtask stb", about = "The set-top box: its firmware, built and run in QEMU")]
enum Chore {
    /// Build the firmware and print where it lies
    Build,
    /// Build the firmware, boot it and print its log until it ends
    Run {
        /// The config blob that `cargo xtask stb-config` wrote
        #[arg(long, value_name = "FILE")]
        config: PathBuf,
        /// The network, as QEMU's -netdev has it, with id=net [default: user,id=net]
        #[arg(long)]
        netdev: Option<String>,
        /// Tells boxes on one network apart
        #[arg(long, default_value_t = 0)]
        number: u8,
    },
    /// Boot boxes and see whether they do what they should
    Test {
        /// What to try; everything when nothing is named
        #[arg(value_enum)]
        trials: Vec<Trial>,
    },
}

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Build => firmware::build(&[])
            .map(|elf| {
                println!("{}", elf.display());
                ExitCode::SUCCESS
            })
            .map_err(Into::into),
        Chore::Run { config, netdev, number } => {
            run(&config, &netdev.map_or_else(Cable::to_host, |netdev| Cable::new(netdev, number)))
        }
        Chore::Test { trials } => Ok(trial::run(&trials)),
    };
    done.unwrap_or_else(|error| {
        eprintln!("stb: {error}");
        ExitCode::FAILURE
    })
}

fn run(config: &Path, cable: &Cable) -> Result<ExitCode, Box<dyn core::error::Error>> {
    let config = std::fs::read(config).map_err(|error| format!("{}: {error}", config.display()))?;
    let elf = firmware::build(&[])?;
    let mut stb = RunningBox::boot(&elf, &config, cable)?;
    stb.is_loud = true;
    loop {
        match stb.next_line(Duration::from_secs(3600)) {
            Ok(_) | Err(WaitError::Late(_)) => {}
            Err(WaitError::Ended(status)) => {
                let status = status.and_then(|status| u8::try_from(status).ok()).unwrap_or(u8::MAX);
                println!("ended with status {status}");
                return Ok(ExitCode::from(status));
            }
        }
    }
}
