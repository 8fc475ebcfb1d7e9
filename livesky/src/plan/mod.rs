//! What `plan` is made of: problems by name and from files, the search, and what is shown of it.

mod args;
mod changes;
mod files;
mod problems;
mod screen;
mod search;
mod table;

pub use args::{ChangeArgs, Demand, EffortArgs, FiguresArgs, FileArgs, MakeArgs, Model, Other, PlanArgs};
pub use changes::{change, change_instance, effort};
pub use files::{json, read_plan};
pub use problems::{Named, asked, failure, find, list};
pub use screen::Screen;
pub use search::{Wish, until_done};
pub use table::{differences, library_summary, proof, summary};
