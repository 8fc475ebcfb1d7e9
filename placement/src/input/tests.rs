use std::path::{Path, PathBuf};

use super::*;
use crate::model::{Assignment, Audience, DemandRule, Objective, Problem};
use crate::solve::Standing;

const GOOD: &str = r#"name = "two"
currency = "USD"
[objective]
model = "ltcm"
placement-weight = 0.6
[limits]
budget-bps = 9e9
open = 2
assignment = "whole"
demand = "full"
[delays]
rtt-ms = [[20, 50], [40, 30]]
threshold-ms = 100
[serving.isp]
north = ["north", "south"]
south = ["south"]
[[channels]]
name = "one"
rate-bps = 1e6
share = 0.5
[[channels]]
name = "two"
rate-bps = 2e6
viewers = { B = 7 }
[[regions]]
name = "A"
viewers = 100
rho = 0.25
isp = "south"
[[regions]]
name = "B"
viewers = 200
isp = "north"
site = { cost-per-mbps-month = 5, standing = "built" }
[[sites]]
name = "A1"
region = "A"
isp = "north"
size-max-bps = 5e9
[[scenarios]]
name = "peak"
weight = 0.5
viewers-factor = 2
region-rhos = { A = 0.5 }
lost-sites = ["A1"]
"#;

fn good() -> Problem {
    parse(GOOD, "two.toml", Path::new("")).unwrap()
}

