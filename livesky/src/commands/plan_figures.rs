//! `livesky plan figures`: the placement paper's figures again.

use livesky_placement::claims::{Claim, Reproduction, paper_problem, reproduce};
use livesky_placement::report::figures_page;
use livesky_placement::solve::Effort;

use super::plan::print;
use crate::columns::Columns;
use crate::failure::Failure;
use crate::plan::{self, FiguresArgs};
use crate::simulate::{check_writable, write};

/// Redraws the figures, and says of each claim whether it holds.
///
/// # Errors
/// A file that cannot be written.
pub(super) fn run(args: &FiguresArgs) -> Result<(), Failure> {
    if let Some(path) = &args.report {
        check_writable(path)?;
    }
    let problem = paper_problem().map_err(|error| plan::failure(&error))?;
    let reproduction = reproduce(&problem, &Effort::default());
    let reproduction = reproduction.map_err(|error| Failure::new(format!("figures: {error}")))?;
    if let Some(path) = &args.report {
        write(path, &figures_page(&reproduction, env!("CARGO_PKG_VERSION")))?;
    }
    print(&if args.is_json { plan::json(&reproduction)? } else { summary(&reproduction) });
    Ok(())
}

fn summary(reproduction: &Reproduction) -> String {
    let Reproduction { about, claims, plans, is_proven, .. } = reproduction;
    let mut columns = Columns::default();
    let mut figure = "";
    for claim in claims {
        if claim.figure != figure {
            columns.head(format!("Figure {}", claim.figure));
            figure = &claim.figure;
        }
        let Claim { statement, holds, found, .. } = claim;
        let verdict = if *holds { "holds" } else { "DOES NOT HOLD" };
        columns.push(vec![verdict.to_owned(), statement.clone()]);
        columns.push(vec![String::new(), found.clone()]);
    }
    let held = claims.iter().filter(|claim| claim.holds).count();
    let proof = if *is_proven { "all proven" } else { "not all proven" };
    format!(
        "{about}\n{}\n{held} of {} claims hold; {plans} plans, {proof}\n",
        columns.text(&[false, false]),
        claims.len()
    )
}
