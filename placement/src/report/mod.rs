//! What people see of plans: tables, differences, pages with a map and plots.
//!
//! Everything here is a pure function of what it is given: the same plan makes the same bytes.

mod canvas;
mod cells;
mod chart;
mod differences;
mod figures_page;
mod labels;
mod map;
mod page;
mod plan_page;
mod study;
mod study_charts;
mod tables;
mod ticks;
pub mod unit;

pub use differences::{differing_figures, moves};
pub use figures_page::figures_page;
pub use plan_page::{method_text, plan_map, plan_page};
pub use study::{Study, StudyProgress};
pub use tables::{Table, headline, losses, regions, sites, states, totals};
