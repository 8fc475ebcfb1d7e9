//! `livesky plan`: where edges should stand.

use core::time::Duration;
use std::io::{self, Write};
use std::path::Path;

use livesky_placement::input::{Capacities, load_or_library};
use livesky_placement::model::Problem;
use livesky_placement::plan::{LibraryPlan, Plan, PlanError, plan_library};
use livesky_placement::report::{Study, plan_map, plan_page};
use livesky_placement::solve::{Effort, SolveError};

use crate::failure::Failure;
use crate::plan::{self, MakeArgs, Named, Other, PlanArgs, Screen, Wish};
use crate::simulate::{check_writable, write};

/// How long each variant of a problem is searched for a report: there are a hundred of them.
const STUDY_LIMIT: Duration = Duration::from_secs(1);

/// Does what the arguments say.
///
/// # Errors
/// One line for people: bad input, a problem without a plan.
pub(super) async fn run(args: PlanArgs) -> Result<(), Failure> {
    match args.other {
        None => match args.make.files.or_library.clone() {
            Some(file) => make_library(args.make, &file).await,
            None => make(args.make).await,
        },
        Some(Other::List) => list(),
        Some(Other::Figures(args)) => super::plan_figures::run(&args),
    }
}

fn list() -> Result<(), Failure> {
    let list = plan::list()?;
    let width = list.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    for (name, Named { problem, .. }) in list {
        print(&format!("{name:width$}  {}\n", problem.about));
    }
    Ok(())
}

/// Plans, and shows the plan.
async fn make(args: MakeArgs) -> Result<(), Failure> {
    let mut named = plan::asked(args.problem.as_deref(), &args.files)?;
    // What cannot be had is said before the search, and leaves no empty file.
    if args.map.is_some() {
        check_places(&named.problem)?;
    }
    for path in [&args.report, &args.map].into_iter().flatten() {
        check_writable(path)?;
    }
    for note in plan::change(&mut named.problem, &args.changes)? {
        say(&note);
    }
    let effort = plan::effort(&args.effort);
    let other = args.compare.as_deref().map(OtherPlan::find).transpose()?;
    let is_studied = args.report.is_some();
    let Named { problem, text } = named;
    let (problem, found) = plan::until_done(move |wish| {
        let found = search(&problem, &effort, wish, is_studied, other);
        (problem, found)
    })
    .await?;
    let Found { plan, study, other, is_ended } = found?;
    if is_ended && !plan.is_proven {
        say("ended early: this is the best plan so far");
    }
    if let (Some(path), Some(study)) = (&args.report, &study) {
        write(path, &plan_page(&problem, &plan, study, &text, env!("CARGO_PKG_VERSION")))?;
    }
    if let Some(path) = &args.map {
        write(path, &plan_map(&problem, &plan).ok_or_else(|| no_map(&problem))?)?;
    }
    match (&other, args.is_json) {
        (_, true) => print(&plan::json(&plan)?),
        (Some(other), false) => {
            print(&format!("A: {}\nB: {}\n", about(other), about(&plan)));
            print(&plan::differences(other, &plan));
        }
        (None, false) => print(&plan::summary(&problem, &plan)),
    }
    Ok(())
}

/// A map needs two places at least.
fn check_places(problem: &Problem) -> Result<(), Failure> {
    let places = problem.regions.iter().filter(|region| region.coordinates.is_some()).count();
    if places < 2 { Err(no_map(problem)) } else { Ok(()) }
}

fn no_map(problem: &Problem) -> Failure {
    Failure::new(format!(
        "{}: no map: the regions have no coordinates; give two of them latitude-deg and longitude-deg at least, or leave --map out",
        problem.name
    ))
}

fn about(plan: &Plan) -> String {
    format!("{}, {}", plan.problem, plan::proof(plan))
}

/// What to compare with.
enum OtherPlan {
    /// A plan.
    Plan(Box<Plan>),
    /// A problem whose plan is to be found.
    Problem(Box<Problem>),
}

