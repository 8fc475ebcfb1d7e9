//! Lines of cells under headings, for a terminal.

/// A table under way.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    Head(String),
    Cells(Vec<String>),
}

impl Columns {
    /// A heading over the lines that follow.
    pub fn head(&mut self, head: impl Into<String>) {
        self.lines.push(Line::Head(head.into()));
    }

    /// A line of cells.
    pub fn push(&mut self, cells: Vec<String>) {
        self.lines.push(Line::Cells(cells));
    }

    /// The table; columns whose place in `is_right` says so end at the same place. Cells beyond `is_right` are left out.
    #[must_use]
    pub fn text(&self, is_right: &[bool]) -> String {
        let width = |column: usize| {
            let cells = self.lines.iter().filter_map(|line| match line {
                Line::Head(_) => None,
                Line::Cells(cells) => cells.get(column),
            });
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let columns: Vec<(usize, bool)> =
            is_right.iter().enumerate().map(|(column, is_right)| (width(column), *is_right)).collect();
        let mut text = String::new();
        for line in &self.lines {
            match line {
                Line::Head(head) => text.push_str(&format!("\n{head}\n")),
                Line::Cells(cells) => {
                    let cells: Vec<String> = cells
                        .iter()
                        .zip(&columns)
                        .map(|(cell, (width, is_right))| padded(cell, *width, *is_right))
                        .collect();
                    text.push_str(format!("  {}", cells.join("  ")).trim_end());
                    text.push('\n');
                }
            }
        }
        text
    }
}

fn padded(cell: &str, width: usize, is_right: bool) -> String {
    if is_right { format!("{cell:>width$}") } else { format!("{cell:<width$}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_under_each_other() {
        let mut columns = Columns::default();
        columns.head("Sites");
        columns.push(vec!["Köln".to_owned(), "7".to_owned(), "left out".to_owned()]);
        columns.push(vec!["Rotterdam".to_owned(), "123".to_owned()]);
        assert_eq!(columns.text(&[false, true]), "\nSites\n  Köln         7\n  Rotterdam  123\n");
    }
}
