//! The command table: one line for each command.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::framework::row::{Route, Row};
use super::json::measure::{self, Measure};
use super::{
    cluster, collections, connection, hashes, json, keys, lists, pubsub, server, sets, shortcuts,
    sorted_sets, strings, transactions,
};
use crate::keyspace::{Hash, List, Set, SortedSet};

/// All commands that clients can send. A new command needs a line here and an implementation in its
/// family; a write also needs a line in `codes`.
pub static ROWS: &[Row] = &[
    Row::transact::<transactions::steps::Discard>(),
    Row::transact::<transactions::steps::Exec>(),
    Row::transact::<transactions::steps::Multi>(),
    Row::transact::<transactions::steps::Unwatch>(),
    Row::transact::<transactions::steps::Watch>(),
    Row::control::<pubsub::publish::Monitor>(),
    Row::control::<pubsub::publish::Pubsub>(),
    Row::control::<pubsub::publish::Publish>(),
    Row::control::<pubsub::publish::Spublish>(),
    Row::control::<pubsub::subscribe::Psubscribe>(),
    Row::control::<pubsub::subscribe::Ssubscribe>(),
    Row::control::<pubsub::subscribe::Subscribe>(),
    Row::control::<pubsub::subscribe::Punsubscribe>(),
    Row::control::<pubsub::subscribe::Sunsubscribe>(),
    Row::control::<pubsub::subscribe::Unsubscribe>(),
    Row::local::<connection::basic::Echo>(),
    Row::local::<connection::basic::Ping>(),
    Row::manage::<connection::basic::Quit>(),
    Row::manage::<connection::basic::Reset>(),
    Row::local::<connection::basic::Select>(),
    Row::operate::<server::acl::Acl>(),
    Row::control::<connection::handshake::Auth>(),
    Row::control::<server::persistence::Bgsave>(),
    Row::manage::<connection::client::Client>(),
    Row::control::<connection::handshake::Hello>(),
    Row::control::<server::command::CommandCommand>(),
    Row::control::<server::config::Config>(),
    Row::control::<server::instance::Info>(),
    Row::control::<server::instance::Time>(),
    Row::control::<server::persistence::Bgrewriteaof>(),
    Row::control::<server::persistence::Lastsave>(),
    Row::control::<server::latency::Latency>(),
    Row::control::<server::instance::Module>(),
    Row::operate::<server::persistence::Save>(),
    Row::manage::<server::instance::Shutdown>(),
    Row::control::<server::slowlog::Slowlog>(),
    Row::operate::<server::wait::Wait>(),
    Row::operate::<server::wait::Waitaof>(),
    Row::control::<cluster::mode::Asking>(),
    Row::control::<cluster::redis_cluster::RedisCluster>(),
    Row::control::<cluster::role::Role>(),
    Row::control::<cluster::mode::Readonly>(),
    Row::control::<cluster::mode::Readwrite>(),
    Row::control::<cluster::raft::RaftInfo>(),
    Row::operate::<cluster::raft::RaftCluster>(),
    Row::operate::<cluster::raft::RaftNode>(),
    Row::operate::<cluster::raft::RaftTransferLeader>(),
    Row::operate::<cluster::role::Failover>(),
    Row::operate::<server::debug::Debug>(),
    Row::operate::<server::memory::Memory>(),
    Row::read::<keys::scan::Dbsize>(),
    Row::read::<keys::inspect::Exists>(),
    Row::read::<keys::scan::Keys>(),
    Row::read::<keys::inspect::Object>(),
    Row::read::<keys::scan::Scan>(),
    Row::read::<keys::inspect::TypeOf>(),
    Row::write::<keys::delete::Del>(),
    Row::write::<keys::delete::Flushall>(),
    Row::read::<keys::scan::Randomkey>(),
    Row::read::<keys::inspect::Expiretime>(),
    Row::read::<keys::inspect::Pexpiretime>(),
    Row::read::<keys::inspect::Pttl>(),
    Row::read::<keys::inspect::Ttl>(),
    Row::write::<keys::relocate::Copy>(),
    Row::write::<keys::expire::Expire>(),
    Row::write::<keys::expire::Expireat>(),
    Row::write::<keys::expire::Pexpire>(),
    Row::write::<keys::expire::Pexpireat>(),
    Row::write::<keys::expire::Persist>(),
    Row::write::<keys::relocate::Rename>(),
    Row::write::<keys::relocate::Renamenx>(),
    Row::read::<strings::bitfield::BitfieldRo>(),
    Row::read::<strings::read::Get>(),
    Row::read::<strings::read::Getrange>(),
    Row::read::<strings::read::Mget>(),
    Row::read::<strings::read::Strlen>(),
    Row::write::<strings::edit::Append>(),
    Row::write::<strings::bitfield::Bitfield>(),
    Row::write::<strings::replace::Getdel>(),
    Row::write::<strings::replace::Getex>(),
    Row::write::<strings::replace::Getset>(),
    Row::write::<strings::number::Decr>(),
    Row::write::<strings::number::Decrby>(),
    Row::write::<strings::number::Incr>(),
    Row::write::<strings::number::Incrby>(),
    Row::write::<strings::number::Incrbyfloat>(),
    Row::write::<strings::set::Mset>(),
    Row::write::<strings::set::Msetnx>(),
    Row::write::<strings::set::Set>(),
    Row::write::<strings::set::Psetex>(),
    Row::write::<strings::set::Setex>(),
    Row::write::<strings::set::Setnx>(),
    Row::write::<strings::edit::Setrange>(),
    Row::read::<lists::read::Lindex>(),
    Row::read::<collections::Len<List>>(),
    Row::read::<lists::read::Lpos>(),
    Row::read::<lists::read::Lrange>(),
    Row::write::<lists::write::Linsert>(),
    Row::write::<lists::ends::Lmove>(),
    Row::write::<lists::ends::Rpoplpush>(),
    Row::write::<lists::ends::Lpop>(),
    Row::write::<lists::ends::Rpop>(),
    Row::write::<lists::ends::Lpush>(),
    Row::write::<lists::ends::Lpushx>(),
    Row::write::<lists::ends::Rpush>(),
    Row::write::<lists::ends::Rpushx>(),
    Row::write::<lists::write::Lrem>(),
    Row::write::<lists::write::Lset>(),
    Row::write::<lists::write::Ltrim>(),
    Row::read::<collections::Len<Set>>(),
    Row::read::<sets::read::Sdiff>(),
    Row::read::<sets::read::Sinter>(),
    Row::read::<sets::read::Sunion>(),
    Row::read::<collections::Get<Set>>(),
    Row::read::<collections::GetEach<Set>>(),
    Row::read::<sets::read::Smembers>(),
    Row::read::<collections::random::Random<Set>>(),
    Row::read::<collections::scan::Scan<Set>>(),
    Row::write::<sets::write::Sadd>(),
    Row::write::<sets::write::Smove>(),
    Row::write::<sets::write::Spop>(),
    Row::write::<collections::Remove<Set>>(),
    Row::read::<hashes::read::Hgetall>(),
    Row::read::<hashes::read::Hkeys>(),
    Row::read::<hashes::read::Hvals>(),
    Row::read::<collections::Len<Hash>>(),
    Row::read::<hashes::read::Hexists>(),
    Row::read::<collections::Get<Hash>>(),
    Row::read::<hashes::read::Hstrlen>(),
    Row::read::<collections::GetEach<Hash>>(),
    Row::read::<collections::random::Random<Hash>>(),
    Row::read::<collections::scan::Scan<Hash>>(),
    Row::write::<collections::Remove<Hash>>(),
    Row::write::<hashes::write::Hincrby>(),
    Row::write::<hashes::write::Hincrbyfloat>(),
    Row::write::<hashes::write::Hmset>(),
    Row::write::<hashes::write::Hset>(),
    Row::write::<hashes::write::Hsetnx>(),
    Row::read::<collections::Len<SortedSet>>(),
    Row::read::<sorted_sets::rank::Zcount>(),
    Row::read::<sorted_sets::rank::Zlexcount>(),
    Row::read::<sorted_sets::range::Zrange>(),
    Row::read::<sorted_sets::range::Zrangebylex>(),
    Row::read::<sorted_sets::range::Zrangebyscore>(),
    Row::read::<sorted_sets::range::Zrevrange>(),
    Row::read::<sorted_sets::range::Zrevrangebylex>(),
    Row::read::<sorted_sets::range::Zrevrangebyscore>(),
    Row::read::<sorted_sets::rank::Zrank>(),
    Row::read::<sorted_sets::rank::Zrevrank>(),
    Row::read::<collections::scan::Scan<SortedSet>>(),
    Row::read::<collections::GetEach<SortedSet>>(),
    Row::read::<collections::Get<SortedSet>>(),
    Row::write::<sorted_sets::add::Zadd>(),
    Row::write::<sorted_sets::add::Zincrby>(),
    Row::write::<sorted_sets::remove::Zpopmax>(),
    Row::write::<sorted_sets::remove::Zpopmin>(),
    Row::write::<collections::Remove<SortedSet>>(),
    Row::write::<sorted_sets::remove::Zremrangebylex>(),
    Row::write::<sorted_sets::remove::Zremrangebyrank>(),
    Row::write::<sorted_sets::remove::Zremrangebyscore>(),
    Row::read::<measure::Arrindex>(),
    Row::read::<Measure<measure::Arrlen>>(),
    Row::read::<json::inspect::Debug>(),
    Row::read::<json::get::Get>(),
    Row::read::<json::get::Mget>(),
    Row::read::<Measure<measure::Objkeys>>(),
    Row::read::<Measure<measure::Objlen>>(),
    Row::read::<json::inspect::Resp>(),
    Row::read::<Measure<measure::Strlen>>(),
    Row::read::<json::inspect::TypeOf>(),
    Row::read::<json::inspect::Version>(),
    Row::write::<json::arithmetic::NumIncrBy>(),
    Row::write::<json::arithmetic::NumMultBy>(),
    Row::write::<json::arithmetic::NumPowBy>(),
    Row::write::<json::array::Arrappend>(),
    Row::write::<json::array::Arrinsert>(),
    Row::write::<json::array::Arrpop>(),
    Row::write::<json::array::Arrrem>(),
    Row::write::<json::array::Arrtrim>(),
    Row::write::<json::remove::Clear>(),
    Row::write::<json::remove::Del>(),
    Row::write::<json::merge::Merge>(),
    Row::write::<json::mset::Mset>(),
    Row::write::<json::patch::Patch>(),
    Row::write::<json::set::Set>(),
    Row::write::<json::scalar::Strappend>(),
    Row::write::<json::scalar::Toggle>(),
    Row::read::<shortcuts::Qget>(),
    Row::write::<shortcuts::Delete>(),
    Row::write::<shortcuts::Merge>(),
    Row::write::<shortcuts::Qset>(),
    #[cfg(feature = "next-version")]
    Row::write::<super::next_version::NextSet>(),
];

