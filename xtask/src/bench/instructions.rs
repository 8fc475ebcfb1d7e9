//! Instruction counts, which unlike times do not depend on what else the computer does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// What is counted: all that happens below the function of this name in the bench.
const COUNTED: &str = "--toggle-collect=*::measured";

/// Repetitions of the two counted runs; their difference leaves setup out.
const REPEATS: [u64; 2] = [1_000, 3_000];

/// The executable of `--bench bench` of `package`, built but not run.
pub(crate) fn executable(root: &Path, package: &str, bench: &str) -> Option<PathBuf> {
    let arguments = ["bench", "--package", package, "--bench", bench, "--no-run", "--message-format=json"];
    let output =
        Command::new("cargo").args(arguments).current_dir(root).stderr(Stdio::inherit()).output().ok()?;
    let lines = String::from_utf8(output.stdout).ok()?;
    let messages = lines.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let built = messages.filter(|message| {
        message.get("target").and_then(|target| target.get("name")).and_then(Value::as_str) == Some(bench)
    });
    built.filter_map(|message| Some(PathBuf::from(message.get("executable")?.as_str()?))).next_back()
}

/// Instructions of one repetition of the operation `name`, by `EXECUTABLE --repeat NAME COUNT` under callgrind.
pub(crate) fn per_repeat(root: &Path, executable: &Path, name: &str) -> Option<f64> {
    let [few, many] = REPEATS;
    let extra = count(root, executable, name, many)?.checked_sub(count(root, executable, name, few)?)?;
    let [extra, repeats] = [extra, many - few].map(|value| u32::try_from(value).map(f64::from));
    Some(extra.ok()? / repeats.ok()?)
}

fn count(root: &Path, executable: &Path, name: &str, repeats: u64) -> Option<u64> {
    let profile = crate::target_dir(root).join("callgrind.out");
    fs::create_dir_all(profile.parent()?).ok()?;
    let mut command = Command::new("valgrind");
    command
        .args(["--quiet", "--tool=callgrind", COUNTED])
        .arg(format!("--callgrind-out-file={}", profile.display()));
    command.arg(executable).args(["--repeat", name, &repeats.to_string()]).stdout(Stdio::null());
    let status = command.current_dir(root).status().ok()?;
    let counted = fs::read_to_string(&profile).ok()?;
    fs::remove_file(&profile).ok()?;
    status.success().then(|| total(&counted))?
}

/// The total of the first event (`Ir`, instructions read) of a callgrind profile.
fn total(profile: &str) -> Option<u64> {
    let line = profile
        .lines()
        .find_map(|line| line.strip_prefix("summary:").or_else(|| line.strip_prefix("totals:")));
    line?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_of_a_profile() {
        assert_eq!(total("version: 1\nevents: Ir\nfn=(1) main\n12 34\ntotals: 5678\n"), Some(5678));
        assert_eq!(total("summary: 91 2\n"), Some(91));
        assert_eq!(total("events: Ir\n"), None);
    }
}
