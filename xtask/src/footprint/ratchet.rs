//! Bounds that only move down: `[target]` sections with a `panics_max` and a `client_code_max` each, and one of the firmware's.

/// How a count compares with its bound.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The file names no such bound.
    Missing,
    /// More than allowed.
    Above { max: usize },
    /// Less than allowed: the bound can be lowered.
    Below { max: usize },
    /// Exactly what is allowed.
    Holds,
}

/// Compares `count` with the bound `key` of a section in the text of the ratchet file.
pub(crate) fn judge(ratchet: &str, section: &str, key: &str, count: usize) -> Verdict {
    match bound(ratchet, section, key) {
        None => Verdict::Missing,
        Some(max) if count > max => Verdict::Above { max },
        Some(max) if count < max => Verdict::Below { max },
        Some(_) => Verdict::Holds,
    }
}

fn bound(ratchet: &str, section: &str, key: &str) -> Option<usize> {
    let header = format!("[{section}]");
    let section = ratchet.lines().map(str::trim).skip_while(|line| *line != header).skip(1);
    let mut own = section.take_while(|line| !line.starts_with('['));
    own.find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix('=')?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_target_has_its_own_bound() {
        let text = "# why\n[a]\npanics_max = 2\n\n[b]\npanics_max=0\n[c]\n[e]\npanics_max = 5\n";
        for (target, panics, verdict) in [
            ("a", 3, Verdict::Above { max: 2 }),
            ("a", 2, Verdict::Holds),
            ("a", 1, Verdict::Below { max: 2 }),
            ("b", 1, Verdict::Above { max: 0 }),
            ("c", 0, Verdict::Missing),
            ("d", 0, Verdict::Missing),
        ] {
            assert_eq!(judge(text, target, "panics_max", panics), verdict, "{target} {panics}");
        }
    }
}
