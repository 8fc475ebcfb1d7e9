//! A field of cells: where something holds and where not, over two quantities.

use super::canvas::{Anchor, Canvas};
use super::ticks::number;

const WIDTH: f64 = 480.0;
const LEFT: f64 = 68.0;
const RIGHT: f64 = 16.0;
const TOP: f64 = 12.0;
const BOTTOM: f64 = 46.0;
/// Height of a row of cells, and the most of all rows.
const ROW: f64 = 26.0;
const ROWS_MAX: f64 = 320.0;
/// Columns and rows with a number beneath or beside them at most.
const NUMBERS_MAX: usize = 12;

/// Cells over two quantities.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Cells {
    pub(super) title: String,
    /// What is counted along x, and in what.
    pub(super) x_label: String,
    /// What is counted along y, and in what.
    pub(super) y_label: String,
    /// Values of the columns, left to right.
    pub(super) x: Vec<f64>,
    /// Values of the rows, bottom to top.
    pub(super) y: Vec<f64>,
    /// Colour of each cell and what is said of it, row by row; the colours' names are the legend.
    pub(super) cells: Vec<(usize, String)>,
    pub(super) legend: Vec<String>,
    pub(super) note: String,
}

impl Cells {
    /// The field with its caption, legend and note.
    pub(super) fn figure(&self) -> String {
        let legend: Vec<(usize, &str)> = self.legend.iter().map(String::as_str).enumerate().collect();
        super::page::figure(&self.title, &legend, &self.svg(), &self.note)
    }

    fn svg(&self) -> String {
        let rows = self.y.len().max(1) as f64;
        let (row, column) = (ROW.min(ROWS_MAX / rows), (WIDTH - LEFT - RIGHT) / self.x.len().max(1) as f64);
        let height = TOP + rows * row + BOTTOM;
        let floor = height - BOTTOM;
        let mut canvas = Canvas::new(WIDTH, height, &self.title);
        for (place, (colour, tip)) in self.cells.iter().enumerate().take(self.x.len() * self.y.len()) {
            let (up, along) = (place / self.x.len(), place % self.x.len());
            let corner = (LEFT + along as f64 * column + 0.5, floor - (up as f64 + 1.0) * row + 0.5);
            canvas.rectangle(&format!("f{colour}"), corner, (column - 1.0, row - 1.0), tip);
        }
        let every = self.x.len().div_ceil(NUMBERS_MAX).max(1);
        for (place, x) in self.x.iter().enumerate().step_by(every) {
            let at = (LEFT + (place as f64 + 0.5) * column, floor + 16.0);
            canvas.text("tick", at, Anchor::Middle, &number(*x));
        }
        let every = self.y.len().div_ceil(NUMBERS_MAX).max(1);
        for (place, y) in self.y.iter().enumerate().step_by(every) {
            let at = (LEFT - 6.0, floor - (place as f64 + 0.5) * row + 4.0);
            canvas.text("tick", at, Anchor::End, &number(*y));
        }
        canvas.line("axis", &[(LEFT, TOP), (LEFT, floor), (WIDTH - RIGHT, floor)]);
        canvas.text("title", ((LEFT + WIDTH - RIGHT) / 2.0, height - 8.0), Anchor::Middle, &self.x_label);
        canvas.upright_text("title", (14.0, (TOP + floor) / 2.0), &self.y_label);
        canvas.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cell_is_drawn_and_says_what_it_is() {
        let cells = Cells {
            title: "Where it holds".to_owned(),
            x_label: "intra-region RTT, ms".to_owned(),
            y_label: "cost spread".to_owned(),
            x: vec![1.0, 2.0, 5.0],
            y: vec![1.0, 1.5],
            cells: (0..6).map(|cell| (cell % 2, format!("cell {cell}"))).collect(),
            legend: vec!["holds".to_owned(), "does not".to_owned()],
            note: String::new(),
        };
        let figure = cells.figure();
        assert_eq!(figure.matches("<rect").count(), 6);
        for part in ["cell 5", "holds", "does not", "intra-region RTT, ms", "cost spread", ">1.5</text>"] {
            assert!(figure.contains(part), "{part}: {figure}");
        }
        let none = Cells { x: Vec::new(), y: Vec::new(), cells: Vec::new(), ..cells };
        assert!(none.figure().contains("<svg"), "nothing to show is no reason to fail");
    }
}
