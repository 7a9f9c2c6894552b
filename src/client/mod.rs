//! The command-line client: one command and its exit code, an import or export, or a prompt.
//!
//! The client has a blocking connection. What it knows about commands comes from the server
//! (`COMMAND DOCS`). Replies go to standard output, and everything else goes to standard error.
//!
//! Invariants:
//! * replies are matched to requests by their order, so a connection that lost a reply is never
//!   used again;
//! * an unanswered request counts neither as executed nor as failed.
//!
//! The simulation does not run the client, so the client uses the clock, files and threads of the
//! standard library directly.
#![allow(
    clippy::disallowed_methods,
    reason = "env is for the server; a command-line program is not simulated"
)]

mod args;
mod command_docs;
mod connection;
mod documents;
mod exit;
mod export;
mod import;
mod keys;
mod print;
mod prompt;
mod single;

#[cfg(test)]
mod fake_server;

pub use args::Args;
pub use connection::{Connection, ConnectionError};
pub use exit::Exit;

use args::Command;

/// Runs the command of `args` and returns its outcome. Errors are printed on standard error.
pub fn run(args: &Args) -> Exit {
    match attempt(args) {
        Ok(exit) => exit,
        Err(failure) => {
            eprintln!("client: {failure}");
            failure.exit()
        }
    }
}

/// The reason why a run failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("{0}")]
    File(String),
    /// The output cannot be written, usually because its reader has closed the pipe.
    #[error("the output can't be written: {0}")]
    Output(#[from] std::io::Error),
    #[error("{0}")]
    Refused(String),
}

impl Failure {
    fn exit(&self) -> Exit {
        match self {
            Failure::Connection(ConnectionError::Refused(line)) => Exit::of_error(line),
            Failure::Connection(_) => Exit::Lost,
            Failure::File(_) | Failure::Output(_) => Exit::Usage,
            Failure::Refused(line) => Exit::of_error(line),
        }
    }
}

fn attempt(args: &Args) -> Result<Exit, Failure> {
    let mut connection = Connection::open(&args.target())?;
    match &args.command {
        None => prompt::run(&mut connection, args),
        Some(Command::Import(options)) => import::run(&mut connection, options),
        Some(Command::Export(options)) => export::run(&mut connection, options),
        Some(command) => single::run(&mut connection, &command.words()),
    }
}
