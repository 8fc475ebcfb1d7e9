//! What people see of runs: the table of figures, differences, and the report with its plots.
//!
//! Everything here is a pure function of [`Results`](crate::Results): the same runs make the same bytes.

mod compare;
mod figures;
mod page;
mod plot;
mod plots;
mod spread;
mod timeline;
mod value;

pub use compare::{Difference, compare};
pub use figures::{Figure, figures};
pub use page::{ReportError, page};
pub use plot::PlotError;
pub use spread::{Row, Spread, rows};
pub use value::{Better, Group, Unit, Value};
