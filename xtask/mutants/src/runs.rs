//! Runs of the tests, one for each mutant that any of them comes by.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Processor time for a mutant beyond twice what its tests took: a loop without end is noticed by it.
const SPARE_S: u64 = 2;
/// Memory of a run: a loop without end may collect without end.
const MEMORY_MAX_KB: u32 = 2_000_000;
/// Tests that take longer run last, where no other noticed anything.
const QUICK: Duration = Duration::from_millis(20);
/// Integration tests that take longer are left out: thousands of mutants times seconds are hours.
const LONG: Duration = Duration::from_millis(500);
/// Tests that come by more mutants are of whole machines: they run after those of one thing.
const NARROW_MUTANTS_MAX: usize = 400;
/// Signals to a process whose processor time is used up: the second where that is the last limit, too.
const SIGXCPU: i32 = 24;
const SIGKILL: i32 = 9;

/// What the tests say of a mutant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Caught,
    TimedOut,
    Missed,
}

struct Test {
    /// Index of its program.
    program: usize,
    name: String,
    took: Duration,
    /// Mutants it comes by.
    reaches: usize,
}

impl Test {
    /// Tests of the first turn run first.
    fn turn(&self) -> usize {
        if self.took >= QUICK { 2 } else { usize::from(self.reaches > NARROW_MUTANTS_MAX) }
    }
}

/// The programs of the tests, and which of them come by which mutant.
pub(crate) struct Runs {
    programs: Vec<PathBuf>,
    /// Where cargo would run them.
    folder: PathBuf,
    tests: Vec<Test>,
    reaching: BTreeMap<u32, Vec<usize>>,
}

impl Runs {
    /// Runs each test alone, with all mutants asleep, and notes what it comes by.
    pub(crate) fn survey(programs: Vec<PathBuf>, folder: PathBuf) -> Result<Self, String> {
        let mut runs = Self { programs, folder, tests: Vec::new(), reaching: BTreeMap::new() };
        let record = runs.folder.with_file_name("record");
        for program in 0..runs.programs.len() {
            for name in names(&runs.programs[program])? {
                let _ = fs::remove_file(&record);
                let began = now();
                let status = runs.command(program, &[&name], 60).env("MUTANT_RECORD", &record).status();
                if !status.is_ok_and(|status| status.success()) {
                    return Err(format!("{name} fails, with no mutant awake"));
                }
                let took = began.elapsed();
                if program > 0 && took > LONG {
                    eprintln!("{name} takes {} ms and is left out", took.as_millis());
                    continue;
                }
                let reaches = runs.note(&record, runs.tests.len());
                runs.tests.push(Test { program, name, took, reaches });
            }
        }
        Ok(runs)
    }

    /// Whether any test comes by mutant `number`.
    pub(crate) fn is_reached(&self, number: u32) -> bool {
        self.reaching.contains_key(&number)
    }

    /// The verdict on each of `numbers`, in their order; on all processors.
    pub(crate) fn judge(&self, numbers: &[u32]) -> Vec<Verdict> {
        let threads = thread::available_parallelism().map_or(1, usize::from);
        let next = AtomicUsize::new(0);
        let work = || {
            let mut judged = Vec::new();
            while let at = next.fetch_add(1, Ordering::Relaxed)
                && let Some(number) = numbers.get(at)
            {
                if at.is_multiple_of(100) {
                    eprintln!("{at} of {} mutants run", numbers.len());
                }
                judged.push((at, self.judge_one(*number)));
            }
            judged
        };
        let mut all: Vec<_> = thread::scope(|scope| {
            let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect()
        });
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, verdict)| verdict).collect()
    }

    fn judge_one(&self, number: u32) -> Verdict {
        let reaching = self.reaching.get(&number).into_iter().flatten().filter_map(|at| self.tests.get(*at));
        let mut turns: BTreeMap<_, Vec<_>> = BTreeMap::new();
        reaching.for_each(|test| turns.entry((test.turn(), test.program)).or_default().push(test));
        let mut verdicts = turns.iter().map(|((_, program), tests)| {
            let names: Vec<_> = tests.iter().map(|test| test.name.as_str()).collect();
            let takes: Duration = tests.iter().map(|test| test.took).sum();
            let mut command = self.command(*program, &names, SPARE_S + (2 * takes).as_secs());
            verdict(command.env("MUTANT", number.to_string()).status().ok())
        });
        verdicts.find(|verdict| *verdict != Verdict::Missed).unwrap_or(Verdict::Missed)
    }

    fn command(&self, program: usize, tests: &[&str], seconds_max: u64) -> Command {
        let mut command = Command::new("sh");
        let limits =
            format!("ulimit -v {MEMORY_MAX_KB}; ulimit -t {seconds_max}; ulimit -c 0; exec \"$0\" \"$@\"");
        command
            .args(["-c", &limits])
            .arg(&self.programs[program])
            .args(tests)
            .args(["--exact", "--test-threads=1"]);
        command.current_dir(&self.folder).stdout(Stdio::null()).stderr(Stdio::null());
        // The same cases in each run; a mutant that a thousand random cases are needed for wants a table.
        if std::env::var_os("PROPTEST_CASES").is_none() {
            command.env("PROPTEST_CASES", "8");
        }
        command.env("PROPTEST_MAX_SHRINK_ITERS", "0").env("PROPTEST_RNG_SEED", "1");
        command
    }

    /// Notes the mutants that `test` came by; how many they are.
    fn note(&mut self, record: &Path, test: usize) -> usize {
        let text = fs::read_to_string(record).unwrap_or_default();
        let numbers: Vec<_> = text.lines().filter_map(|line| line.parse().ok()).collect();
        numbers.iter().for_each(|number| self.reaching.entry(*number).or_default().push(test));
        numbers.len()
    }
}

fn names(program: &Path) -> Result<Vec<String>, String> {
    let output = Command::new(program).args(["--list", "--format=terse"]).output();
    let output = output.map_err(|error| format!("{}: {error}", program.display()))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Ok(text.lines().filter_map(|line| line.strip_suffix(": test")).map(str::to_owned).collect())
}

fn verdict(status: Option<ExitStatus>) -> Verdict {
    match status {
        Some(status) if status.success() => Verdict::Missed,
        Some(status) if matches!(status.signal(), Some(SIGXCPU | SIGKILL)) => Verdict::TimedOut,
        _ => Verdict::Caught,
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a test takes is measured")]
fn now() -> Instant {
    Instant::now()
}
