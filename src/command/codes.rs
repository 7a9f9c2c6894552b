//! The codes that identify commands in the log.
//!
//! Logs outlive the version that wrote them, so this file only grows:
//! * a code is never changed and never given to another command;
//! * the line of a removed command moves to [`RETIRED`] and stays there.
//!
//! A command that implements `Write` without a line here does not compile.

/// The code of a transaction, which the log holds like a command but which is not in the table.
pub const TRANSACTION: u16 = 0;

/// The code of a raise of the cluster version, which is not a command of clients either.
pub const CLUSTER_VERSION: u16 = 4;

/// The codes in use, each with its command.
pub const USED: &[(u16, &str)] = &[
    (1, "DEL"),
    (2, "FLUSHALL"),
    (3, "REAP"),
    (6, "ACL.SETUSER"),
    (7, "ACL.DELUSER"),
    (10, "EXPIRE"),
    (11, "PEXPIRE"),
    (12, "EXPIREAT"),
    (13, "PEXPIREAT"),
    (14, "PERSIST"),
    (15, "RENAME"),
    (16, "RENAMENX"),
    (17, "COPY"),
    (20, "SET"),
    (21, "SETNX"),
    (22, "SETEX"),
    (23, "PSETEX"),
    (24, "MSET"),
    (25, "MSETNX"),
    (26, "APPEND"),
    (27, "GETDEL"),
    (28, "GETEX"),
    (30, "INCR"),
    (31, "DECR"),
    (32, "INCRBY"),
    (33, "DECRBY"),
    (34, "INCRBYFLOAT"),
    (40, "GETSET"),
    (41, "SETRANGE"),
    (42, "BITFIELD"),
    (50, "QSET"),
    (51, "MERGE"),
    (52, "DELETE"),
    (100, "JSON.SET"),
    (101, "JSON.DEL"),
    (102, "JSON.MERGE"),
    (103, "JSON.NUMINCRBY"),
    (104, "JSON.NUMMULTBY"),
    (105, "JSON.NUMPOWBY"),
    (106, "JSON.MSET"),
    (107, "JSON.TOGGLE"),
    (108, "JSON.STRAPPEND"),
    (109, "JSON.ARRAPPEND"),
    (110, "JSON.ARRINSERT"),
    (111, "JSON.ARRTRIM"),
    (112, "JSON.ARRPOP"),
    (113, "JSON.CLEAR"),
    (114, "JSON.ARRREM"),
    (115, "JSON.PATCH"),
    (200, "LPUSH"),
    (201, "RPUSH"),
    (202, "LPUSHX"),
    (203, "RPUSHX"),
    (204, "LPOP"),
    (205, "RPOP"),
    (206, "LSET"),
    (207, "LREM"),
    (208, "LTRIM"),
    (209, "LINSERT"),
    (210, "RPOPLPUSH"),
    (211, "LMOVE"),
    (220, "SADD"),
    (221, "SREM"),
    (222, "SPOP"),
    (223, "SMOVE"),
    (240, "HSET"),
    (241, "HMSET"),
    (242, "HSETNX"),
    (243, "HDEL"),
    (244, "HINCRBY"),
    (245, "HINCRBYFLOAT"),
    (260, "ZADD"),
    (261, "ZINCRBY"),
    (262, "ZPOPMIN"),
    (263, "ZPOPMAX"),
    (264, "ZREM"),
    (265, "ZREMRANGEBYRANK"),
    (266, "ZREMRANGEBYSCORE"),
    (267, "ZREMRANGEBYLEX"),
    #[cfg(feature = "next-version")]
    (65_535, "NEXTSET"),
];

/// The codes of removed commands, which older logs may contain.
pub const RETIRED: &[(u16, &str)] = &[];

/// The code of the command with this name.
///
/// # Panics
/// If the name has no line in [`USED`]. For a row of the table, this is a compile-time error.
pub const fn of(name: &str) -> u16 {
    let mut at = 0;
    while at < USED.len() {
        let (code, owner) = USED[at];
        if is_same(owner.as_bytes(), name.as_bytes()) {
            return code;
        }
        at += 1;
    }
    panic!("a command that implements Write needs a line in command/codes.rs");
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use super::*;
    use crate::command::table::{INTERNAL, ROWS};
    use crate::command::{Route, Row};

    /// The minimum number of lines, to be raised when commands are added. A line may move to
    /// `RETIRED`, but not disappear.
    const LINES_MIN: usize = 77;

    #[test]
    fn no_code_is_given_twice_or_reused() {
        let mut owners =
            HashMap::from([(TRANSACTION, "a transaction"), (CLUSTER_VERSION, "the cluster version")]);
        for (code, name) in USED.iter().chain(RETIRED) {
            let before = owners.insert(*code, name);
            assert_eq!(before, None, "only one command has the code {code} of {name}");
        }
        assert!(USED.len() + RETIRED.len() >= LINES_MIN, "no line disappears");
    }

    #[test]
    fn each_write_has_a_code_and_each_code_a_write() {
        let code = |row: &Row| match row.route {
            Route::Write { code, .. } => Some((code, row.spec.name)),
            _ => None,
        };
        let rows: BTreeSet<(u16, &str)> = ROWS.iter().chain(INTERNAL).filter_map(code).collect();
        let lines: BTreeSet<(u16, &str)> = USED.iter().copied().collect();
        let gone: Vec<_> = lines.difference(&rows).collect();
        assert!(
            gone.is_empty(),
            "each line of USED has a row in the table; lines without one belong to RETIRED: {gone:?}"
        );
        assert_eq!(rows, lines);
    }
}
