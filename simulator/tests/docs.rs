//! `docs/simulator.md` names every key a scenario may have.

#![allow(clippy::unwrap_used, reason = "a test that panics fails, as it should")]

use std::collections::BTreeSet;
use std::path::Path;

use livesky_sim::Scenario;
use serde_json::Value;

/// A scenario with something in every table, and every optional key set.
const FULL: &str = r#"
name = "x"
population = { churn-until-s = 1, trace = "x.csv", flash = [{ at-s = 1, over-s = 1, clients = 1 }], sweep = [{ at-s = 1, over-s = 1, clients = 1 }] }
clients = { downlink-bps = 8000 }
nat = [{ share = 0.1, kind = "symmetric" }]
edges = [{ gamma = 0.1, delta = 0.1, slope = 0.5, clients-max = 1, region = "r", isp = "i" }]
faults = [
    { kind = "edge-uplink", at-s = 1, for-s = 1, to-share = 0.5 },
    { kind = "partition", at-s = 1, for-s = 1, from = "clients", to = { edge = 0 }, one-way = true },
    { kind = "partition", at-s = 1, for-s = 1, from = { client-share = 0.3 }, to = { region = "r" } },
    { kind = "partition", at-s = 1, for-s = 1, from = "clients", to = { isp = "i" } },
    { kind = "loss", at-s = 1, for-s = 1, share = 0.5 },
    { kind = "client-uplink", at-s = 1, for-s = 1, clients = 1, to-share = 0.5 },
    { kind = "mass-departure", at-s = 1, share = 0.5 },
    { kind = "edge-drain", at-s = 1 },
    { kind = "edge-restart", at-s = 1, for-s = 1 },
]
[network]
burst-loss = { to-bad = 0.1, to-good = 0.1, loss = 0.1 }
regions = [{ name = "r", share = 1, delay-ms = [0] }]
isps = [{ name = "i", share = 1 }]
"#;

/// Keys, and the kinds of faults and NAT boxes, of a value and of all within.
fn names(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(table) => {
            for (key, value) in table {
                into.insert(key.clone());
                if let (true, Some(kind)) = (key == "kind", value.as_str()) {
                    into.insert(kind.to_owned());
                }
                names(value, into);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| names(value, into)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_key_is_documented() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/simulator.md");
    let docs = std::fs::read_to_string(docs).unwrap();
    // Words between anything but letters, digits and dashes.
    let words: BTreeSet<&str> =
        docs.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-').collect();
    let scenario = Scenario::parse(FULL, "full.toml").unwrap();
    let mut keys = BTreeSet::new();
    names(&serde_json::to_value(&scenario).unwrap(), &mut keys);
    assert!(keys.len() > 80, "{}", keys.len());
    let missing: Vec<&String> = keys.iter().filter(|key| !words.contains(key.as_str())).collect();
    assert!(missing.is_empty(), "docs/simulator.md does not say {missing:?}");
}
