//! Runs the program in a folder.

use std::path::Path;
use std::process::{Command, Output, Stdio};

pub(crate) fn livesky(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_livesky"));
    let output = command.args(arguments).current_dir(folder).stdin(Stdio::null()).output();
    output.expect("the program runs")
}

/// Runs the program, which is to succeed; gives its standard output.
#[track_caller]
pub(crate) fn output_of(folder: &Path, arguments: &[&str]) -> String {
    let output = livesky(folder, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {:?} {stderr}", output.status);
    String::from_utf8(output.stdout).expect("UTF-8")
}
