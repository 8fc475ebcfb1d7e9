//! A file with all its mutants in it, each asleep until its number is called.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use crate::list::{Genre, Mutant, Place};
use crate::sites::{Extent, Site, Sites};

/// The mutants of one place: what they insert there, or what they make of the expression there.
#[derive(Default)]
struct Node {
    inserted: Vec<(u32, String)>,
    variants: Vec<(u32, String)>,
}

/// A rewritten file.
pub(crate) struct Rewritten {
    pub(crate) text: String,
    /// Which bytes of `text` are there for which mutant.
    pub(crate) extents: Vec<(u32, Extent)>,
}

/// A file of core and what can be changed in it.
pub(crate) struct File {
    text: String,
    sites: Sites,
}

impl File {
    /// Errors are syn's.
    pub(crate) fn new(text: String) -> Result<Self, String> {
        let sites = Sites::parse(&text)?;
        Ok(Self { text, sites })
    }

    /// Whether `mutant` can be put beside the original.
    pub(crate) fn has_room_for(&self, mutant: &Mutant) -> bool {
        let mut nodes = BTreeMap::new();
        !mutant.is_opaque && self.place(&mut nodes, mutant).is_some()
    }

    /// Whether it is plain to see that `mutant` does not compile.
    pub(crate) fn is_unviable(&self, mutant: &Mutant) -> bool {
        let start = offset(&self.text, mutant.start);
        start.is_some_and(|at| self.sites.get(mutant.genre, at) == Some(&Site::Needed))
    }

    /// Whether `mutant` may be needed while compiling only.
    pub(crate) fn is_in_const_fn(&self, mutant: &Mutant) -> bool {
        offset(&self.text, mutant.start).is_some_and(|at| self.sites.is_in_const_fn(at))
    }

    /// Those of `mutants` that have room, beside the original.
    pub(crate) fn rewrite<'a>(&self, mutants: impl IntoIterator<Item = &'a Mutant>) -> Rewritten {
        let mut nodes = BTreeMap::new();
        for mutant in mutants {
            let _ = self.place(&mut nodes, mutant);
        }
        let nodes: Vec<_> = nodes.into_iter().collect();
        let out = Rewritten { text: String::new(), extents: Vec::new() };
        let mut writer = Writer { source: &self.text, nodes: &nodes, at: 0, out };
        writer.write_to(self.text.len());
        writer.out
    }

    fn place(&self, nodes: &mut BTreeMap<(usize, Reverse<usize>), Node>, mutant: &Mutant) -> Option<()> {
        let start = offset(&self.text, mutant.start)?;
        let end = offset(&self.text, mutant.end)?;
        let Mutant { number, replacement, .. } = mutant;
        if self.sites.is_constant(start) {
            return None;
        }
        let mut insert = |at: usize, text: String| {
            // The last key of those that begin here sorts first: what is inserted stands before all.
            nodes.entry((at, Reverse(usize::MAX))).or_default().inserted.push((*number, text));
        };
        if mutant.genre == Genre::FnValue {
            insert(start, format!("if crate::mutant::is({number}) {{ return {replacement}; }} "));
            return Some(());
        }
        let (extent, variant) = match self.sites.get(mutant.genre, start)? {
            Site::Pattern(at) => {
                insert(*at, format!(" if !crate::mutant::is({number})"));
                return Some(());
            }
            Site::Needed => return None,
            Site::Guard(extent) => (extent, "false".to_owned()),
            Site::Expression(extent) => {
                let before = self.text.get(extent.start..start)?;
                let after = self.text.get(end..extent.end)?;
                (extent, format!("{before} {replacement} {after}"))
            }
        };
        nodes.entry((extent.start, Reverse(extent.end))).or_default().variants.push((*number, variant));
        Some(())
    }
}

/// The byte at which a line's column begins.
fn offset(text: &str, (line, column): Place) -> Option<usize> {
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(line.checked_sub(1)?).map(str::len).sum();
    let columns = lines.next()?.chars().take(column.checked_sub(1)?);
    Some(before + columns.map(char::len_utf8).sum::<usize>())
}

struct Writer<'a> {
    source: &'a str,
    /// What is still to be written, by its place.
    nodes: &'a [((usize, Reverse<usize>), Node)],
    at: usize,
    out: Rewritten,
}