/// Commands that only nodes propose. They are in the log like any write, but clients cannot send
/// them.
pub static INTERNAL: &[Row] = &[
    Row::write::<keys::delete::Reap>(),
    Row::write::<server::acl::change::SetUser>(),
    Row::write::<server::acl::change::DelUser>(),
];

/// Maximum length of a command's name; checked by a test.
const NAME_BYTES_MAX: usize = 32;

static BY_NAME: LazyLock<HashMap<&'static [u8], usize, foldhash::fast::FixedState>> = LazyLock::new(|| {
    let names = |(position, row): (usize, &'static Row)| {
        row.names().map(move |(name, _)| (name.as_bytes(), position))
    };
    ROWS.iter().enumerate().flat_map(names).collect()
});

static BY_CODE: LazyLock<HashMap<u16, &'static Row, foldhash::fast::FixedState>> = LazyLock::new(|| {
    let code = |row: &'static Row| match row.route {
        Route::Write { code, .. } => Some((code, row)),
        _ => None,
    };
    ROWS.iter().chain(INTERNAL).filter_map(code).collect()
});

/// The command with this name, ignoring case.
pub fn find(name: &[u8]) -> Option<&'static Row> {
    position(name).map(|position| &ROWS[position])
}

/// The position in [`ROWS`] of the command with this name, ignoring case.
pub fn position(name: &[u8]) -> Option<usize> {
    let mut upper = [0u8; NAME_BYTES_MAX];
    let upper = upper.get_mut(..name.len())?;
    upper.copy_from_slice(name);
    upper.make_ascii_uppercase();
    BY_NAME.get(&*upper).copied()
}

