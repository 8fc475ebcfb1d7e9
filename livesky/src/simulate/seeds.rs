//! Which seeds.

use core::ops::RangeInclusive;
use core::str::FromStr;

/// More seeds at once are a slip of the finger.
const COUNT_MAX: u64 = 100_000;

/// Seeds as written on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seeds {
    /// As many as the scenario says.
    All,
    /// These.
    These(RangeInclusive<u64>),
}

impl Seeds {
    /// The seeds one by one; `all` is how many the scenario says.
    #[must_use]
    pub fn list(&self, all: u64) -> Vec<u64> {
        match self {
            Self::All => (1..=all.min(COUNT_MAX)).collect(),
            Self::These(seeds) => seeds.clone().collect(),
        }
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        const ADVICE: &str = "give a number as 10, a range as 3..13 or 3..=13, or `all`";
        let number = |text: &str| text.parse::<u64>().map_err(|_| format!("`{text}` is no seed: {ADVICE}"));
        let seeds = if text == "all" {
            return Ok(Self::All);
        } else if let Some((from, to)) = text.split_once("..=") {
            number(from)?..=number(to)?
        } else if let Some((from, to)) = text.split_once("..") {
            let (from, to) = (number(from)?, number(to)?);
            from..=to.checked_sub(1).ok_or_else(|| format!("there are no seeds in {text}: {ADVICE}"))?
        } else {
            1..=number(text)?
        };
        if seeds.is_empty() {
            return Err(format!("there are no seeds in {text}: {ADVICE}"));
        }
        if seeds.end() - seeds.start() >= COUNT_MAX {
            return Err(format!("{text} are too many seeds: {COUNT_MAX} at most"));
        }
        Ok(Self::These(seeds))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_counted_or_ranges() {
        for (text, seeds) in [
            ("3", vec![1, 2, 3]),
            ("3..6", vec![3, 4, 5]),
            ("3..=6", vec![3, 4, 5, 6]),
            ("0..1", vec![0]),
            ("all", vec![1, 2]),
            ("18446744073709551615..=18446744073709551615", vec![u64::MAX]),
        ] {
            assert_eq!(text.parse::<Seeds>().unwrap().list(2), seeds, "{text}");
        }
    }

    #[test]
    fn no_seeds_and_far_too_many() {
        for (text, says) in [
            ("0", "there are no seeds in 0"),
            ("5..5", "there are no seeds in 5..5"),
            ("0..0", "there are no seeds in 0..0"),
            ("6..=5", "there are no seeds"),
            ("", "`` is no seed"),
            ("-1", "`-1` is no seed"),
            ("1..x", "`x` is no seed"),
            ("1..1000000", "too many seeds"),
            ("0..=18446744073709551615", "too many seeds"),
        ] {
            let error = text.parse::<Seeds>().unwrap_err();
            assert!(error.starts_with(says) || error.contains(says), "{text}: {error}");
        }
    }
}
