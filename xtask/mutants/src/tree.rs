//! A copy of core with all mutants in it, and the program of its unit tests.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::list::Mutant;
use crate::rewrite::{File, Rewritten};

const MUTANT_MODULE: &str = include_str!("mutant.rs.in");
/// What of the repository the unit tests of core are made of.
const COPIED: [&str; 5] = ["Cargo.toml", "Cargo.lock", "core", "fuzz/src", "proptest-regressions"];
/// `mutant::is` is of the compiler's own tools; overflow that the compiler sees is found when it happens.
const HEAD: &str = "#![feature(core_intrinsics, const_eval_select)] \
     #![allow(warnings, internal_features, arithmetic_overflow, unconditional_panic)] ";
/// A compiler that names the errors of one phase only is asked again after each.
const ROUNDS_MAX: usize = 30;

/// The folder of the copy, and where cargo builds.
pub(crate) struct Tree {
    pub(crate) path: PathBuf,
    target: PathBuf,
}

impl Tree {
    /// Copies what is needed of the repository at `root`.
    pub(crate) fn copy(root: &Path, target: &Path) -> Result<Self, String> {
        let path = target.join("mutants/tree");
        let _ = fs::remove_dir_all(&path);
        for part in COPIED {
            copy(&root.join(part), &path.join(part)).map_err(|error| format!("{part}: {error}"))?;
        }
        let tree = Self { path, target: target.to_path_buf() };
        tree.change("Cargo.toml", |text| {
            let is_kept = |line: &&str| !line.starts_with("default-members") && !line.starts_with("exclude");
            let lines = text.lines().filter(is_kept);
            let lines =
                lines.map(|line| if line.starts_with("members") { "members = [\"core\"]" } else { line });
            lines.collect::<Vec<_>>().join("\n")
        })?;
        tree.change("core/Cargo.toml", |text| text.replace("[lints]\nworkspace = true", ""))?;
        Ok(tree)
    }

    /// Builds the unit tests, and those named in `tests`, with `mutants` in core; gives the programs, and what does not
    /// compile.
    pub(crate) fn build(
        &self,
        files: &BTreeMap<String, File>,
        mutants: &[&Mutant],
        tests: &[String],
    ) -> Result<(Vec<PathBuf>, BTreeSet<u32>), String> {
        let count = mutants.iter().map(|mutant| mutant.number + 1).max().unwrap_or(1);
        let module = MUTANT_MODULE.replace("COUNT", &count.to_string());
        fs::write(self.path.join("core/src/mutant.rs"), module).map_err(|error| error.to_string())?;
        self.change("core/src/lib.rs", |text| {
            let text = text.replace("#[cfg(test)]\nextern crate std;", "extern crate std;");
            format!("{HEAD}{text}\nmod mutant;\n")
        })?;
        let mut unviable = BTreeSet::new();
        for round in 1..=ROUNDS_MAX {
            let mut written = BTreeMap::new();
            for (path, file) in files {
                let viable = mutants.iter().filter(|mutant| !unviable.contains(&mutant.number));
                let rewritten = file.rewrite(viable.filter(|mutant| mutant.file == *path).copied());
                fs::write(self.path.join(path), &rewritten.text)
                    .map_err(|error| format!("{path}: {error}"))?;
                written.insert(path.clone(), rewritten);
            }
            let errors = messages(&self.cargo(&["check", "--profile", "test"], tests)?);
            let errors: Vec<_> = errors.iter().filter_map(|line| compiler_error(line)).collect();
            if errors.is_empty() {
                return Ok((self.programs(tests)?, unviable));
            }
            let before = unviable.len();
            for error in &errors {
                unviable.extend(blamed(error, &written));
            }
            eprintln!("round {round}: {} errors, {} mutants do not compile", errors.len(), unviable.len());
            if unviable.len() == before {
                let text = errors.iter().filter_map(|error| error.get("rendered")?.as_str());
                return Err(format!("no mutant is to blame for:\n{}", text.collect::<String>()));
            }
        }
        Err(format!("errors without end: {ROUNDS_MAX} rounds"))
    }

