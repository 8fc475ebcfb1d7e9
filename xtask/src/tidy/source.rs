//! One Rust file, read once and prepared for the rules.

use core::ops::Range;

use super::regions::{Region, blank, blank_ranges, closing, line_of, words};

/// A Rust file with its code separated from comments, literals and tests.
pub(crate) struct Source {
    /// Path from the repository's root, with `/`.
    pub(crate) path: String,
    /// The file as it is.
    pub(crate) text: String,
    /// Comments and literals blanked.
    pub(crate) code: String,
    /// Literals blanked, comments kept.
    pub(crate) prose: String,
    /// As `code`, with items under `#[cfg(test)]` and `#[test]` blanked too; empty for a file of tests.
    pub(crate) shipped: String,
}

impl Source {
    /// Prepares `text`, found at `path`.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code = blank(text, |_| true);
        let shipped =
            if is_test_path(path) { String::new() } else { blank_ranges(&code, test_items(&code).iter()) };
        let prose = blank(text, |region| region == Region::Literal);
        Self { path: path.to_owned(), text: text.to_owned(), code, prose, shipped }
    }

    /// The line of an offset into any of the texts, counted from 1.
    pub(crate) fn line(&self, offset: usize) -> usize {
        line_of(&self.text, offset)
    }

    /// Where the files of the modules that this one declares lie: `a/mod.rs` and `a.rs` both give `a`.
    pub(crate) fn children_dir(&self) -> &str {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let (dir, name) = stem.rsplit_once('/').unwrap_or(("", stem));
        if matches!(name, "mod" | "lib" | "main") || dir.ends_with("/bin") { dir } else { stem }
    }

    /// The names after `mod` in this file, each with whether only tests compile it.
    pub(crate) fn declared_modules(&self) -> Vec<(&str, bool)> {
        let all: Vec<_> = words(&self.code).collect();
        let pairs = all.windows(2).filter_map(|pair| match pair {
            [(_, "mod"), (at, name)] => Some((*at, *name)),
            _ => None,
        });
        pairs
            .map(|(at, name)| (name, !self.shipped.get(at..).is_some_and(|rest| rest.starts_with(name))))
            .collect()
    }
}

/// Whether cargo or our own naming makes this path a file of tests.
pub(crate) fn is_test_path(path: &str) -> bool {
    let mut parts = path.rsplit('/');
    let stem = parts.next().unwrap_or(path).trim_end_matches(".rs");
    stem == "tests" || stem.ends_with("_tests") || parts.any(|dir| matches!(dir, "tests" | "benches"))
}

/// The items that only tests compile, attribute included.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut items = Vec::new();
    let mut at = 0;
    while let Some(found) = code.get(at..).and_then(|rest| rest.find("#[")) {
        let start = at + found;
        let rest = code.get(start + 1..).unwrap_or_default();
        let attribute_end = start + 1 + closing(rest);
        let attribute = code.get(start..attribute_end).unwrap_or_default();
        at = attribute_end;
        if is_test_attribute(attribute) {
            at = attribute_end + item_len(code.get(attribute_end..).unwrap_or_default());
            items.push(start..at);
        }
    }
    items
}

fn is_test_attribute(attribute: &str) -> bool {
    let mut names = words(attribute).map(|(_, word)| word);
    match names.next() {
        Some("test") => true,
        Some("cfg") => names.any(|name| name == "test") && !attribute.contains("not("),
        _ => false,
    }
}

/// The length of an item: to its `;`, or to the end of its block, whichever comes first.
fn item_len(rest: &str) -> usize {
    let mut at = 0;
    while let Some(byte) = rest.as_bytes().get(at) {
        match byte {
            b';' => return at + 1,
            b'{' => return at + closing(rest.get(at..).unwrap_or_default()),
            b'(' | b'[' => at += closing(rest.get(at..).unwrap_or_default()),
            _ => at += 1,
        }
    }
    rest.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_items_are_not_shipped() {
        let source = Source::new(
            "core/src/a.rs",
            "fn a() {}\n#[cfg(test)]\nmod tests { fn b() {} }\n#[test]\nfn c(x: [u8; 2]) {}\n#[cfg(not(test))]\nfn d() {}",
        );
        let shipped: Vec<_> = words(&source.shipped).map(|(_, word)| word).collect();
        assert_eq!(shipped, ["fn", "a", "cfg", "not", "test", "fn", "d"]);
        assert_eq!(source.declared_modules(), [("tests", true)]);
    }

    #[test]
    fn paths_of_tests() {
        for path in
            ["core/tests/pair.rs", "core/src/link/tests.rs", "core/src/ack_tests.rs", "core/benches/a.rs"]
        {
            assert!(is_test_path(path), "{path}");
        }
        for path in ["core/src/latest.rs", "core/src/contests.rs", "runtime-std/examples/edge.rs"] {
            assert!(!is_test_path(path), "{path}");
        }
    }

    #[test]
    fn children_live_beside_or_below() {
        for (path, dir) in [
            ("core/src/lib.rs", "core/src"),
            ("core/src/wire/mod.rs", "core/src/wire"),
            ("core/src/wire/ack.rs", "core/src/wire/ack"),
            ("livesky/src/bin/a.rs", "livesky/src/bin"),
        ] {
            assert_eq!(Source::new(path, "").children_dir(), dir);
        }
    }
}
