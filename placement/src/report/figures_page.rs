//! The page about the paper's figures: redrawn, and what is said of them held against the numbers.

use super::canvas::escape;
use super::cells::Cells;
use super::chart::{Axis, Chart, Form, Series, precise};
use super::page::{page, paragraph, plots, section};
use super::unit::percent;
use crate::claims::{Claim, Figure, Grid, Reproduction};

/// Colours of the models by name, as on the page of a plan.
const MODELS: [&str; 4] = ["MTCM", "MPCM", "MCCM", "LTCM"];
/// What stands beside every figure: none of them is the paper's own numbers.
const MADE: &str = "Numbers of users are the paper's (Table II). Unit costs and delays are made: it does not publish its own.";

/// The figures of the placement paper on stated numbers: HTML that is XML, too, without links to anywhere. `version` is
/// the program's.
#[must_use]
pub fn figures_page(reproduction: &Reproduction, version: &str) -> String {
    let Reproduction { about, figures, claims, grid, plans, is_proven } = reproduction;
    let held = claims.iter().filter(|claim| claim.holds).count();
    let mut body = section("What the paper says, and what comes out", &claims_table(claims));
    let charts: String = figures.iter().map(|figure| chart(figure).figure()).collect();
    body.push_str(&section("The figures", &plots(&charts)));
    body.push_str(&section("Where Figure 3a holds", &plots(&cells(grid).figure())));
    let proof = if *is_proven { "all proven" } else { "not all proven" };
    let facts = format!("LiveSky {version}, {held} of {} claims hold, {plans} plans, {proof}", claims.len());
    page("The placement paper's figures", about, &facts, &body)
}

fn claims_table(claims: &[Claim]) -> String {
    let row = |claim: &Claim| {
        let (class, verdict) = if claim.holds { ("holds", "holds") } else { ("fails", "does not hold") };
        format!(
            "<tr><td>{}</td><td>{}</td><td class=\"{class}\">{verdict}</td><td>{}</td></tr>\n",
            escape(&claim.figure),
            escape(&claim.statement),
            escape(&claim.found)
        )
    };
    let rows: String = claims.iter().map(row).collect();
    let heads = "<tr><td>figure</td><td>the paper says</td><td>here it</td><td>found</td></tr>";
    let table = format!(
        "<div class=\"wide\"><table>\n<thead>{heads}</thead>\n<tbody>\n{rows}</tbody>\n</table></div>\n"
    );
    paragraph("note", MADE) + &table
}

fn chart(figure: &Figure) -> Chart {
    let series = figure.series.iter().enumerate().map(|(place, series)| {
        let colour = MODELS.iter().position(|name| series.name.starts_with(name)).unwrap_or(place);
        let points = series.points.iter().map(|point| (point.x, point.y)).collect();
        Series::new(series.name.clone(), colour, Form::Dotted, points)
    });
    Chart {
        title: format!("Figure {}: {}", figure.name, figure.title),
        x: Axis::new(figure.x_label.clone()),
        y: Axis::from_zero(figure.y_label.clone()),
        series: series.collect(),
        mark_x: None,
        note: MADE.to_owned(),
    }
}

/// Where 3a holds: at all counts of regions, at some, at none.
fn cells(grid: &Grid) -> Cells {
    let cell = |spread: f64, rtt_ms: f64, share: f64| {
        let colour = match share {
            share if share >= 1.0 => 0,
            share if share > 0.0 => 1,
            _ => 2,
        };
        let tip = format!(
            "intra-region RTT {} ms, spread {}: holds at {} of the counts of regions",
            precise(rtt_ms),
            precise(spread),
            percent(share)
        );
        (colour, tip)
    };
    let rows = grid.cost_spread.iter().zip(&grid.holds);
    let cells = rows.flat_map(|(spread, shares)| {
        grid.intra_rtt_ms.iter().zip(shares).map(move |(rtt_ms, share)| cell(*spread, *rtt_ms, *share))
    });
    Cells {
        title: "MTCM and LTCM have a lower integrated cost than MPCM and MCCM".to_owned(),
        x_label: "RTT within a region, ms".to_owned(),
        y_label: "spread of unit costs, exponent".to_owned(),
        x: grid.intra_rtt_ms.clone(),
        y: grid.cost_spread.clone(),
        cells: cells.collect(),
        legend: ["with 4 to 20 regions, always", "with some numbers of regions", "never"]
            .map(str::to_owned)
            .to_vec(),
        note: format!(
            "{MADE} A spread of 0 makes all costs equal, 1 takes them as stated, more sets them further apart."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::{Point, Series as Line};

    fn reproduction() -> Reproduction {
        let line = |name: &str, factor: f64| Line {
            name: name.to_owned(),
            points: (4_u32..=20).map(|x| Point { x: f64::from(x), y: factor * f64::from(x) }).collect(),
        };
        let claim = |holds, statement: &str| Claim {
            figure: "2a".to_owned(),
            statement: statement.to_owned(),
            holds,
            found: "by 3 %".to_owned(),
        };
        Reproduction {
            about: "users & made costs".to_owned(),
            figures: vec![Figure {
                name: "2a".to_owned(),
                title: "placement cost over regions".to_owned(),
                x_label: "regions".to_owned(),
                y_label: "f_pc, of the highest unit cost".to_owned(),
                series: vec![line("MTCM", 1.0), line("LTCM", 1.1), line("MPCM", 0.9), line("MCCM", 2.0)],
            }],
            claims: vec![claim(true, "MPCM < LTCM"), claim(false, "MTCM < MCCM")],
            grid: Grid {
                intra_rtt_ms: vec![1.0, 10.0, 30.0],
                cost_spread: vec![0.5, 1.0],
                holds: vec![vec![0.0, 1.0, 1.0], vec![0.0, 0.5, 1.0]],
            },
            plans: 68,
            is_proven: true,
        }
    }

    #[test]
    fn every_figure_says_what_is_made_and_every_claim_how_it_fares() {
        let html = figures_page(&reproduction(), "1.2.3");
        assert_eq!(html.matches("are made").count(), 3, "at the claims, the figure and the field");
        for part in [
            "Figure 2a: placement cost over regions",
            "f_pc, of the highest unit cost",
            "MPCM &lt; LTCM",
            "class=\"fails\">does not hold",
            "class=\"holds\">holds",
            "1 of 2 claims hold, 68 plans, all proven",
            "holds at 50.0 % of the counts",
            "users &amp; made costs",
        ] {
            assert!(html.contains(part), "{part}: {html}");
        }
        assert_eq!(html.matches("<rect class=\"f0\"").count(), 3);
        assert_eq!(html.matches("<rect class=\"f1\"").count(), 1);
        assert!(!html.contains("href") && !html.contains("url("));
    }

    #[test]
    fn models_have_the_colours_they_have_elsewhere() {
        let chart = chart(reproduction().figures.first().unwrap());
        let colours: Vec<usize> = chart.series.iter().map(|series| series.colour).collect();
        assert_eq!(colours, [0, 3, 1, 2]);
    }
}
