use toml::de::{DeTable, DeValue};

/// The line, from 1, where the value of `key` stands in a TOML text, or the innermost table of it that there is; `None`
/// when nothing of it is there. Keys are written as `regions[0].rho`.
pub(super) fn line_of(text: &str, key: &str) -> Option<usize> {
    let table = DeTable::parse(text).ok()?;
    let mut at = None;
    let mut inside: Option<&DeValue<'_>> = None;
    for step in steps(key) {
        let next = match (step, inside) {
            (Step::Name(name), None) => table.get_ref().get(name),
            (Step::Name(name), Some(DeValue::Table(table))) => table.get(name),
            (Step::Index(index), Some(DeValue::Array(array))) => array.get(index),
            (Step::Name(_) | Step::Index(_), _) => None,
        };
        let Some(next) = next else { break };
        at = Some(next.span().start);
        inside = Some(next.get_ref());
    }
    at.map(|at| line_at(text, at))
}

/// The line, from 1, of a byte of a text.
pub(super) fn line_at(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

enum Step<'a> {
    Name(&'a str),
    Index(usize),
}

fn steps(key: &str) -> impl Iterator<Item = Step<'_>> {
    key.split('.').flat_map(|part| {
        let mut pieces = part.split('[');
        let name = pieces.next().filter(|name| !name.is_empty()).map(Step::Name);
        let indexes = pieces.filter_map(|index| index.trim_end_matches(']').parse().ok().map(Step::Index));
        name.into_iter().chain(indexes)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_where_it_stands() {
        let text = "a = 1\n[b]\nc = 2\n[[d]]\ne = 3\n[[d]]\ne = [\n 4,\n 5]\nf = { g = 6 }\n";
        let cases = [
            ("a", Some(1)),
            ("b.c", Some(3)),
            ("d[0].e", Some(5)),
            ("d[1].e[1]", Some(9)),
            ("d[1].f.g", Some(10)),
            ("d[1].h", Some(6)),
            ("x", None),
        ];
        for (key, line) in cases {
            assert_eq!(line_of(text, key), line, "{key}");
        }
    }
}
