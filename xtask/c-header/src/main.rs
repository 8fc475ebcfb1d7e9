//! Writes `bindings/c/include/livesky.h` from the Rust sources of that package, or checks that it is what they say.
//!
//! `livesky-c-header ROOT [--check]`; `cargo xtask c-header` starts it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

const PACKAGE: &str = "bindings/c";
const HEADER: &str = "bindings/c/include/livesky.h";

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(root) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: livesky-c-header ROOT [--check]");
        return ExitCode::FAILURE;
    };
    let is_check = arguments.next().is_some_and(|argument| argument == "--check");
    match generate(&root).and_then(|header| settle(&root.join(HEADER), &header, is_check)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("c-header: {error}");
            ExitCode::FAILURE
        }
    }
}

fn generate(root: &Path) -> Result<String, String> {
    let package = root.join(PACKAGE);
    let config = cbindgen::Config::from_file(package.join("cbindgen.toml"))?;
    let bindings = cbindgen::Builder::new().with_crate(&package).with_config(config).generate();
    let mut header = Vec::new();
    bindings.map_err(|error| error.to_string())?.write(&mut header);
    let header = String::from_utf8(header).map_err(|error| error.to_string())?;
    // Constants are named after their type: LIVESKY_RESULT_OK belongs to livesky_result_t.
    Ok(header.replace("_T_", "_"))
}

/// Writes the header, or compares it with what is there.
fn settle(path: &Path, header: &str, is_check: bool) -> Result<(), String> {
    if !is_check {
        return std::fs::write(path, header).map_err(|error| format!("{}: {error}", path.display()));
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    let differs = committed.lines().zip(header.lines()).position(|(is, should_be)| is != should_be);
    let differs = differs
        .or_else(|| (committed != header).then(|| committed.lines().count().min(header.lines().count())));
    differs.map_or(Ok(()), |line| {
        Err(format!(
            "{HEADER}:{}: not what the sources say: run `cargo xtask c-header` and commit it",
            line + 1
        ))
    })
}
