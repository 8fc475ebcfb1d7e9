//! The page about one plan.

use super::canvas::escape;
use super::map::{self, Place};
use super::page::{STYLE, cards, page, paragraph, plots, section, table};
use super::study::Study;
use super::study_charts;
use super::tables;
use super::unit::{bps, grouped, ms, percent};
use crate::model::Problem;
use crate::plan::Plan;
use crate::solve::{Method, method};

/// Lines of the problem's text on the page at most: a matrix of a thousand regions is not read there.
const TEXT_LINES_MAX: usize = 400;

/// The report on a plan: HTML that is XML, too, without links to anywhere. `text` is the problem as its author wrote it,
/// empty when it came from several files; `version` is the program's.
#[must_use]
pub fn plan_page(problem: &Problem, plan: &Plan, study: &Study, text: &str, version: &str) -> String {
    let mut body = cards(&tables::headline(plan));
    body.push_str(&map_of(problem, plan));
    body.push_str(&section("Sites", &table(&tables::sites(plan))));
    body.push_str(&study_charts::sections(plan, study));
    body.push_str(&section("Loss of a site", &losses(plan)));
    if plan.states.len() > 1 {
        body.push_str(&section("States", &table(&tables::states(plan))));
    }
    body.push_str(&section("Totals", &table(&tables::totals(plan))));
    body.push_str(&section("Regions", &table(&tables::regions(plan))));
    body.push_str(&source(text));
    let facts = format!("LiveSky {version}, {} ({})", proof(plan), method_text(problem));
    page(&plan.problem, &plan.about, &facts, &body)
}

/// The plan's map alone, as a file of SVG; nothing when fewer than two regions have coordinates.
#[must_use]
pub fn plan_map(problem: &Problem, plan: &Plan) -> Option<String> {
    let map = map::map(&places(problem, plan), &format!("Sites of {} and whom they serve", plan.problem))?;
    let (tag, rest) = map.split_once('\n')?;
    Some(format!("{tag}\n<style>\n{STYLE}</style>\n{rest}"))
}

/// How a problem's plan is searched for, in a few words; empty when it is no problem.
#[must_use]
pub fn method_text(problem: &Problem) -> &'static str {
    match problem.instance().as_ref().map(method) {
        Ok(Method::Separable) => "region by region",
        Ok(Method::Facility) => "facility location",
        Ok(Method::General) => "branch and bound with cuts",
        Err(_) => "",
    }
}

/// The model, and how good the plan is known to be.
fn proof(plan: &Plan) -> String {
    let Plan { model_text, gap, is_proven, .. } = plan;
    match is_proven {
        true if *gap <= 1e-9 => format!("{model_text}, proven to be the best plan"),
        true => format!("{model_text}, at most {} from the best plan", percent(*gap)),
        false => format!("{model_text}, not proven: at most {} from the best plan", percent(*gap)),
    }
}

fn map_of(problem: &Problem, plan: &Plan) -> String {
    let places = places(problem, plan);
    let without = problem.regions.len() - places.len();
    let largest = plan.sites.iter().map(|site| site.size_bps).fold(0.0, f64::max);
    let mut note = format!(
        "Large circles are sites, their area is their size (the largest has {}); dots are regions, their area is their \
         viewers. A line joins a site to whom it serves, the wider the more viewers.",
        bps(largest)
    );
    if without > 0 {
        note.push_str(&format!(" {without} regions have no coordinates and are not shown."));
    }
    map::figure(&places, "The plan on a map", &note)
        .unwrap_or_else(|| paragraph("note", "No map: the regions have no coordinates."))
}

/// The regions that have coordinates.
fn places(problem: &Problem, plan: &Plan) -> Vec<Place> {
    let shown: Vec<&crate::model::Region> =
        problem.regions.iter().filter(|region| region.coordinates.is_some()).collect();
    let place_of = |name: &str| shown.iter().position(|region| region.name == name);
    let region_of =
        |site: &str| plan.sites.iter().find(|open| open.name == site).map(|open| open.region.as_str());
    shown
        .iter()
        .filter_map(|region| {
            let at = region.coordinates?;
            let own: Vec<_> = plan.sites.iter().filter(|site| site.region == region.name).collect();
            let served: Vec<_> =
                plan.assignment.iter().filter(|served| served.region == region.name).collect();
            let viewers: f64 = served.iter().map(|served| served.viewers).sum();
            let mut tip = format!("{}: {} viewers", region.name, grouped(viewers));
            for site in &own {
                tip.push_str(&format!(
                    "\nsite {}: {}, {} viewers",
                    site.name,
                    bps(site.size_bps),
                    grouped(site.viewers)
                ));
            }
            for served in &served {
                let Some(server) = region_of(&served.site) else { continue };
                tip.push_str(&format!(
                    "\n{} from {} ({server}), {}",
                    percent(served.share),
                    served.site,
                    ms(served.delay_ms)
                ));
            }
            let share = |of: f64| if viewers > 0.0 { of / viewers } else { 0.0 };
            let served_by = served
                .iter()
                .filter_map(|served| Some((place_of(region_of(&served.site)?)?, share(served.viewers))));
            Some(Place {
                name: region.name.clone(),
                at: (at.latitude_deg, at.longitude_deg),
                viewers,
                site_bps: (!own.is_empty()).then(|| own.iter().map(|site| site.size_bps).sum()),
                served_by: served_by.collect(),
                tip,
            })
        })
        .collect()
}

fn losses(plan: &Plan) -> String {
    let survived = plan.losses.iter().filter(|loss| loss.is_survived).count();
    let note = format!(
        "{survived} of {} losses are survived. Nobody's service changes unless it must: who loses its site goes to the \
         nearest open one with room, the largest first.",
        plan.losses.len()
    );
    paragraph("note", &note) + &table(&tables::losses(plan))
}

/// The problem as it was written.
fn source(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    let lines: Vec<&str> = text.lines().take(TEXT_LINES_MAX).collect();
    let cut = text.lines().count().saturating_sub(lines.len());
    let cut = if cut > 0 { format!("\n... {cut} lines more") } else { String::new() };
    section("Problem", &format!("<pre>{}{cut}</pre>\n", escape(&lines.join("\n"))))
}

/// Plots side by side, or nothing.
pub(super) fn plots_section(title: &str, note: &str, figures: &str) -> String {
    if figures.is_empty() {
        String::new()
    } else {
        section(title, &(paragraph("note", note) + &plots(figures)))
    }
}

#[cfg(test)]
#[path = "plan_page_tests.rs"]
mod tests;
