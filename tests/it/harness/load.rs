//! Background writers, one for each node, which run until they are stopped or their node is gone.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;

use jsonvault::resp::Value;

use super::Client;
use super::documents::{Ledger, set_request};
use super::wait::until;

/// The error code of a write that was not applied because the cluster has no leader.
const NOT_DONE: &str = "CLUSTERDOWN";
const PERHAPS_DONE: &str = "UNCERTAIN";
/// Number of acknowledged writes that count as progress.
const PROGRESS: u64 = 20;

pub struct Load {
    stopping: Arc<AtomicBool>,
    writers: BTreeMap<u64, Writer>,
}

struct Writer {
    acknowledged: Arc<AtomicU64>,
    thread: JoinHandle<Written>,
}

/// The result of one writer.
pub struct Written {
    pub ledger: Ledger,
    /// The errors that the writer got.
    pub errors: Vec<String>,
    /// Whether the writer's connection ended before the writer was stopped.
    pub lost: bool,
}

impl Load {
    /// Starts a writer on each of these nodes, and waits until all of them make progress. Each load
    /// of a test needs a different `name`.
    pub fn start<'a>(name: &str, nodes: impl Iterator<Item = (u64, &'a str)>) -> Load {
        let stopping = Arc::new(AtomicBool::new(false));
        let writer = |(id, address): (u64, &str)| {
            let acknowledged = Arc::new(AtomicU64::new(0));
            let (stopping, counter) = (stopping.clone(), acknowledged.clone());
            let (prefix, address) = (format!("{name}:{id}"), address.to_owned());
            let thread = std::thread::spawn(move || write(&prefix, &address, &stopping, &counter));
            (id, Writer { acknowledged, thread })
        };
        let writers = nodes.map(writer).collect();
        let load = Load { stopping, writers };
        load.wait_for_progress();
        load
    }

    /// Waits until each writer whose node is running has [`PROGRESS`] further writes acknowledged.
    pub fn wait_for_progress(&self) {
        let count = |writer: &Writer| writer.acknowledged.load(Ordering::Relaxed);
        let before: Vec<u64> = self.writers.values().map(count).collect();
        for ((id, writer), before) in self.writers.iter().zip(before) {
            until(&format!("writes on node {id}"), || {
                (count(writer) >= before + PROGRESS || writer.thread.is_finished()).then_some(())
            });
        }
    }

    /// Stops the writers, and returns their results by node.
    pub fn stop(self) -> BTreeMap<u64, Written> {
        self.stopping.store(true, Ordering::Relaxed);
        self.writers.into_iter().map(|(id, writer)| (id, writer.thread.join().unwrap())).collect()
    }
}

fn write(prefix: &str, address: &str, stopping: &AtomicBool, acknowledged: &AtomicU64) -> Written {
    let mut written = Written { ledger: Ledger::default(), errors: Vec::new(), lost: false };
    let mut client = Client::connect(address);
    for number in 0.. {
        if stopping.load(Ordering::Relaxed) {
            break;
        }
        let key = format!("{prefix}:{number}");
        written.ledger.sent(key.clone());
        match client.send(&set_request(&key)).and_then(|()| client.receive()) {
            Ok(Value::Simple(_)) => {
                written.ledger.acknowledged(&key);
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            Ok(Value::Error(line)) => {
                match line.split(' ').next() {
                    Some(NOT_DONE) => written.ledger.refused(&key),
                    Some(PERHAPS_DONE) => {}
                    _ => panic!("{key}: {line}"),
                }
                written.errors.push(line);
            }
            Ok(other) => panic!("{key}: {other:?}"),
            Err(_) => {
                written.lost = true;
                break;
            }
        }
    }
    written
}
