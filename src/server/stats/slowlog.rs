//! The slow log: requests that took a long time.
//!
//! The duration of a read excludes its read barrier. Writes that arrive together form a batch,
//! which has one entry with the words of its first write; the duration is from arrival to replies,
//! including replication and disk.
//!
//! Invariants:
//! * at most `slowlog-max-len` entries are kept, each of at most [`WORDS_MAX`] words of about
//!   [`WORD_BYTES_MAX`] bytes;
//! * ids increase by one with each entry, also across a reset;
//! * passwords are redacted.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

use crate::command::SlowRequest;

/// Default for `slowlog-log-slower-than`, the same as in Redis. Ten milliseconds are a long time
/// for a request about one document.
pub const SLOWER_THAN_MICROS_DEFAULT: i64 = 10_000;
/// Default for `slowlog-max-len`, the same as in Redis.
pub const ENTRIES_MAX_DEFAULT: usize = 128;
/// Maximum number of words kept per request, as in Redis.
const WORDS_MAX: usize = 32;
/// Maximum number of bytes kept per word, as in Redis.
const WORD_BYTES_MAX: usize = 128;

/// Replaces a secret in the slow log.
const REDACTED: Bytes = Bytes::from_static(b"(redacted)");

/// The settings whose values are secrets. In `CONFIG SET`, each name is followed by its value.
const SECRET_SETTINGS: &[&str] =
    &["requirepass", "masterauth", "masteruser", "tls-key-file-pass", "tls-client-key-file-pass"];

/// The slow log of a node.
#[derive(Debug)]
pub struct Slowlog {
    /// The threshold in microseconds; if it is negative, no request is recorded.
    slower_than_micros: AtomicI64,
    entries_max: AtomicUsize,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    next_id: u64,
    /// The entries, newest first.
    entries: VecDeque<SlowRequest>,
}

/// The client that sent a request.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    pub address: &'a str,
    pub name: &'a str,
}

impl Default for Slowlog {
    fn default() -> Slowlog {
        Slowlog {
            slower_than_micros: AtomicI64::new(SLOWER_THAN_MICROS_DEFAULT),
            entries_max: AtomicUsize::new(ENTRIES_MAX_DEFAULT),
            kept: Mutex::default(),
        }
    }
}

impl Slowlog {
    /// Sets the duration from which requests are recorded: 0 records all requests, a negative
    /// number none.
    pub fn set_slower_than_micros(&self, micros: i64) {
        self.slower_than_micros.store(micros, Ordering::Relaxed);
    }

    /// Sets the maximum number of entries, and removes the oldest ones beyond it.
    pub fn set_entries_max(&self, count: usize) {
        self.entries_max.store(count, Ordering::Relaxed);
        self.kept.lock().entries.truncate(count);
    }

    /// Whether a request with this duration is recorded.
    pub fn is_slow(&self, spent: Duration) -> bool {
        let least = self.slower_than_micros.load(Ordering::Relaxed);
        u128::try_from(least).is_ok_and(|least| spent.as_micros() >= least)
    }

    /// Records a request that was answered at `unix_seconds`, except AUTH. Its first word is the
    /// command's name.
    pub fn keep(&self, words: &[Bytes], caller: Caller<'_>, unix_seconds: u64, spent: Duration) {
        if words[0].eq_ignore_ascii_case(b"AUTH") {
            return;
        }
        let words = shortened(words);
        let entries_max = self.entries_max.load(Ordering::Relaxed);
        let mut kept = self.kept.lock();
        kept.next_id += 1;
        let entry = SlowRequest {
            id: kept.next_id - 1,
            unix_seconds,
            micros: u64::try_from(spent.as_micros()).unwrap_or(u64::MAX),
            words,
            address: caller.address.to_string(),
            name: caller.name.to_string(),
        };
        kept.entries.push_front(entry);
        kept.entries.truncate(entries_max);
        assert!(kept.entries.len() <= entries_max, "the slow log is within its limit");
    }

    /// The newest entries, at most `count`.
    pub fn newest(&self, count: usize) -> Vec<SlowRequest> {
        self.kept.lock().entries.iter().take(count).cloned().collect()
    }

    /// The number of entries.
    pub fn count(&self) -> usize {
        self.kept.lock().entries.len()
    }

    pub fn reset(&self) {
        self.kept.lock().entries.clear();
    }
}

