//! From the command line to the command.

use super::edge;
use crate::cli::{Cli, Command};
use crate::failure::Failure;

/// Does what the command line says.
///
/// # Errors
/// One line for people.
pub async fn run(cli: Cli) -> Result<(), Failure> {
    match cli.command {
        Command::Edge(args) => edge::run(args).await,
        Command::Publish(_) | Command::Watch(_) | Command::Demo(_) => {
            Err(Failure::new("this build of livesky has the edge only"))
        }
    }
}
