//! `livesky simulate`: the same bytes for the same seed, files that can be read again, failures that can be replayed.

#[path = "shared/program.rs"]
mod program;

use std::fs;
use std::path::PathBuf;

use program::{livesky, output_of};

/// Few viewers and few seconds: what is tested is the program.
const SMALL: &str = "name = \"small\"\nabout = \"a few viewers\"\n[run]\nwarm-up-s = 2\nmeasure-s = 4\nseeds = 3\n\
                     [population]\ninitial = 5\nramp-s = 1\njoins-per-minute = 20\n";

/// A folder of the test's own with the small scenario in it.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("livesky-simulate-{}-{name}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder can be made");
    fs::write(folder.join("small.toml"), SMALL).expect("a file can be written");
    folder
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let folder = folder("same");
    let first = output_of(&folder, &["simulate", "small.toml", "--seed", "7", "--json"]);
    assert_eq!(first, output_of(&folder, &["simulate", "small.toml", "--seed", "7", "--json"]));
    let results: livesky_sim::Results =
        serde_json::from_str(&first).expect("results of one seed are an object");
    assert_eq!(results.seed, 7);
    let other = output_of(&folder, &["simulate", "small.toml", "--seed", "8", "--json"]);
    assert_ne!(first, other);
    let both = output_of(&folder, &["simulate", "small.toml", "--seeds", "7..9", "--json"]);
    assert_eq!(both, format!("[{},{}]\n", first.trim_end(), other.trim_end()), "on however many threads");
    let twice = livesky(&folder, &["simulate", "small.toml", "--seeds", "2", "--twice"]);
    assert!(twice.status.success(), "{twice:?}");
    assert!(String::from_utf8_lossy(&twice.stderr).contains("the same to the last event"), "{twice:?}");
    fs::remove_dir_all(folder).expect("the folder is there");
}

#[test]
fn tables_reports_and_comparisons() {
    let folder = folder("files");
    let arguments = ["simulate", "small.toml", "--seeds", "all", "--out", "a.json", "--report", "a.html"];
    let table = output_of(&folder, &arguments);
    let json = fs::read_to_string(folder.join("a.json")).expect("results were written");
    let runs: Vec<livesky_sim::Results> =
        serde_json::from_str(&json).expect("results of several are an array");
    assert_eq!(runs.iter().map(|run| run.seed).collect::<Vec<_>>(), [1, 2, 3]);
    let report = fs::read_to_string(folder.join("a.html")).expect("a report was written");
    for run in &runs {
        assert!(table.contains(&format!("seed {}: hash {}", run.seed, run.event_hash)), "{table}");
        assert!(report.contains(&run.event_hash));
    }
    for row in ["startup p95", "continuity", "Q1", "Q2, worst minute", "CDN share by bytes", "control"] {
        assert!(table.contains(row) && report.contains(row), "{row}");
    }
    output_of(&folder, &["simulate", "small.toml", "--seed", "1", "--out", "b.json"]);
    let same = output_of(&folder, &["simulate", "compare", "b.json", "b.json"]);
    assert!(same.contains("A: small, seeds 1 (b.json)"), "{same}");
    let continuity = same.lines().find(|line| line.trim_start().starts_with("continuity")).expect("a row");
    assert!(continuity.ends_with(" ="), "{continuity}");
    let differs = output_of(&folder, &["simulate", "compare", "a.json", "b.json"]);
    assert!(differs.contains("A: small, seeds 1, 2, 3 (a.json)"), "{differs}");
    fs::remove_dir_all(folder).expect("the folder is there");
}

#[test]
fn scenarios_are_known_by_name_from_anywhere() {
    let list = output_of(&std::env::temp_dir(), &["simulate", "--list"]);
    let smoke = list.lines().find(|line| line.starts_with("smoke-churn ")).expect("it is listed");
    assert!(smoke.contains("60 viewers"), "{smoke}");
}

#[test]
fn a_swarm_of_one_seed_is_its_replay() {
    let folder = std::env::temp_dir();
    let several = output_of(&folder, &["simulate", "swarm", "--seeds", "1..2", "--json"]);
    let one = output_of(&folder, &["simulate", "swarm", "--seed", "1", "--json"]);
    assert_eq!(several, format!("[{}]\n", one.trim_end()));
}

#[test]
fn every_small_scenario_built_in_repeats() {
    let folder = std::env::temp_dir();
    let list = output_of(&folder, &["simulate", "--list"]);
    let names: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split(' ').next())
        .filter(|name| name.starts_with("smoke-"))
        .collect();
    assert!(names.len() >= 5, "{names:?}");
    for name in names {
        // Whether a rule is broken is the simulator's own tests' matter.
        let stderr = livesky(&folder, &["simulate", name, "--twice"]).stderr;
        let stderr = String::from_utf8_lossy(&stderr);
        assert!(stderr.contains("the same to the last event"), "{name}: {stderr}");
    }
}
