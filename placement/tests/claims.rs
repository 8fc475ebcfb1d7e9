//! What the paper says of its models, on the stated numbers of `data/china-2009.toml`.

use core::ops::ControlFlow;
use std::sync::LazyLock;

use livesky_placement::claims::{Reproduction, paper_grid, paper_problem, reproduce, switches};
use livesky_placement::model::{Objective, Problem};
use livesky_placement::plan::plan;
use livesky_placement::solve::Effort;

static REPRODUCTION: LazyLock<Reproduction> = LazyLock::new(|| {
    let problem = paper_problem().expect("the file built in is a problem");
    reproduce(&problem, &Effort::default()).expect("every plan is possible")
});

#[track_caller]
fn holds(figure: &str, statement: &str) {
    let claims = &REPRODUCTION.claims;
    let claim = claims.iter().find(|claim| claim.figure == figure && claim.statement.contains(statement));
    let claim = claim.unwrap_or_else(|| panic!("{figure} has no claim with {statement}: {claims:#?}"));
    assert!(claim.holds, "{}: {}", claim.statement, claim.found);
}

#[test]
fn the_models_cost_in_the_papers_order() {
    holds("2a", "MPCM costs least");
    holds("2a", "slightly more than MPCM");
}

#[test]
fn the_models_delay_in_the_papers_order() {
    holds("2b", "MCCM is fastest");
}

#[test]
fn the_trade_offs_have_the_lower_integrated_cost() {
    holds("3a", "below those of both others");
}

#[test]
fn mtcm_falls_in_straight_lines_and_keeps_its_sites() {
    holds("3b", "straight line");
    holds("4a", "straight line");
    holds("4b", "MTCM keeps its sites");
}

#[test]
fn ltcm_changes_its_sites_where_the_closed_form_says() {
    holds("4b", "LTCM changes its sites");
    holds("4b", "LTCM gives region j");
}

#[test]
fn figures_have_their_points() {
    let names: Vec<&str> = REPRODUCTION.figures.iter().map(|figure| figure.name.as_str()).collect();
    assert_eq!(names, ["2a", "2b", "3a", "3b", "4a", "4b"]);
    for figure in &REPRODUCTION.figures {
        let points = if figure.x_label == "regions" { 17 } else { 15 };
        assert_eq!(figure.series.len(), 4);
        assert!(figure.series.iter().all(|series| series.points.len() == points), "{}", figure.name);
    }
    assert_eq!(REPRODUCTION.plans, 128);
    assert!(REPRODUCTION.is_proven);
}

#[test]
fn figure_3a_is_a_window_of_delays_and_costs() {
    let grid = &REPRODUCTION.grid;
    let at = |spread: f64, intra_ms: f64| {
        let row = grid.cost_spread.iter().position(|each| *each == spread).expect("a row of the grid");
        let column =
            grid.intra_rtt_ms.iter().position(|each| *each == intra_ms).expect("a column of the grid");
        grid.holds[row][column]
    };
    // The stated numbers are in it; hardly any spread, and delays that hide all distances, are not.
    assert_eq!(at(1.0, 20.0), 1.0);
    assert!(at(0.25, 5.0) < 1.0, "{grid:?}");
    assert!(at(1.0, 60.0) < 1.0, "{grid:?}");
}

#[test]
fn the_papers_grid_is_proven() {
    let grid =
        paper_grid(&paper_problem().expect("a problem"), &Effort::default()).expect("every plan is possible");
    assert_eq!(grid.len(), 4 * 17 * 15);
    assert!(grid.iter().all(|plan| plan.is_proven && plan.gap == 0.0));
}

/// The closed form and the halving come from the same numbers; this is the planner against itself on either side.
#[test]
fn a_region_is_served_by_another_site_on_either_side_of_a_switch() {
    let problem = Problem { objective: Objective::LTCM, ..paper_problem().expect("a problem") };
    let found = switches(&problem, 0.7, 140, &Effort::default()).expect("every plan is possible");
    assert!(found.len() >= 3, "{found:?}");
    for switch in found {
        for (offset, site) in [(-1e-6, switch.from), (1e-6, switch.to)] {
            let mut at = problem.clone();
            at.regions.iter_mut().for_each(|region| region.rho = switch.closed_form_rho + offset);
            let plan = plan(&at, &Effort::default(), &mut |_| ControlFlow::Continue(())).expect("a plan");
            let region = &problem.regions[switch.region].name;
            let served =
                plan.assignment.iter().find(|served| served.region == *region).expect("everybody is served");
            assert_eq!(
                served.site,
                problem.sites[site].name,
                "{region} at {}",
                switch.closed_form_rho + offset
            );
        }
    }
}
