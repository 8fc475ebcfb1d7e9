//! Tables of figures for a terminal.

use core::cmp::Ordering;

use livesky_sim::Results;
use livesky_sim::report::{Difference, Group, Row, Unit, Value};

use crate::columns::Columns;

/// The figures of some runs: medians, and in brackets the worst seed or the range.
#[must_use]
pub fn summary(runs: &[Results], rows: &[Row]) -> String {
    let mut table = Table::default();
    for row in rows {
        let spread = row.spread_text();
        let spread = if spread.is_empty() { spread } else { format!("[{spread}]") };
        table.push(row.group, vec![row.label.clone(), row.median_text(), spread]);
    }
    let mut text = table.columns.text(&[false, true, false]);
    text.push('\n');
    for run in runs {
        let Results { seed, event_hash, .. } = run;
        text.push_str(&format!("seed {seed}: hash {event_hash}\n"));
    }
    text
}

/// The worlds of a swarm, a line each.
#[must_use]
pub fn worlds(runs: &[Results]) -> String {
    let heads = ["seed", "viewers", "faults", "continuity", "hash", "rules broken"].map(str::to_owned);
    let cells = |run: &Results| {
        let Results { seed, scenario, totals, quality, event_hash, violations_count, .. } = run;
        vec![
            seed.to_string(),
            totals.viewers_max.to_string(),
            scenario.faults.len().to_string(),
            Unit::Fraction.text(quality.continuity),
            event_hash.clone(),
            violations_count.to_string(),
        ]
    };
    let mut columns = Columns::default();
    columns.push(heads.to_vec());
    runs.iter().map(cells).for_each(|cells| columns.push(cells));
    columns.text(&[true, true, true, true, false, true])
}

/// How figures differ: both, the difference, and which is better.
#[must_use]
pub fn differences(differences: &[Difference]) -> String {
    let mut table = Table::default();
    let heads = ["", "A", "B", "B - A", "percent", "better"];
    table.columns.push(heads.map(str::to_owned).to_vec());
    for difference in differences {
        table.push(difference.group, cells(difference));
    }
    table.columns.text(&[false, true, true, true, true, false])
}

fn cells(difference: &Difference) -> Vec<String> {
    let text = |value: Value| value.text(difference.unit);
    let absolute = difference.absolute().map_or_else(String::new, |absolute| {
        let sign = if absolute > 0.0 { "+" } else { "" };
        format!("{sign}{}", difference.unit.text(absolute))
    });
    let percent = difference.percent().map_or_else(String::new, |percent| format!("{percent:+.1} %"));
    let better = match difference.better {
        None => "",
        Some(Ordering::Less) => "A",
        Some(Ordering::Equal) => "=",
        Some(Ordering::Greater) => "B",
    };
    let label = difference.label.clone();
    vec![label, text(difference.left), text(difference.right), absolute, percent, better.to_owned()]
}

/// Lines of cells, grouped.
#[derive(Default)]
struct Table {
    group: Option<Group>,
    columns: Columns,
}

impl Table {
    fn push(&mut self, group: Group, cells: Vec<String>) {
        if self.group != Some(group) {
            self.group = Some(group);
            self.columns.head(group.to_string());
        }
        self.columns.push(cells);
    }
}

#[cfg(test)]
mod tests {
    use livesky_sim::report::{Better, Spread};

    use super::*;

    #[test]
    fn columns_stand_under_each_other() {
        let row = |label: &str, median, spread| Row {
            group: Group::Quality,
            label: label.to_owned(),
            unit: Unit::Count,
            better: Better::Less,
            median: Value::Known(median),
            spread,
        };
        let rows =
            [row("stalls", 7.0, Some(Spread::Worst(Value::Known(12.0), 3))), row("longer name", 123.0, None)];
        let expected = "\nQuality\n  stalls         7  [12 (seed 3)]\n  longer name  123\n\n";
        assert_eq!(summary(&[], &rows), expected);
    }

    #[test]
    fn differences_say_how_much_and_which_is_better() {
        let difference = |left, right, better| Difference {
            group: Group::Startup,
            label: "x".to_owned(),
            unit: Unit::Ms,
            left,
            right,
            better,
        };
        for (left, right, better, expected) in [
            (
                Value::Known(200.0),
                Value::Known(250.0),
                Some(Ordering::Less),
                ["x", "200 ms", "250 ms", "+50 ms", "+25.0 %", "A"],
            ),
            (
                Value::Never,
                Value::Known(250.0),
                Some(Ordering::Greater),
                ["x", "never", "250 ms", "", "", "B"],
            ),
            (
                Value::Known(0.0),
                Value::Known(0.0),
                Some(Ordering::Equal),
                ["x", "0 ms", "0 ms", "0 ms", "", "="],
            ),
            (Value::Absent, Value::Known(1.0), None, ["x", "-", "1 ms", "", "", ""]),
        ] {
            assert_eq!(cells(&difference(left, right, better)), expected);
        }
    }
}
