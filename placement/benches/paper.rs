//! The paper's grid and the stated files: `cargo bench -p livesky-placement --bench paper`. One line each.

use core::error::Error;
use core::ops::ControlFlow;
use core::time::Duration;
use std::path::Path;
use std::time::Instant;

use livesky_placement::claims::{paper_grid, paper_problem, reproduce};
use livesky_placement::input::load;
use livesky_placement::model::Problem;
use livesky_placement::plan::summary;
use livesky_placement::solve::Effort;

fn main() -> Result<(), Box<dyn Error>> {
    let paper = paper_problem()?;
    let begin = now();
    let grid = paper_grid(&paper, &Effort::default())?;
    let proven = grid.iter().filter(|plan| plan.is_proven).count();
    println!(
        "the paper's grid: {} plans, {proven} proven, {:.3} s",
        grid.len(),
        begin.elapsed().as_secs_f64()
    );
    let begin = now();
    let reproduction = reproduce(&paper, &Effort::default())?;
    let holding = reproduction.claims.iter().filter(|claim| claim.holds).count();
    let claims = reproduction.claims.len();
    println!(
        "figures, claims and the window of 3a: {holding} of {claims} hold, {:.3} s",
        begin.elapsed().as_secs_f64()
    );
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    let china = load(&data.join("china-34.toml"))?;
    measure("34 regions, sizes, opening costs, 8 sites", &china, 10)?;
    let mut failover = china;
    failover.limits.survives_loss = true;
    measure("the same, and any one site may be lost", &failover, 30)?;
    measure("300 made regions, sizes and opening costs", &load(&data.join("made-300.toml"))?, 60)
}

fn measure(name: &str, problem: &Problem, seconds: u64) -> Result<(), Box<dyn Error>> {
    let effort = Effort { time_limit: Some(Duration::from_secs(seconds)), ..Effort::default() };
    let begin = now();
    let plan = summary(problem, &effort, &mut |_| ControlFlow::Continue(()))?;
    let elapsed_s = begin.elapsed().as_secs_f64();
    let proven = if plan.is_proven { "proven" } else { "not proven" };
    println!(
        "{name}: {} open, gap {:.4} %, {proven}, {elapsed_s:.2} s of {seconds}",
        plan.open.len(),
        plan.gap * 100.0
    );
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}
