//! The setting `client-output-buffer-limit`: how many bytes of replies may wait for a client before
//! it is disconnected, for each class of clients.

use std::fmt;

use super::values::bytes_of;
use crate::resp::Limits;

/// The limits for one class of clients; 0 means no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimit {
    /// A client with this many waiting bytes is disconnected at once.
    pub hard_bytes: u64,
    /// A client with this many waiting bytes for `soft_seconds` is disconnected.
    pub soft_bytes: u64,
    pub soft_seconds: u64,
}

impl OutputLimit {
    /// The hard limit; `usize::MAX` if there is none.
    pub fn hard_bytes_max(self) -> usize {
        match self.hard_bytes {
            0 => usize::MAX,
            bytes => usize::try_from(bytes).unwrap_or(usize::MAX),
        }
    }
}

/// One limit for each class of redis.conf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputLimits {
    pub normal: OutputLimit,
    /// Accepted without effect: nodes use a separate port, which has its own limits.
    pub replica: OutputLimit,
    /// Clients with subscriptions.
    pub pubsub: OutputLimit,
}

impl Default for OutputLimits {
    fn default() -> OutputLimits {
        let limit =
            |hard_bytes, soft_bytes, soft_seconds| OutputLimit { hard_bytes, soft_bytes, soft_seconds };
        OutputLimits {
            // Larger than any valid reply.
            normal: limit(Limits::DEFAULT.output_bytes_max as u64, 0, 0),
            // The defaults of Redis for these two classes.
            replica: limit(256 << 20, 64 << 20, 60),
            pubsub: limit(32 << 20, 8 << 20, 60),
        }
    }
}

impl OutputLimits {
    /// Changes the limits of the classes in `text`, which has the form `class hard soft seconds
    /// ..`. A single size is the hard limit of the class `normal`.
    pub fn change(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let [size] = words[..] {
            let wrong = "argument must be a memory value, or: class hard soft seconds ..";
            self.normal.hard_bytes = bytes_of(size).ok_or(wrong)?;
            return Ok(());
        }
        if words.is_empty() || !words.len().is_multiple_of(4) {
            return Err("Conflict number of arguments in buffer limit configuration.".to_string());
        }
        let mut changed = *self;
        for limit in words.chunks(4) {
            let class = match limit[0].to_ascii_lowercase().as_str() {
                "normal" => &mut changed.normal,
                "replica" | "slave" => &mut changed.replica,
                "pubsub" => &mut changed.pubsub,
                _ => return Err("Invalid client class specified in buffer limit configuration.".to_string()),
            };
            *class = read(limit)
                .ok_or("Error in hard, soft or soft_seconds setting in buffer limit configuration.")?;
        }
        *self = changed;
        Ok(())
    }
}

fn read(words: &[&str]) -> Option<OutputLimit> {
    let (hard_bytes, soft_bytes) = (bytes_of(words[1])?, bytes_of(words[2])?);
    Some(OutputLimit { hard_bytes, soft_bytes, soft_seconds: words[3].parse().ok()? })
}

impl fmt::Display for OutputLimits {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Redis displays the class `replica` under its older name.
        let classes = [("normal", self.normal), ("slave", self.replica), ("pubsub", self.pubsub)];
        for (nth, (name, limit)) in classes.iter().enumerate() {
            let gap = if nth > 0 { " " } else { "" };
            write!(out, "{gap}{name} {} {} {}", limit.hard_bytes, limit.soft_bytes, limit.soft_seconds)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_change_alone_and_are_read_back() {
        let mut limits = OutputLimits::default();
        limits.change("normal 0 0 0").unwrap();
        limits.change("replica 1kb 2k 3  pubsub 32mb 8mb 60").unwrap();
        let shown = "normal 0 0 0 slave 1024 2000 3 pubsub 33554432 8388608 60";
        assert_eq!(limits.to_string(), shown);
        let mut again = OutputLimits::default();
        again.change(shown).unwrap();
        assert_eq!(again, limits);
        limits.change("5mb").unwrap();
        assert_eq!(limits.normal.hard_bytes_max(), 5 << 20);
        assert_eq!(again.normal.hard_bytes_max(), usize::MAX);
    }

    #[test]
    fn an_invalid_text_changes_nothing() {
        let before = OutputLimits::default();
        let mut limits = before;
        for text in ["", "x", "normal 1 2", "nosuch 1 1 1", "normal 1 1 x", "normal 1 1 1 pubsub x 1 1"] {
            assert!(limits.change(text).is_err(), "{text}");
            assert_eq!(limits, before, "{text}");
        }
    }
}
