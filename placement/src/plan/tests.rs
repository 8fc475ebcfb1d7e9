use core::ops::ControlFlow;
use std::path::Path;

use super::*;
use crate::input::parse;
use crate::model::{Objective, Problem};
use crate::solve::Effort;

/// Two regions by hand: c is 1 and 0.5, d 0.75 and 0.25, R 1 Mbit/s.
const TWO: &str = r#"name = "two"
[delays]
rtt-ms = [[10, 40], [20, 10]]
[[regions]]
name = "A"
viewers = 300
rho = 0.5
isp = "x"
site = { cost-per-mbps-month = 10 }
[[regions]]
name = "B"
viewers = 100
isp = "y"
site = { cost-per-mbps-month = 5 }
"#;

fn two(objective: Objective) -> Problem {
    Problem { objective, ..parse(TWO, "two.toml", Path::new("")).unwrap() }
}

fn solved(problem: &Problem) -> Plan {
    plan(problem, &Effort::default(), &mut |_| ControlFlow::Continue(())).unwrap()
}

#[track_caller]
fn same(one: f64, other: f64) {
    assert!((one - other).abs() <= 1e-9 * other.abs().max(1.0), "{one} is not {other}");
}

#[test]
fn the_cheapest_plan_has_the_figures_of_the_equations() {
    let plan = solved(&two(Objective::Mpcm));
    let normal = plan.normal().unwrap();
    assert!(plan.is_proven && plan.gap == 0.0);
    // (7): 0.75 × 0.5 × 0.5 + 0.25 × 0.5.
    same(plan.objective, 0.3125);
    same(normal.f_pc, 0.3125);
    // (10): 0.75 × 20 + 0.25 × 10.
    same(normal.f_cc_ms, 17.5);
    same(normal.f_cc, 17.5 / 40.0);
    same(normal.integrated_cost_ms, 0.3125 * 17.5);
    same(normal.traffic_bps, 250e6);
    same(normal.demand_bps, 400e6);
    same(plan.cost_per_month(), 1_250.0);
    same(normal.worst_delay_ms, 20.0);
    assert_eq!(normal.worst_region, "A");
    same(normal.outside_region_share, 0.75);
    // 150 of 250 Mbit/s go from y to x.
    same(normal.cross_isp_share.unwrap(), 0.6);
    let [site] = plan.sites.as_slice() else { panic!("{:?}", plan.sites) };
    assert_eq!((site.name.as_str(), site.unit_cost, site.viewers), ("B", 0.5, 400.0));
    same(site.size_bps, 250e6);
    same(site.load_bps, 250e6);
    let [loss] = plan.losses.as_slice() else { panic!("{:?}", plan.losses) };
    assert_eq!((loss.unreachable_viewers, loss.is_survived), (400.0, false));
}

#[test]
fn the_fastest_plan_serves_everybody_at_home() {
    let plan = solved(&two(Objective::Mccm));
    let normal = plan.normal().unwrap();
    same(plan.objective, 10.0);
    same(normal.f_pc, 0.5);
    same(plan.cost_per_month(), 2_000.0);
    assert_eq!((normal.outside_region_share, normal.cross_isp_share), (0.0, Some(0.0)));
    // Without A, B takes its 150 Mbit/s, for which it has no room.
    let loss = &plan.losses[0];
    assert_eq!((loss.site.as_str(), loss.takes_over[0].site.as_str()), ("A", "B"));
    same(loss.overload_bps, 150e6);
    same(loss.mean_delay_ms, 17.5);
    same(loss.worst_delay_ms, 20.0);
    assert!(!loss.is_survived);
}

#[test]
fn the_trade_offs_weigh_as_printed() {
    // (12): 0.75 × 0.5 × 0.5 (0.75 × 20)^½ + 0.25 × 0.5 (0.25 × 10)^½.
    let mtcm = solved(&two(Objective::MTCM));
    same(mtcm.objective, 0.1875 * 15_f64.sqrt() + 0.125 * 2.5_f64.sqrt());
    // 0.7 × 0.3125 + 0.3 × 17.5 / 40.
    same(solved(&two(Objective::LTCM)).objective, 0.7 * 0.3125 + 0.3 * 17.5 / 40.0);
    // p = 0 is MPCM.
    same(solved(&two(Objective::Mtcm { exponent: 0.0 })).objective, 0.3125);
}

