//! What the chores that watch real video share: the programs of the tests' build, an edge with a publisher, and whether what came is what
//! was published.

use core::time::Duration;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use serde_json::Value;

/// 30 s of MPEG-TS.
pub(crate) const CLIP: &str = "livesky/media/clip.ts";
const CLIP_SECONDS: usize = 30;
/// How long a viewer watches, and of how many seconds of that the bytes must have come.
pub(crate) const WATCH_SECONDS: usize = 7;
const WATCH_SECONDS_MIN: usize = 4;
/// TS packets of a channel's `init`, which may stand before its frames.
const INIT_PACKETS_MAX: usize = 4;
const PACKET_LEN: usize = 188;
const PATIENCE: Duration = Duration::from_secs(60);

/// What the tests' build made.
pub(crate) struct Built(Vec<Value>);

impl Built {
    /// The very build of the tests, so that after these nothing is compiled again.
    pub(crate) fn new(root: &Path) -> Result<Self, String> {
        let mut command = Command::new("cargo");
        command.args(["test", "--locked", "--workspace", "--no-run"]);
        command.arg("--message-format=json-render-diagnostics").current_dir(root).stderr(Stdio::inherit());
        let output = command.output().map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err("the build failed".to_owned());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        Ok(Self(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()))
    }

    fn of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.0.iter().filter(move |message| message["target"]["name"] == name)
    }

    /// The static library of a package.
    pub(crate) fn library(&self, name: &str) -> Result<PathBuf, String> {
        let files = self.of(name).flat_map(|message| message["filenames"].as_array().into_iter().flatten());
        let library = files.filter_map(Value::as_str).find(|file| file.ends_with(".a"));
        library.map(PathBuf::from).ok_or_else(|| format!("no static library `{name}` was built"))
    }

    /// A program, or an example.
    pub(crate) fn program(&self, name: &str) -> Result<PathBuf, String> {
        let is_program = |message: &&Value| {
            message["target"]["kind"][0] != "lib"
                && (message["target"]["kind"][0] == "example" || message["profile"]["test"] == false)
        };
        let program = self.of(name).filter(is_program).find_map(|message| message["executable"].as_str());
        program.map(PathBuf::from).ok_or_else(|| format!("no program `{name}` was built"))
    }
}

/// A channel on the air, with some of it behind it already.
pub(crate) fn publish(program: &Path, edge: &Edge, clip: &Path, channel: &str) -> Result<Guarded, String> {
    let mut publisher = Command::new(program);
    publisher.arg("publish").arg(clip).args(["--to", &edge.publishers, "--channel", channel]);
    publisher.args(["--target-buffer-ms", "2000"]).stdin(Stdio::null()).stdout(Stdio::null());
    let publisher = Guarded(publisher.stderr(Stdio::null()).spawn().map_err(|error| error.to_string())?);
    edge.wait_for(&format!("{channel}: on the air"))?;
    // A second and a half of video: at least one whole key frame is there to begin with.
    thread::sleep(Duration::from_millis(1_500));
    Ok(publisher)
}

/// Compares what a viewer wrote with what was published; says where the one lies in the other.
pub(crate) fn compare(channel: &str, out: &Path, published: &[u8], said: &str) -> Result<(), String> {
    let watched = fs::read(out).map_err(|error| format!("{}: {error}", out.display()))?;
    let from = position(&watched, published).map_err(|error| format!("{channel}: {error}\n{said}"))?;
    println!("{channel}: {} bytes watched are those published from byte {from} on", watched.len());
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
pub(crate) struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _is_running = self.0.kill().is_ok();
        let _is_over = self.0.wait().is_ok();
    }
}

/// A running `livesky edge`.
pub(crate) struct Edge {
    _process: Guarded,
    lines: Receiver<String>,
    /// Where clients reach it.
    pub(crate) clients: String,
    publishers: String,
}

impl Edge {
    /// On ports of its own choice of `host`, an address as it stands before a port.
    pub(crate) fn start(program: &Path, host: &str) -> Result<Self, String> {
        let any = &format!("{host}:0");
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
pub(crate) fn patiently(command: &mut Command) -> Result<String, String> {
    let name = command.get_program().display().to_string();
    let child = command.stderr(Stdio::piped()).spawn();
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

pub(crate) fn succeed(command: &mut Command) -> Result<(), String> {
    let name = command.get_program().display().to_string();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{name}: {status}")),
        Err(error) => Err(format!("{name}: {error}")),
    }
}

/// Whether a program is not installed: said on a person's computer, an error in CI.
pub(crate) fn is_missing(program: &str) -> Result<bool, String> {
    let is_missing = is_missing_here(program);
    if is_missing && std::env::var("CI").as_deref() == Ok("true") {
        return Err(format!("{program} must be here in CI"));
    }
    if is_missing {
        println!("skipped the rest: needs {program}");
    }
    Ok(is_missing)
}

pub(crate) fn is_missing_here(program: &str) -> bool {
    // What it makes of the argument does not matter: `ip` knows none of that name.
    let mut command = Command::new(program);
    command.arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_err()
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
