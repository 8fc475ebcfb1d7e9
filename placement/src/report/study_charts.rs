//! A study as plots and a table.

use super::chart::{Axis, Chart, Form, Series};
use super::page::{paragraph, section, table};
use super::plan_page::plots_section;
use super::study::Study;
use super::tables::Table;
use super::unit::{money, ms, percent};
use crate::model::Objective;
use crate::plan::{Outcome, Plan, RhoPoint, Summary};

/// All sections of a study, as far as it came.
pub(super) fn sections(plan: &Plan, study: &Study) -> String {
    let (solved, unproven) = study.counts();
    if solved == 0 {
        return paragraph("note", "The search was stopped: variants of the problem were not looked at.");
    }
    let trade = trade(plan, study).iter().map(Chart::figure).collect::<String>();
    let peers = peers(plan, study).iter().map(Chart::figure).collect::<String>();
    let sites = sites(plan, study).iter().map(Chart::figure).collect::<String>();
    let variants = match unproven {
        0 => format!("{solved} variants of the problem were solved for this page, all with proof."),
        some => format!(
            "{solved} variants of the problem were solved for this page, {some} of them without proof: they may be a \
             little better than shown."
        ),
    };
    plots_section("Cost against delay", &variants, &trade)
        + &plots_section("What peers contribute", "", &peers)
        + &plots_section("How many sites", "", &sites)
        + &changes(plan, study)
}

fn cost_label(plan: &Plan) -> String {
    if plan.currency.is_empty() {
        "cost a month".to_owned()
    } else {
        format!("cost, {} a month", plan.currency)
    }
}

/// A colour for each model, the same on every plot.
pub(super) fn colour(objective: Objective) -> usize {
    match objective {
        Objective::Mtcm { .. } => 0,
        Objective::Mpcm => 1,
        Objective::Mccm => 2,
        Objective::Ltcm { .. } => 3,
    }
}

/// The models and the front over p.
fn trade(plan: &Plan, study: &Study) -> Vec<Chart> {
    let found: Vec<(f64, &Summary)> = study
        .front
        .iter()
        .filter(|point| !point.is_dominated)
        .filter_map(|point| Some((point.exponent, point.outcome.summary()?)))
        .collect();
    let at = |summary: &Summary| (summary.f_cc_ms, summary.cost_per_month);
    let mut front =
        Series::new("MTCM over p", 5, Form::Dotted, found.iter().map(|(_, summary)| at(summary)).collect());
    front.labels = first_of_equals(&found, at);
    let mut series = vec![front];
    for (objective, outcome) in &study.models {
        let Some(summary) = outcome.summary() else { continue };
        let mut dot = Series::new(objective.to_string(), colour(*objective), Form::Dots, vec![at(summary)]);
        dot.labels = vec![objective.name().to_owned()];
        series.push(dot);
    }
    let mut charts = Vec::new();
    if series.iter().any(|series| !series.points.is_empty()) {
        charts.push(Chart {
            title: "The models, and MTCM over p".to_owned(),
            x: Axis::new("mean delay, ms"),
            y: Axis::new(cost_label(plan)),
            series,
            mark_x: None,
            note: "Lower left is better. Plans on the line are no worse than any other over p in both."
                .to_owned(),
        });
    }
    charts.extend(exponents(study));
    charts
}

/// What stands beside the points: the first p of each plan.
fn first_of_equals(found: &[(f64, &Summary)], at: impl Fn(&Summary) -> (f64, f64)) -> Vec<String> {
    let mut last = None;
    found
        .iter()
        .map(|(exponent, summary)| {
            let own = at(summary);
            let is_same = last == Some(own);
            last = Some(own);
            if is_same { String::new() } else { format!("p = {exponent}") }
        })
        .collect()
}

/// Cost and delay over p, each over its least.
fn exponents(study: &Study) -> Option<Chart> {
    let found: Vec<(f64, &Summary)> =
        study.front.iter().filter_map(|point| Some((point.exponent, point.outcome.summary()?))).collect();
    let least =
        |of: fn(&Summary) -> f64| found.iter().map(|(_, summary)| of(summary)).fold(f64::INFINITY, f64::min);
    let over = |of: fn(&Summary) -> f64| {
        let least = least(of);
        found.iter().map(|(exponent, summary)| (*exponent, 100.0 * (of(summary) / least - 1.0))).collect()
    };
    (found.len() > 1).then(|| Chart {
        title: "What p trades".to_owned(),
        x: Axis::from_zero("p, exponent of the delay"),
        y: Axis::from_zero("over the least, %"),
        series: vec![
            Series::new("cost", 1, Form::Dotted, over(|summary| summary.cost_per_month)),
            Series::new("mean delay", 2, Form::Dotted, over(|summary| summary.f_cc_ms)),
        ],
        mark_x: None,
        note: "p = 0 minimises cost alone; the larger p, the more delay counts.".to_owned(),
    })
}

