use super::super::Scenario;

fn message(text: &str) -> String {
    Scenario::parse(text, "a.toml").expect_err("it is wrong").to_string()
}

#[test]
fn a_name_is_enough() {
    let scenario = Scenario::parse("name = \"baseline\"", "a.toml").unwrap();
    assert_eq!(scenario.edges.len(), 1);
    assert_eq!(scenario.population.initial, 500);
    assert_eq!(scenario.channel.rate_bps, 400_000);
}

#[test]
fn messages_name_file_key_and_advice() {
    let unknown = message("name = \"a\"\n[channel]\nrate = 3\n");
    assert!(unknown.starts_with("a.toml: ") && unknown.contains("unknown field `rate`"), "{unknown}");
    let share = message("name = \"a\"\n[network]\nloss = 5\n");
    assert_eq!(share, "a.toml: network.loss = 5 is no share: give a fraction from 0 to 1, as 0.05 for 5 %");
    let sum = message("name = \"a\"\n[clients]\nuplinks = [{ share = 0.5, low = 0, high = 1 }]\n");
    assert!(sum.contains("clients.uplinks has shares that add up to 0.5"), "{sum}");
    let edge = message(
        "name = \"a\"\n[[faults]]\nkind = \"edge-uplink\"\nat-s = 1\nfor-s = 2\nedge = 3\nto-share = 0.5\n",
    );
    assert_eq!(edge, "a.toml: faults[0].edge = 3 is no edge: count from 0; the last of 1 edges is 0");
    let region = message("name = \"a\"\n[[edges]]\nregion = \"north\"\n");
    assert!(region.contains("names region `north`, which there is not"), "{region}");
}

#[test]
fn a_scenario_survives_toml() {
    let text = "name = \"a\"\n[[faults]]\nkind = \"partition\"\nat-s = 1\nfor-s = 2\nfrom = { edge = 0 }\nto = \"clients\"\n";
    let scenario = Scenario::parse(text, "a.toml").unwrap();
    let json = serde_json::to_string(&scenario).unwrap();
    assert_eq!(serde_json::from_str::<Scenario>(&json).unwrap(), scenario);
}

#[test]
fn a_trace_is_read_beside_its_scenario() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let scenario = Scenario::load(&folder.join("trace-evening.toml")).unwrap();
    assert!(scenario.population.trace_steps.len() > 400);
    assert!(scenario.population.trace_steps.is_sorted_by(|left, right| left.0 <= right.0));
    let mut population = scenario.population.clone();
    let missing = population.load_trace(&folder.join("none.csv")).expect_err("there is none").to_string();
    assert!(missing.contains("none.csv: cannot be read"), "{missing}");
    let wrong = population.load_trace(&folder.join("trace-evening.toml")).expect_err("no steps").to_string();
    assert!(wrong.contains("line 1 is no step"), "{wrong}");
}
