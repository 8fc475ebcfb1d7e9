//! Names that say what a thing is: words that fit everything are banned.

use super::finding::Finding;
use super::regions::words;
use super::source::Source;

/// Words that a type's name may not contain, in lower case.
const BANNED: [&str; 7] = ["manager", "helper", "helpers", "util", "utils", "utilities", "data"];

/// Names that may stand although they contain a banned word, each with its reason.
const ALLOWED: [(&str, &str); 2] = [
    ("DataHeader", "docs/wire.md calls the header of a datagram that carries a fragment the data header"),
    ("data", "core/src/client/data.rs takes such datagrams in"),
];

/// Types and modules whose name contains a banned word.
pub(crate) fn check(source: &Source) -> Vec<Finding> {
    let all: Vec<_> = words(&source.code).collect();
    let declared = all.windows(2).filter_map(|pair| match pair {
        [(_, "struct" | "enum" | "trait" | "type" | "union" | "mod"), (at, name)] => Some((*at, *name)),
        _ => None,
    });
    let banned = declared.filter(|(_, name)| !ALLOWED.iter().any(|(allowed, _)| allowed == name));
    banned
        .filter_map(|(at, name)| {
            let word = name_words(name).into_iter().find(|word| BANNED.contains(&word.as_str()))?;
            let what =
                format!("`{name}` contains `{word}`, which fits everything: name what it does or holds");
            Some(Finding::failure(&source.path, source.line(at), what))
        })
        .collect()
}

/// The words of a camel-case or snake-case name, in lower case.
fn name_words(name: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut begin = true;
    for c in name.chars() {
        if c == '_' {
            begin = true;
            continue;
        }
        if begin || c.is_uppercase() {
            found.push(String::new());
        }
        begin = false;
        if let Some(word) = found.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banned_words_count_only_whole() {
        let cases = [
            ("struct PeerManager;", 1),
            ("enum DataThing {}", 1),
            ("mod utils;", 1),
            ("trait HelperOf {}", 1),
            ("struct Datagram;", 0),
            ("struct Metadata;", 0),
            ("struct DataHeader;", 0),
            ("fn data() {}", 0),
            ("// struct PeerManager", 0),
        ];
        for (text, count) in cases {
            assert_eq!(check(&Source::new("a.rs", text)).len(), count, "{text}");
        }
    }

    #[test]
    fn names_fall_into_words() {
        assert_eq!(name_words("RttUs_window"), ["rtt", "us", "window"]);
    }
}
