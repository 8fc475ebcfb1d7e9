//! The C ABI's header, and its example in C that watches real video from a real edge.

use core::time::Duration;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

const EXAMPLE: &str = "bindings/c/example/viewer.c";
const INCLUDE: &str = "bindings/c/include";
/// 30 s of MPEG-TS.
const CLIP: &str = "livesky/media/clip.ts";
const CLIP_SECONDS: usize = 30;
/// How long the example watches, and of how many seconds of that the bytes must have come.
const WATCH_SECONDS: usize = 7;
const WATCH_SECONDS_MIN: usize = 4;
/// TS packets of a channel's `init`, which may stand before its frames.
const INIT_PACKETS_MAX: usize = 4;
const PACKET_LEN: usize = 188;
const PATIENCE: Duration = Duration::from_secs(60);

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
    let built = build(root)?;
    let folder = crate::target_dir(root).join("c-test");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let Some(viewer) = compile(root, &built.library, &folder)? else { return Ok(()) };
    let clip = root.join(CLIP);
    let published = fs::read(&clip).map_err(|error| format!("{CLIP}: {error}"))?;
    let edge = Edge::start(&built.program)?;

    let mut plain = Command::new(&viewer);
    watch(&mut plain, &built.program, &edge, &clip, &published, &folder.join("plain.ts"))?;
    if is_missing("valgrind")? {
        return Ok(());
    }
    let mut checked = Command::new("valgrind");
    checked.args(["--quiet", "--error-exitcode=99", "--leak-check=full", "--show-leak-kinds=all"]);
    checked.args(["--errors-for-leak-kinds=all", "--track-origins=yes"]).arg(&viewer);
    watch(&mut checked, &built.program, &edge, &clip, &published, &folder.join("valgrind.ts"))
}

/// What the tests' build made.
struct Built {
    /// The static library.
    library: PathBuf,
    /// The program `livesky`.
    program: PathBuf,
}

/// The very build of the tests, so that after these nothing is compiled again.
fn build(root: &Path) -> Result<Built, String> {
    let mut command = Command::new("cargo");
    command.args(["test", "--locked", "--workspace", "--no-run", "--message-format=json-render-diagnostics"]);
    let output = command.current_dir(root).stderr(Stdio::inherit()).output().map_err(|e| e.to_string())?;
    if !output.status.success() {
        return Err("the build failed".to_owned());
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let messages: Vec<Value> = text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let of = |name: &'static str| messages.iter().filter(move |message| message["target"]["name"] == name);
    let files = of("livesky_c").flat_map(|message| message["filenames"].as_array().into_iter().flatten());
    let library = files.filter_map(Value::as_str).find(|file| file.ends_with(".a"));
    let is_program =
        |message: &&Value| message["target"]["kind"][0] == "bin" && message["profile"]["test"] == false;
    let program = of("livesky").find(is_program).and_then(|message| message["executable"].as_str());
    Ok(Built {
        library: library.ok_or("no static library was built")?.into(),
        program: program.ok_or("no program `livesky` was built")?.into(),
    })
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
    let mut publisher = Command::new(program);
    publisher.arg("publish").arg(clip).args(["--to", &edge.publishers, "--channel", &name]);
    publisher.args(["--target-buffer-ms", "2000"]).stdin(Stdio::null()).stdout(Stdio::null());
    let _publisher = Guarded(publisher.stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?);
    edge.wait_for(&format!("{name}: on the air"))?;
    // A second and a half of video: at least one whole key frame is there to begin with.
    thread::sleep(Duration::from_millis(1_500));
    let (host, port) = edge.clients.rsplit_once(':').ok_or("the edge has no port")?;
    viewer.args([host, port, &name, &WATCH_SECONDS.to_string()]).arg(out).stdin(Stdio::null());
    let said = patiently(viewer)?;
    let watched = fs::read(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let from = position(&watched, published).map_err(|error| format!("{name}: {error}\n{said}"))?;
    println!("c-test, {name}: {} bytes watched are those published from byte {from} on", watched.len());
    Ok(())
}

/// Where what was watched lies in what was published.
fn position(watched: &[u8], published: &[u8]) -> Result<usize, String> {
    let least = published.len() / CLIP_SECONDS * WATCH_SECONDS_MIN;
    if watched.len() < least {
        return Err(format!("only {} bytes came, {least} are {WATCH_SECONDS_MIN} s", watched.len()));
    }
    let places = (0..=INIT_PACKETS_MAX).filter_map(|packets| {
        let run = watched.get(packets * PACKET_LEN..)?;
        let packet = run.get(..PACKET_LEN)?;
        let starts = published.chunks_exact(PACKET_LEN).enumerate().filter(|(_, chunk)| *chunk == packet);
        starts
            .map(|(at, _)| at * PACKET_LEN)
            .find(|&at| published.get(at..).is_some_and(|rest| rest.starts_with(run)))
    });
    places.min().ok_or_else(|| "what was watched is no run of what was published".to_owned())
}

/// A process that is ended with the test, however that ends.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _is_running = self.0.kill().is_ok();
        let _is_over = self.0.wait().is_ok();
    }
}

