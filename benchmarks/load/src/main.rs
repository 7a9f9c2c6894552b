//! Drives a server with one command and prints what it cost as one line of JSON.
//!
//! ```text
//! load HOST:PORT [FLAGS] COMMAND WORD..
//! load 127.0.0.1:6379 --clients 50 --pipeline 16 --requests 100000 JSON.GET 'doc:{n}' '$'
//! load 127.0.0.1:6379 --clients 50 --rate 5000 --seconds 10 JSON.SET 'doc:{n}' '$' @document.json
//! ```
//!
//! `options.rs` lists the flags and what a word may contain. There are two kinds of load:
//!
//! * Closed: without `--rate`, each connection sends its next batch when the last one is answered.
//!   This measures throughput. Its latencies are those of a server that is never asked to do more
//!   than it can, because a slow reply delays the requests behind it.
//! * Open: with `--rate`, requests are due at fixed times, whether or not earlier ones were
//!   answered. Latency counts from the time at which a request was due, so that a stall of the
//!   server counts for every request that it delays ("coordinated omission" is what a closed load
//!   leaves out). `late_us` says how late the requests were sent: a driver short of processor time
//!   adds this to the latencies.
//!
//! One thread does all of it, so that a machine of two cores has one left for the server.
#![allow(clippy::disallowed_methods, reason = "a load generator measures time and reads its files")]

mod closed;
mod connection;
#[cfg(feature = "etcd")]
mod etcd;
mod open;
mod options;
mod replies;
mod report;
mod template;
#[cfg(test)]
mod tests;

use std::error::Error;
use std::process::ExitCode;

use options::{Options, USAGE};
use report::Tally;

type Outcome<T> = Result<T, Box<dyn Error>>;

async fn drive(options: &Options) -> Outcome<Tally> {
    if options.etcd {
        #[cfg(feature = "etcd")]
        return etcd::run(options).await;
        #[cfg(not(feature = "etcd"))]
        return Err("this driver was built without the feature `etcd`".into());
    }
    match options.rate {
        Some(rate) => open::run(options, rate).await,
        None => closed::run(options).await,
    }
}

fn run(words: &[String]) -> Outcome<String> {
    let options = Options::parse(words)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let tally = tokio::task::LocalSet::new().block_on(&runtime, drive(&options))?;
    Ok(tally.to_json())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.is_empty() || words[0] == "--help" {
        let etcd = if cfg!(feature = "etcd") { "built" } else { "not built" };
        println!("{USAGE}\nThis driver was {etcd} for etcd.");
        return ExitCode::SUCCESS;
    }
    match run(&words) {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}
