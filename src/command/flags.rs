//! What is true of a command beside its route, and what `COMMAND INFO` says of both.

use super::row::{Group, Route, Row};

/// Properties that whoever runs commands looks at; the usual command has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Runs at once between MULTI and EXEC, and is not queued.
    pub at_once: bool,
    /// Is refused between MULTI and EXEC.
    pub not_in_multi: bool,
    /// May be used by a RESP2 connection that has subscribed to something.
    pub while_subscribed: bool,
    /// Is let through while clients are paused: it may end the pause.
    pub while_paused: bool,
    /// Waits with the writes while those are paused, though it is none.
    pub paused_with_writes: bool,
    /// A client may send it before it has said who it is.
    pub before_login: bool,
    /// Its work is small whatever is stored. Redis says the same of those that it has; of a document no command can.
    pub fast: bool,
    /// It takes no more memory than it gives back, so that a full memory is no reason to refuse it.
    pub sparing: bool,
    /// It may hold its connection until something happens elsewhere.
    pub waits: bool,
    /// It is about the node, and not for operators alone.
    pub for_everybody: bool,
    /// Its arguments are nobody else's business: they are in no MONITOR.
    pub secret: bool,
}

impl Flags {
    pub const NONE: Flags = Flags {
        at_once: false,
        not_in_multi: false,
        while_subscribed: false,
        while_paused: false,
        paused_with_writes: false,
        before_login: false,
        fast: false,
        sparing: false,
        waits: false,
        for_everybody: false,
        secret: false,
    };
}

impl Row {
    /// Whether its work is small whatever is stored.
    pub fn is_fast(&self) -> bool {
        matches!(self.route, Route::Local { .. } | Route::Transact { .. }) || self.flags.fast
    }

    fn is_for_operators(&self) -> bool {
        match self.route {
            Route::Operate { .. } => !self.flags.for_everybody,
            Route::Control { .. } => self.spec.group == Group::Server && !self.flags.for_everybody,
            _ => false,
        }
    }

    /// The flags that `COMMAND INFO` shows.
    pub fn words(&self) -> Vec<&'static str> {
        let mut words = match self.route {
            Route::Read { .. } => vec!["readonly"],
            Route::Write { .. } if self.flags.sparing => vec!["write"],
            Route::Write { .. } => vec!["write", "denyoom"],
            Route::Transact { .. } => vec!["noscript", "loading", "stale"],
            Route::Local { .. } | Route::Control { .. } | Route::Operate { .. } => vec!["loading", "stale"],
        };
        let pubsub = self.spec.group == Group::PubSub;
        for (word, has_it) in [
            ("admin", self.is_for_operators()),
            ("pubsub", pubsub),
            ("fast", self.is_fast()),
            ("no_auth", self.flags.before_login),
            ("blocking", self.flags.waits),
            ("no_multi", self.flags.not_in_multi),
            ("skip_monitor", self.flags.secret),
        ] {
            if has_it {
                words.push(word);
            }
        }
        words
    }

    /// The ACL categories: the group's, the route's, and those that come with its flags.
    pub fn categories(&self) -> Vec<&'static str> {
        let of_route: &[&str] = match self.route {
            Route::Read { .. } => &["@read"],
            Route::Write { .. } => &["@write"],
            _ => &[],
        };
        let operators = self.is_for_operators();
        let of_group = self.spec.group.categories().iter().filter(|name| **name != "@admin" || operators);
        let mut categories: Vec<&str> = of_group.chain(of_route).copied().collect();
        categories.push(if self.is_fast() { "@fast" } else { "@slow" });
        if operators {
            categories.push("@dangerous");
        }
        if self.flags.waits {
            categories.push("@blocking");
        }
        categories
    }
}

#[cfg(test)]
mod tests {
    use crate::command::table;

    #[test]
    fn words_follow_from_the_route_and_the_flags() {
        let of = |name: &str| table::find(name.as_bytes()).map(|row| row.words()).unwrap_or_default();
        assert_eq!(of("GET"), ["readonly", "fast"]);
        assert_eq!(of("SET"), ["write", "denyoom"]);
        assert_eq!(of("DEL"), ["write"]);
        assert_eq!(of("INFO"), ["loading", "stale"]);
        assert_eq!(of("CONFIG"), ["loading", "stale", "admin", "skip_monitor"]);
        assert_eq!(of("QUIT"), ["loading", "stale", "fast", "no_auth"]);
        assert_eq!(of("WAIT"), ["loading", "stale", "blocking", "no_multi"]);
    }
}
