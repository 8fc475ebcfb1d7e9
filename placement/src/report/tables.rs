//! A plan's tables, the same on a terminal and on a page: figures first, sites, regions, losses.

use super::unit::{bps, grouped, money, ms, percent, plain};
use crate::plan::{LossFigures, OpenSite, Plan, Served};

/// A share that is shown as 100 %.
const WHOLE: f64 = 0.9995;

/// Text in lines and columns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// What stands over each column.
    pub heads: Vec<String>,
    /// Whether a column's cells end at the same place.
    pub is_number: Vec<bool>,
    /// The cells, line by line.
    pub rows: Vec<Vec<String>>,
}

impl Table {
    /// A table of these columns: head, and whether it is a number.
    pub(super) fn new(columns: &[(&str, bool)], rows: Vec<Vec<String>>) -> Self {
        let (heads, is_number) =
            columns.iter().map(|(head, is_number)| ((*head).to_owned(), *is_number)).unzip();
        Self { heads, is_number, rows }
    }
}

/// What is read first: names and values.
#[must_use]
pub fn headline(plan: &Plan) -> Vec<(String, String)> {
    let Some(normal) = plan.normal() else { return Vec::new() };
    let mut list = vec![
        ("sites".to_owned(), plan.sites.len().to_string()),
        ("cost a month".to_owned(), money(plan.cost_per_month(), &plan.currency)),
        ("mean delay".to_owned(), ms(normal.f_cc_ms)),
        ("longest delay".to_owned(), format!("{} ({})", ms(normal.worst_delay_ms), normal.worst_region)),
        ("served from another region".to_owned(), percent(normal.outside_region_share)),
    ];
    if let Some(share) = normal.cross_isp_share {
        list.push(("traffic between networks".to_owned(), percent(share)));
    }
    list.push(("all sites together".to_owned(), bps(plan.sizes_bps)));
    list
}

/// Every total with its symbol.
#[must_use]
pub fn totals(plan: &Plan) -> Table {
    let Some(normal) = plan.normal() else { return Table::default() };
    let row = |name: &str, value: String, about: &str| vec![name.to_owned(), value, about.to_owned()];
    let mut rows = vec![
        row("objective", plain(plan.objective), &plan.model_text),
        row("bound", plain(plan.bound), "no plan has a lower objective"),
        row(
            "gap",
            percent(plan.gap),
            if plan.is_proven { "within what was asked for" } else { "not closed" },
        ),
        row("f_pc", plain(normal.f_pc), "placement cost, over all demand at the highest unit cost"),
        row("f_cc", ms(normal.f_cc_ms), "connection cost: the mean delay over viewers"),
        row("f_pc f_cc", format!("{} ms", plain(normal.integrated_cost_ms)), "integrated cost"),
        row("traffic", bps(normal.traffic_bps), "what servers send"),
        row("demand", bps(normal.demand_bps), "what viewers watch, from servers and peers"),
        row("traffic cost", money(normal.traffic_cost_per_month, &plan.currency), "a month"),
        row(
            "opening cost",
            money(plan.opening_cost_per_month, &plan.currency),
            "a month, of sites not built already",
        ),
        row("sizes", bps(plan.sizes_bps), "all sites together, over all states and losses planned for"),
        row(
            "cost of the sizes",
            money(plan.size_cost_per_month, &plan.currency),
            "a month, if they were used in full",
        ),
    ];
    if let Some(budget) = plan.budget_bps {
        rows.push(row("budget, U", bps(budget), "the most all sites may send"));
    }
    Table::new(&[("", false), ("", true), ("", false)], rows)
}

/// The open sites.
#[must_use]
pub fn sites(plan: &Plan) -> Table {
    let row = |site: &OpenSite| {
        vec![
            if site.is_built { format!("{} (built)", site.name) } else { site.name.clone() },
            bps(site.size_bps),
            bps(site.load_bps),
            grouped(site.viewers),
            plain(site.cost_per_mbps_month),
            money(site.traffic_cost_per_month + site.opening_cost_per_month, ""),
            served_list(site),
        ]
    };
    let rows: Vec<Vec<String>> = plan.sites.iter().map(row).collect();
    let price = format!("{} per Mbit/s", plan.currency);
    let cost = format!("{} a month", plan.currency);
    let columns = [
        ("site", false),
        ("size", true),
        ("load", true),
        ("viewers", true),
        (price.trim(), true),
        (cost.trim(), true),
        ("serves", false),
    ];
    Table::new(&columns, rows)
}