#[test]
fn opening_costs_enter_as_each_model_says() {
    let opening = |objective| {
        let mut problem = two(objective);
        problem.sites[1].opening_cost_per_month = 400.0;
        problem.instance().unwrap().sites[1].opening_cost
    };
    // 400 of the 4,000 that all demand costs at the highest price.
    same(opening(Objective::Mpcm), 0.1);
    same(opening(Objective::Mccm), 0.0);
    same(opening(Objective::LTCM), 0.07);
    same(opening(Objective::MTCM), 0.1 * (0.75 * 7.5_f64.sqrt() + 0.25 * 2.5_f64.sqrt()));
    // Too dear an opening moves everybody to the other site, and is in the figures when it does not.
    let mut problem = two(Objective::Mpcm);
    problem.sites[1].opening_cost_per_month = 800.0;
    let plan = solved(&problem);
    same(plan.objective, 0.3125 + 0.2);
    same(plan.normal().unwrap().f_pc, 0.5125);
    same(plan.cost_per_month(), 1_250.0 + 800.0);
    problem.sites[1].opening_cost_per_month = 1_600.0;
    assert_eq!(solved(&problem).sites[0].name, "A");
    problem.sites[1].standing = crate::solve::Standing::Built;
    same(solved(&problem).objective, 0.3125);
}

#[test]
fn costs_of_a_class_are_raised_to_its_highest() {
    let mut problem = two(Objective::Mpcm);
    for site in &mut problem.sites {
        site.cost_class = Some("one".to_owned());
    }
    let plan = solved(&problem);
    // Equal by class, so the nearest serves; the money is what each site really takes.
    same(plan.objective, 0.625);
    same(plan.normal().unwrap().f_cc_ms, 10.0);
    same(plan.cost_per_month(), 2_000.0);
}

#[test]
fn scenarios_weigh_and_size_the_plan() {
    let text = format!(
        "{TWO}[[scenarios]]\nname = \"peak\"\nweight = 3\nviewers-factor = 2\nregion-rhos = {{ A = 0 }}\n"
    );
    let problem = Problem { objective: Objective::Mpcm, ..parse(&text, "two.toml", Path::new("")).unwrap() };
    let plan = solved(&problem);
    // The peak costs 2 × (0.75 + 0.25) × 0.5 and counts three quarters.
    same(plan.objective, 0.25 * 0.3125 + 0.75 * 1.0);
    same(plan.sites[0].size_bps, 800e6);
    same(plan.states[1].f_pc, 1.0);
    same(plan.states[1].f_cc_ms, 17.5);
    same(plan.states[1].weight, 0.75);
    let text = text.replace("weight = 3", "weight = 3\nlost-sites = [\"B\"]");
    let problem = Problem { objective: Objective::Mpcm, ..parse(&text, "two.toml", Path::new("")).unwrap() };
    let plan = solved(&problem);
    assert_eq!(plan.sites.len(), 2);
    assert!(plan.states[1].assignment.iter().all(|served| served.site == "A"));
    same(plan.objective, 0.25 * 0.3125 + 0.75 * 2.0);
}

#[test]
fn channels_share_sites_and_keep_their_own_numbers() {
    let text = format!(
        "{TWO}[[channels]]\nname = \"low\"\nrate-bps = 1e6\nshare = 0.5\n[[channels]]\nname = \"high\"\nrate-bps = 3e6\nshare = 0.5\n"
    );
    let problem = Problem { objective: Objective::Mpcm, ..parse(&text, "two.toml", Path::new("")).unwrap() };
    let plan = solved(&problem);
    assert_eq!(plan.assignment.len(), 4);
    // Costs go by traffic: 2 Mbit/s a viewer instead of 1, everywhere alike.
    same(plan.objective, 0.3125);
    same(plan.cost_per_month(), 2_500.0);
    same(plan.normal().unwrap().f_cc_ms, 17.5);
}

#[test]
fn a_plan_in_json_has_what_machines_look_for() {
    let plan = solved(&two(Objective::Mpcm));
    let json = serde_json::to_value(&plan).unwrap();
    for key in ["objective", "bound", "gap", "sites", "assignment"] {
        assert!(!json[key].is_null(), "{key}");
    }
    assert_eq!(json["sites"][0]["name"], "B");
    assert_eq!(json["assignment"][0]["site"], "B");
    let read: Plan = serde_json::from_value(json).unwrap();
    assert_eq!(read, plan);
}