/// The words to be kept. They are truncated, secrets are redacted, and all are copied, so that they
/// do not keep the input buffer alive.
fn shortened(words: &[Bytes]) -> Vec<Bytes> {
    let secret = secrets(words);
    let shown = if words.len() > WORDS_MAX { WORDS_MAX - 1 } else { words.len() };
    let mut kept: Vec<Bytes> = words[..shown]
        .iter()
        .enumerate()
        .map(|(at, word)| if secret(at) { REDACTED } else { cut(word) })
        .collect();
    if shown < words.len() {
        kept.push(format!("... ({} more arguments)", words.len() - shown).into());
    }
    kept
}

fn cut(word: &[u8]) -> Bytes {
    if word.len() <= WORD_BYTES_MAX {
        return Bytes::copy_from_slice(word);
    }
    let (head, rest) = word.split_at(WORD_BYTES_MAX);
    [head, format!("... ({} more bytes)", rest.len()).as_bytes()].concat().into()
}

/// Determines which words of a request are secrets.
fn secrets(words: &[Bytes]) -> impl Fn(usize) -> bool {
    let is =
        |at: usize, name: &str| words.get(at).is_some_and(|word| word.eq_ignore_ascii_case(name.as_bytes()));
    let mut secret = vec![false; words.len()];
    if is(0, "HELLO") {
        for at in (2..words.len()).filter(|at| is(*at, "AUTH")) {
            (at + 1..words.len().min(at + 3)).for_each(|at| secret[at] = true);
        }
    } else if is(0, "CONFIG") && is(1, "SET") {
        for at in (2..words.len()).step_by(2).filter(|at| SECRET_SETTINGS.iter().any(|name| is(*at, name))) {
            secret.iter_mut().skip(at + 1).take(1).for_each(|value| *value = true);
        }
    } else if is(0, "ACL") && is(1, "SETUSER") {
        // Rules of ACL SETUSER may contain passwords.
        secret.iter_mut().skip(3).for_each(|rule| *rule = true);
    } else if is(0, "AUTH") {
        secret.iter_mut().skip(1).for_each(|word| *word = true);
    }
    move |at| secret[at]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<Bytes> {
        line.split(' ').map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
    }

    fn kept(line: &str) -> String {
        let log = Slowlog::default();
        log.keep(&words(line), Caller { address: "a:1", name: "" }, 1, Duration::from_secs(1));
        let shown = log.newest(1).into_iter().flat_map(|entry| entry.words);
        shown.map(|word| String::from_utf8_lossy(&word).into_owned()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_threshold_is_a_setting() {
        let log = Slowlog::default();
        let slow = |micros| log.is_slow(Duration::from_micros(micros));
        assert!(slow(10_000) && !slow(9_999));
        log.set_slower_than_micros(0);
        assert!(slow(0));
        log.set_slower_than_micros(-1);
        assert!(!slow(u64::MAX));
    }

    #[test]
    fn long_requests_are_truncated_as_in_redis() {
        let long = "x".repeat(200);
        assert_eq!(kept(&format!("SET k {long}")), format!("SET k {}... (72 more bytes)", &long[..128]));
        let many = format!("MGET {}", vec!["k"; 40].join(" "));
        assert_eq!(kept(&many), format!("MGET {} ... (10 more arguments)", vec!["k"; 30].join(" ")));
        assert_eq!(kept(&format!("MGET {}", vec!["k"; 31].join(" "))).split(' ').count(), 32);
    }

    #[test]
    fn no_secret_is_kept() {
        assert_eq!(kept("AUTH me secret"), "");
        assert_eq!(kept("hello 3 auth me secret SETNAME x"), "hello 3 auth (redacted) (redacted) SETNAME x");
        assert_eq!(
            kept("CONFIG SET timeout 1 RequirePass s MASTERAUTH s"),
            "CONFIG SET timeout 1 RequirePass (redacted) MASTERAUTH (redacted)"
        );
        assert_eq!(kept("CONFIG SET requirepass"), "CONFIG SET requirepass");
        assert_eq!(kept("ACL SETUSER me on >s"), "ACL SETUSER me (redacted) (redacted)");
    }

    #[test]
    fn the_oldest_are_dropped_and_ids_continue() {
        let log = Slowlog::default();
        log.set_entries_max(2);
        let keep = || log.keep(&words("PING"), Caller { address: "", name: "" }, 1, Duration::ZERO);
        (0..3).for_each(|_| keep());
        let ids = || log.newest(usize::MAX).iter().map(|entry| entry.id).collect::<Vec<_>>();
        assert_eq!(ids(), [2, 1]);
        log.reset();
        assert_eq!(log.count(), 0);
        keep();
        assert_eq!(ids(), [3]);
        log.set_entries_max(0);
        keep();
        assert_eq!(log.count(), 0);
    }
}
