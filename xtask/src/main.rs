//! Checks and chores of this repository: `cargo xtask help` lists them.

mod bench;
mod c_abi;
mod footprint;
mod rig;
mod stb_config;
mod tap;
mod tidy;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use clap::Parser;

#[derive(Parser)]
#[command(bin_name = "cargo xtask", about = "Checks and chores of this repository")]
enum Chore {
    /// Check the rules that neither rustc nor clippy knows
    Tidy,
    /// Run every check that a change must pass, as .ci/run does
    Ci {
        /// Leave out what takes minutes: other feature sets, firmware and its trials, C ABI, TAP, fuzz targets, docs
        #[arg(long)]
        quick: bool,
    },
    /// Build core for bare metal; print its sizes and hold its panics to the ratchet
    Footprint,
    /// Measure, and print the figures beside their goals
    Bench {
        /// Which to run; all of them when none is named
        #[arg(value_enum)]
        which: Vec<bench::Bench>,
    },
    /// The set-top box: build its firmware, run it in QEMU, test it; `cargo xtask stb help` says more
    #[command(disable_help_flag = true)]
    Stb {
        /// Handed on
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
    /// Write the config blob of a set-top box, or show what one says
    StbConfig(Box<stb_config::StbConfig>),
    /// Write bindings/c/include/livesky.h from the Rust sources (docs/c.md)
    CHeader {
        /// Only say whether it is what they say
        #[arg(long)]
        check: bool,
    },
    /// Check the C header, build the example in C, and let it watch a real edge, also in valgrind
    CTest,
    /// Let the embedded viewer watch a real edge through a TAP interface, in a network namespace of its own
    TapTest,
    #[command(hide = true)]
    TapTestInside(tap::Inside),
    /// List what of core can be changed without a unit test noticing (docs/mutants.md)
    Mutants {
        /// Only files whose path contains this, for example `scaling/stage.rs`; all of core when none is named
        #[arg(long = "file")]
        files: Vec<String>,
        /// Integration tests of core to ask beside the unit tests, for example `reports`
        #[arg(long = "with")]
        tests: Vec<String>,
        /// Only what the last run missed
        #[arg(long)]
        missed: bool,
    },
}

fn main() -> ExitCode {
    let root = root();
    match Chore::parse() {
        Chore::Tidy => tidy::run(&root),
        Chore::Ci { quick } => {
            let mut command = Command::new("bash");
            command.arg(".ci/run").args(quick.then_some("--quick"));
            finish(command.current_dir(&root))
        }
        Chore::Footprint => footprint::run(&root),
        Chore::Bench { which } => bench::run(&root, &which),
        Chore::Stb { arguments } => stb(&root, &arguments),
        Chore::StbConfig(asked) => stb_config::run(*asked),
        Chore::CHeader { check } => c_abi::header(&root, check),
        Chore::CTest => c_abi::test(&root),
        Chore::TapTest => tap::test(&root),
        Chore::TapTestInside(inside) => tap::inside(&root, &inside),
        Chore::Mutants { files, tests, missed } => mutants(&root, &files, &tests, missed),
    }
}

/// The repository's root: the folder above this package.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    package.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Where cargo builds.
fn target_dir(root: &Path) -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), |dir| root.join(dir))
}

/// A package of its own, whose parser of Rust is not built for the other chores.
fn mutants(root: &Path, files: &[String], tests: &[String], is_missed_only: bool) -> ExitCode {
    let target = target_dir(root);
    let mut command = Command::new("cargo");
    command.args(["run", "--locked", "--quiet", "--manifest-path", "xtask/mutants/Cargo.toml", "--"]);
    command.env("CARGO_TARGET_DIR", target.join("mutants/program"));
    command.arg(root).arg(&target).args(is_missed_only.then_some("--missed"));
    command.args(tests.iter().flat_map(|test| ["--with", test]));
    finish(command.args(files).current_dir(root))
}

/// A package of its own, whose decoder of logs is not built for the other chores.
fn stb(root: &Path, arguments: &[std::ffi::OsString]) -> ExitCode {
    let target = target_dir(root).join("stb");
    let mut command = Command::new("cargo");
    command.args(["run", "--locked", "--quiet", "--manifest-path", "set-top-box/host/Cargo.toml", "--"]);
    command.env("CARGO_TARGET_DIR", target.join("host")).env("LIVESKY_STB_TARGET", target);
    finish(command.args(arguments).current_dir(root))
}

/// Runs `command` to its end and takes over its verdict.
fn finish(command: &mut Command) -> ExitCode {
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{}: {error}", command.get_program().display());
            ExitCode::FAILURE
        }
    }
}
