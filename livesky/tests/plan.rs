//! `livesky plan`: tables, JSON and pages, the same bytes again; a search ended by a signal; wrong input in one line.

#[path = "shared/program.rs"]
mod program;

use core::time::Duration;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;

use livesky_placement::plan::{LibraryPlan, Plan};
use serde_json::Value;

use program::{livesky, output_of};

/// Three regions on a line, sites in all of them.
const SMALL: &str = "name = \"small\"\nabout = \"three regions\"\ncurrency = \"EUR\"\n\n[limits]\nopen-max = 2\n\n\
    [[channels]]\nname = \"live\"\nrate-bps = 400_000\n\n\
    [[regions]]\nname = \"North\"\nviewers = 1000\nrho = 0.2\nlatitude-deg = 60\nlongitude-deg = 10\n\
    site = { cost-per-mbps-month = 50, opening-cost-per-month = 100 }\n\n\
    [[regions]]\nname = \"Middle\"\nviewers = 4000\nrho = 0.3\nlatitude-deg = 50\nlongitude-deg = 10\n\
    site = { cost-per-mbps-month = 80, opening-cost-per-month = 100 }\n\n\
    [[regions]]\nname = \"South\"\nviewers = 2000\nrho = 0.1\nlatitude-deg = 40\nlongitude-deg = 10\n\
    site = { cost-per-mbps-month = 60, opening-cost-per-month = 100 }\n";

/// Two sites, three customers; best are both sites, at 3 + 4 + 1 + 2 + 2.
const LIBRARY: &str = " 2 3\n capacity 3.\n capacity 4.\n 5\n 1. 9.\n 4\n 9. 2.\n 6\n 8. 2.\n";

/// Runs the program, which is to fail; gives its one line.
#[track_caller]
fn error_of(folder: &Path, arguments: &[&str]) -> String {
    let output = livesky(folder, arguments);
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}: {:?} {stderr}", output.status);
    assert!(output.stdout.is_empty(), "{arguments:?}: nothing on standard output");
    assert!(!stderr.contains("panicked"), "{stderr}");
    let lines: Vec<_> = stderr.lines().filter(|line| line.starts_with("error: ")).collect();
    let [line] = lines.as_slice() else { panic!("{arguments:?}: not one line: {stderr}") };
    (*line).to_owned()
}

/// A folder of the test's own, with the small problem in it, that is removed with it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("livesky-plan-{}-{name}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder can be made");
        let folder = Self(folder);
        folder.write("small.toml", SMALL);
        folder
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file can be written");
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _is_gone = fs::remove_dir_all(&self.0);
    }
}

fn plan_of(json: &str) -> Plan {
    serde_json::from_str(json).expect("a plan as JSON")
}

#[test]
fn problems_are_known_by_name_from_anywhere() {
    let folder = Folder::new("list");
    let list = output_of(&folder.0, &["plan", "list"]);
    let china = list.lines().find(|line| line.starts_with("china-2009 ")).expect("it is listed");
    assert!(china.contains("20 regions of China"), "{china}");
    let plan = plan_of(&output_of(&folder.0, &["plan", "china-2009", "--json"]));
    assert_eq!(plan.assignment.len(), 20);
    assert!(plan.is_proven && plan.gap <= 1e-9, "{}", plan.gap);
}

#[test]
fn json_has_what_machines_look_for_and_repeats() {
    let folder = Folder::new("json");
    let first = output_of(&folder.0, &["plan", "small.toml", "--json"]);
    assert_eq!(first, output_of(&folder.0, &["plan", "small.toml", "--json"]));
    let value: Value = serde_json::from_str(&first).expect("JSON");
    for key in ["objective", "bound", "gap"] {
        assert!(value[key].is_number(), "{key}: {first}");
    }
    assert!(value["sites"].as_array().is_some_and(|sites| (1..=2).contains(&sites.len())), "{first}");
    assert_eq!(value["assignment"].as_array().map(Vec::len), Some(3), "{first}");
}

