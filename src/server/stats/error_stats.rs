//! How often each kind of error was answered, for `INFO errorstats`.
//!
//! Invariant: at most [`KINDS_MAX`] kinds are told apart; what comes after those is not counted
//! here.

use std::collections::BTreeMap;

use parking_lot::Mutex;

use crate::resp::Reply;

/// As in Redis: the codes of all commands are a dozen, so more than this would be a client's doing.
const KINDS_MAX: usize = 128;

/// Errors by their codes.
#[derive(Debug, Default)]
pub struct ErrorStats(Mutex<BTreeMap<String, u64>>);

impl ErrorStats {
    /// Counts a reply, if it is an error.
    pub fn count(&self, reply: &Reply) {
        let line = match reply {
            Reply::Error(answer) => answer.line().to_string(),
            Reply::Unavailable(unavailable) => unavailable.to_string(),
            _ => return,
        };
        let code = code_of(&line);
        let mut counts = self.0.lock();
        let room = counts.len() < KINDS_MAX;
        match counts.get_mut(code) {
            Some(count) => *count += 1,
            None if room => drop(counts.insert(code.to_string(), 1)),
            None => {}
        }
    }

    pub fn all(&self) -> Vec<(String, u64)> {
        self.0.lock().iter().map(|(code, count)| (code.clone(), *count)).collect()
    }

    pub fn reset(&self) {
        self.0.lock().clear();
    }
}

/// The word in capitals that an error begins with; some have none, and are ordinary errors.
fn code_of(line: &str) -> &str {
    let word = line.split(' ').next().unwrap_or_default();
    let is_code = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    if is_code { word } else { "ERR" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{CommandError, Unavailable};

    #[test]
    fn errors_are_counted_by_their_codes() {
        let counts = ErrorStats::default();
        counts.count(&Reply::OK);
        counts.count(&Reply::Error(CommandError::SYNTAX));
        counts.count(&Reply::Error(CommandError::WRONG_KIND));
        counts.count(&Reply::Error(CommandError::WRONG_JSON_KIND));
        counts.count(&Reply::Unavailable(Unavailable::Loading));
        let expected = [("ERR", 2), ("LOADING", 1), ("WRONGTYPE", 1)].map(|(code, n)| (code.to_string(), n));
        assert_eq!(counts.all(), expected);
        (0..1000).for_each(|n| {
            let code: String = format!("{n:04}").bytes().map(|digit| (digit + 17) as char).collect();
            counts.count(&Reply::Error(CommandError::new(code)));
        });
        assert_eq!(counts.all().len(), KINDS_MAX);
    }
}
