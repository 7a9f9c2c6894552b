//! What `COMMAND INFO` says of a row beside what its route says.

use super::row::{Group, Route, Row};

/// Commands whose work does not grow with what is stored, nor with their arguments beyond reading them. Redis says the
/// same of those it has; of a document no command can say it.
const FAST: &[&str] = &[
    "APPEND",
    "ASKING",
    "BGREWRITEAOF",
    "BGSAVE",
    "DBSIZE",
    "DECR",
    "DECRBY",
    "EXISTS",
    "EXPIRE",
    "EXPIREAT",
    "EXPIRETIME",
    "GET",
    "GETDEL",
    "GETEX",
    "HELLO",
    "INCR",
    "INCRBY",
    "INCRBYFLOAT",
    "LASTSAVE",
    "MGET",
    "PERSIST",
    "PEXPIRE",
    "PEXPIREAT",
    "PEXPIRETIME",
    "PTTL",
    "RENAMENX",
    "ROLE",
    "SETNX",
    "STRLEN",
    "TIME",
    "TTL",
    "TYPE",
];

/// Commands that take nothing more than they give back, so that a full memory is no reason to refuse them.
const SPARING: &[&str] = &[
    "DEL",
    "DELETE",
    "EXPIRE",
    "EXPIREAT",
    "FLUSHALL",
    "GETDEL",
    "GETEX",
    "JSON.ARRPOP",
    "JSON.ARRREM",
    "JSON.ARRTRIM",
    "JSON.CLEAR",
    "JSON.DEL",
    "PERSIST",
    "PEXPIRE",
    "PEXPIREAT",
    "RENAME",
    "RENAMENX",
];

/// Commands that come before a client has said who it is.
const BEFORE_AUTHENTICATION: &[&str] = &["AUTH", "HELLO", "QUIT", "RESET"];

/// Commands that may hold their connection until something happens elsewhere.
const BLOCKING: &[&str] = &["WAIT", "WAITAOF"];

fn is_in(names: &[&str], row: &Row) -> bool {
    names.contains(&row.spec.name)
}

/// Whether the row's work is small whatever is stored.
pub fn is_fast(row: &Row) -> bool {
    matches!(row.route, Route::Local { .. }) || is_in(FAST, row)
}

/// Whether the row is for operators.
fn is_administrative(row: &Row) -> bool {
    let operates = matches!(row.route, Route::Control { .. } | Route::Operate { .. });
    operates && row.spec.group == Group::Server && !matches!(row.spec.name, "COMMAND" | "INFO" | "TIME")
        || row.spec.name.starts_with("RAFT.")
        || row.spec.name == "FAILOVER"
}

/// The flags of a row.
pub fn flags(row: &Row) -> Vec<&'static str> {
    let mut flags = match row.route {
        Route::Read { .. } => vec!["readonly"],
        Route::Write { .. } if is_in(SPARING, row) => vec!["write"],
        Route::Write { .. } => vec!["write", "denyoom"],
        Route::Local { .. } | Route::Control { .. } | Route::Operate { .. } => vec!["loading", "stale"],
    };
    for (flag, has_it) in [
        ("admin", is_administrative(row)),
        ("fast", is_fast(row)),
        ("no_auth", is_in(BEFORE_AUTHENTICATION, row)),
        ("blocking", is_in(BLOCKING, row)),
    ] {
        if has_it {
            flags.push(flag);
        }
    }
    flags
}

/// The ACL categories of a row: the group's, the route's, and those that come with its flags.
pub fn categories(row: &Row) -> Vec<&'static str> {
    let of_route: &[&str] = match row.route {
        Route::Read { .. } => &["@read"],
        Route::Write { .. } => &["@write"],
        Route::Local { .. } | Route::Control { .. } | Route::Operate { .. } => &[],
    };
    let of_group =
        row.spec.group.categories().iter().filter(|name| **name != "@admin" || is_administrative(row));
    let mut categories: Vec<&str> = of_group.chain(of_route).copied().collect();
    categories.push(if is_fast(row) { "@fast" } else { "@slow" });
    if is_administrative(row) {
        categories.push("@dangerous");
    }
    if is_in(BLOCKING, row) {
        categories.push("@blocking");
    }
    categories
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::table;

    #[test]
    fn what_is_said_is_said_of_commands_that_are_there() {
        let names = [FAST, SPARING, BLOCKING].concat();
        for name in names {
            assert!(table::find(name.as_bytes()).is_some(), "{name}");
        }
        for name in SPARING {
            let row = table::find(name.as_bytes()).unwrap();
            assert!(matches!(row.route, Route::Write { .. }), "{name} writes");
        }
    }

    #[test]
    fn flags_follow_from_the_route_and_the_lists() {
        let of = |name: &str| flags(table::find(name.as_bytes()).unwrap());
        assert_eq!(of("GET"), ["readonly", "fast"]);
        assert_eq!(of("SET"), ["write", "denyoom"]);
        assert_eq!(of("DEL"), ["write"]);
        assert_eq!(of("INFO"), ["loading", "stale"]);
        assert_eq!(of("CONFIG"), ["loading", "stale", "admin"]);
        assert_eq!(of("QUIT"), ["loading", "stale", "fast", "no_auth"]);
        assert_eq!(of("WAIT"), ["loading", "stale", "blocking"]);
    }
}
