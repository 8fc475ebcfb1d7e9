//! Files and functions that a reader can hold in their head.

use super::finding::Finding;
use super::regions::{closing, words};
use super::source::Source;

const FILE_LINES_WANTED: usize = 400;
const FILE_LINES_MAX: usize = 700;
const FUNCTION_LINES_MAX: usize = 70;

/// A file that is too long.
pub(crate) fn check_file(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    let advice = "cut it by subject, or move its tests to their own file";
    if lines > FILE_LINES_MAX {
        vec![Finding::failure(
            &source.path,
            lines,
            format!("{lines} lines, at most {FILE_LINES_MAX}: {advice}"),
        )]
    } else if lines > FILE_LINES_WANTED {
        vec![Finding::warning(
            &source.path,
            lines,
            format!("{lines} lines, about {FILE_LINES_WANTED} wanted: {advice}"),
        )]
    } else {
        Vec::new()
    }
}

/// Functions that do not fit a screen; tests are free.
pub(crate) fn check_functions(source: &Source) -> Vec<Finding> {
    let long = functions(&source.shipped).into_iter().filter(|function| function.lines > FUNCTION_LINES_MAX);
    long.map(|Function { name, at, lines }| {
        let what = format!(
            "`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}: give its steps names of their own"
        );
        Finding::failure(&source.path, source.line(at), what)
    })
    .collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    at: usize,
    lines: usize,
}

/// Every function with a body, from `fn` to its closing brace. `code` has no comments or literals.
fn functions(code: &str) -> Vec<Function> {
    let all: Vec<_> = words(code).collect();
    let named = all.windows(2).filter_map(|pair| match pair {
        // A name follows `fn` after blanks only; `fn(u8)` is a type and `fn $name` a macro's.
        [(at, "fn"), (name_at, name)] => {
            code.get(at + 2..*name_at)?.trim().is_empty().then_some((*at, *name_at + name.len(), *name))
        }
        _ => None,
    });
    named
        .filter_map(|(at, signature, name)| {
            let open = signature + body_start(code.get(signature..)?)?;
            let end = open + closing(code.get(open..)?);
            let lines = 1 + code.get(at..end)?.matches('\n').count();
            Some(Function { name: name.to_owned(), at, lines })
        })
        .collect()
}

/// Where the body opens, or `None` for a declaration without one.
fn body_start(signature: &str) -> Option<usize> {
    let mut at = 0;
    while let Some(byte) = signature.as_bytes().get(at) {
        match byte {
            b';' => return None,
            b'{' => return Some(at),
            b'(' | b'[' => at += closing(signature.get(at..)?),
            _ => at += 1,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(lines: usize) -> String {
        format!("fn long() {{\n{}}}\n", "x();\n".repeat(lines - 2))
    }

    #[test]
    fn lengths_run_from_fn_to_the_closing_brace() {
        let code = "trait T { fn a(x: [u8; 3]) -> u8; }\nfn b<F: Fn(u8)>(f: fn(u8)) where F: X {\n if a {\n }\n}\nfn c() {}";
        let found: Vec<_> = functions(code).into_iter().map(|f| (f.name, f.lines)).collect();
        assert_eq!(found, [("b".to_owned(), 4), ("c".to_owned(), 1)]);
    }

    #[test]
    fn seventy_lines_pass_and_seventy_one_do_not() {
        assert!(check_functions(&Source::new("a/src/b.rs", &body(70))).is_empty());
        let findings = check_functions(&Source::new("a/src/b.rs", &format!("\n{}", body(71))));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings.first().map(|finding| finding.line), Some(2));
    }

    #[test]
    fn braces_in_text_and_functions_in_tests_do_not_count() {
        let text = format!("fn a() {{ b(\"{{\"); // {{\n}}\n#[cfg(test)]\nmod tests {{\n{}}}", body(90));
        assert!(check_functions(&Source::new("a/src/b.rs", &text)).is_empty());
        assert!(check_functions(&Source::new("a/tests/b.rs", &body(90))).is_empty());
    }

    #[test]
    fn files_warn_first_and_fail_later() {
        for (lines, warned, failed) in [(400, 0, 0), (401, 1, 0), (700, 1, 0), (701, 0, 1)] {
            let findings = check_file(&Source::new("a.rs", &"x\n".repeat(lines)));
            let failures =
                findings.iter().filter(|f| f.severity == super::super::finding::Severity::Failure).count();
            assert_eq!((findings.len() - failures, failures), (warned, failed), "{lines}");
        }
    }
}