#[test]
fn the_table_says_what_was_decided_and_how_sure_it_is() {
    let folder = Folder::new("table");
    let table = output_of(&folder.0, &["plan", "small.toml", "--sites-exactly", "1"]);
    for part in [
        "small: three regions",
        "MTCM (p = 0.5)",
        "proven",
        "facility location",
        "Sites",
        "Regions",
        "Loss of a site",
        "f_pc",
        "f_cc",
        "EUR",
        "bound",
    ] {
        assert!(table.contains(part), "{part}: {table}");
    }
}

#[test]
fn flags_change_the_problem() {
    let folder = Folder::new("flags");
    let plan =
        |flags: &[&str]| plan_of(&output_of(&folder.0, &[&["plan", "small.toml", "--json"], flags].concat()));
    assert_eq!(plan(&["--sites-exactly", "3"]).sites.len(), 3);
    assert_eq!(plan(&["--sites-max", "1"]).sites.len(), 1);
    assert_eq!(plan(&["--objective", "mccm"]).model_text, "MCCM");
    assert_eq!(plan(&["--exponent", "2"]).model_text, "MTCM (p = 2)");
    let traffic = |plan: &Plan| plan.normal().map_or(0.0, |state| state.traffic_bps);
    let none = plan(&["--rho", "0"]);
    assert!((traffic(&none) - 7_000.0 * 4e5).abs() < 1.0, "{}", traffic(&none));
    let (servers, full) = (plan(&["--demand", "servers"]), plan(&["--demand", "full"]));
    assert!((full.sizes_bps - 7_000.0 * 4e5).abs() < 1.0 && servers.sizes_bps < full.sizes_bps);
    let spare = plan(&["--failover"]);
    assert!(spare.losses.iter().all(|loss| loss.is_survived), "{:?}", spare.losses);
    assert_eq!(plan(&["--budget-mbps", "9000"]).budget_bps, Some(9e9));
    let near = plan(&["--delay-max-ms", "60"]);
    assert!(near.assignment.iter().all(|served| served.delay_ms <= 60.0));
    assert!(plan(&["--whole"]).assignment.iter().all(|served| served.share == 1.0));
}

#[test]
fn what_a_simulation_measured_of_peers_is_taken() {
    let folder = Folder::new("rho");
    let scenario = "name = \"s\"\n[run]\nwarm-up-s = 2\nmeasure-s = 4\n[population]\ninitial = 5\nramp-s = 1\n\
                    [network]\n[[network.regions]]\nname = \"North\"\nshare = 0.5\ndelay-ms = [0, 10]\n\
                    [[network.regions]]\nname = \"South\"\nshare = 0.5\ndelay-ms = [10, 0]\n";
    folder.write("s.toml", scenario);
    let results = output_of(&folder.0, &["simulate", "s.toml", "--json"]);
    folder.write("s.json", &results);
    let output = livesky(&folder.0, &["plan", "small.toml", "--rho-from", "s.json", "--json"]);
    assert!(output.status.success(), "{output:?}");
    let says = String::from_utf8_lossy(&output.stderr);
    assert!(says.contains("s.json says nothing of Middle"), "{says}");
    let plan = plan_of(&String::from_utf8_lossy(&output.stdout));
    let results: Value = serde_json::from_str(&results).expect("results");
    let rho = |name: &str| {
        let regions = results["regions"].as_array().expect("regions");
        regions.iter().find(|region| region["name"] == name).and_then(|region| region["rho"].as_f64())
    };
    for served in plan.assignment.iter().filter(|served| served.region != "Middle") {
        let expected = (1.0 - rho(&served.region).expect("a region")) * served.viewers * 4e5;
        assert!((served.traffic_bps - expected).abs() < 1.0, "{served:?}");
    }
}

