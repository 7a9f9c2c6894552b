//! The command-line client; see `jsonvault::client`.
use std::process::ExitCode;

use clap::Parser;
use jsonvault::client::{Args, run};

fn main() -> ExitCode {
    run(&Args::parse()).code()
}
