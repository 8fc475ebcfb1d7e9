use core::ops::ControlFlow;

use serde::{Deserialize, Serialize};

use crate::solve::{self, Effort, Instance, Progress, SolveError, Standing};

/// A plan of an instance that has costs but no regions, such as one of the OR-Library. Sites and customers have the
/// numbers they have in the file, from 1; sizes and costs its units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LibraryPlan {
    /// The file's name.
    pub problem: String,
    /// What the plan costs.
    pub objective: f64,
    /// No plan costs less.
    pub bound: f64,
    /// (objective − bound) / |objective|: 0 is proof.
    pub gap: f64,
    /// Whether the gap is within the effort's goal.
    pub is_proven: bool,
    /// Nodes of the search tree done.
    pub nodes: u64,
    /// The sites that are open.
    pub sites: Vec<LibrarySite>,
    /// Who serves whom.
    pub assignment: Vec<LibraryShare>,
}

/// An open site.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LibrarySite {
    /// Its number.
    pub site: usize,
    /// What opening it costs.
    pub opening_cost: f64,
    /// What it serves.
    pub size: f64,
    /// What it may serve; `None`: no limit.
    pub size_max: Option<f64>,
}

/// The part of a customer that a site serves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LibraryShare {
    /// The customer's number.
    pub customer: usize,
    /// The site's number.
    pub site: usize,
    /// Over 0, at most 1.
    pub share: f64,
}

/// Solves an instance of the OR-Library. `progress` is told about ten times a second; when it breaks, the best plan so far
/// is the answer.
///
/// # Errors
/// [`SolveError`]: there is no plan, or it was stopped before it had one.
pub fn plan_library(
    name: &str,
    instance: &Instance,
    effort: &Effort,
    progress: &mut dyn FnMut(&Progress) -> ControlFlow<()>,
) -> Result<LibraryPlan, SolveError> {
    let solution = solve::solve(instance, effort, progress)?;
    let sizes = instance.sites.iter().zip(&solution.is_open).zip(&solution.size_bps).enumerate();
    let open = sizes.filter(|(_, ((_, is_open), _))| **is_open);
    let site = |(index, ((site, _), size)): (usize, ((&solve::SiteNumbers, _), &f64))| LibrarySite {
        site: index + 1,
        opening_cost: if site.standing == Standing::Built { 0.0 } else { site.opening_cost },
        size: *size,
        size_max: site.size_max_bps.is_finite().then_some(site.size_max_bps),
    };
    let shares = solution.service.first().into_iter().flatten().enumerate();
    let assignment = shares.flat_map(|(customer, shares)| {
        shares.iter().map(move |of| LibraryShare {
            customer: customer + 1,
            site: of.site + 1,
            share: of.share,
        })
    });
    Ok(LibraryPlan {
        problem: name.to_owned(),
        objective: solution.objective,
        bound: solution.bound.min(solution.objective),
        gap: solution.gap(),
        is_proven: solution.is_proven,
        nodes: solution.nodes,
        sites: open.map(site).collect(),
        assignment: assignment.collect(),
    })
}
