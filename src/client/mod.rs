//! The command-line client: one command and its exit code, an import or export, or a prompt.
//!
//! It owns a blocking connection and nothing else; whatever it knows about commands it asks the
//! server (`COMMAND DOCS`). Standard output carries answers only, standard error everything else.
//!
//! Invariants:
//! * replies belong to requests by their order, so a connection on which one went missing is never
//!   used again;
//! * what was sent and not answered is never counted as done, nor as failed.
//!
//! The time, files and threads of this program are nobody's replica, so it uses std's directly.
#![allow(
    clippy::disallowed_methods,
    reason = "a command-line program is not simulated: env is for the server"
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

/// Does what `args` ask for and says how it went; messages for people are on standard error by
/// then.
pub fn run(args: &Args) -> Exit {
    match attempt(args) {
        Ok(exit) => exit,
        Err(failure) => {
            eprintln!("client: {failure}");
            failure.exit()
        }
    }
}

/// Why a run ended before its end.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    #[error("{0}")]
    File(String),
    /// Whoever read the output has gone: nothing is left to do, and nobody to tell.
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