/// A running `livesky edge`.
struct Edge {
    _process: Guarded,
    lines: Receiver<String>,
    clients: String,
    publishers: String,
}

impl Edge {
    fn start(program: &Path) -> Result<Self, String> {
        let any = "127.0.0.1:0";
        let mut command = Command::new(program);
        command.args(["edge", "--udp", any, "--tcp", any, "--http", any, "--no-page"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process =
            Guarded(command.spawn().map_err(|error| format!("{}: {error}", program.display()))?);
        let stderr = process.0.stderr.take().ok_or("the edge has no standard error")?;
        let (sender, lines) = channel();
        // Reads on to the end, or the edge would wait for a full pipe.
        thread::spawn(move || {
            for line in BufReader::new(stderr).lines().map_while(Result::ok) {
                let _is_asked_for = sender.send(line).is_ok();
            }
        });
        let mut edge = Self { _process: process, lines, clients: String::new(), publishers: String::new() };
        let address = |line: String| line.split_whitespace().nth(1).map(str::to_owned).unwrap_or_default();
        edge.clients = edge.wait_for("clients ").map(address)?;
        edge.publishers = edge.wait_for("publishers ").map(address)?;
        Ok(edge)
    }

    /// The next line with these words.
    fn wait_for(&self, words: &str) -> Result<String, String> {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.map_err(|_| format!("the edge did not say \"{words}\""))?;
            if line.contains(words) {
                return Ok(line);
            }
        }
    }
}

/// Runs a command to its good end, within a minute; gives what it said on standard error.
fn patiently(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().display().to_string();
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let mut child = Guarded(child.map_err(|error| format!("{name}: {error}"))?);
    let mut stderr = child.0.stderr.take().ok_or("no standard error")?;
    let said = thread::spawn(move || {
        let mut said = String::new();
        stderr.read_to_string(&mut said).map(|_| said).unwrap_or_default()
    });
    let step = Duration::from_millis(50);
    for _ in 0..PATIENCE.as_millis() / step.as_millis() {
        let ended = child.0.try_wait().map_err(|error| format!("{name}: {error}"))?;
        if let Some(status) = ended {
            let said = said.join().unwrap_or_default();
            return if status.success() { Ok(said) } else { Err(format!("{name}: {status}\n{said}")) };
        }
        thread::sleep(step);
    }
    Err(format!("{name} did not end within {} s", PATIENCE.as_secs()))
}

fn succeed(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name}: {status}")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// Whether a program is not installed: said on a person's computer, an error in CI.
fn is_missing(program: &str) -> Result<bool, String> {
    let is_missing = is_missing_here(program);
    if is_missing && std::env::var("CI").as_deref() == Ok("true") {
        return Err(format!("{program} must be here in CI"));
    }
    if is_missing {
        println!("c-test: skipped the rest: needs {program}");
    }
    Ok(is_missing)
}

fn is_missing_here(program: &str) -> bool {
    let mut command = Command::new(program);
    let version = command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    !version.is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Packets that all differ.
    fn packets(count: usize) -> Vec<u8> {
        (0..count)
            .flat_map(|number| {
                [number.to_le_bytes(); PACKET_LEN / 8 + 1].concat().into_iter().take(PACKET_LEN)
            })
            .collect()
    }

    #[test]
    fn what_was_watched_is_a_run_behind_its_init() {
        let published = packets(60);
        let run = &published[5 * PACKET_LEN..40 * PACKET_LEN];
        assert_eq!(position(run, &published), Ok(5 * PACKET_LEN));
        let behind_init = [&published[..2 * PACKET_LEN], run].concat();
        assert_eq!(position(&behind_init, &published), Ok(5 * PACKET_LEN));
        let mut changed = run.to_vec();
        changed[3_000] ^= 1;
        assert!(position(&changed, &published).is_err_and(|error| error.contains("no run")));
        let cut = [&run[..10 * PACKET_LEN], &run[11 * PACKET_LEN..]].concat();
        assert!(position(&cut, &published).is_err(), "a packet is missing in the middle");
        assert!(
            position(&run[..5 * PACKET_LEN], &published).is_err_and(|error| error.contains("only 940 bytes"))
        );
    }
}
