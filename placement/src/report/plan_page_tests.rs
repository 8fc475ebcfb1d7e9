//! The page says everything, is well-formed, and is the same for the same plan.

use core::ops::ControlFlow;

use quick_xml::events::Event;

use super::*;
use crate::model::{
    Audience, Channel, Coordinates, DelayModel, Delays, DemandRule, Limits, Objective, Region, ServingRules,
    Site,
};
use crate::plan::{Outcome, RhoPoint, plan};
use crate::solve::{Effort, Standing};

/// Four regions on a line, sites in all of them, the far ones cheaper.
fn problem() -> Problem {
    let regions: Vec<Region> =
        [("N <1>", 50.0, 100.0), ("M", 40.0, 400.0), ("S", 30.0, 200.0), ("T", 20.0, 300.0)]
            .into_iter()
            .map(|(name, latitude_deg, viewers)| Region {
                name: name.to_owned(),
                coordinates: Some(Coordinates { latitude_deg, longitude_deg: 110.0 }),
                viewers,
                rho: 0.25,
                ..Region::default()
            })
            .collect();
    let sites = regions.iter().zip(0_u32..).map(|(region, place)| Site {
        name: format!("{} site", region.name),
        region: usize::try_from(place).unwrap(),
        cost_per_mbps_month: 40.0 - 8.0 * f64::from(place),
        size_max_bps: f64::INFINITY,
        standing: Standing::Free,
        ..Site::default()
    });
    let coordinates: Vec<_> = regions.iter().map(|region| (region.coordinates.unwrap(), 12.0)).collect();
    Problem {
        name: "four & more".to_owned(),
        about: "what <is> shown".to_owned(),
        currency: "EUR".to_owned(),
        sites: sites.collect(),
        delays: Delays::from_coordinates(&coordinates, 1.5),
        regions,
        channels: vec![Channel { name: "live".to_owned(), rate_bps: 4e5, audience: Audience::Share(1.0) }],
        delay_model: DelayModel::default(),
        delay_unit_ms: None,
        serving: ServingRules::default(),
        objective: Objective::MTCM,
        demand_rule: DemandRule::Servers,
        limits: Limits::default(),
        normal_weight: 1.0,
        scenarios: Vec::new(),
    }
}

fn solved(problem: &Problem) -> (Plan, Study) {
    let plan = plan(problem, &Effort::default(), &mut |_| ControlFlow::Continue(())).unwrap();
    let study = Study::of(problem, &plan, &Effort::default(), &mut |_, _| ControlFlow::Continue(()));
    (plan, study)
}

/// Reads the page as XML; gives all its text.
fn read(html: &str) -> String {
    let mut reader = quick_xml::Reader::from_str(html);
    let (mut text, mut depth) = (String::new(), 0_i32);
    loop {
        match reader.read_event().expect("well-formed") {
            Event::Start(tag) => {
                depth += 1;
                tag.attributes().for_each(|attribute| drop(attribute.expect("a well-formed attribute")));
            }
            Event::End(_) => depth -= 1,
            Event::Text(part) => text.push_str(&part),
            Event::GeneralRef(name) => text.push_str(match name.as_ref() {
                "amp" => "&",
                "lt" => "<",
                "gt" => ">",
                "quot" => "\"",
                other => panic!("no such entity: {other:?}"),
            }),
            Event::Empty(tag) => tag.attributes().for_each(|attribute| drop(attribute.expect("well-formed"))),
            Event::Eof => break,
            Event::DocType(_) => {}
            Event::CData(_) | Event::Comment(_) | Event::Decl(_) | Event::PI(_) => panic!("unknown here"),
        }
    }
    assert_eq!(depth, 0, "every tag is closed");
    text
}

