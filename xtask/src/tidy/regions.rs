//! Cuts Rust source into code, comments and literals, so that no rule mistakes a string for code.

use core::ops::Range;

/// What a stretch of source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    /// A line or block comment, documentation included.
    Comment,
    /// A string, byte string, raw string or character literal.
    Literal,
}

/// The comments and literals of `text` in order; everything between them is code.
pub(crate) fn regions(text: &str) -> Vec<(Region, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut after_word = false;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some((region, len)) = region_at(rest, after_word) {
            found.push((region, at..at + len));
            at += len;
            after_word = false;
        } else {
            let next = rest.chars().next().unwrap_or(' ');
            after_word = is_word_char(next);
            at += next.len_utf8();
        }
    }
    found
}

/// `text` with the regions that `hide` names replaced by spaces; offsets and lines stay the same.
pub(crate) fn blank(text: &str, hide: impl Fn(Region) -> bool) -> String {
    let hidden: Vec<_> = regions(text).into_iter().filter(|(region, _)| hide(*region)).collect();
    blank_ranges(text, hidden.iter().map(|(_, range)| range))
}

/// `text` with `ranges` replaced by spaces, line breaks kept.
pub(crate) fn blank_ranges<'a>(text: &str, ranges: impl Iterator<Item = &'a Range<usize>>) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for range in ranges {
        for byte in bytes.get_mut(range.clone()).unwrap_or_default() {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether `c` may be part of an identifier.
pub(crate) fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The identifiers and keywords of `code`, each with its offset.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    core::iter::from_fn(move || {
        let rest = code.get(at..)?;
        let start = at + rest.find(is_word_char)?;
        let word = code.get(start..)?;
        let len = word.find(|c| !is_word_char(c)).unwrap_or(word.len());
        at = start + len;
        Some((start, word.get(..len)?))
    })
}

/// The line of `offset`, counted from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|byte| *byte == b'\n').count()
}

/// The offset just past the bracket that closes the one `code` begins with, or the end.
pub(crate) fn closing(code: &str) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate() {
        match byte {
            b'{' | b'(' | b'[' => depth += 1,
            b'}' | b')' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

fn region_at(rest: &str, after_word: bool) -> Option<(Region, usize)> {
    if rest.starts_with("//") {
        return Some((Region::Comment, rest.find('\n').unwrap_or(rest.len())));
    }
    if rest.starts_with("/*") {
        return Some((Region::Comment, block_comment_len(rest)));
    }
    if rest.starts_with('\'') {
        return char_literal_len(rest).map(|len| (Region::Literal, len));
    }
    let prefix_len = if after_word { 0 } else { rest.find(|c| !matches!(c, 'b' | 'c' | 'r')).unwrap_or(0) };
    let (prefix, body) = rest.split_at(prefix_len.min(2));
    let len = if prefix.ends_with('r') {
        raw_string_len(body)?
    } else if body.starts_with('"') {
        quoted_len(body)
    } else if prefix == "b" && body.starts_with('\'') {
        char_literal_len(body)?
    } else {
        return None;
    };
    Some((Region::Literal, prefix.len() + len))
}

fn block_comment_len(rest: &str) -> usize {
    let bytes = rest.as_bytes();
    let (mut depth, mut at) = (0_usize, 0);
    while at < bytes.len() {
        match bytes.get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth.saturating_sub(1), at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of a literal that begins with its quote and may contain escapes.
fn quoted_len(body: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in body.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            _ if body.as_bytes().first() == Some(&byte) => return at + 1,
            _ => {}
        }
    }
    body.len()
}

fn raw_string_len(body: &str) -> Option<usize> {
    let hashes = body.bytes().take_while(|byte| *byte == b'#').count();
    let inner = body.get(hashes..)?.strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let inner_len = inner.find(&end).map_or(inner.len(), |at| at + end.len());
    Some(hashes + 1 + inner_len)
}

/// `'a'` and `'\n'` are literals, `'a` is a lifetime.
fn char_literal_len(rest: &str) -> Option<usize> {
    let mut chars = rest.chars().skip(1);
    let first = chars.next()?;
    if first == '\\' {
        return Some(quoted_len(rest));
    }
    (chars.next() == Some('\'')).then(|| 2 + first.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        blank(text, |_| true)
    }

    #[test]
    fn comments_and_literals_are_blanked_in_place() {
        let cases = [
            ("a // {\nb", "a b"),
            ("a /* { /* } */ { */ b", "a b"),
            ("f(\"}\\\"{\") {", "f( ) {"),
            ("f(r#\"{\"# , b\"{\", c\"}\")", "f( , , )"),
            ("m('{', '\\'', 'é', b'}')", "m( , , , )"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("r#type + bar\"x\"", "r#type + bar"),
        ];
        for (text, expected) in cases {
            let got = code(text);
            assert_eq!(got.len(), text.len(), "{text}");
            assert_eq!(got.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{text}");
        }
    }

    #[test]
    fn comments_survive_when_only_literals_are_hidden() {
        assert_eq!(blank("\"x\" // y", |region| region == Region::Literal), "    // y");
    }

    #[test]
    fn an_unfinished_literal_ends_with_the_text() {
        for text in ["\"abc", "r#\"abc\"", "/* abc", "'\\"] {
            assert!(code(text).trim().is_empty(), "{text}");
        }
    }

    #[test]
    fn words_and_lines() {
        assert_eq!(words("fn a_1(b)").collect::<Vec<_>>(), [(0, "fn"), (3, "a_1"), (7, "b")]);
        assert_eq!(line_of("a\nb\nc", 4), 3);
        assert_eq!(closing("{ a { b } c } d"), 13);
        assert_eq!(closing("{ a"), 3);
    }
}