/// Cost and delay over ρ.
fn peers(plan: &Plan, study: &Study) -> Vec<Chart> {
    let lines = |of: &dyn Fn(&Summary) -> f64| -> Vec<Series> {
        let points = |list: &[RhoPoint]| -> Vec<(f64, f64)> {
            list.iter().filter_map(|point| Some((point.rho, of(point.outcome.summary()?)))).collect()
        };
        let line = |(objective, list): &(Objective, Vec<RhoPoint>)| {
            Series::new(objective.to_string(), colour(*objective), Form::Dotted, points(list))
        };
        study.rho.iter().map(line).filter(|series| !series.points.is_empty()).collect()
    };
    let mark_x = plan.normal().filter(|normal| normal.demand_bps > 0.0);
    let mark_x = mark_x.map(|normal| 1.0 - normal.traffic_bps / normal.demand_bps);
    let x = || Axis::between("share of the stream that peers upload, ρ", 0.0, 0.72);
    let chart = |title: &str, y: Axis, series: Vec<Series>, note: &str| Chart {
        title: title.to_owned(),
        x: x(),
        y,
        series,
        mark_x: mark_x.filter(|rho| (0.0..=0.72).contains(rho)),
        note: note.to_owned(),
    };
    let (cost, delay) = (lines(&|summary| summary.cost_per_month), lines(&|summary| summary.f_cc_ms));
    if cost.is_empty() {
        return Vec::new();
    }
    let note = "The same ρ in every region; the upright line is the problem's own, by traffic.";
    vec![
        chart("Cost over ρ", Axis::from_zero(cost_label(plan)), cost, note),
        chart("Mean delay over ρ", Axis::from_zero("mean delay, ms"), delay, note),
    ]
}

/// Cost and delay over the number of sites.
fn sites(plan: &Plan, study: &Study) -> Vec<Chart> {
    let points = |of: &dyn Fn(&Summary) -> f64| -> Vec<(f64, f64)> {
        let point = |(count, outcome): &(usize, Outcome)| Some((*count as f64, of(outcome.summary()?)));
        study.sites.iter().filter_map(point).collect()
    };
    let cost = points(&|summary| summary.cost_per_month);
    if cost.len() < 2 {
        return Vec::new();
    }
    let mean = Series::new("mean", 2, Form::Dotted, points(&|summary| summary.f_cc_ms));
    let worst = Series::new("longest", 3, Form::Dotted, points(&|summary| summary.worst_delay_ms));
    let open = plan.sites.len() as f64;
    let chart = |title: &str, y: Axis, series: Vec<Series>| Chart {
        title: title.to_owned(),
        x: Axis::new("sites"),
        y,
        series,
        mark_x: Some(open),
        note: "The upright line is the plan.".to_owned(),
    };
    vec![
        chart(
            "What one more site costs",
            Axis::from_zero(cost_label(plan)),
            vec![Series::new("cost", 0, Form::Dotted, cost)],
        ),
        chart("What one more site buys", Axis::from_zero("delay, ms"), vec![mean, worst]),
    ]
}

/// One limit changed at a time.
fn changes(plan: &Plan, study: &Study) -> String {
    if study.changes.is_empty() {
        return String::new();
    }
    let base = Summary::from(plan);
    let row = |change: &crate::plan::Change| match &change.outcome {
        Outcome::Plan(summary) => vec![
            change.what.clone(),
            signed(summary.cost_per_month - base.cost_per_month, &|amount| money(amount, &plan.currency)),
            signed(summary.f_cc_ms - base.f_cc_ms, &ms),
            signed(summary.worst_delay_ms - base.worst_delay_ms, &ms),
            signed(summary.objective / base.objective - 1.0, &percent),
            sites_changed(&base.open, &summary.open),
        ],
        Outcome::None { why } => {
            let empty = String::new;
            vec![change.what.clone(), empty(), empty(), empty(), empty(), why.clone()]
        }
    };
    let columns = [
        ("with", false),
        ("cost a month", true),
        ("mean delay", true),
        ("longest delay", true),
        ("objective", true),
        ("sites", false),
    ];
    let rows = study.changes.iter().map(row).collect();
    section("What a little more or less would do", &table(&Table::new(&columns, rows)))
}

/// A difference with its sign; rounding is none.
fn signed(difference: f64, text: &dyn Fn(f64) -> String) -> String {
    if !difference.is_finite() {
        return String::new();
    }
    let own = text(difference);
    let is_nothing = !own.chars().any(|letter| ('1'..='9').contains(&letter)) || difference.abs() < 1e-9;
    if is_nothing {
        "=".to_owned()
    } else if difference > 0.0 {
        format!("+{own}")
    } else {
        own
    }
}

/// Which sites come and go.
fn sites_changed(before: &[String], after: &[String]) -> String {
    let come = after.iter().filter(|name| !before.contains(name)).map(|name| format!("+{name}"));
    let gone = before.iter().filter(|name| !after.contains(name)).map(|name| format!("-{name}"));
    let list: Vec<String> = come.chain(gone).collect();
    if list.is_empty() { "the same".to_owned() } else { list.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_have_a_sign_and_rounding_is_none() {
        assert_eq!(signed(1.25, &ms), "+1.2 ms");
        assert_eq!(signed(-3.0, &ms), "-3.0 ms");
        assert_eq!(signed(0.001, &ms), "=");
        assert_eq!(signed(f64::NAN, &ms), "");
        assert_eq!(signed(1e-17, &percent), "=");
    }

    #[test]
    fn sites_that_come_and_go() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(sites_changed(&names(&["a", "b"]), &names(&["b", "c"])), "+c, -a");
        assert_eq!(sites_changed(&names(&["a"]), &names(&["a"])), "the same");
    }
}
