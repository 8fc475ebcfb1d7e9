//! Two sets of runs, figure by figure.

use core::cmp::Ordering;

use super::spread::{Row, rows};
use super::value::{Group, Unit, Value};
use crate::results::Results;

/// How a figure differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// What it is about.
    pub group: Group,
    /// Its name.
    pub label: String,
    /// In what it is counted.
    pub unit: Unit,
    /// Median of the first set.
    pub left: Value,
    /// Median of the second set.
    pub right: Value,
    /// `Less`: the first is better; `Greater`: the second is. `None`: neither is good or bad, or one is missing.
    pub better: Option<Ordering>,
}

impl Difference {
    /// Second minus first; `None` when either is infinite or missing.
    #[must_use]
    pub fn absolute(&self) -> Option<f64> {
        match (self.left, self.right) {
            (Value::Known(left), Value::Known(right)) => Some(right - left),
            (Value::Known(_) | Value::Never | Value::Absent, _) => None,
        }
    }

    /// The same in percent of the first; `None` when that is 0, too.
    #[must_use]
    pub fn percent(&self) -> Option<f64> {
        let (Value::Known(left), absolute) = (self.left, self.absolute()?) else { return None };
        (left != 0.0).then(|| 100.0 * absolute / left.abs())
    }
}

/// The figures of either set by name, medians over seeds, in the order of the first; those only the second has follow.
#[must_use]
pub fn compare(left: &[Results], right: &[Results]) -> Vec<Difference> {
    let (left, right) = (rows(left), rows(right));
    let find = |list: &[Row], label: &str| {
        list.iter().find(|row| row.label == label).map_or(Value::Absent, |row| row.median)
    };
    let mut differences: Vec<Difference> =
        left.iter().map(|row| difference(row, row.median, find(&right, &row.label))).collect();
    let only_right = right.iter().filter(|row| left.iter().all(|other| other.label != row.label));
    differences.extend(only_right.map(|row| difference(row, Value::Absent, row.median)));
    differences
}

fn difference(row: &Row, left: Value, right: Value) -> Difference {
    let better = match (left.number(), right.number()) {
        (Some(left), Some(right)) => row.better.compare(right, left),
        (Some(_) | None, _) => None,
    };
    Difference { group: row.group, label: row.label.clone(), unit: row.unit, left, right, better }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::value::Better;

    fn row(better: Better) -> Row {
        let median = Value::Absent;
        Row { group: Group::Run, label: "x".to_owned(), unit: Unit::Count, better, median, spread: None }
    }

    #[test]
    fn differences_are_absolute_and_in_percent_of_the_first() {
        let less = difference(&row(Better::Less), Value::Known(4.0), Value::Known(3.0));
        assert_eq!(less.better, Some(Ordering::Greater));
        assert_eq!((less.absolute(), less.percent()), (Some(-1.0), Some(-25.0)));
        let more = difference(&row(Better::More), Value::Known(4.0), Value::Known(3.0));
        assert_eq!(more.better, Some(Ordering::Less));
        let from_zero = difference(&row(Better::More), Value::Known(0.0), Value::Known(3.0));
        assert_eq!((from_zero.absolute(), from_zero.percent()), (Some(3.0), None));
    }

    #[test]
    fn what_never_came_is_worse_than_what_came() {
        let never = difference(&row(Better::Less), Value::Never, Value::Known(3.0));
        assert_eq!((never.better, never.absolute()), (Some(Ordering::Greater), None));
        let both = difference(&row(Better::Less), Value::Never, Value::Never);
        assert_eq!(both.better, Some(Ordering::Equal));
        let absent = difference(&row(Better::Less), Value::Absent, Value::Known(3.0));
        assert_eq!((absent.better, absent.percent()), (None, None));
    }
}
