//! One measured value and what it should be.

use core::fmt;

use serde_json::Value;

/// Goals of figures whose bench does not name one, by the figure's name.
const GOALS: [(&str, &str); 8] = [
    ("peer_share_percent", ">= 35"),
    ("stalls_after_start", "= 0"),
    ("continuity", ">= 1"),
    ("startup_p95_ms", "<= 1000"),
    ("control_percent", "<= 3"),
    ("duplicates_percent", "< 1"),
    ("edge_memory_per_viewer_kib", "<= 16"),
    ("edge_memory_left_behind_kib", "<= 1024"),
];

/// A figure as a bench printed it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) unit: String,
    pub(crate) goal: Option<Goal>,
}

impl Figure {
    /// Reads one line; `None` when it is not a figure.
    pub(crate) fn parse(line: &str) -> Option<Self> {
        let object: Value = serde_json::from_str(line.trim()).ok()?;
        let name = object.get("name")?.as_str()?.to_owned();
        let value = object.get("value")?.as_f64()?;
        let unit = object.get("unit").and_then(Value::as_str).unwrap_or_default().to_owned();
        let own = object.get("goal").and_then(Value::as_str);
        let known = GOALS.iter().find(|(figure, _)| *figure == name).map(|(_, goal)| *goal);
        Some(Self { name, value, unit, goal: own.or(known).and_then(Goal::parse) })
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = (self.value * 1000.0).round() / 1000.0;
        write!(f, "{:<44} {value:>14} {:<14}", self.name, self.unit)?;
        match self.goal {
            Some(goal) if goal.is_met(self.value) => write!(f, " {goal:<12} met"),
            Some(goal) => write!(f, " {goal:<12} MISSED"),
            None => Ok(()),
        }
    }
}

/// A bound, written as in `<= 300`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Goal {
    relation: Relation,
    bound: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Relation {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Goal {
    fn parse(text: &str) -> Option<Self> {
        let (relation, bound) = text.trim().split_once(' ')?;
        let relation = match relation {
            "<" => Relation::Less,
            "<=" => Relation::AtMost,
            "=" => Relation::Equal,
            ">=" => Relation::AtLeast,
            ">" => Relation::More,
            _ => return None,
        };
        Some(Self { relation, bound: bound.trim().parse().ok()? })
    }

    /// Whether `value` lies within the bound.
    pub(crate) fn is_met(self, value: f64) -> bool {
        match self.relation {
            Relation::Less => value < self.bound,
            Relation::AtMost => value <= self.bound,
            Relation::Equal => (value - self.bound).abs() < f64::EPSILON,
            Relation::AtLeast => value >= self.bound,
            Relation::More => value > self.bound,
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let relation = match self.relation {
            Relation::Less => "<",
            Relation::AtMost => "<=",
            Relation::Equal => "=",
            Relation::AtLeast => ">=",
            Relation::More => ">",
        };
        f.pad(&format!("{relation} {}", self.bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_lines_of_json() {
        let line = r#"{"name":"client/fragment","value":120.5,"unit":"ns","goal":"<= 300"}"#;
        let figure = Figure::parse(line).expect("a figure");
        assert_eq!(
            (figure.name.as_str(), figure.value, figure.unit.as_str()),
            ("client/fragment", 120.5, "ns")
        );
        assert!(figure.to_string().ends_with("<= 300       met"), "{figure}");
        for line in ["", "running", "{}", r#"{"name":"a"}"#, r#"{"name":"a","value":"b"}"#] {
            assert_eq!(Figure::parse(line), None, "{line}");
        }
    }

    #[test]
    fn known_figures_bring_their_goal() {
        let figure = Figure::parse(r#"{"name":"peer_share_percent","value":34.9}"#).expect("a figure");
        assert!(figure.to_string().ends_with("MISSED"));
    }

    #[test]
    fn each_known_goal_parses() {
        for (name, goal) in GOALS {
            assert!(Goal::parse(goal).is_some(), "{name}");
        }
    }

    #[test]
    fn bounds_at_their_edge() {
        for (goal, below, at, above) in [
            ("< 1", true, false, false),
            ("<= 1", true, true, false),
            ("= 1", false, true, false),
            (">= 1", false, true, true),
            ("> 1", false, false, true),
        ] {
            let goal = Goal::parse(goal).expect("a goal");
            assert_eq!([0.5, 1.0, 1.5].map(|value| goal.is_met(value)), [below, at, above], "{goal}");
        }
    }
}
