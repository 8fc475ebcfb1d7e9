//! The report says everything, is well-formed, and is the same for the same runs.

use quick_xml::events::Event;

use super::*;
use crate::results::{Bin, FaultRow, MinuteRow, Sample};
use crate::scenario::Scenario;

const TEXT: &str = "name = \"a <b> & c\"\nabout = \"what & why\"\n[run]\nwarm-up-s = 2\nmeasure-s = 58\n\
                    [population]\nramp-s = 1\n[[faults]]\nkind = \"loss\"\nat-s = 10\nfor-s = 5\nshare = 0.5\n";

/// A run with numbers everywhere, no two alike.
fn run(seed: u64) -> Results {
    let scenario = Scenario::parse(TEXT, "test.toml").unwrap();
    let shift = seed as f64;
    let mut results = crate::run(&scenario_without_viewers(), seed, &mut |_| {});
    results.scenario = scenario;
    results.quality.continuity = 0.9 + shift / 1e3;
    results.quality.stalls = 1_000 + seed;
    results.quality.stalled_s = 77.5 + shift;
    results.startup.arrivals = 100;
    results.startup.started = 90;
    results.startup.p50_ms = Some(123.0 + shift);
    results.startup.durations = [20, 50, 100, 1_000, 5_000]
        .into_iter()
        .map(|ms| Bin { up_to_ms: Some(ms), count: 18 })
        .chain([Bin { up_to_ms: None, count: 0 }])
        .collect();
    results.uploads.viewers = 10;
    results.uploads.p50 = Some(0.321);
    results.uploads.by_twentieths = vec![4, 0, 3, 0, 0, 0, 3];
    results.traffic.delivered.push = 12_340_000 + seed;
    results.faults = vec![FaultRow { kind: "loss".to_owned(), clients: 3, ..FaultRow::default() }];
    results.minutes = vec![MinuteRow { q1: 0.99, q2: 0.9 + shift / 1e3, ..MinuteRow::default() }; 3];
    results.series = (1_u32..=60)
        .map(|second| Sample {
            at_s: f64::from(second),
            viewers: 20 + second,
            p0: 20 + second,
            nc: f64::from(second) / 2.0 + shift,
            nc_target: 31.0,
            joins: second % 3,
            egress_bps: 3e6 + 1e4 * shift,
            rescue_bps: 1e5,
            peers_bps: 2e6,
            ..Sample::default()
        })
        .collect();
    results
}

fn scenario_without_viewers() -> Scenario {
    let text =
        "name = \"nobody\"\n[run]\nwarm-up-s = 0\nmeasure-s = 1\n[population]\ninitial = 0\nramp-s = 0\n";
    Scenario::parse(text, "nobody.toml").unwrap()
}

/// Reads the page as XML; gives all its text.
fn read(html: &str) -> String {
    let mut reader = quick_xml::Reader::from_str(html);
    reader.config_mut().check_end_names = true;
    let (mut text, mut depth, mut tags) = (String::new(), 0_i32, 0);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) => {
                depth += 1;
                tags += 1;
                tag.attributes().for_each(|attribute| drop(attribute.expect("a well-formed attribute")));
            }
            Event::End(_) => depth -= 1,
            Event::Empty(tag) => {
                tag.attributes().for_each(|attribute| drop(attribute.expect("a well-formed attribute")));
            }
            Event::Text(part) => text.push_str(&part),
            Event::GeneralRef(name) => text.push_str(match name.as_ref() {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "quot" => "\"",
                "apos" => "'",
                other => panic!("no such entity: {other:?}"),
            }),
            Event::Eof => break,
            Event::DocType(_) => {}
            Event::CData(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => panic!("unknown here"),
        }
    }
    assert_eq!(depth, 0, "every tag is closed");
    assert!(tags > 100, "{tags} tags");
    text
}

#[test]
fn every_number_of_the_table_appears() {
    for runs in [vec![run(1)], vec![run(1), run(2), run(7)]] {
        let html = page(&runs, TEXT, "1.2.3").unwrap();
        let text = read(&html);
        let rows = rows(&runs);
        assert!(rows.len() > 50, "{}", rows.len());
        for row in rows {
            for part in [row.label.clone(), row.median_text(), row.spread_text()] {
                assert!(text.contains(&part), "{part:?} of {row:?} is missing");
            }
        }
        for part in [TEXT, "1.2.3", &runs[0].event_hash, "a <b> & c", "what & why"] {
            assert!(text.contains(part), "{part:?} is missing");
        }
    }
    let html = page(&[run(1), run(2), run(7)], TEXT, "1.2.3").unwrap();
    let text = read(&html);
    for part in ["3 seeds: 1, 2, 7", "1002", "1007 (seed 7)", "0.90200", "0.90100 (seed 1)", "never"] {
        assert!(text.contains(part), "{part:?} is missing");
    }
}

#[test]
fn there_is_a_plot_for_each_subject_and_no_link() {
    let html = page(&[run(1), run(2)], TEXT, "1").unwrap();
    assert_eq!(html.matches("<svg role=\"img\" aria-label=").count(), 8);
    for link in ["href", "src=", "url(", "@import", "<script"] {
        assert!(!html.contains(link), "{link}");
    }
    let addresses = html.matches("://").count();
    assert_eq!(addresses, html.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
    let known: Vec<&str> =
        STYLE.match_indices("=\"#").filter_map(|(at, _)| STYLE.get(at + 2..at + 9)).collect();
    for (at, _) in html.match_indices("=\"#") {
        let colour = html.get(at + 2..at + 9).unwrap();
        let around = html.get(at.saturating_sub(60)..at + 60);
        assert!(known.contains(&colour), "{around:?}: {colour} has no counterpart in the style sheet");
    }
}

#[test]
fn the_same_runs_make_the_same_bytes() {
    let runs = [run(1), run(2)];
    assert_eq!(page(&runs, TEXT, "1").unwrap(), page(&runs, TEXT, "1").unwrap());
    assert_ne!(page(&runs, TEXT, "1").unwrap(), page(&[run(1), run(3)], TEXT, "1").unwrap());
}

#[test]
fn nobody_to_report_on() {
    let scenario = scenario_without_viewers();
    let nobody = crate::run(&scenario, 1, &mut |_| {});
    let mut nothing = nobody.clone();
    nothing.series.clear();
    nothing.minutes.clear();
    for results in [nobody, nothing] {
        read(&page(&[results], "", "1").unwrap());
    }
    assert!(matches!(page(&[], "", "1"), Err(ReportError::Empty)));
}

#[test]
fn rules_broken_stand_first() {
    let mut results = run(1);
    results.violations_count = 1;
    results.violations = vec![Violation {
        rule: "no cycle".to_owned(),
        at_us: 1_500_000,
        node: "client 17".to_owned(),
        detail: "a < b".to_owned(),
        replay: "livesky simulate x --seed 1".to_owned(),
    }];
    let text = read(&page(&[results], "", "1").unwrap());
    assert!(text.contains("Rules broken: 1"), "{text}");
    assert!(text.contains("client 17 at 1.500000 s: a < b; again with: livesky simulate x --seed 1"));
}

#[test]
fn text_is_not_markup() {
    assert_eq!(escape("a<b>&\"\u{0}\n"), "a&lt;b&gt;&amp;&quot; \n");
}