impl Writer<'_> {
    /// Writes the source up to byte `end`, with all that belongs there.
    fn write_to(&mut self, end: usize) {
        while let Some((((start, Reverse(node_end)), node), rest)) = self.nodes.split_first() {
            let node_end = if *node_end == usize::MAX { *start } else { *node_end };
            if node_end > end {
                break;
            }
            self.nodes = rest;
            self.copy_to(*start);
            for (number, text) in &node.inserted {
                self.write_for(*number, text);
            }
            if !node.variants.is_empty() {
                self.write_variants(&node.variants, node_end);
            }
        }
        self.copy_to(end);
    }

    /// The original comes first: what does not fit to it is the variant's error, and so the compiler says.
    fn write_variants(&mut self, variants: &[(u32, String)], end: usize) {
        let asked: Vec<_> =
            variants.iter().map(|(number, _)| format!("crate::mutant::is({number})")).collect();
        self.out.text += &format!("(if !({}) {{(", asked.join(" | "));
        self.write_to(end);
        self.out.text += ")}";
        let last = variants.len() - 1;
        for (index, (number, text)) in variants.iter().enumerate() {
            let condition = if index == last { String::new() } else { format!(" if {}", asked[index]) };
            self.out.text += &format!(" else{condition} {{(");
            self.write_for(*number, text);
            self.out.text += ")}";
        }
        self.out.text.push(')');
    }

    fn write_for(&mut self, number: u32, text: &str) {
        let start = self.out.text.len();
        self.out.text += text;
        self.out.extents.push((number, start..self.out.text.len()));
    }

    fn copy_to(&mut self, end: usize) {
        self.out.text += self.source.get(self.at..end).unwrap_or_default();
        self.at = end;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mutant(number: u32, genre: Genre, columns: (usize, usize), replacement: &str) -> Mutant {
        Mutant {
            number,
            file: String::new(),
            genre,
            start: (1, columns.0),
            end: (1, columns.1),
            replacement: replacement.to_owned(),
            name: String::new(),
            is_opaque: false,
        }
    }

    #[test]
    fn mutants_stand_beside_the_original() {
        use Genre::{BinaryOperator, FnValue, MatchArm, MatchArmGuard, UnaryOperator};
        let cases: [(&str, &[Mutant], &str); 6] = [
            (
                "fn f() -> u8 { 1 }",
                &[mutant(7, FnValue, (16, 17), "0")],
                "fn f() -> u8 { if crate::mutant::is(7) { return 0; } 1 }",
            ),
            (
                "fn f() { a + b * c }",
                &[mutant(1, BinaryOperator, (12, 13), "-"), mutant(2, BinaryOperator, (16, 17), "/")],
                "fn f() { (if !(crate::mutant::is(1)) {(a + (if !(crate::mutant::is(2)) {(b * c)} \
                 else {(b  /  c)}))} else {(a  -  b * c)}) }",
            ),
            (
                "fn f() { !é }",
                &[mutant(3, UnaryOperator, (10, 11), "")],
                "fn f() { (if !(crate::mutant::is(3)) {(!é)} else {(  é)}) }",
            ),
            (
                "fn f() { match a { 1 if b => c, _ => d } }",
                &[mutant(1, MatchArmGuard, (25, 26), "true"), mutant(2, MatchArm, (20, 31), "")],
                "fn f() { match a { 1 if (if !(crate::mutant::is(1) | crate::mutant::is(2)) {(b)} else \
                 if crate::mutant::is(1) {( true )} else {(false)}) => c, _ => d } }",
            ),
            (
                "fn f() { match a { 1 => c, _ => d } }",
                &[mutant(2, MatchArm, (20, 26), "")],
                "fn f() { match a { 1 if !crate::mutant::is(2) => c, _ => d } }",
            ),
            // A constant is evaluated while compiling, and a `let` cannot stand in brackets.
            ("const A: u8 = 1 + 2;", &[mutant(1, BinaryOperator, (17, 18), "-")], "const A: u8 = 1 + 2;"),
        ];
        for (source, mutants, expected) in cases {
            let file = File::new(source.to_owned()).unwrap();
            let rewritten = file.rewrite(mutants);
            assert_eq!(rewritten.text, expected);
            let has_all = mutants.iter().all(|mutant| file.has_room_for(mutant));
            assert_eq!(has_all, rewritten.extents.len() == mutants.len(), "{source}");
        }
    }
}