#[test]
fn the_report_is_one_page_without_links() {
    let folder = Folder::new("report");
    let table = output_of(&folder.0, &["plan", "small.toml", "--report", "plan.html", "--map", "plan.svg"]);
    let map = fs::read_to_string(folder.0.join("plan.svg")).expect("a map was written");
    assert!(map.starts_with("<svg ") && map.contains("class=\"site "), "{map}");
    let page = fs::read_to_string(folder.0.join("plan.html")).expect("a report was written");
    for part in [
        "<svg",
        "The plan on a map",
        "Cost against delay",
        "What peers contribute",
        "Loss of a site",
        "[[regions]]",
    ] {
        assert!(page.contains(part), "{part}");
    }
    for link in ["href", "src=", "<script", "url("] {
        assert!(!page.contains(link), "{link}");
    }
    assert!(table.contains("small: three regions"), "{table}");
}

#[test]
fn two_plans_side_by_side() {
    let folder = Folder::new("compare");
    folder
        .write("one.json", &output_of(&folder.0, &["plan", "small.toml", "--sites-exactly", "1", "--json"]));
    let same = output_of(&folder.0, &["plan", "small.toml", "--compare", "small.toml"]);
    assert!(same.contains("Everybody is served as before"), "{same}");
    let differs =
        output_of(&folder.0, &["plan", "small.toml", "--sites-exactly", "3", "--compare", "one.json"]);
    assert!(differs.contains("Served by others") && differs.contains("A: small, MTCM"), "{differs}");
    let sites = differs.lines().find(|line| line.trim_start().starts_with("sites ")).expect("a row");
    assert!(sites.contains('1') && sites.contains('3'), "{sites}");
}

#[test]
fn tables_in_place_of_a_problem_file() {
    let folder = Folder::new("csv");
    folder.write(
        "regions.csv",
        "name,viewers,rho,latitude_deg,longitude_deg\nN,100,0.2,60,10\nS,300,0.1,40,10\n",
    );
    folder.write("sites.csv", "name,region,cost_per_mbps_month\nn1,N,40\ns1,S,60\n");
    folder.write("delays.csv", "from,N,S\nN,15,50\nS,50,15\n");
    let arguments = [
        "plan",
        "--regions",
        "regions.csv",
        "--sites",
        "sites.csv",
        "--delays",
        "delays.csv",
        "--objective",
        "mccm",
        "--json",
    ];
    let plan = plan_of(&output_of(&folder.0, &arguments));
    assert_eq!(plan.sites.iter().map(|site| site.name.as_str()).collect::<Vec<_>>(), ["n1", "s1"]);
    assert!(plan.assignment.iter().all(|served| served.delay_ms == 15.0), "{:?}", plan.assignment);
}

#[test]
fn files_of_the_or_library() {
    let folder = Folder::new("library");
    folder.write("tiny.txt", LIBRARY);
    let line = error_of(&folder.0, &["plan", "--or-library", "tiny.txt", "--json"]);
    assert!(line.contains("tiny.txt:2") && line.contains("--capacity"), "{line}");
    for size in [&["--uncapacitated"][..], &["--capacity", "20"]] {
        let json = output_of(&folder.0, &[&["plan", "--or-library", "tiny.txt", "--json"], size].concat());
        let plan: LibraryPlan = serde_json::from_str(&json).expect("a plan");
        assert!((plan.objective - 12.0).abs() < 1e-9 && plan.is_proven, "{json}");
        assert_eq!((plan.sites.len(), plan.assignment.len()), (2, 3), "{json}");
    }
    let table = output_of(&folder.0, &["plan", "--or-library", "tiny.txt", "--uncapacitated"]);
    assert!(table.contains("tiny.txt: 12.000, proven"), "{table}");
}

#[test]
fn the_papers_figures_and_claims() {
    let folder = Folder::new("figures");
    let text = output_of(&folder.0, &["plan", "figures", "--report", "figures.html"]);
    let page = fs::read_to_string(folder.0.join("figures.html")).expect("a page was written");
    for figure in ["2a", "2b", "3a", "3b", "4a", "4b"] {
        assert!(page.contains(&format!("Figure {figure}:")), "{figure}");
    }
    assert!(text.contains("claims hold") && page.contains("are made"), "{text}");
}