/// What is said of the good file with `old` in it replaced by `new`.
fn complaint(old: &str, new: &str) -> String {
    assert!(GOOD.contains(old), "{old}");
    let text = GOOD.replacen(old, new, 1);
    match parse(&text, "two.toml", Path::new("")) {
        Ok(_) => format!("{old} -> {new} is taken"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_whole_file_is_read() {
    let problem = good();
    assert_eq!(problem.objective, Objective::Ltcm { placement_weight: 0.6, connection_weight: 0.3 });
    assert_eq!((problem.limits.open_min, problem.limits.open_max), (2, 2));
    assert_eq!(problem.limits.assignment, Assignment::Whole);
    assert_eq!(problem.demand_rule, DemandRule::Full);
    assert_eq!(problem.delays.rtt_ms(1, 0), 40.0);
    assert_eq!(problem.channels[1].audience, Audience::Viewers(vec![0.0, 7.0]));
    let [own, listed] = problem.sites.as_slice() else { panic!("{:?}", problem.sites) };
    assert_eq!((own.name.as_str(), own.region, own.standing), ("B", 1, Standing::Built));
    assert_eq!((listed.name.as_str(), listed.region, listed.isp.as_deref()), ("A1", 0, Some("north")));
    assert_eq!(problem.scenarios[0].lost_sites, [1]);
    assert_eq!(problem.scenarios[0].rho_of(0, 0.25), 0.5);
    assert_eq!(problem.customers().len(), 3);
}

#[test]
fn what_is_wrong_is_named_with_file_line_and_field() {
    let cases = [
        ("viewers = 100", "viewers = -1", "two.toml:27: regions[0].viewers: is -1"),
        ("viewers = 100", "viewers = nan", "two.toml:27: regions[0].viewers: is NaN"),
        (
            "viewers = 100",
            "viewers = \"many\"",
            "two.toml:27: invalid type: string \"many\", expected f64, in `viewers = \"many\"`",
        ),
        ("viewers = 100", "spectators = 100", "two.toml:27: unknown field `spectators`"),
        ("rho = 0.25", "rho = 1.0", "two.toml:28: regions[0].rho: makes what peers contribute in A 1"),
        ("name = \"B\"", "name = \"A\"", "two.toml:31: regions[1].name: is \"A\", as that of regions[0]"),
        (
            "cost-per-mbps-month = 5",
            "cost-per-mbps-month = 0",
            "two.toml:34: regions[1].site.cost-per-mbps-month: is 0",
        ),
        ("region = \"A\"", "region = \"C\"", "two.toml:37: sites[0].region: names region C"),
        ("size-max-bps = 5e9", "size-max-bps = -5", "two.toml:39: sites[0].size-max-bps: is -5"),
        (
            "rtt-ms = [[20, 50], [40, 30]]",
            "rtt-ms = [[20, 50], [40]]",
            "two.toml:12: delays.rtt-ms[1]: has 1 numbers for 2 regions",
        ),
        (
            "rtt-ms = [[20, 50], [40, 30]]",
            "rtt-ms = [[20, 50]]",
            "two.toml:12: delays.rtt-ms: has 1 rows for 2 regions",
        ),
        (
            "rtt-ms = [[20, 50], [40, 30]]",
            "rtt-ms = [[20, 50],\n [-4, 30]]",
            "two.toml:13: delays.rtt-ms[1][0]: is -4",
        ),
        (
            "rtt-ms = [[20, 50], [40, 30]]",
            "",
            "regions[0].latitude-deg: is missing, and a delay of A is not given",
        ),
        (
            "model = \"ltcm\"\nplacement-weight = 0.6",
            "model = \"mtcm\"\nexponent = nan",
            "two.toml:5: objective.exponent: is NaN",
        ),
        (
            "model = \"ltcm\"",
            "model = \"mpcm\"",
            "two.toml:5: objective.placement-weight: is given, but MPCM has none",
        ),
        (
            "threshold-ms = 100",
            "threshold-ms = 25",
            "two.toml:30: regions[1]: no usable site reaches region B in state normal: the nearest, B, is 30.0 ms away",
        ),
        (
            "north = [\"north\", \"south\"]",
            "north = [\"north\"]",
            "two.toml:25: regions[0]: no usable site reaches region A in state normal: those near enough may not",
        ),
        (
            "budget-bps = 9e9",
            "budget-bps = 1e8",
            "two.toml:7: limits.budget-bps: 100000000 bit/s are 64000000 bit/s short of the 164000000 bit/s that state normal",
        ),
        (
            "size-max-bps = 5e9\n",
            "size-max-bps = 5e9\nsize-min-bps = 6e9\n",
            "two.toml:40: sites[0].size-min-bps: is 6000000000 and above",
        ),
        ("open = 2", "open = 3", "two.toml:8: limits.open: is 3, but 2 sites may be used"),
        ("open = 2", "open = 2\nopen-max = 2", "two.toml:8: limits.open: is given beside"),
        (
            "lost-sites = [\"A1\"]",
            "lost-sites = [\"A2\"]",
            "two.toml:45: scenarios[0].lost-sites[0]: names site A2",
        ),
        ("viewers-factor = 2", "viewers-factor = -2", "two.toml:43: scenarios[0].viewers-factor: is -2"),
        ("name = \"peak\"", "name = \"normal\"", "two.toml:41: scenarios[0].name: is \"normal\""),
        ("share = 0.5", "share = 1.5", "two.toml:20: channels[0].share: is 1.5"),
        (
            "viewers = { B = 7 }",
            "viewers = [7]",
            "two.toml:24: channels[1].viewers: has 1 numbers for 2 regions",
        ),
        ("currency", "curency", "two.toml:2: unknown field `curency`"),
    ];
    let mut wrong = Vec::new();
    for (old, new, expected) in cases {
        let said = complaint(old, new);
        if !said.contains(expected) {
            wrong.push(format!("{old} -> {new}\n  said     {said}\n  expected {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_delay_within_a_region_is_refused_by_mtcm_alone() {
    let text = |model: &str| {
        format!(
            "objective = {{ model = \"{model}\" }}\n[[regions]]\nname = \"A\"\nviewers = 1\nintra-rtt-ms = 0\nlatitude-deg = 0\nlongitude-deg = 0\n"
        )
    };
    let error = parse(&text("mtcm"), "a.toml", Path::new("")).unwrap_err().to_string();
    assert!(error.starts_with("a.toml:5: regions[0].intra-rtt-ms: makes the delay to A 0"), "{error}");
    for model in ["mpcm", "mccm", "ltcm"] {
        assert!(parse(&text(model), "a.toml", Path::new("")).is_ok(), "{model}");
    }
}

#[test]
fn empty_lists_are_refused() {
    let error = parse("", "a.toml", Path::new("")).unwrap_err().to_string();
    assert!(error.contains("regions: is empty"), "{error}");
    let text = GOOD.replace("viewers = 100", "viewers = 0").replace("viewers = 200", "viewers = 0");
    let error =
        parse(&text.replace("{ B = 7 }", "{ B = 0 }"), "a.toml", Path::new("")).unwrap_err().to_string();
    assert!(error.contains("have no viewers at all"), "{error}");
}

/// A folder of its own for a test's files.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let folder = std::env::temp_dir().join(format!("livesky-placement-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            std::fs::write(folder.join(name), text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left in the temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

const REGIONS: &str =
    "name,viewers,rho,latitude_deg,longitude_deg\n\"A, the first\",100,0.2,0,0\nB,50,,0,1\n";

#[test]
fn tables_make_a_problem() {
    let delays = "from,B,\"A, the first\"\nB,,77\n\"A, the first\",,25\n";
    let sites = "name,region,cost-per-mbps-month,size-max-bps\nb1,B,3,\nb2,B,4,1e9\n";
    let folder = Folder::new("tables", &[("r.csv", REGIONS), ("d.csv", delays), ("s.csv", sites)]);
    let [regions, delays, sites] = ["r.csv", "d.csv", "s.csv"].map(|name| folder.path(name));
    let problem = load_tables(&regions, Some(&sites), Some(&delays)).unwrap();
    assert_eq!(problem.name, "r");
    assert_eq!(problem.regions[0].name, "A, the first");
    assert_eq!(problem.regions[1].rho, 0.0);
    assert_eq!(problem.sites[1].size_max_bps, 1e9);
    assert_eq!(problem.sites[0].size_max_bps, f64::INFINITY);
    assert_eq!(problem.delays.rtt_ms(0, 0), 25.0);
    assert_eq!(problem.delays.rtt_ms(1, 0), 77.0);
    // One degree at the equator is 111.2 km; cables are half as long again, and 20 ms are within the region.
    assert!((problem.delays.rtt_ms(0, 1) - 21.67).abs() < 0.01);
    assert_eq!(load_tables(&regions, None, None).unwrap().sites.len(), 2);
}

#[test]
fn what_is_wrong_in_a_table_is_named() {
    let header = "name,viewers,latitude-deg,longitude-deg\n";
    let regions = |rows: &str| format!("{header}{rows}");
    let cases = [
        (regions("A,1,0,0\nB,x,0,0\n"), "", "r.csv:3: viewers: invalid float literal"),
        (regions("A,1,0,0\nB,-2,0,0\n"), "", "r.csv:3: viewers: is -2"),
        (regions("A,1,0,0\nB,1,0\n"), "", "r.csv:3: has 3 fields, and the header 4"),
        (regions("A,1,0,0\nA,1,0,0\n"), "", "r.csv:3: name: is \"A\""),
        ("name,viewers,height\nA,1,2\n".to_owned(), "", "r.csv:2: unknown field `height`"),
        (header.to_owned(), "", "r.csv: has no rows below its header"),
        (regions("A,1,0,0\nB,1,,\n"), "", "r.csv:3: latitude-deg: is missing"),
        (regions("A,1,0,0\nB,1,0,0\n"), ",A\nA,1\nB,2\n", "d.csv:1: has no column B"),
        (regions("A,1,0,0\nB,1,0,0\n"), ",A,B\nA,1,2\n", "d.csv: has no row B"),
        (regions("A,1,0,0\nB,1,0,0\n"), ",A,B\nA,1,2\nB,3\n", "d.csv:3: has 2 fields, and the header 3"),
        (regions("A,1,0,0\nB,1,0,0\n"), ",A,B\nA,1,2\nB,-3,4\n", "d.csv:3: delays.rtt-ms[1][0]: is -3"),
        (regions("A,1,0,0\nB,1,0,0\n"), ",A,B\nA,1,2\nC,3,4\n", "d.csv:3: row C: there is no such region"),
        (regions("A,1,0,0\nB,1,0,0\n"), ",A,A\nA,1,2\nB,3,4\n", "d.csv:1: column A stands twice"),
        (regions("A,1,0,0\nB,1,0,0\n"), ",A,B\nA,1,2\nA,3,4\n", "d.csv:3: row A stands twice"),
        (regions("A,1,0,0\nB,1,0,0\n"), ",A,B\nA,1,long\nB,3,4\n", "d.csv:2: B: long is no number"),
    ];
    let mut wrong = Vec::new();
    for (number, (regions, delays, expected)) in cases.iter().enumerate() {
        let folder = Folder::new(&format!("wrong-{number}"), &[("r.csv", regions), ("d.csv", delays)]);
        let delays = (!delays.is_empty()).then(|| folder.path("d.csv"));
        match load_tables(&folder.path("r.csv"), None, delays.as_deref()) {
            Ok(_) => wrong.push(format!("{number} is taken, expected {expected}")),
            Err(error) if error.to_string().contains(expected) => {}
            Err(error) => wrong.push(format!("{number} said {error}, expected {expected}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_peers_contribute_comes_from_a_simulation() {
    let results = r#"{"seed": 1, "regions": [{"name": "A", "viewers_mean": 5.0, "rho": 0.4, "continuity": 1.0}, {"name": "Z", "rho": 0.1}]}"#;
    let folder = Folder::new(
        "rho",
        &[
            ("ok.json", results),
            ("bad.json", "{\"regions\": [{\"name\": \"A\", \"rho\": 1.5}]}"),
            ("no.json", "[]"),
        ],
    );
    let mut problem = good();
    let contribution = read_contribution(&folder.path("ok.json")).unwrap();
    assert_eq!(contribution.apply(&mut problem), ["B"]);
    assert_eq!((problem.regions[0].rho, problem.regions[1].rho), (0.4, 0.0));
    for (file, expected) in
        [("bad.json", "A: rho is 1.5"), ("no.json", "is no result of"), ("none.json", "cannot be read")]
    {
        let error = read_contribution(&folder.path(file)).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    // In a problem file: what it does not know must stand there.
    let text = format!("files = {{ contribution = \"ok.json\" }}\n{GOOD}");
    let error = parse(&text, "two.toml", &folder.0).unwrap_err().to_string();
    assert!(error.contains("two.toml:1: files.contribution: names") && error.contains("region B"), "{error}");
    let told = text.replace("viewers = 200\n", "viewers = 200\nrho = 0.3\n").replace("rho = 0.25\n", "");
    let problem = parse(&told, "two.toml", &folder.0).unwrap();
    assert_eq!((problem.regions[0].rho, problem.regions[1].rho), (0.4, 0.3));
}

#[test]
fn or_library_files_are_read() {
    let text = "2 1\n 10 3.5\n capacity 4.\n 7\n 1.5 2.5\n";
    let instance = parse_or_library(text, "cap", Capacities::All(9.0)).unwrap();
    assert_eq!(instance.sites.iter().map(|site| site.size_max_bps).collect::<Vec<_>>(), [9.0, 9.0]);
    assert_eq!(instance.sites[1].opening_cost, 4.0);
    assert_eq!(instance.states[0].service_cost, [1.5, 2.5]);
    assert_eq!(instance.states[0].demand_bps, [7.0]);
    let free = parse_or_library(text, "cap", Capacities::Unlimited).unwrap();
    assert_eq!(free.sites[0].size_max_bps, f64::INFINITY);
    let cases = [
        (
            text,
            Capacities::Own,
            "cap:3: the capacity of site 2 is the word `capacity`: say how large sites are with --capacity N, or --uncapacitated",
        ),
        (text, Capacities::All(-1.0), "cap: a capacity of -1"),
        (text, Capacities::All(1.0), "cap: all capacities together, 2, are 5 short of the demand, 7"),
        ("2 1\n1 2\n1 x\n", Capacities::Own, "cap:3: the opening cost of site 2 is x"),
        ("2 1\n1 2\n1 -4\n", Capacities::Own, "cap:3: the opening cost of site 2 is -4"),
        ("2 1\n1 2\n1 4\n1 NaN", Capacities::Own, "cap:4: the cost of serving customer 1 from site 1 is NaN"),
        ("0 1", Capacities::Own, "cap:1: the number of sites is 0"),
        ("1 1\n1 2\n1", Capacities::Own, "cap:3: ends before the cost of serving customer 1 from site 1"),
        ("1 1\n1 2\n1 1\n5", Capacities::Own, "cap:4: goes on with 5"),
    ];
    for (text, capacities, expected) in cases {
        let error = parse_or_library(text, "cap", capacities).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}\nexpected {expected}");
    }
}

#[test]
fn the_files_in_the_repository_are_problems() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    for (file, regions) in [("china-2009.toml", 20), ("china-34.toml", 34), ("made-300.toml", 300)] {
        let problem = load(&folder.join(file)).unwrap();
        assert_eq!((problem.regions.len(), problem.sites.len()), (regions, regions), "{file}");
        problem.instance().unwrap();
    }
    let made = made_tables(300, 1);
    for (file, text) in [("made-300-regions.csv", made.regions), ("made-300-sites.csv", made.sites)] {
        let kept = std::fs::read_to_string(folder.join(file)).unwrap();
        assert!(kept == text, "{file} is not what the generator makes: run the example `made` again");
    }
}