    fn programs(&self, tests: &[String]) -> Result<Vec<PathBuf>, String> {
        eprintln!("building the tests");
        let output = self.cargo(&["test", "--no-run"], tests)?;
        let built = messages(&output);
        let paths = built.iter().filter_map(|line| Some(PathBuf::from(line.get("executable")?.as_str()?)));
        let mut found: Vec<_> = paths.collect();
        // The unit tests come first.
        let is_other = |path: &PathBuf| !path.to_string_lossy().contains("/livesky_core-");
        found.sort_by_key(is_other);
        if found.len() > tests.len() { Ok(found) } else { Err("cargo did not build all tests".to_owned()) }
    }

    fn cargo(&self, arguments: &[&str], tests: &[String]) -> Result<Vec<u8>, String> {
        let mut command = Command::new("cargo");
        let targets = tests.iter().flat_map(|test| ["--test", test]);
        command
            .args(arguments)
            .args(["--lib", "--package", "livesky-core", "--message-format=json", "--quiet"])
            .args(targets);
        command.env("CARGO_TARGET_DIR", self.target.join("mutants/target"));
        // `const_eval_select` alone lets functions that constants are made of be changed when they run.
        command.env("RUSTC_BOOTSTRAP", "livesky_core").env("CARGO_PROFILE_TEST_DEBUG", "0");
        let output = command.current_dir(&self.path).stderr(Stdio::inherit()).output();
        output.map(|output| output.stdout).map_err(|error| format!("cargo: {error}"))
    }

    fn change(&self, path: &str, change: impl FnOnce(String) -> String) -> Result<(), String> {
        let path = self.path.join(path);
        let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        fs::write(&path, change(text)).map_err(|error| format!("{}: {error}", path.display()))
    }
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    if !from.is_dir() {
        to.parent().map_or(Ok(()), fs::create_dir_all)?;
        return fs::copy(from, to).map(drop);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        copy(&from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

fn messages(output: &[u8]) -> Vec<Value> {
    output.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// An error that has a place; the last one, that there were errors, has none.
fn compiler_error(line: &Value) -> Option<&Value> {
    let message = line.get("message")?;
    let is_error = message.get("level")?.as_str()? == "error";
    (is_error && !message.get("spans")?.as_array()?.is_empty()).then_some(message)
}

/// The mutants in whose text an error lies: the primary place first, then the others, then all that it spans.
fn blamed(error: &Value, written: &BTreeMap<String, Rewritten>) -> Vec<u32> {
    let mut spans: Vec<_> = error.get("spans").and_then(Value::as_array).into_iter().flatten().collect();
    spans.sort_by_key(|span| span.get("is_primary").and_then(Value::as_bool) != Some(true));
    let places: Vec<_> = spans.into_iter().filter_map(|span| place(span, written)).collect();
    let around = places.iter().find_map(|(rewritten, start, end)| {
        let holds = |extent: &std::ops::Range<usize>| extent.start <= *start && *end <= extent.end;
        rewritten.extents.iter().find(|(_, extent)| holds(extent)).map(|(number, _)| vec![*number])
    });
    around.unwrap_or_else(|| {
        let inside = places.iter().map(|(rewritten, start, end)| {
            let inside = rewritten.extents.iter().filter(|(_, at)| *start <= at.start && at.end <= *end);
            inside.map(|(number, _)| *number).collect::<Vec<_>>()
        });
        inside.filter(|numbers| !numbers.is_empty()).min_by_key(Vec::len).unwrap_or_default()
    })
}

fn place<'a>(
    span: &Value,
    written: &'a BTreeMap<String, Rewritten>,
) -> Option<(&'a Rewritten, usize, usize)> {
    let at = |key: &str| usize::try_from(span.get(key)?.as_u64()?).ok();
    Some((written.get(span.get("file_name")?.as_str()?)?, at("byte_start")?, at("byte_end")?))
}
