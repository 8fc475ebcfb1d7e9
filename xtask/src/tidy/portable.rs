//! What keeps `core/` free of an operating system, a heap and a clock.

use super::finding::Finding;
use super::regions::words;
use super::source::Source;

/// Paths that shipped code in `core/src` may not name; its tests may.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("core/src/") {
        return Vec::new();
    }
    let all: Vec<_> = words(&source.shipped).collect();
    let found = all.iter().enumerate().filter_map(|(index, (at, word))| {
        let is_path = source.shipped.get(at + word.len()..).is_some_and(|rest| rest.starts_with("::"));
        let next = all.get(index + 1).map(|(_, next)| *next);
        let advice = match *word {
            "std" | "alloc" if is_path => {
                "core has neither std nor a heap: use `core::`, heapless or a lent slice"
            }
            "crate" if matches!(next, Some("std" | "alloc")) && is_extern(&all, index) => {
                "core links neither std nor alloc outside its tests"
            }
            "Instant" if is_path && next == Some("now") => "time is an argument: take `now` from the caller",
            "SystemTime" => "time is an argument: take `now` from the caller",
            _ => return None,
        };
        Some(Finding::failure(&source.path, source.line(*at), format!("`{word}`: {advice}")))
    });
    found.collect()
}

fn is_extern(all: &[(usize, &str)], index: usize) -> bool {
    index.checked_sub(1).and_then(|before| all.get(before)).is_some_and(|(_, word)| *word == "extern")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_shipped_code_of_core_is_held_to_it() {
        let cases = [
            ("core/src/a.rs", "use std::vec::Vec;", 1),
            ("core/src/a.rs", "use alloc::vec::Vec;", 1),
            ("core/src/a.rs", "extern crate alloc;", 1),
            ("core/src/a.rs", "let t = Instant::now();", 1),
            ("core/src/a.rs", "fn f(t: SystemTime) {}", 1),
            ("core/src/a.rs", "fn f(t: Instant) { pages.alloc(); slab::alloc(1); }", 0),
            ("core/src/a.rs", "type Instant = now;", 0),
            ("core/src/a.rs", "fn f() { slab(std, alloc) } use crate::std;", 0),
            ("core/src/a.rs", "// std::vec", 0),
            (
                "core/src/a.rs",
                "#[cfg(test)]\nextern crate std;\n#[cfg(test)]\nmod tests { use std::vec::Vec; }",
                0,
            ),
            ("core/src/a/tests.rs", "use std::vec::Vec;", 0),
            ("livesky/src/a.rs", "use std::vec::Vec;", 0),
        ];
        for (path, text, count) in cases {
            assert_eq!(check(&Source::new(path, text)).len(), count, "{text}");
        }
    }
}
