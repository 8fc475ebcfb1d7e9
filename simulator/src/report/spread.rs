//! Figures over several seeds: the median, and the worst seed.

use super::figures::{Figure, figures};
use super::value::{Better, Group, Unit, Value};
use crate::results::Results;

/// A row of the table.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What it is about.
    pub group: Group,
    /// Its name, unique in a table.
    pub label: String,
    /// In what it is counted.
    pub unit: Unit,
    /// Which way is the better one.
    pub better: Better,
    /// The median over the seeds.
    pub median: Value,
    /// What lies around it, when there are several seeds.
    pub spread: Option<Spread>,
}

/// What lies around a median.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Spread {
    /// The worst value, and the first seed that has it.
    Worst(Value, u64),
    /// Least and most, of facts that are neither good nor bad.
    Range(Value, Value),
    /// All seeds have the same value.
    None,
}

impl Row {
    /// The median in words and digits.
    #[must_use]
    pub fn median_text(&self) -> String {
        self.median.text(self.unit)
    }

    /// The worst seed, or the range, in words and digits; empty for a single seed.
    #[must_use]
    pub fn spread_text(&self) -> String {
        match self.spread {
            None => String::new(),
            Some(Spread::None) => "the same".to_owned(),
            Some(Spread::Worst(value, seed)) => format!("{} (seed {seed})", value.text(self.unit)),
            Some(Spread::Range(least, most)) => {
                format!("{} to {}", least.text(self.unit), most.text(self.unit))
            }
        }
    }
}

/// The table of runs of one scenario with different seeds. Figures that no seed has are left out.
#[must_use]
pub fn rows(runs: &[Results]) -> Vec<Row> {
    let lists: Vec<(u64, Vec<Figure>)> = runs.iter().map(|run| (run.seed, figures(run))).collect();
    let Some((_, first)) = lists.first() else { return Vec::new() };
    first.iter().filter_map(|figure| row(figure, &lists)).collect()
}

fn row(figure: &Figure, lists: &[(u64, Vec<Figure>)]) -> Option<Row> {
    let values: Vec<(u64, f64)> = lists
        .iter()
        .filter_map(|(seed, list)| {
            let found = list.iter().find(|other| other.label == figure.label)?;
            Some((*seed, found.value.number()?))
        })
        .collect();
    let numbers: Vec<f64> = values.iter().map(|(_, number)| *number).collect();
    let median = Value::of(median(&numbers)?);
    let spread = (lists.len() > 1).then(|| spread(figure.better, &values)).flatten();
    let Figure { group, label, unit, better, value: _ } = figure.clone();
    Some(Row { group, label, unit, better, median, spread })
}

fn spread(better: Better, values: &[(u64, f64)]) -> Option<Spread> {
    // Of equals the first: which seed is named does not depend on the order of the others.
    let by = |is_before: fn(f64, f64) -> bool| {
        values.iter().copied().reduce(|best, next| if is_before(next.1, best.1) { next } else { best })
    };
    let (least, most) = (by(|left, right| left < right)?, by(|left, right| left > right)?);
    if least.1 == most.1 {
        return Some(Spread::None);
    }
    Some(match better {
        Better::More => Spread::Worst(Value::of(least.1), least.0),
        Better::Less => Spread::Worst(Value::of(most.1), most.0),
        Better::Neither => Spread::Range(Value::of(least.1), Value::of(most.1)),
    })
}

/// The median; of an even number the mean of the two in the middle. `None` of nothing.
#[must_use]
pub(super) fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = (sorted.get(sorted.len().checked_sub(1)? / 2)?, sorted.get(sorted.len() / 2)?);
    Some(if low == high { *low } else { low + (high - low) / 2.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        for (numbers, expected) in [
            (&[][..], None),
            (&[3.0], Some(3.0)),
            (&[3.0, 1.0], Some(2.0)),
            (&[3.0, 1.0, 2.0], Some(2.0)),
            (&[1.0, f64::INFINITY], Some(f64::INFINITY)),
            (&[f64::INFINITY, f64::INFINITY], Some(f64::INFINITY)),
        ] {
            assert_eq!(median(numbers), expected, "{numbers:?}");
        }
    }

    #[test]
    fn the_worst_is_the_least_or_the_most_and_the_first_of_equals() {
        let values = [(3, 0.9), (4, 0.8), (5, 0.8), (6, 1.0)];
        assert_eq!(spread(Better::More, &values), Some(Spread::Worst(Value::Known(0.8), 4)));
        assert_eq!(spread(Better::Less, &values), Some(Spread::Worst(Value::Known(1.0), 6)));
        let range = Spread::Range(Value::Known(0.8), Value::Known(1.0));
        assert_eq!(spread(Better::Neither, &values), Some(range));
        assert_eq!(spread(Better::Less, &[(1, 2.0), (2, 2.0)]), Some(Spread::None));
        assert_eq!(spread(Better::Less, &[]), None);
    }
}
