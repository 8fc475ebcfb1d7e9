//! What core costs a firmware: code, constants and statics, and how many ways to panic are linked in.

mod elf;
mod ratchet;

use std::path::Path;
use std::process::{Command, ExitCode};

use elf::Sizes;
use ratchet::Verdict;

const TARGETS: [&str; 2] = ["thumbv7em-none-eabihf", "aarch64-unknown-none"];
const PACKAGE: &str = "xtask/footprint";
const RATCHET: &str = "xtask/footprint/ratchet.toml";

/// Builds for each target, prints sizes, and fails when there are more panics than the ratchet allows.
pub(crate) fn run(root: &Path) -> ExitCode {
    let ratchet = std::fs::read_to_string(root.join(RATCHET)).unwrap_or_default();
    println!("{:<24} {:>10} {:>10} {:>10} {:>8}", "target", "code B", "consts B", "statics B", "panics");
    let mut holds = true;
    for target in TARGETS {
        let sizes = match build(root, target) {
            Ok(sizes) => sizes,
            Err(error) => {
                eprintln!("footprint of {target}: {error}");
                return ExitCode::FAILURE;
            }
        };
        let Sizes { code_bytes, consts_bytes, statics_bytes, panics } = &sizes;
        println!("{target:<24} {code_bytes:>10} {consts_bytes:>10} {statics_bytes:>10} {:>8}", panics.len());
        holds &= report(&ratchet, target, panics);
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn report(ratchet: &str, target: &str, panics: &[String]) -> bool {
    match ratchet::judge(ratchet, target, panics.len()) {
        Verdict::Missing => eprintln!("{RATCHET}: no `panics_max` for {target}: add it"),
        Verdict::Above { max } => {
            eprintln!(
                "{target}: {} panics linked, at most {max} allowed; core panics on no input:",
                panics.len()
            );
            panics.iter().for_each(|name| eprintln!("  {name}"));
        }
        Verdict::Below { max } => {
            println!("{target}: fewer panics than {max}: set panics_max = {} in {RATCHET}", panics.len());
            return true;
        }
        Verdict::Holds => return true,
    }
    false
}

fn build(root: &Path, target: &str) -> Result<Sizes, String> {
    let package = root.join(PACKAGE);
    let output = crate::target_dir(root).join("footprint");
    let mut command = Command::new("bash");
    command.arg(root.join(".ci/bare-cargo")).args(["build", "--release", "--quiet", "--target", target]);
    command.env("CARGO_TARGET_DIR", &output).current_dir(&package);
    let status = command.status().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err("the build failed".to_owned());
    }
    let binary = output.join(target).join("release/livesky-footprint");
    let bytes = std::fs::read(&binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    elf::measure(&bytes)
}