/// The command with this code.
pub fn by_code(code: u16) -> Option<&'static Row> {
    BY_CODE.get(&code).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn names_and_codes_are_unique_and_well_formed() {
        let mut names = HashSet::new();
        let mut codes = HashSet::new();
        for row in INTERNAL {
            assert!(find(row.spec.name.as_bytes()).is_none(), "clients cannot find {}", row.spec.name);
            let Route::Write { code, .. } = row.route else { panic!("{} must be a write", row.spec.name) };
            assert!(codes.insert(code) && by_code(code).is_some(), "{}", row.spec.name);
        }
        for row in ROWS {
            for (name, _) in row.names() {
                assert!(names.insert(name), "{name} occurs once");
                assert!(name.len() <= NAME_BYTES_MAX && name == name.to_ascii_uppercase(), "{name}");
                assert_eq!(
                    find(name.to_ascii_lowercase().as_bytes()).map(|row| row.spec.name),
                    Some(row.spec.name)
                );
            }
            if let Route::Write { code, .. } = row.route {
                assert!(codes.insert(code), "{}: code {code} occurs once", row.spec.name);
            }
            let inner = row.subcommands.iter().map(|one| (one.full_name(&row.spec), one.summary));
            for (name, summary) in inner.chain([(row.spec.name.to_string(), row.spec.summary)]) {
                assert!(summary.ends_with('.'), "{name}: a summary is a sentence");
            }
            assert_ne!(row.spec.arity, 0, "{}", row.spec.name);
        }
    }

    #[test]
    fn the_keys_of_a_row_lie_within_its_shortest_request() {
        for row in ROWS {
            let words = row.spec.arity.unsigned_abs().max(row.spec.keys.first.unsigned_abs() + 1) as usize;
            if !row.spec.keys.has_no_keys() {
                assert!(row.spec.keys.positions(words).next().is_some(), "{}", row.spec.name);
            }
            let inner = row.subcommands.iter().map(|one| one.syntax);
            let in_syntax = std::iter::once(row.spec.syntax)
                .chain(inner)
                .flat_map(crate::command::framework::syntax::arguments)
                .any(|argument| format!("{argument:?}").contains("kind: Key"));
            assert_eq!(in_syntax, !row.spec.keys.has_no_keys(), "{}: keys as in the syntax", row.spec.name);
        }
    }
}
