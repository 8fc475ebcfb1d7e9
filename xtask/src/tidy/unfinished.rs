//! Work that somebody meant to finish later, and tests that nobody runs.

use super::finding::Finding;
use super::regions::words;
use super::source::Source;

const MARKERS: [&str; 3] = ["TODO", "FIXME", "XXX"];

/// Markers in code and comments, macros that stand for missing code, and ignored tests.
pub(crate) fn check_source(source: &Source) -> Vec<Finding> {
    let markers = words(&source.prose).filter(|(_, word)| MARKERS.contains(word));
    let markers = markers.map(|(at, word)| (at, format!("`{word}`: finish it, or write it up as an issue")));
    let macros = words(&source.code).filter(|(at, word)| {
        matches!(*word, "todo" | "unimplemented")
            && source.code.get(at + word.len()..).is_some_and(|rest| rest.starts_with('!'))
    });
    let macros = macros.map(|(at, word)| (at, format!("`{word}!`: write the code")));
    let ignored = source.code.match_indices("#[ignore");
    let ignored = ignored.map(|(at, _)| (at, "an ignored test: make it fit to run, or delete it".to_owned()));
    let all = markers.chain(macros).chain(ignored);
    all.map(|(at, what)| Finding::failure(&source.path, source.line(at), what)).collect()
}

/// Markers in a file that is not Rust.
pub(crate) fn check_text(path: &str, text: &str) -> Vec<Finding> {
    let lines = text.lines().enumerate();
    let marked = lines.filter_map(|(index, line)| {
        let (_, word) = words(line).find(|(_, word)| MARKERS.contains(word))?;
        Some(Finding::failure(path, index + 1, format!("`{word}`: finish it, or write it up as an issue")))
    });
    marked.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markers_macros_and_ignored_tests_are_found() {
        let cases = [
            ("// TODO: more", 1),
            ("/// FIXME", 1),
            ("let XXX = 1;", 1),
            ("fn a() { todo!() }", 1),
            ("fn a() { unimplemented!(\"b\") }", 1),
            ("#[test]\n#[ignore = \"slow\"]\nfn a() {}", 1),
            ("let todo = \"TODO\";", 0),
            ("// TODOS and todo!", 0),
        ];
        for (text, count) in cases {
            assert_eq!(check_source(&Source::new("a.rs", text)).len(), count, "{text}");
        }
        assert_eq!(check_text("a.toml", "a = 1\n# TODO\n").first().map(|finding| finding.line), Some(2));
    }
}
