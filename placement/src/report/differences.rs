//! What changes from one plan to another, as tables.

use std::collections::BTreeMap;

use super::tables::Table;
use super::unit::{bps, money, ms, percent, plain};
use crate::plan::{Difference, Moved, PlanDifference};

/// The figures of both plans, what changes, and sites that come, go or change their size.
#[must_use]
pub fn differing_figures(difference: &PlanDifference, currency: &str) -> Table {
    let mut rows: Vec<Vec<String>> = difference.figures.iter().map(|figure| row(figure, currency)).collect();
    let open = |name: &String, before: &str, after: &str| {
        vec![format!("site {name}"), before.to_owned(), after.to_owned(), String::new(), String::new()]
    };
    rows.extend(difference.opened.iter().map(|name| open(name, "-", "open")));
    rows.extend(difference.closed.iter().map(|name| open(name, "open", "-")));
    rows.extend(difference.resized.iter().map(|site| {
        let named = Difference { name: format!("site {}, bps", site.name), ..site.clone() };
        let mut row = cells(&named, &bps);
        if let Some(name) = row.first_mut() {
            *name = format!("site {}", site.name);
        }
        row
    }));
    Table::new(&[("", false), ("A", true), ("B", true), ("B - A", true), ("percent", true)], rows)
}

/// Who is served by others.
#[must_use]
pub fn moves(difference: &PlanDifference) -> Table {
    let row = |moved: &Moved| {
        vec![moved.region.clone(), moved.channel.clone(), servers(&moved.before), servers(&moved.after)]
    };
    let rows = difference.moved.iter().map(row).collect();
    Table::new(&[("region", false), ("channel", false), ("A", false), ("B", false)], rows)
}

fn servers(shares: &BTreeMap<String, f64>) -> String {
    let one = |(site, share): (&String, &f64)| {
        if *share > 0.9995 { site.clone() } else { format!("{site} {}", percent(*share)) }
    };
    if shares.is_empty() {
        "nobody".to_owned()
    } else {
        shares.iter().map(one).collect::<Vec<_>>().join(", ")
    }
}

/// A figure, written as its name's last word says.
fn row(figure: &Difference, currency: &str) -> Vec<String> {
    let name = figure.name.as_str();
    if name.ends_with("_bps") {
        cells(figure, &bps)
    } else if name == "integrated_cost_ms" {
        cells(figure, &|number| format!("{} ms", plain(number)))
    } else if name.ends_with("_ms") {
        cells(figure, &ms)
    } else if name.ends_with("_per_month") {
        cells(figure, &|number| money(number, currency))
    } else if name.ends_with("_share") || name == "gap" {
        cells(figure, &percent)
    } else {
        cells(figure, &plain)
    }
}

fn cells(figure: &Difference, text: &dyn Fn(f64) -> String) -> Vec<String> {
    let known = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), text);
    let both = figure.before.zip(figure.after);
    let absolute = both.map_or_else(String::new, |(before, after)| match after - before {
        0.0 => "=".to_owned(),
        more if more > 0.0 => format!("+{}", text(more)),
        less => text(less),
    });
    let percent = both.filter(|(before, after)| *before != 0.0 && before != after);
    let percent = percent.map_or_else(String::new, |(before, after)| {
        format!("{:+.1} %", 100.0 * (after - before) / before.abs())
    });
    vec![words(&figure.name), known(figure.before), known(figure.after), absolute, percent]
}

/// A field's name without its unit, which the value bears.
fn words(name: &str) -> String {
    let symbols = [("f_cc_ms", "f_cc"), ("integrated_cost_ms", "f_pc f_cc"), ("f_pc", "f_pc")];
    if let Some((_, symbol)) = symbols.into_iter().find(|(field, _)| *field == name) {
        return symbol.to_owned();
    }
    let bare = ["_bps", "_ms"].into_iter().find_map(|unit| name.strip_suffix(unit)).unwrap_or(name);
    bare.replace('_', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_in_their_units() {
        let figure = |name: &str, before: Option<f64>, after: Option<f64>| {
            row(&Difference { name: name.to_owned(), before, after }, "EUR").join("|")
        };
        for (found, expected) in [
            (figure("sizes_bps", Some(2e9), Some(3e9)), "sizes|2.00 Gbit/s|3.00 Gbit/s|+1.00 Gbit/s|+50.0 %"),
            (
                figure("cost_per_month", Some(2_000.0), Some(1_000.0)),
                "cost per month|2,000 EUR|1,000 EUR|-1,000 EUR|-50.0 %",
            ),
            (figure("f_cc_ms", Some(20.0), Some(20.0)), "f_cc|20.0 ms|20.0 ms|=|"),
            (figure("cross_isp_share", None, Some(0.5)), "cross isp share|-|50.0 %||"),
            (figure("gap", Some(0.0), Some(0.01)), "gap|0 %|1.0 %|+1.0 %|"),
        ] {
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn sites_and_moves_are_listed() {
        let difference = PlanDifference {
            figures: Vec::new(),
            opened: vec!["GD".to_owned()],
            closed: vec!["BJ".to_owned()],
            resized: vec![Difference { name: "ZJ".to_owned(), before: Some(1e9), after: Some(2e9) }],
            moved: vec![Moved {
                channel: "live".to_owned(),
                region: "HEB".to_owned(),
                before: BTreeMap::from([("BJ".to_owned(), 1.0)]),
                after: BTreeMap::from([("GD".to_owned(), 0.25), ("ZJ".to_owned(), 0.75)]),
            }],
        };
        let rows = differing_figures(&difference, "").rows;
        assert_eq!(
            rows.iter().map(|row| row[0].as_str()).collect::<Vec<_>>(),
            ["site GD", "site BJ", "site ZJ"]
        );
        assert_eq!(rows[2][3], "+1.00 Gbit/s");
        assert_eq!(moves(&difference).rows, [["HEB", "live", "BJ", "GD 25.0 %, ZJ 75.0 %"]]);
    }
}