#[test]
fn plans_are_compared_by_name() {
    let [cheap, fast] = [Objective::Mpcm, Objective::Mccm].map(|objective| solved(&two(objective)));
    let difference = compare(&cheap, &fast);
    assert_eq!((difference.opened.as_slice(), difference.closed.len()), (["A".to_owned()].as_slice(), 0));
    assert_eq!(difference.resized.len(), 1);
    let [moved] = difference.moved.as_slice() else { panic!("{:?}", difference.moved) };
    assert_eq!((moved.region.as_str(), moved.before["B"], moved.after["A"]), ("A", 1.0, 1.0));
    let cost = difference.figures.iter().find(|figure| figure.name == "cost_per_month").unwrap();
    assert_eq!((cost.before, cost.after), (Some(1_250.0), Some(2_000.0)));
    let none = compare(&fast, &fast);
    assert!(none.opened.is_empty() && none.resized.is_empty() && none.moved.is_empty());
}

#[test]
fn small_changes_and_other_models_are_explored() {
    let problem = two(Objective::MTCM);
    let effort = Effort::default();
    let mut go_on = |_: &crate::solve::Progress| ControlFlow::Continue(());
    let models = models(&problem, &effort, &mut go_on);
    let costs: Vec<f64> = models.iter().map(|(_, outcome)| outcome.summary().unwrap().f_pc).collect();
    assert!(costs[1] <= costs[0] && costs[0] <= costs[2], "{costs:?}");
    let points = front(&problem, &[0.0, 0.5, 1.0, 4.0], &effort, &mut go_on);
    let delays: Vec<f64> = points.iter().map(|point| point.outcome.summary().unwrap().f_cc_ms).collect();
    assert!(delays.is_sorted_by(|one, other| one >= other) && delays[0] > delays[3], "{delays:?}");
    assert!(points.iter().all(|point| !point.is_dominated));
    let rhos = rho_effect(&problem, &[0.0, 0.5], &effort, &mut go_on);
    let cost = |point: &RhoPoint| point.outcome.summary().unwrap().f_pc;
    same(cost(&rhos[1]), cost(&rhos[0]) / 2.0);
    let changes = sensitivity(&problem, &solved(&problem), &effort, &mut go_on);
    let faster = changes.iter().find(|change| change.what.starts_with("no delay above 18.0 ms")).unwrap();
    assert_eq!(faster.outcome.summary().unwrap().open, ["A", "B"]);
    assert!(changes.iter().any(|change| change.what == "2 sites instead of 1"));
}

#[test]
fn a_plan_that_is_to_survive_losses_does() {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/china-34.toml");
    let mut problem = crate::input::load(&data).unwrap();
    let plain = solved(&problem);
    assert_eq!(plain.sites.len(), 8);
    assert!(plain.losses.iter().any(|loss| !loss.is_survived));
    problem.limits.survives_loss = true;
    let safe = solved(&problem);
    assert!(plain.is_proven && safe.is_proven && safe.objective >= plain.objective);
    for loss in &safe.losses {
        assert!(loss.is_survived, "{}: {} bit/s too much", loss.site, loss.overload_bps);
        let lost = safe.sites.iter().find(|site| site.name == loss.site).unwrap();
        let taken: f64 = loss.takes_over.iter().map(|served| served.viewers).sum();
        assert!(taken >= lost.viewers * (1.0 - 1e-6), "{}: {taken} of {}", loss.site, lost.viewers);
        assert!(loss.takes_over.iter().all(|served| served.site != loss.site));
    }
}

/// A is reached from B alone, where there is no room until B's own viewers have gone to C.
#[test]
fn a_loss_moves_others_where_that_makes_room() {
    let text = r#"limits = { survives-loss = true }
regions = [{ name = "A", viewers = 100 }, { name = "B", viewers = 100 }, { name = "C", viewers = 10 }]
sites = [{ name = "A" }, { name = "B", size-max-bps = 100e6 }, { name = "C" }]
[delays]
threshold-ms = 50
rtt-ms = [[10, 30, 90], [30, 10, 30], [90, 30, 10]]
"#;
    let plan = solved(&parse(text, "three.toml", Path::new("")).unwrap());
    let loss = plan.losses.iter().find(|loss| loss.site == "A").unwrap();
    assert!(loss.is_survived, "{loss:?}");
    let takes = |region: &str, site: &str| {
        loss.takes_over
            .iter()
            .any(|served| served.region == region && served.site == site && served.share > 0.99)
    };
    assert!(takes("A", "B") && takes("B", "C"), "{loss:?}");
}
