//! The firmware, built with the compiler for bare metal.

use std::path::{Path, PathBuf};
use std::process::Command;

/// What the firmware runs on.
const TARGET: &str = "aarch64-unknown-none";

/// No firmware came of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// The build script could not be started.
    #[error("bash .ci/bare-cargo: {0}")]
    Start(#[from] std::io::Error),
    /// The compiler said why.
    #[error("the firmware does not build")]
    Build,
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// Where cargo builds it: what `cargo xtask` says, or the package's own folder.
pub(crate) fn target_dir(root: &Path) -> PathBuf {
    std::env::var_os("LIVESKY_STB_TARGET").map_or_else(|| root.join("target/stb"), PathBuf::from)
}

/// Builds the firmware; the path of its ELF file. Each set of features keeps a file of its own.
///
/// # Errors
/// The compiler cannot be started, or does not like it.
pub(crate) fn build(features: &[&str]) -> Result<PathBuf, BuildError> {
    let root = root();
    let target = target_dir(&root);
    let mut command = Command::new("bash");
    command.arg(root.join(".ci/bare-cargo")).args(["build", "--locked", "--release", "--quiet"]);
    command.args(["--target", TARGET]);
    if !features.is_empty() {
        command.args(["--features", &features.join(",")]);
    }
    command.env("CARGO_TARGET_DIR", &target).current_dir(root.join("set-top-box"));
    if !command.status()?.success() {
        return Err(BuildError::Build);
    }
    let built = target.join(TARGET).join("release/livesky-stb");
    let name = ["livesky-stb"].into_iter().chain(features.iter().copied()).collect::<Vec<_>>().join("-");
    let kept = target.join(name + ".elf");
    std::fs::copy(built, &kept)?;
    Ok(kept)
}