impl OtherPlan {
    /// A plan in a file that ends in `.json`, or a problem.
    fn find(name: &str) -> Result<Self, Failure> {
        if name.ends_with(".json") {
            return plan::read_plan(Path::new(name)).map(|plan| Self::Plan(Box::new(plan)));
        }
        plan::find(name).map(|named| Self::Problem(Box::new(named.problem)))
    }
}

/// What came of a search.
struct Found {
    plan: Plan,
    /// For a report.
    study: Option<Study>,
    /// For a comparison.
    other: Option<Plan>,
    /// Whether somebody ended it.
    is_ended: bool,
}

fn search(
    problem: &Problem,
    effort: &Effort,
    wish: &Wish,
    is_studied: bool,
    other: Option<OtherPlan>,
) -> Result<Found, Failure> {
    let mut screen = Screen::new(&problem.name);
    let mut find = |problem: &Problem| {
        let found = livesky_placement::plan::plan(problem, effort, &mut |progress| {
            wish.on_progress(&mut screen, progress)
        });
        found.map_err(|error| failure(&problem.name, &error))
    };
    let other = match other {
        None => None,
        Some(OtherPlan::Plan(plan)) => Some(*plan),
        Some(OtherPlan::Problem(problem)) => Some(find(&problem)?),
    };
    let plan = find(problem)?;
    let is_ended = wish.is_end();
    let study = match is_studied {
        false => None,
        true if is_ended => Some(Study::default()),
        true => Some(study(problem, &plan, effort, wish, &mut screen)),
    };
    screen.end();
    Ok(Found { plan, study, other, is_ended })
}

fn study(problem: &Problem, plan: &Plan, effort: &Effort, wish: &Wish, screen: &mut Screen) -> Study {
    let time_limit = Some(effort.time_limit.map_or(STUDY_LIMIT, |limit| limit.min(STUDY_LIMIT)));
    let effort = Effort { time_limit, ..*effort };
    Study::of(problem, plan, &effort, &mut |what, progress| {
        screen.set_what(what);
        wish.on_progress(screen, progress)
    })
}

fn failure(problem: &str, error: &PlanError) -> Failure {
    Failure::new(format!("{problem}: {error}"))
}

/// Plans for a file of the OR-Library.
async fn make_library(args: MakeArgs, file: &Path) -> Result<(), Failure> {
    if args.report.is_some() || args.map.is_some() || args.compare.is_some() {
        return Err(Failure::new(
            "--report, --map and --compare need regions with names: an OR-Library file has numbers alone",
        ));
    }
    let capacities = match (args.files.is_uncapacitated, args.files.capacity) {
        (true, _) => Capacities::Unlimited,
        (false, Some(size)) => Capacities::All(size),
        (false, None) => Capacities::Own,
    };
    let mut instance = load_or_library(file, capacities).map_err(|error| plan::failure(&error))?;
    plan::change_instance(&mut instance, &args.changes);
    let effort = plan::effort(&args.effort);
    let name = file.display().to_string();
    let searching = move |wish: &Wish| -> (Result<LibraryPlan, SolveError>, bool) {
        let mut screen = Screen::new(&name);
        let found =
            plan_library(&name, &instance, &effort, &mut |progress| wish.on_progress(&mut screen, progress));
        screen.end();
        (found, wish.is_end())
    };
    let (found, is_ended) = plan::until_done(searching).await?;
    let plan = found.map_err(|error| Failure::new(format!("{}: {error}", file.display())))?;
    if is_ended && !plan.is_proven {
        say("ended early: this is the best plan so far");
    }
    print(&if args.is_json { plan::json(&plan)? } else { plan::library_summary(&plan) });
    Ok(())
}

/// Writes to standard output. Nobody reading is no error.
pub(super) fn print(text: &str) {
    let _is_read = io::stdout().write_all(text.as_bytes());
}

/// A line on standard error. Nobody reading is no error.
fn say(line: &str) {
    let _is_read = writeln!(io::stderr(), "{line}");
}
