//! What core costs a firmware: code, constants and statics, and how many ways to panic are linked in; all of it, a client alone, and the
//! set-top box's firmware, when that is built.

mod elf;
mod ratchet;

use std::path::Path;
use std::process::{Command, ExitCode};

use elf::Sizes;
use ratchet::Verdict;

const TARGETS: [&str; 3] = ["thumbv7em-none-eabihf", "riscv32imac-unknown-none-elf", "aarch64-unknown-none"];
const PACKAGE: &str = "xtask/footprint";
const RATCHET: &str = "xtask/footprint/ratchet.toml";

/// The firmware, as `cargo xtask stb build` and CI leave it.
const FIRMWARE: &str = "stb/aarch64-unknown-none/release/livesky-stb";
/// A compiler of another version makes other code of the same source: so many percent more are no reason to fail.
const CODE_SLACK_PERCENT: usize = 2;

/// Builds for each target, prints sizes, and fails when there are more panics, or more code, than the ratchet allows.
pub(crate) fn run(root: &Path) -> ExitCode {
    let ratchet = std::fs::read_to_string(root.join(RATCHET)).unwrap_or_default();
    println!("{:<40} {:>10} {:>10} {:>10} {:>8}", "what", "code B", "consts B", "statics B", "panics");
    let mut holds = true;
    for target in TARGETS {
        for part in [Part::All, Part::Client] {
            let sizes = match build(root, target, part) {
                Ok(sizes) => sizes,
                Err(error) => {
                    eprintln!("footprint of {target}: {error}");
                    return ExitCode::FAILURE;
                }
            };
            print(&format!("{}, {target}", part.name()), &sizes);
            holds &= match part {
                Part::All => report(&ratchet, target, &sizes.panics),
                Part::Client => report_code(&ratchet, target, "client_code_max", &sizes),
            };
        }
    }
    let firmware = crate::target_dir(root).join(FIRMWARE);
    match std::fs::read(&firmware).map_err(|error| error.to_string()).and_then(|bytes| elf::measure(&bytes)) {
        Ok(sizes) => {
            print("set-top box, aarch64-unknown-none", &sizes);
            holds &= report_code(&ratchet, "set-top-box", "code_max", &sizes);
        }
        Err(_) => println!("set-top box: not built (cargo xtask stb build)"),
    }
    if holds { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// What of core is linked.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    Client,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::All => "core",
            Self::Client => "client",
        }
    }
}

fn print(name: &str, sizes: &Sizes) {
    let Sizes { code_bytes, consts_bytes, statics_bytes, panics } = sizes;
    println!("{name:<40} {code_bytes:>10} {consts_bytes:>10} {statics_bytes:>10} {:>8}", panics.len());
}

fn report_code(ratchet: &str, section: &str, key: &str, sizes: &Sizes) -> bool {
    let code_bytes = usize::try_from(sizes.code_bytes).unwrap_or(usize::MAX);
    match ratchet::judge(ratchet, section, key, code_bytes) {
        Verdict::Missing => eprintln!("{RATCHET}: no `{key}` for {section}: add it"),
        Verdict::Above { max } if code_bytes > max + max / 100 * CODE_SLACK_PERCENT => {
            eprintln!(
                "{section}: {code_bytes} B of code, {max} allowed: make it smaller, or say in {RATCHET} what it is for"
            );
        }
        Verdict::Above { .. } | Verdict::Below { .. } | Verdict::Holds => return true,
    }
    false
}

fn report(ratchet: &str, target: &str, panics: &[String]) -> bool {
    match ratchet::judge(ratchet, target, "panics_max", panics.len()) {
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

fn build(root: &Path, target: &str, part: Part) -> Result<Sizes, String> {
    let package = root.join(PACKAGE);
    let output = crate::target_dir(root).join("footprint");
    let features: &[&str] = match part {
        Part::All => &[],
        Part::Client => &["--no-default-features"],
    };
    let mut command = Command::new("bash");
    command
        .arg(root.join(".ci/bare-cargo"))
        .args(["build", "--release", "--quiet", "--target", target])
        .args(features);
    command.env("CARGO_TARGET_DIR", &output).current_dir(&package);
    let status = command.status().map_err(|error| error.to_string())?;
    if !status.success() {
        return Err("the build failed".to_owned());
    }
    let binary = output.join(target).join("release/livesky-footprint");
    let bytes = std::fs::read(&binary).map_err(|error| format!("{}: {error}", binary.display()))?;
    elf::measure(&bytes)
}
