//! A measured value, its unit, and how people read it.

use core::cmp::Ordering;
use core::fmt;

/// What a run tells about one thing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value {
    /// A number, in the base unit of its [`Unit`].
    Known(f64),
    /// It never came: infinite.
    Never,
    /// Nothing of the kind was there to be measured.
    Absent,
}

impl Value {
    /// A percentile of `count` things: infinite when there were things but no number, absent when there was nothing.
    #[must_use]
    pub const fn percentile(number: Option<f64>, count: u64) -> Self {
        match (number, count) {
            (Some(number), _) => Self::Known(number),
            (None, 0) => Self::Absent,
            (None, _) => Self::Never,
        }
    }

    /// A number that may be missing.
    #[must_use]
    pub const fn optional(number: Option<f64>) -> Self {
        match number {
            Some(number) => Self::Known(number),
            None => Self::Absent,
        }
    }

    /// As a number: infinite when it never came; `None` when absent or no number.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Known(number) => (!number.is_nan()).then_some(number),
            Self::Never => Some(f64::INFINITY),
            Self::Absent => None,
        }
    }

    /// The value of a number, which may be infinite.
    #[must_use]
    pub fn of(number: f64) -> Self {
        if number.is_finite() { Self::Known(number) } else { Self::Never }
    }

    /// In words and digits.
    #[must_use]
    pub fn text(self, unit: Unit) -> String {
        match self {
            Self::Known(number) => unit.text(number),
            Self::Never => "never".to_owned(),
            Self::Absent => "-".to_owned(),
        }
    }
}

/// In what a value is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// A fraction of 1 of which the last digits count: shown as it is.
    Fraction,
    /// A fraction of 1, shown in percent.
    Percent,
    /// Milliseconds.
    Ms,
    /// Seconds.
    Seconds,
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// Bit/s.
    Bps,
    /// One number over another.
    Ratio,
}

impl Unit {
    /// A number in this unit, as people read it.
    #[must_use]
    pub fn text(self, number: f64) -> String {
        match self {
            Self::Fraction => format!("{number:.5}"),
            Self::Percent => format!("{:.2} %", number * 100.0),
            Self::Ms => format!("{number:.0} ms"),
            Self::Seconds => format!("{number:.2} s"),
            Self::Count if number.fract() == 0.0 => format!("{number:.0}"),
            Self::Count => format!("{number:.1}"),
            Self::Bytes => scaled(number, "B"),
            Self::Bps => scaled(number, "bit/s"),
            Self::Ratio => format!("{number:.3}"),
        }
    }
}

/// `12.34 MB` and the like.
fn scaled(number: f64, unit: &str) -> String {
    let steps = [(1e9, "G"), (1e6, "M"), (1e3, "k")];
    match steps.into_iter().find(|(step, _)| number.abs() >= *step) {
        Some((step, prefix)) => format!("{:.2} {prefix}{unit}", number / step),
        None => format!("{number:.0} {unit}"),
    }
}

/// Which way is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The more the better.
    More,
    /// The less the better.
    Less,
    /// A fact, neither good nor bad.
    Neither,
}

impl Better {
    /// How `left` stands to `right`: `Greater` when it is the better one, `None` when neither is.
    #[must_use]
    pub fn compare(self, left: f64, right: f64) -> Option<Ordering> {
        match self {
            Self::More => left.partial_cmp(&right),
            Self::Less => right.partial_cmp(&left),
            Self::Neither => None,
        }
    }
}

/// What rows of the table are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Waiting for the first picture.
    Startup,
    /// Watching.
    Quality,
    /// Who sent the bytes.
    Sources,
    /// Bytes beside the stream.
    Costs,
    /// The edges.
    Edges,
    /// Departures, NAT boxes, faults.
    Trouble,
    /// The run itself.
    Run,
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Startup => "Startup",
            Self::Quality => "Quality",
            Self::Sources => "Bytes by source",
            Self::Costs => "Costs",
            Self::Edges => "Edges",
            Self::Trouble => "Trouble",
            Self::Run => "Run",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_by_people() {
        for (unit, number, text) in [
            (Unit::Fraction, 0.999_934, "0.99993"),
            (Unit::Percent, 0.0231, "2.31 %"),
            (Unit::Ms, 212.4, "212 ms"),
            (Unit::Seconds, 1.5, "1.50 s"),
            (Unit::Count, 17.0, "17"),
            (Unit::Count, 17.5, "17.5"),
            (Unit::Bytes, 999.0, "999 B"),
            (Unit::Bytes, 12_345_678.0, "12.35 MB"),
            (Unit::Bytes, -12_345.0, "-12.35 kB"),
            (Unit::Bps, 2.5e9, "2.50 Gbit/s"),
            (Unit::Ratio, 1.0345, "1.034"),
        ] {
            assert_eq!(unit.text(number), text);
        }
        assert_eq!(Value::Never.text(Unit::Ms), "never");
        assert_eq!(Value::Absent.text(Unit::Ms), "-");
    }

    #[test]
    fn a_percentile_of_nothing_is_absent_and_of_too_few_infinite() {
        assert_eq!(Value::percentile(None, 0), Value::Absent);
        assert_eq!(Value::percentile(None, 3), Value::Never);
        assert_eq!(Value::percentile(Some(2.0), 3), Value::Known(2.0));
    }

    #[test]
    fn better_is_more_or_less() {
        assert_eq!(Better::More.compare(2.0, 1.0), Some(Ordering::Greater));
        assert_eq!(Better::Less.compare(2.0, 1.0), Some(Ordering::Less));
        assert_eq!(Better::Less.compare(2.0, f64::INFINITY), Some(Ordering::Greater));
        assert_eq!(Better::Neither.compare(2.0, 1.0), None);
    }
}
