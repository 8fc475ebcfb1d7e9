//! Builds the set-top box's firmware, boots it in QEMU and watches it: `cargo xtask stb help` lists what it can do.

mod firmware;

use std::process::ExitCode;

use clap::Parser;

#[derive(Parser)]
#[command(bin_name = "cargo xtask stb", about = "The set-top box: its firmware, built and run in QEMU")]
enum Chore {
    /// Build the firmware and print where it lies
    Build,
}

fn main() -> ExitCode {
    let done = match Chore::parse() {
        Chore::Build => firmware::build(&[]).map(|elf| println!("{}", elf.display())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("stb: {error}");
            ExitCode::FAILURE
        }
    }
}
