//! What HiGHS makes of the same instance, where the feature `highs` is on; otherwise nothing is printed.

use core::time::Duration;

use livesky_placement::solve::Instance;

/// The heads of the columns.
pub(crate) fn header() -> String {
    if cfg!(feature = "highs") {
        format!(" | HiGHS:{:>9}{:>9}{:>18}{:>18}  against ours", "s", "cpu s", "objective", "bound")
    } else {
        String::new()
    }
}

#[cfg(not(feature = "highs"))]
pub(crate) fn column(_: impl FnOnce() -> Instance, _: Option<f64>, _: Duration) -> String {
    String::new()
}

/// Seconds, objective and bound of HiGHS, and by how much its objective is over `ours`.
#[cfg(feature = "highs")]
pub(crate) fn column(instance: impl FnOnce() -> Instance, ours: Option<f64>, time_limit: Duration) -> String {
    use livesky_placement::solve::{Effort, check, highs};

    use crate::stopwatch::Stopwatch;

    let instance = instance();
    let effort = Effort { time_limit: Some(time_limit), ..Effort::default() };
    let stopwatch = Stopwatch::start();
    let found = highs::solve(&instance, &effort);
    let took = stopwatch.columns();
    match found {
        Ok(plan) => {
            let verdict = match ours {
                None => "ours has none".to_owned(),
                Some(ours) if (plan.objective - ours).abs() <= 1e-6 * ours.abs() => "the same".to_owned(),
                Some(ours) => format!("{:+.4} %", 100.0 * (plan.objective - ours) / ours.abs()),
            };
            let proof = if plan.is_proven { "" } else { ", not proven" };
            let wrong = if check(&instance, &plan).is_empty() { "" } else { ", VIOLATED" };
            format!(" |       {took}{:>18.4}{:>18.4}  {verdict}{proof}{wrong}", plan.objective, plan.bound)
        }
        Err(error) => format!(" |       {took}  {error}"),
    }
}
