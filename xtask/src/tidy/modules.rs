//! Every file belongs to the module tree, and a `mod.rs` is a table of contents.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::regions::{closing, words};
use super::source::Source;

/// Files under a `src/` that no `mod` declares: nobody compiles them.
pub(crate) fn check_orphans(sources: &[Source]) -> Vec<Finding> {
    let declared: BTreeSet<String> =
        sources.iter().flat_map(Source::declared_modules).map(|declared| declared.stem).collect();
    let orphans = sources.iter().filter(|source| {
        let stem = module_stem(&source.path);
        source.path.contains("src/") && !is_root(&source.path) && !declared.contains(stem)
    });
    orphans
        .map(|source| {
            Finding::failure(&source.path, 1, "no `mod` declares this file: declare it or delete it")
        })
        .collect()
}

/// The files and folders that only tests compile, because `#[cfg(test)]` stands before their `mod`.
pub(crate) fn test_only(sources: &[Source]) -> BTreeSet<String> {
    let declared = sources.iter().flat_map(Source::declared_modules);
    declared.filter_map(|declared| declared.is_test.then_some(declared.stem)).collect()
}

/// Whether `path` is one of the modules in `stems`, or lies below one.
pub(crate) fn is_below(path: &str, stems: &BTreeSet<String>) -> bool {
    let stem = module_stem(path);
    let mut ends = stem.match_indices('/').map(|(at, _)| at).chain([stem.len()]);
    ends.any(|end| stem.get(..end).is_some_and(|prefix| stems.contains(prefix)))
}

/// Anything in a `mod.rs` beyond documentation, declarations and re-exports.
pub(crate) fn check_mod_rs(source: &Source) -> Vec<Finding> {
    if !source.path.ends_with("/mod.rs") {
        return Vec::new();
    }
    let strays = statements(&source.code).into_iter().filter(|(_, statement)| !is_declaration(statement));
    strays
        .map(|(at, statement)| {
            let first = statement.lines().next().unwrap_or_default().trim();
            let what =
                format!("`{first}` in a mod.rs: move it to a file that its name describes, and re-export it");
            Finding::failure(&source.path, source.line(at), what)
        })
        .collect()
}

fn module_stem(path: &str) -> &str {
    let stem = path.strip_suffix(".rs").unwrap_or(path);
    stem.strip_suffix("/mod").unwrap_or(stem)
}

/// Crate roots need no declaration.
fn is_root(path: &str) -> bool {
    let (dir, name) = path.rsplit_once('/').unwrap_or(("", path));
    let in_src = dir == "src" || dir.ends_with("/src");
    (in_src && matches!(name, "lib.rs" | "main.rs")) || dir.ends_with("src/bin")
}

/// Cuts a file into its top-level statements, each with its offset, attributes dropped.
fn statements(code: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(rest) = code.get(at..) {
        let start = at + (rest.len() - rest.trim_start().len());
        let statement = rest.trim_start();
        if statement.is_empty() {
            break;
        }
        if let Some(bracket) = statement.strip_prefix('#').and_then(|_| statement.find('[')) {
            at = start + bracket + closing(statement.get(bracket..).unwrap_or_default());
            continue;
        }
        let len = statement_len(statement);
        found.push((start, statement.get(..len).unwrap_or(statement)));
        at = start + len;
    }
    found
}

/// To the `;`, or to the end of a block that no `;` follows (as in `use a::{b};`).
fn statement_len(statement: &str) -> usize {
    let mut at = 0;
    while let Some(byte) = statement.as_bytes().get(at) {
        let rest = statement.get(at..).unwrap_or_default();
        match byte {
            b';' => return at + 1,
            b'{' | b'(' | b'[' => {
                at += closing(rest);
                let follows = statement.get(at..).unwrap_or_default().trim_start();
                if *byte == b'{' && !follows.starts_with(';') {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    statement.len()
}

fn is_declaration(statement: &str) -> bool {
    let mut rest = statement;
    if let Some(after) = rest.strip_prefix("pub") {
        rest = after.trim_start();
        if rest.starts_with('(') {
            rest = rest.get(closing(rest)..).unwrap_or_default();
        }
    }
    match words(rest).next() {
        Some((_, "use")) => true,
        Some((_, "mod")) => !rest.contains('{'),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn orphans(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<_> = files.iter().map(|(path, text)| Source::new(path, text)).collect();
        check_orphans(&sources).into_iter().map(|finding| finding.path).collect()
    }

    #[test]
    fn undeclared_files_are_orphans() {
        let files = [
            ("core/src/lib.rs", "mod wire;\npub mod time;"),
            ("core/src/time.rs", "#[cfg(test)]\nmod tests;"),
            ("core/src/time/tests.rs", ""),
            ("core/src/wire/mod.rs", "mod ack;\n// mod lost;"),
            ("core/src/wire/ack.rs", ""),
            ("core/src/wire/lost.rs", ""),
            ("core/tests/pair.rs", ""),
            ("livesky/src/bin/tool.rs", ""),
        ];
        assert_eq!(orphans(&files), ["core/src/wire/lost.rs"]);
    }

    #[test]
    fn modules_under_cfg_test_are_test_only() {
        let sources = [Source::new("core/src/lib.rs", "#[cfg(test)]\nmod pair;\nmod edge;")];
        let stems = test_only(&sources);
        for (path, below) in [
            ("core/src/pair.rs", true),
            ("core/src/pair/mod.rs", true),
            ("core/src/pair/net.rs", true),
            ("core/src/edge.rs", false),
            ("core/src/pairing.rs", false),
        ] {
            assert_eq!(is_below(path, &stems), below, "{path}");
        }
    }

    #[test]
    fn mod_rs_declares_and_nothing_else() {
        let good = "//! Doc.\n#![allow(x, reason = \"{\")]\n#[cfg(test)]\nmod a;\npub(crate) mod b;\npub use a::{\n    A, B,\n};\nuse b::C;\n";
        assert!(check_mod_rs(&Source::new("core/src/wire/mod.rs", good)).is_empty());
        for bad in [
            "fn a() {}",
            "pub struct A(u8);",
            "mod a { }",
            "const A: [u8; 2] = [1; 2];",
            "impl A {}",
            "m! { }",
        ] {
            let text = format!("mod x;\n{bad}\nmod y;\n");
            let lines: Vec<_> = check_mod_rs(&Source::new("core/src/wire/mod.rs", &text))
                .into_iter()
                .map(|f| f.line)
                .collect();
            assert_eq!(lines, [2], "{bad}");
            assert!(check_mod_rs(&Source::new("core/src/wire.rs", &text)).is_empty());
        }
    }
}
