//! A plan on a terminal.

use livesky_placement::model::Problem;
use livesky_placement::plan::{LibraryPlan, LibrarySite, Plan, compare};
use livesky_placement::report::unit::{percent, plain};
use livesky_placement::report::{self, Table};

use crate::columns::Columns;

/// Widest last column: what is longer goes to the JSON and the report.
const LIST_MAX: usize = 60;
/// A gap that is rounding.
const PROOF: f64 = 1e-9;

/// The plan: figures, sites, who is served by whom, what the loss of a site does.
#[must_use]
pub fn summary(problem: &Problem, plan: &Plan) -> String {
    let method = report::method_text(problem);
    let mut text = format!("{}: {}\n{}, {method}\n", plan.problem, plan.about, proof(plan));
    let tables = [
        ("Sites", report::sites(plan)),
        ("Regions", report::regions(plan)),
        ("States", report::states(plan)),
        ("Loss of a site", report::losses(plan)),
    ];
    for (head, table) in tables {
        let is_only_normal = head == "States" && table.rows.len() < 2;
        if !table.rows.is_empty() && !is_only_normal {
            text.push_str(&lines(head, &table));
        }
    }
    text.push_str(&lines("Totals", &report::totals(plan)));
    text.push_str(&lines("In short", &short(plan)));
    text
}

/// How good the plan is known to be.
#[must_use]
pub fn proof(plan: &Plan) -> String {
    let Plan { model_text, objective, bound, gap, is_proven, nodes, .. } = plan;
    format!("{model_text}: {}, {} ({nodes} nodes)", plain(*objective), known(*is_proven, *gap, *bound))
}

fn known(is_proven: bool, gap: f64, bound: f64) -> String {
    match is_proven {
        true if gap <= PROOF => "proven to be the best".to_owned(),
        true => format!("at most {} from the best", percent(gap)),
        false => format!("not proven: no plan is below {}, a gap of {}", plain(bound), percent(gap)),
    }
}

/// A plan of numbers alone, of the OR-Library.
#[must_use]
pub fn library_summary(plan: &LibraryPlan) -> String {
    let LibraryPlan { problem, objective, bound, gap, is_proven, nodes, sites, assignment } = plan;
    let known = known(*is_proven, *gap, *bound);
    let mut columns = Columns::default();
    columns.head(format!("{} sites", sites.len()));
    columns.push(["site", "opening cost", "size", "largest size", "customers"].map(str::to_owned).to_vec());
    for LibrarySite { site, opening_cost, size, size_max } in sites {
        let customers = assignment.iter().filter(|share| share.site == *site).count();
        let most = size_max.map_or_else(|| "unlimited".to_owned(), |most| most.to_string());
        columns.push(vec![
            site.to_string(),
            opening_cost.to_string(),
            size.to_string(),
            most,
            customers.to_string(),
        ]);
    }
    format!("{problem}: {objective:.3}, {known} ({nodes} nodes)\n{}", columns.text(&[true; 5]))
}

/// How a plan differs from another: figures, sites, and who is served by others.
#[must_use]
pub fn differences(before: &Plan, after: &Plan) -> String {
    let difference = compare(before, after);
    let currency = if before.currency == after.currency { after.currency.as_str() } else { "" };
    let mut text = lines("Figures", &report::differing_figures(&difference, currency));
    let moves = report::moves(&difference);
    if moves.rows.is_empty() {
        text.push_str("\nEverybody is served as before.\n");
    } else {
        text.push_str(&lines("Served by others", &moves));
    }
    text
}

fn short(plan: &Plan) -> Table {
    let rows = report::headline(plan).into_iter().map(|(name, value)| vec![name, value]).collect();
    Table { heads: Vec::new(), is_number: vec![false, true], rows }
}

/// A table under its heading.
pub(super) fn lines(head: &str, table: &Table) -> String {
    let mut columns = Columns::default();
    columns.head(head);
    if table.heads.iter().any(|head| !head.is_empty()) {
        columns.push(table.heads.clone());
    }
    for row in &table.rows {
        let mut cells = row.clone();
        if let Some(last) = cells.last_mut() {
            *last = shortened(last);
        }
        columns.push(cells);
    }
    columns.text(&table.is_number)
}

/// A long list ends between two of its items.
fn shortened(list: &str) -> String {
    if list.chars().count() <= LIST_MAX {
        return list.to_owned();
    }
    let cut = list.char_indices().nth(LIST_MAX).map_or(list.len(), |(at, _)| at);
    let whole = list.get(..cut).and_then(|start| start.rfind(", ")).unwrap_or(cut);
    let (start, rest) = list.split_at_checked(whole).unwrap_or((list, ""));
    let left = rest.matches(", ").count();
    if left == 0 { format!("{start} ...") } else { format!("{start}, and {left} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_end_between_items() {
        let list: Vec<String> = (10..40).map(|item| format!("item {item}")).collect();
        let short = shortened(&list.join(", "));
        assert_eq!(short, "item 10, item 11, item 12, item 13, item 14, item 15, and 24 more");
        assert_eq!(shortened("a, b"), "a, b");
        assert!(shortened(&"ä".repeat(100)).ends_with("ä ..."));
    }
}
