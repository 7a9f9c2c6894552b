//! The requests that were refused for a user's rights or for a wrong password, for `ACL LOG`.
//!
//! Invariants:
//! * at most `acllog-max-len` records are kept;
//! * a refusal that equals a record of the last minute is counted there, so that one client cannot
//!   push out the others.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use parking_lot::Mutex;

use crate::command::{Refusal, RefusedRequest};

/// Default for `acllog-max-len`, the same as in Redis.
pub const RECORDS_MAX_DEFAULT: usize = 128;
/// For how long an equal refusal is counted in the same record, as in Redis.
const SAME_RECORD_MS: u64 = 60_000;
/// How many of the newest records are compared with a refusal, as in Redis.
const COMPARED: usize = 10;
/// How much of a name is kept.
const OBJECT_BYTES_MAX: usize = 128;

pub struct Refusals {
    records_max: AtomicUsize,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    next_id: u64,
    /// The records, the one of the latest refusal first.
    records: VecDeque<RefusedRequest>,
}

impl Default for Refusals {
    fn default() -> Refusals {
        Refusals { records_max: AtomicUsize::new(RECORDS_MAX_DEFAULT), kept: Mutex::default() }
    }
}

fn shortened(name: &[u8]) -> Bytes {
    Bytes::copy_from_slice(&name[..name.len().min(OBJECT_BYTES_MAX)])
}

impl Refusals {
    pub fn set_records_max(&self, count: usize) {
        self.records_max.store(count, Ordering::Relaxed);
        self.kept.lock().records.truncate(count);
    }

    pub fn keep(&self, refusal: Refusal<'_>, client: String, now_ms: u64) {
        let context = if refusal.in_transaction { "multi" } else { "toplevel" };
        let (object, user) = (shortened(refusal.object), shortened(refusal.user));
        let is_same = |record: &RefusedRequest| {
            (record.reason, record.context) == (refusal.reason, context)
                && (&record.object, &record.user) == (&object, &user)
                && now_ms.saturating_sub(record.updated_ms) <= SAME_RECORD_MS
        };
        let mut kept = self.kept.lock();
        let known = kept.records.iter().take(COMPARED).position(is_same);
        let record = match known.and_then(|at| kept.records.remove(at)) {
            Some(record) => RefusedRequest { count: record.count + 1, client, updated_ms: now_ms, ..record },
            None => {
                let (id, reason) = (kept.next_id, refusal.reason);
                kept.next_id += 1;
                let (count, created_ms, updated_ms) = (1, now_ms, now_ms);
                RefusedRequest { id, count, reason, context, object, user, client, created_ms, updated_ms }
            }
        };
        kept.records.push_front(record);
        let records_max = self.records_max.load(Ordering::Relaxed);
        kept.records.truncate(records_max);
        assert!(kept.records.len() <= records_max, "the record of refusals is within its limit");
    }

    /// The latest records, at most `count`.
    pub fn newest(&self, count: usize) -> Vec<RefusedRequest> {
        self.kept.lock().records.iter().take(count).cloned().collect()
    }

    pub fn reset(&self) {
        self.kept.lock().records.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(object: &'static str) -> Refusal<'static> {
        Refusal { reason: "key", in_transaction: false, object: object.as_bytes(), user: b"alice" }
    }

    #[test]
    fn equal_refusals_share_a_record_for_a_minute() {
        let refusals = Refusals::default();
        for (object, now_ms) in [("a", 1), ("b", 2), ("a", 3), ("a", SAME_RECORD_MS + 4)] {
            refusals.keep(refused(object), String::new(), now_ms);
        }
        let seen: Vec<_> =
            refusals.newest(9).into_iter().map(|one| (one.id, one.count, one.object)).collect();
        let name = |text: &'static str| Bytes::from_static(text.as_bytes());
        assert_eq!(seen, [(2, 1, name("a")), (0, 2, name("a")), (1, 1, name("b"))]);
    }

    #[test]
    fn the_oldest_records_give_way() {
        let refusals = Refusals::default();
        refusals.set_records_max(2);
        for object in ["a", "b", "c"] {
            refusals.keep(refused(object), String::new(), 1);
        }
        let ids: Vec<u64> = refusals.newest(9).into_iter().map(|one| one.id).collect();
        assert_eq!(ids, [2, 1]);
        refusals.set_records_max(0);
        refusals.keep(refused("d"), String::new(), 1);
        assert_eq!(refusals.newest(9), []);
    }
}
