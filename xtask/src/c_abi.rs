//! The C ABI's header, and its example in C that watches real video from a real edge.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use crate::rig::{self, Built, CLIP, Edge, WATCH_SECONDS, is_missing, is_missing_here, succeed};

const EXAMPLE: &str = "bindings/c/example/viewer.c";
const INCLUDE: &str = "bindings/c/include";

/// Writes the header, or checks it: a package of its own, whose parser of Rust is not built for the other chores.
pub(crate) fn header(root: &Path, is_check: bool) -> ExitCode {
    crate::finish(&mut header_command(root, is_check))
}

/// Checks the header and the build without std, builds the example against the library that the tests built, and lets it watch: once by itself, once in valgrind.
pub(crate) fn test(root: &Path) -> ExitCode {
    match run(root) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("c-test: {error}");
            ExitCode::FAILURE
        }
    }
}

fn header_command(root: &Path, is_check: bool) -> Command {
    let mut command = Command::new("cargo");
    command.args(["run", "--locked", "--quiet", "--manifest-path", "xtask/c-header/Cargo.toml", "--"]);
    command.env("CARGO_TARGET_DIR", crate::target_dir(root).join("c-header"));
    command.arg(root).args(is_check.then_some("--check")).current_dir(root);
    command
}

/// The library without std, as docs/c.md says, for a computer of 32 bits.
fn bare_command(root: &Path) -> Command {
    let mut command = Command::new("bash");
    command.args([".ci/bare-cargo", "rustc", "--locked", "--quiet", "--package", "livesky-c", "--lib"]);
    command.args(["--crate-type", "staticlib", "--target", "thumbv7em-none-eabihf"]).current_dir(root);
    command
        .env("CARGO_TARGET_DIR", crate::target_dir(root).join("c-bare"))
        .env("RUSTFLAGS", "--cfg livesky_bare");
    command
}

fn run(root: &Path) -> Result<(), String> {
    succeed(&mut header_command(root, true))?;
    succeed(&mut bare_command(root))?;
    let built = Built::new(root)?;
    let folder = crate::target_dir(root).join("c-test");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let Some(viewer) = compile(root, &built.library("livesky_c")?, &folder)? else { return Ok(()) };
    let clip = root.join(CLIP);
    let published = fs::read(&clip).map_err(|error| format!("{CLIP}: {error}"))?;
    let program = built.program("livesky")?;
    let edge = Edge::start(&program, "127.0.0.1")?;

    let mut plain = Command::new(&viewer);
    watch(&mut plain, &program, &edge, &clip, &published, &folder.join("plain.ts"))?;
    if is_missing("valgrind")? {
        return Ok(());
    }
    let mut checked = Command::new("valgrind");
    checked.args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=all"]);
    checked.args(["--errors-for-leak-kinds=all", "--track-origins=yes"]).arg(&viewer);
    watch(&mut checked, &program, &edge, &clip, &published, &folder.join("valgrind.ts"))
}

/// The example; `None` without a C compiler.
fn compile(root: &Path, library: &Path, folder: &Path) -> Result<Option<PathBuf>, String> {
    if is_missing("cc")? {
        return Ok(None);
    }
    let (viewer, include) = (folder.join("viewer"), root.join(INCLUDE));
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-O1", "-g", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I"]).arg(&include);
    cc.arg("-o").arg(&viewer).arg(root.join(EXAMPLE)).arg(library).args(["-lpthread", "-ldl", "-lm"]);
    succeed(&mut cc)?;
    if !is_missing_here("g++") {
        let mut cpp = Command::new("g++");
        cpp.args(["-std=c++11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"]);
        cpp.arg("-I").arg(&include).args(["-include", "livesky.h", "-x", "c++", "/dev/null"]);
        succeed(&mut cpp)?;
    }
    Ok(Some(viewer))
}

/// Publishes the clip, lets the example watch it, and compares.
fn watch(
    viewer: &mut Command,
    program: &Path,
    edge: &Edge,
    clip: &Path,
    published: &[u8],
    out: &Path,
) -> Result<(), String> {
    let name = out.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let _publisher = rig::publish(program, edge, clip, &name)?;
    let (host, port) = edge.clients.rsplit_once(':').ok_or("the edge has no port")?;
    viewer.args([host, port, &name, &WATCH_SECONDS.to_string()]).arg(out);
    let said = rig::patiently(viewer.stdin(Stdio::null()).stdout(Stdio::null()))?;
    rig::compare(&name, out, published, &said)
}