/// The example of the manual is a problem, and has a plan that is proven.
#[test]
fn the_manuals_example_is_a_problem() {
    let manual = include_str!("../../docs/placement.md");
    let (_, after) = manual.split_once("```toml\n").expect("an example");
    let (example, _) = after.split_once("```").expect("its end");
    let folder = Folder::new("manual");
    folder.write("example.toml", example);
    let plan = plan_of(&output_of(&folder.0, &["plan", "example.toml", "--json"]));
    assert!(plan.is_proven && plan.states.len() > 1, "{plan:?}");
}

#[test]
fn wrong_input_is_told_in_one_line() {
    let folder = Folder::new("errors");
    folder.write("syntax.toml", "name = \"x\"\nviewers = = 3\n");
    folder.write("unknown.toml", &format!("rpm = 5\n{SMALL}"));
    folder.write("negative.toml", &SMALL.replace("viewers = 4000", "viewers = -4000"));
    folder.write("nan.toml", &SMALL.replace("cost-per-mbps-month = 80", "cost-per-mbps-month = nan"));
    folder.write("twice.toml", &SMALL.replace("\"South\"", "\"North\""));
    folder.write(
        "square.toml",
        &SMALL.replace("[limits]", "[delays]\nrtt-ms = [[15, 30, 50], [30, 15], [50, 30, 15]]\n[limits]"),
    );
    folder.write("zero.toml", &SMALL.replace("[limits]", "[delays]\nintra-rtt-ms = 0\n[limits]"));
    folder.write("regions.csv", "name,viewers\nN,100\nS,300\n");
    folder.write("delays.csv", "from,N,S\nN,15,50\n");
    folder.write("square.csv", "from,N,S\nN,15,50\nS,50,15\n");
    folder.write("other.json", "{\"name\": \"x\"}");
    folder.write("cut.txt", "2 3\n5 1\n");
    for (arguments, says) in [
        (&["plan", "none.toml"][..], "none.toml: cannot be read: No such file"),
        (&["plan", "china-2008"], "did you mean `china-2009`?"),
        (&["plan", "zzzzzzzzz"], "there is no problem `zzzzzzzzz`: `livesky plan list`"),
        (&["plan", "syntax.toml"], "syntax.toml:2"),
        (&["plan", "unknown.toml"], "unknown.toml:1: unknown field `rpm`"),
        (&["plan", "negative.toml"], "regions[1].viewers"),
        (&["plan", "nan.toml"], "cost-per-mbps-month: is NaN"),
        (&["plan", "twice.toml"], "is \"North\", as that of regions[0]"),
        (&["plan", "square.toml"], "square.toml:6: delays.rtt-ms"),
        (&["plan", "zero.toml"], "makes the delay to North 0"),
        (&["plan", "small.toml", "--budget-mbps", "100"], "short of"),
        (&["plan", "small.toml", "--delay-max-ms", "1"], "no usable site reaches region North"),
        (&["plan", "small.toml", "--sites-exactly", "4"], "limits.open-min: is 4, but 3 sites may be used"),
        (&["plan", "small.toml", "--sites-max", "0"], "0 is not in 1.."),
        (&["plan", "small.toml", "--rho", "1"], "1 is not in 0..=0.999"),
        (&["plan", "small.toml", "--rho", "-0.1"], "-0.1 is not in 0..=0.999"),
        (&["plan", "small.toml", "--exponent", "NaN"], "NaN is not in 0..=10"),
        (&["plan", "small.toml", "--objective", "mpcm", "--exponent", "1"], "--exponent is for mtcm"),
        (&["plan", "small.toml", "--objective", "xtcm"], "invalid value 'xtcm'"),
        (&["plan", "small.toml", "--rho-from", "other.json"], "is no result of `livesky simulate --json`"),
        (&["plan", "small.toml", "--rho-from", "none.json"], "none.json: cannot be read: No such file"),
        (&["plan", "small.toml", "--compare", "other.json"], "other.json has no plan: missing field"),
        (&["plan", "small.toml", "--compare", "none.json"], "cannot read none.json: No such file"),
        (
            &["plan", "small.toml", "--report", "/nowhere/at/all"],
            "cannot write /nowhere/at/all: No such file",
        ),
        (&["plan", "--regions", "regions.csv", "--delays", "delays.csv"], "delays.csv: has no row S"),
        (&["plan", "--regions", "regions.csv"], "latitude-deg"),
        (&["plan", "--regions", "regions.csv", "--delays", "square.csv", "--map", "x.svg"], "no map"),
        (&["plan", "--or-library", "cut.txt"], "cut.txt:2"),
        (&["plan", "--or-library", "cut.txt", "--report", "x.html"], "numbers alone"),
        (&["plan", "--or-library", "cut.txt", "--rho", "0.5"], "cannot be used with"),
        (&["plan", "--capacity", "-1", "--or-library", "cut.txt"], "-1 is not in"),
        (&["plan", "small.toml", "--uncapacitated"], "cannot be used with"),
        (&["plan", "small.toml", "--delays", "delays.csv"], "cannot be used with"),
        (&["plan"], "required arguments were not provided"),
    ] {
        let line = error_of(&folder.0, arguments);
        assert!(line.contains(says), "{arguments:?}: {line}");
        // Machines find nothing on standard output, and people the same line.
        if arguments.len() == 2 && arguments[1].ends_with(".toml") {
            assert_eq!(line, error_of(&folder.0, &[arguments, &["--json"]].concat()));
        }
    }
    assert!(!folder.0.join("x.svg").exists(), "no map, no file");
}

