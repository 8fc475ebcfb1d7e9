//! From the command line to the command.

use super::{demo, edge, plan, publish, simulate, watch};
use crate::cli::{Cli, Command};
use crate::failure::Failure;

/// Does what the command line says.
///
/// # Errors
/// One line for people.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Publish(args) => publish::run(args).await,
        Command::Edge(args) => edge::run(args).await,
        Command::Watch(args) => watch::run(args).await,
        Command::Demo(args) => demo::run(args).await,
        Command::Simulate(args) => simulate::run(args),
        Command::Plan(args) => plan::run(*args).await,
    }
}