/// Whom a site serves, each region once.
fn served_list(site: &OpenSite) -> String {
    let mut names: Vec<String> = Vec::new();
    for served in &site.serves {
        let share = if served.share < WHOLE { format!(" {}", percent(served.share)) } else { String::new() };
        let name = format!("{}{share}", served.region);
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.join(", ")
}

/// Who serves each region.
#[must_use]
pub fn regions(plan: &Plan) -> Table {
    let has_channels =
        plan.assignment.windows(2).any(|pair| matches!(pair, [a, b] if a.channel != b.channel));
    let has_shares = plan.assignment.iter().any(|served| served.share < WHOLE);
    let has_isps = plan.assignment.iter().any(|served| served.crosses_isp.is_some());
    let row = |served: &Served| {
        let mut cells = vec![served.region.clone()];
        if has_channels {
            cells.push(served.channel.clone());
        }
        cells.push(served.site.clone());
        if has_shares {
            cells.push(percent(served.share));
        }
        cells.extend([grouped(served.viewers), bps(served.traffic_bps), ms(served.delay_ms)]);
        if has_isps {
            cells.push(match served.crosses_isp {
                Some(true) => "another".to_owned(),
                Some(false) => "the same".to_owned(),
                None => "unknown".to_owned(),
            });
        }
        cells
    };
    let rows: Vec<Vec<String>> = plan.assignment.iter().map(row).collect();
    let mut columns = vec![("region", false)];
    if has_channels {
        columns.push(("channel", false));
    }
    columns.push(("served by", false));
    if has_shares {
        columns.push(("share", true));
    }
    columns.extend([("viewers", true), ("traffic", true), ("delay", true)]);
    if has_isps {
        columns.push(("network", false));
    }
    Table::new(&columns, rows)
}

/// What the loss of each site does.
#[must_use]
pub fn losses(plan: &Plan) -> Table {
    let row = |loss: &LossFigures| {
        let verdict = if loss.is_survived {
            "survived".to_owned()
        } else if loss.unreachable_viewers > 0.0 {
            format!("{} viewers reached by nobody", grouped(loss.unreachable_viewers))
        } else {
            format!("{} too much for the others", bps(loss.overload_bps))
        };
        vec![
            loss.site.clone(),
            verdict,
            ms(loss.mean_delay_ms),
            format!("{} ({})", ms(loss.worst_delay_ms), loss.worst_region),
            takeover(&loss.takes_over),
        ]
    };
    let rows: Vec<Vec<String>> = plan.losses.iter().map(row).collect();
    let columns = [
        ("lost", false),
        ("outcome", false),
        ("mean delay", true),
        ("longest delay", true),
        ("who takes over", false),
    ];
    Table::new(&columns, rows)
}

/// Who takes over, each site once with its regions.
fn takeover(list: &[Served]) -> String {
    let mut by_site: Vec<(&str, Vec<&str>)> = Vec::new();
    for served in list {
        match by_site.iter_mut().find(|(site, _)| *site == served.site) {
            Some((_, regions)) if regions.contains(&served.region.as_str()) => {}
            Some((_, regions)) => regions.push(&served.region),
            None => by_site.push((&served.site, vec![&served.region])),
        }
    }
    by_site
        .iter()
        .map(|(site, regions)| format!("{site}: {}", regions.join(", ")))
        .collect::<Vec<_>>()
        .join("; ")
}

/// The states beside the normal one.
#[must_use]
pub fn states(plan: &Plan) -> Table {
    let row = |state: &crate::plan::StateFigures| {
        vec![
            state.name.clone(),
            percent(state.weight),
            grouped(state.viewers),
            bps(state.traffic_bps),
            money(state.traffic_cost_per_month, &plan.currency),
            ms(state.f_cc_ms),
            format!("{} ({})", ms(state.worst_delay_ms), state.worst_region),
        ]
    };
    let rows: Vec<Vec<String>> = plan.states.iter().map(row).collect();
    let columns = [
        ("state", false),
        ("weight", true),
        ("viewers", true),
        ("traffic", true),
        ("traffic cost a month", true),
        ("mean delay", true),
        ("longest delay", true),
    ];
    Table::new(&columns, rows)
}