#[test]
fn the_page_shows_the_plan_and_what_else_was_possible() {
    let problem = problem();
    let (plan, study) = solved(&problem);
    let html = plan_page(&problem, &plan, &study, "name = \"<four>\"", "1.2.3");
    let text = read(&html);
    for table in [tables::sites(&plan), tables::regions(&plan), tables::losses(&plan), tables::totals(&plan)]
    {
        assert!(!table.rows.is_empty(), "{table:?}");
        for cell in table.heads.iter().chain(table.rows.iter().flatten()) {
            assert!(text.contains(cell.as_str()), "{cell:?} is missing");
        }
    }
    for (name, value) in tables::headline(&plan) {
        assert!(text.contains(&name) && text.contains(&value), "{name} {value}");
    }
    for part in [
        "four & more",
        "what <is> shown",
        "name = \"<four>\"",
        "1.2.3",
        "MTCM",
        "MPCM",
        "MCCM",
        "LTCM",
        "mean delay, ms",
        "cost, EUR a month",
        "p, exponent of the delay",
        "share of the stream that peers upload, ρ",
        "proven to be the best plan (region by region)",
    ] {
        assert!(text.contains(part), "{part:?} is missing");
    }
}

#[test]
fn the_page_has_no_link_and_repeats() {
    let problem = problem();
    let (plan, study) = solved(&problem);
    let html = plan_page(&problem, &plan, &study, "", "1");
    for link in ["href", "src=", "url(", "@import", "<script"] {
        assert!(!html.contains(link), "{link}");
    }
    assert_eq!(html.matches("://").count(), html.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
    let (plan, study) = solved(&problem);
    assert_eq!(html, plan_page(&problem, &plan, &study, "", "1"));
}

#[test]
fn how_a_plan_is_searched_for_depends_on_what_ties_regions_together() {
    let mut problem = problem();
    assert_eq!(method_text(&problem), "region by region");
    problem.sites.iter_mut().for_each(|site| site.opening_cost_per_month = 1.0);
    assert_eq!(method_text(&problem), "facility location");
    problem.limits.survives_loss = true;
    assert_eq!(method_text(&problem), "branch and bound with cuts");
    problem.regions.clear();
    assert_eq!(method_text(&problem), "");
}

#[test]
fn the_map_alone_has_its_colours_with_it() {
    let problem = problem();
    let (plan, _) = solved(&problem);
    let svg = plan_map(&problem, &plan).unwrap();
    read(&svg);
    assert!(svg.starts_with("<svg ") && svg.contains("svg .site {"), "{svg}");
    let nowhere = Problem { regions: vec![Region::default()], ..problem };
    assert_eq!(plan_map(&nowhere, &plan), None);
}

#[test]
fn a_study_that_was_stopped_or_found_nothing_leaves_its_plots_out() {
    let problem = problem();
    let (plan, mut study) = solved(&problem);
    let nothing = read(&plan_page(&problem, &plan, &Study::default(), "", "1"));
    assert!(nothing.contains("variants of the problem were not looked at"), "{nothing}");
    let none = || Outcome::None { why: "stopped <early>".to_owned() };
    study.front.clear();
    study.sites.truncate(1);
    study.rho.iter_mut().for_each(|(_, points)| *points = vec![RhoPoint { rho: 0.0, outcome: none() }]);
    study.changes.iter_mut().for_each(|change| change.outcome = none());
    let some = read(&plan_page(&problem, &plan, &study, "", "1"));
    assert!(
        some.contains("stopped <early>") && !some.contains("Cost over ρ") && !some.contains("What p trades")
    );
}

#[test]
fn regions_without_coordinates_have_no_map() {
    let mut problem = problem();
    problem.regions.iter_mut().skip(2).for_each(|region| region.coordinates = None);
    let (plan, study) = solved(&problem);
    assert!(read(&plan_page(&problem, &plan, &study, "", "1")).contains("2 regions have no coordinates"));
    problem.regions.iter_mut().for_each(|region| region.coordinates = None);
    let (plan, study) = solved(&problem);
    let html = plan_page(&problem, &plan, &study, "", "1");
    assert!(read(&html).contains("No map") && !html.contains("class=\"site "));
}
