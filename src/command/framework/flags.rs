//! The properties of a command besides its route. `COMMAND INFO` derives flags and ACL categories
//! from the properties and the route.

use super::row::{Group, Route, Row};

/// The properties of a command, named as in Redis if Redis has a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flags {
    /// The command runs at once between MULTI and EXEC, and is not queued.
    pub at_once: bool,
    /// The command is refused between MULTI and EXEC.
    pub not_in_multi: bool,
    /// The command is allowed on a RESP2 connection with subscriptions.
    pub while_subscribed: bool,
    /// The command runs while clients are paused, because it may end the pause.
    pub while_paused: bool,
    /// The command is held back while writes are paused, although it is not a write.
    pub paused_with_writes: bool,
    /// The command is allowed for unauthenticated clients.
    pub no_auth: bool,
    /// The command is fast: the size of the data has no effect on its work, or only a logarithmic
    /// one. For Redis' commands the flag is that of Redis; no command on documents is fast.
    /// Commands of the routes `Local` and `Transact` are fast without the flag, unless `without`
    /// names it.
    pub fast: bool,
    /// The command is a write that may increase the memory use. The flag has no meaning for other
    /// routes.
    pub denyoom: bool,
    /// The command may block its connection until an external event.
    pub blocking: bool,
    /// Whether the command is administrative; `None` if the route and the group decide that.
    pub admin: Option<bool>,
    /// MONITOR does not show the command, because its arguments are secrets.
    pub skip_monitor: bool,
    /// Redis' flags that do not follow from the route and the properties above.
    pub also: &'static [&'static str],
    /// Flags and categories that would follow but are not reported by Redis.
    pub without: &'static [&'static str],
    /// ACL categories that do not follow from the group and the flags.
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
    /// Whether the command is fast, by its route or its flag.
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

    /// The flags that `COMMAND INFO` reports. A container has no flags; its subcommands have them.
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

    /// The ACL categories: that of the group, those that follow from the flags, and those that the
    /// command states. A container is only `@slow`.
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
    fn command_flags_follow_from_the_route_and_the_properties() {
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
