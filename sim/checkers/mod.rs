//! The checkers of a run, one file for each guarantee. Each has tests on histories that it accepts
//! and on ones that it must refuse.
//!
//! | guarantee | checked |
//! |---|---|
//! | at most one leader in a term: `elections` | every millisecond |
//! | a leader has every committed entry: `completeness` | at each election |
//! | entries with the same index and term are equal, and so are all before them: `logs` | at each crash and at the end |
//! | equal states after equal entries: `states` | every 25 ms and at the end |
//! | terms, commits and applied entries never go back: `monotonic` | every millisecond |
//! | what was acknowledged is there, in order: `durability` | at the end, and again after all nodes lost their power |
//! | nothing takes effect twice: `effects` | at the end |
//! | reads return states that existed, none older than was known: `reads` | at the end |
//! | each key is linearizable: `linearizable` | at the end |
//! | transactions are serializable in real-time order: `transactions` | at the end |
//! | deadlines are neither early nor late: `expiry` | at the end |
//! | each subscriber gets the messages of a publisher in order, and once: `subscribers` | at the end |
//! | the cluster works again once the faults are over: `progress` | within 15 s |

pub mod completeness;
pub mod durability;
pub mod effects;
pub mod elections;
pub mod expiry;
pub mod linearizable;
pub mod logs;
pub mod monotonic;
pub mod progress;
pub mod reads;
pub mod states;
pub mod subscribers;
pub mod transactions;

use crate::history::History;

/// Checks everything that a history alone shows. Returns the keys that the search for a linear
/// order gave up on.
///
/// # Errors
/// The first violation.
pub fn check(history: &History, time_slack_ms: u64) -> Result<Vec<usize>, String> {
    let keys: std::collections::BTreeSet<usize> = history.events.iter().map(|event| event.key).collect();
    for &key in &keys {
        durability::check(history, key)?;
        reads::check(history, key)?;
        expiry::check(history, key, time_slack_ms)?;
    }
    effects::check(history)?;
    transactions::check(history)?;
    subscribers::check(history)?;
    expiry::check_time(history, time_slack_ms)?;
    linearizable::check(history)
}