/// A process that is killed when the test ends, however it ends.
struct Guarded(Child);

impl Drop for Guarded {
    fn drop(&mut self) {
        let _is_gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Sites on a grid with capacities a little above what is asked of them: bound and best come together slowly.
fn hard() -> String {
    let mut random = 12_345_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 40) as f64 / (1_u64 << 24) as f64
    };
    let mut text =
        "name = \"hard\"\nabout = \"many sites of little room\"\n[limits]\nassignment = \"whole\"\n\
                    [objective]\nmodel = \"mtcm\"\n"
            .to_owned();
    for region in 0..120 {
        text.push_str(&format!(
            "[[regions]]\nname = \"r{region}\"\nviewers = {:.0}\nlatitude-deg = {:.3}\nlongitude-deg = {:.3}\n\
             site = {{ cost-per-mbps-month = {:.2}, opening-cost-per-month = {:.0}, size-max-bps = {:.0} }}\n",
            500.0 + 2_000.0 * next(),
            20.0 + 30.0 * next(),
            80.0 + 40.0 * next(),
            20.0 + 60.0 * next(),
            50_000.0 + 100_000.0 * next(),
            6e9 + 4e9 * next()
        ));
    }
    text
}

#[test]
fn a_signal_ends_the_search_with_the_best_plan_so_far() {
    let folder = Folder::new("signal");
    folder.write("hard.toml", &hard());
    let child = Command::new(env!("CARGO_BIN_EXE_livesky"))
        .args(["plan", "hard.toml", "--json"])
        .current_dir(&folder.0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = Guarded(child.expect("the program starts"));
    sleep(Duration::from_secs(4));
    assert!(child.0.try_wait().expect("a status").is_none(), "the search is not over yet");
    let sent = Command::new("kill").args(["-INT", &child.0.id().to_string()]).status();
    assert!(sent.expect("kill runs").success());
    let (mut json, mut says) = (String::new(), String::new());
    child.0.stdout.take().expect("a pipe").read_to_string(&mut json).expect("UTF-8");
    child.0.stderr.take().expect("a pipe").read_to_string(&mut says).expect("UTF-8");
    let status = child.0.wait().expect("it ends");
    assert!(status.success(), "{status:?} {says}");
    assert!(says.contains("the best plan so far"), "{says}");
    let plan = plan_of(&json);
    assert_eq!(plan.assignment.len(), 120);
    assert!(!plan.is_proven && plan.gap > 0.0 && plan.gap < 1.0, "gap {}", plan.gap);
}
