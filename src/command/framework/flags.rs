//! What is true of a command beside its route, and what `COMMAND INFO` says of both.

use super::row::{Group, Route, Row};

/// Properties of a command, named as Redis names them where it has a name for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
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
    /// A client that has not logged in may send it.
    pub no_auth: bool,
    /// Its work is small whatever is stored. Redis says the same of those that it has; of a
    /// document no command can.
    pub fast: bool,
    /// A write that may take more memory than it frees. Of no meaning for other routes.
    pub denyoom: bool,
    /// It may hold its connection until something happens elsewhere.
    pub blocking: bool,
    /// Whether it is for operators alone, where route and group do not say it.
    pub admin: Option<bool>,
    /// MONITOR does not show it: its arguments are secrets.
    pub skip_monitor: bool,
    /// Words that Redis says of it beside those that follow from the route and from the properties
    /// above.
    pub also: &'static [&'static str],
    /// Words that follow, and that Redis does not say of it.
    pub without: &'static [&'static str],
    /// The ACL categories that do not follow from its group and its words.
    pub categories: &'static [&'static str],
}

impl Flags {
    pub const DEFAULT: Flags = Flags {
        at_once: false,
        not_in_multi: false,
        while_subscribed: false,
        while_paused: false,
        paused_with_writes: false,
        no_auth: false,
        fast: false,
        denyoom: true,
        blocking: false,
        admin: None,
        skip_monitor: false,
        also: &[],
        without: &[],
        categories: &[],
    };
}

impl Row {
    /// Whether its work is small whatever is stored.
    pub fn is_fast(&self) -> bool {
        let small = matches!(self.route, Route::Local { .. } | Route::Transact { .. }) || self.flags.fast;
        small && !self.flags.without.contains(&"fast")
    }

    fn is_admin(&self) -> bool {
        self.flags.admin.unwrap_or(match self.route {
            Route::Operate { .. } => true,
            Route::Control { .. } => self.spec.group == Group::Server,
            _ => false,
        })
    }

    /// The flags that `COMMAND INFO` shows. A container has none: its subcommands do.
    pub fn words(&self) -> Vec<&'static str> {
        if self.is_container() {
            return Vec::new();
        }
        let mut words = match self.route {
            Route::Read { .. } => vec!["readonly"],
            Route::Write { .. } if self.flags.denyoom => vec!["write", "denyoom"],
            Route::Write { .. } => vec!["write"],
            _ => vec!["noscript", "loading", "stale"],
        };
        for (word, has_it) in [
            ("module", self.spec.group == Group::Json),
            ("admin", self.is_admin()),
            ("pubsub", self.spec.group == Group::PubSub),
            ("fast", self.is_fast()),
            ("no_auth", self.flags.no_auth),
            ("blocking", self.blocks()),
            ("no_multi", self.flags.not_in_multi),
        ] {
            if has_it {
                words.push(word);
            }
        }
        words.extend(self.flags.also.iter().filter(|word| !words.contains(word)).collect::<Vec<_>>());
        words.retain(|word| !self.flags.without.contains(word));
        words
    }

    /// The ACL categories: the group's, and those that come with the words.
    pub fn categories(&self) -> Vec<&'static str> {
        if self.is_container() {
            return vec!["@slow"];
        }
        let words = self.words();
        let says = |word| words.contains(&word);
        let mut categories: Vec<&str> = self.spec.group.category().into_iter().collect();
        for (category, has_it) in [
            ("@read", says("readonly")),
            ("@write", says("write")),
            ("@pubsub", says("pubsub")),
            ("@admin", says("admin")),
            ("@dangerous", says("admin")),
            ("@blocking", says("blocking")),
            (if self.is_fast() { "@fast" } else { "@slow" }, true),
        ] {
            if has_it {
                categories.push(category);
            }
        }
        categories.extend(self.flags.categories);
        categories.retain(|category| !self.flags.without.contains(category));
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
        assert_eq!(of("CONFIG"), [""; 0]);
        assert_eq!(of("QUIT"), ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"]);
        assert_eq!(of("WAIT"), ["blocking", "no_multi"]);
    }
}
