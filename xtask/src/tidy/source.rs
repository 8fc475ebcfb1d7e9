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

    /// The modules this file declares.
    pub(crate) fn declared_modules(&self) -> Vec<Declared> {
        let all: Vec<_> = words(&self.code).collect();
        let pairs = all.windows(2).filter_map(|pair| match pair {
            [(_, "mod"), (at, name)] => Some((*at, *name)),
            _ => None,
        });
        pairs
            .map(|(at, name)| Declared {
                stem: self.path_attribute(at).unwrap_or_else(|| format!("{}/{name}", self.children_dir())),
                is_test: !self.shipped.get(at..).is_some_and(|rest| rest.starts_with(name)),
            })
            .collect()
    }

    /// Where the files of the modules that this one declares lie: `a/mod.rs` and `a.rs` both give `a`.
    fn children_dir(&self) -> &str {
        let stem = self.path.strip_suffix(".rs").unwrap_or(&self.path);
        let (dir, name) = stem.rsplit_once('/').unwrap_or(("", stem));
        if matches!(name, "mod" | "lib" | "main") || dir.ends_with("/bin") { dir } else { stem }
    }

    /// What `#[path = "..."]` before the declaration at `at` names.
    fn path_attribute(&self, at: usize) -> Option<String> {
        let start = self.code.get(..at)?.rfind([';', '{', '}']).map_or(0, |end| end + 1);
        let (path_at, _) = words(self.code.get(start..at)?).find(|(_, word)| *word == "path")?;
        let file = self.text.get(start + path_at..at)?.split('"').nth(1)?;
        let (dir, _) = self.path.rsplit_once('/').unwrap_or(("", &self.path));
        Some(format!("{dir}/{}", file.strip_suffix(".rs").unwrap_or(file)))
    }
}

/// A module as `mod` declares it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Declared {
    /// Path of its file or folder, without `.rs`.
    pub(crate) stem: String,
    /// Whether only tests compile it.
    pub(crate) is_test: bool,
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
        assert_eq!(
            source.declared_modules(),
            [Declared { stem: "core/src/a/tests".to_owned(), is_test: true }]
        );
    }

    #[test]
    fn a_path_attribute_counts_for_its_own_module_only() {
        let text = "mod a;\n#[cfg(test)]\n#[path = \"wheel_tests.rs\"]\nmod tests;\nmod b;";
        let stems: Vec<_> = Source::new("core/src/store/wheel.rs", text)
            .declared_modules()
            .into_iter()
            .map(|declared| (declared.stem, declared.is_test))
            .collect();
        let expected = [("wheel/a", false), ("wheel_tests", true), ("wheel/b", false)];
        assert_eq!(stems, expected.map(|(stem, is_test)| (format!("core/src/store/{stem}"), is_test)));
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
