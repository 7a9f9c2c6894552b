//! The command table: one line a command.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::cluster::{asking, failover, raft_cluster, raft_info, raft_node, raft_transfer_leader};
use super::cluster::{readonly, readwrite, redis_cluster, role};
use super::connection::{auth, client, echo, hello, ping, quit, reset, select};
use super::hashes;
use super::json;
use super::keys;
use super::lists;
use super::pubsub::{monitor, publish, pubsub, subscribe, unsubscribe};
use super::row::{Route, Row};
use super::server::{acl, bgsave, command, config, debug, info, time};
use super::server::{bgrewriteaof, lastsave, latency, memory, module, save, shutdown, slowlog, wait};
use super::transactions::{discard, exec, multi, unwatch, watch};
use super::{sets, sorted_sets};
use super::{text, vault};

/// Every command. Adding one is a line here and a file beside the others.
pub static ROWS: &[Row] = &[
    Row::transact::<discard::Discard>(),
    Row::transact::<exec::Exec>(),
    Row::transact::<multi::Multi>(),
    Row::transact::<unwatch::Unwatch>(),
    Row::transact::<watch::Watch>(),
    Row::control::<monitor::Monitor>(),
    Row::control::<pubsub::Pubsub>(),
    Row::control::<publish::Publish>(),
    Row::control::<publish::Spublish>(),
    Row::control::<subscribe::Psubscribe>(),
    Row::control::<subscribe::Ssubscribe>(),
    Row::control::<subscribe::Subscribe>(),
    Row::control::<unsubscribe::Punsubscribe>(),
    Row::control::<unsubscribe::Sunsubscribe>(),
    Row::control::<unsubscribe::Unsubscribe>(),
    Row::local::<echo::Echo>(),
    Row::local::<ping::Ping>(),
    Row::local::<quit::Quit>(),
    Row::control::<reset::Reset>(),
    Row::local::<select::Select>(),
    Row::control::<acl::Acl>(),
    Row::control::<auth::Auth>(),
    Row::control::<bgsave::Bgsave>(),
    Row::control::<client::Client>(),
    Row::control::<hello::Hello>(),
    Row::control::<command::CommandCommand>(),
    Row::control::<config::Config>(),
    Row::control::<info::Info>(),
    Row::control::<time::Time>(),
    Row::control::<bgrewriteaof::Bgrewriteaof>(),
    Row::control::<lastsave::Lastsave>(),
    Row::control::<latency::Latency>(),
    Row::control::<module::Module>(),
    Row::operate::<save::Save>(),
    Row::control::<shutdown::Shutdown>(),
    Row::control::<slowlog::Slowlog>(),
    Row::operate::<wait::Wait>(),
    Row::operate::<wait::Waitaof>(),
    Row::control::<asking::Asking>(),
    Row::control::<redis_cluster::RedisCluster>(),
    Row::control::<role::Role>(),
    Row::control::<readonly::Readonly>(),
    Row::control::<readwrite::Readwrite>(),
    Row::control::<raft_info::RaftInfo>(),
    Row::operate::<raft_cluster::RaftCluster>(),
    Row::operate::<raft_node::RaftNode>(),
    Row::operate::<raft_transfer_leader::RaftTransferLeader>(),
    Row::operate::<failover::Failover>(),
    Row::operate::<debug::Debug>(),
    Row::operate::<memory::Memory>(),
    Row::read::<keys::dbsize::Dbsize>(),
    Row::read::<keys::exists::Exists>(),
    Row::read::<keys::matching::Keys>(),
    Row::read::<keys::object::Object>(),
    Row::read::<keys::scan::Scan>(),
    Row::read::<keys::type_of::TypeOf>(),
    Row::write::<keys::del::Del>(),
    Row::write::<keys::flushall::Flushall>(),
    Row::read::<keys::randomkey::Randomkey>(),
    Row::read::<keys::ttl::Expiretime>(),
    Row::read::<keys::ttl::Pexpiretime>(),
    Row::read::<keys::ttl::Pttl>(),
    Row::read::<keys::ttl::Ttl>(),
    Row::write::<keys::copy::Copy>(),
    Row::write::<keys::expire::Expire>(),
    Row::write::<keys::expire::Expireat>(),
    Row::write::<keys::expire::Pexpire>(),
    Row::write::<keys::expire::Pexpireat>(),
    Row::write::<keys::persist::Persist>(),
    Row::write::<keys::rename::Rename>(),
    Row::write::<keys::renamenx::Renamenx>(),
    Row::read::<text::bitfield::BitfieldRo>(),
    Row::read::<text::get::Get>(),
    Row::read::<text::getrange::Getrange>(),
    Row::read::<text::mget::Mget>(),
    Row::read::<text::strlen::Strlen>(),
    Row::write::<text::append::Append>(),
    Row::write::<text::bitfield::Bitfield>(),
    Row::write::<text::getdel::Getdel>(),
    Row::write::<text::getex::Getex>(),
    Row::write::<text::getset::Getset>(),
    Row::write::<text::incr::Decr>(),
    Row::write::<text::incr::Decrby>(),
    Row::write::<text::incr::Incr>(),
    Row::write::<text::incr::Incrby>(),
    Row::write::<text::incrbyfloat::Incrbyfloat>(),
    Row::write::<text::mset::Mset>(),
    Row::write::<text::mset::Msetnx>(),
    Row::write::<text::set::Set>(),
    Row::write::<text::setex::Psetex>(),
    Row::write::<text::setex::Setex>(),
    Row::write::<text::setnx::Setnx>(),
    Row::write::<text::setrange::Setrange>(),
    Row::read::<lists::lindex::Lindex>(),
    Row::read::<lists::llen::Llen>(),
    Row::read::<lists::pos::Lpos>(),
    Row::read::<lists::range::Lrange>(),
    Row::write::<lists::insert::Linsert>(),
    Row::write::<lists::move_one::Lmove>(),
    Row::write::<lists::move_one::Rpoplpush>(),
    Row::write::<lists::pop::Lpop>(),
    Row::write::<lists::pop::Rpop>(),
    Row::write::<lists::push::Lpush>(),
    Row::write::<lists::push::Lpushx>(),
    Row::write::<lists::push::Rpush>(),
    Row::write::<lists::push::Rpushx>(),
    Row::write::<lists::rem::Lrem>(),
    Row::write::<lists::set::Lset>(),
    Row::write::<lists::trim::Ltrim>(),
    Row::read::<sets::card::Scard>(),
    Row::read::<sets::combine::Sdiff>(),
    Row::read::<sets::combine::Sinter>(),
    Row::read::<sets::combine::Sunion>(),
    Row::read::<sets::is_member::Sismember>(),
    Row::read::<sets::is_member::Smismember>(),
    Row::read::<sets::members::Smembers>(),
    Row::read::<sets::random::Srandmember>(),
    Row::read::<sets::scan::Sscan>(),
    Row::write::<sets::add::Sadd>(),
    Row::write::<sets::move_one::Smove>(),
    Row::write::<sets::pop::Spop>(),
    Row::write::<sets::rem::Srem>(),
    Row::read::<hashes::all::Hgetall>(),
    Row::read::<hashes::all::Hkeys>(),
    Row::read::<hashes::all::Hvals>(),
    Row::read::<hashes::count::Hlen>(),
    Row::read::<hashes::get::Hexists>(),
    Row::read::<hashes::get::Hget>(),
    Row::read::<hashes::get::Hstrlen>(),
    Row::read::<hashes::mget::Hmget>(),
    Row::read::<hashes::random::Hrandfield>(),
    Row::read::<hashes::scan::Hscan>(),
    Row::write::<hashes::del::Hdel>(),
    Row::write::<hashes::incrby::Hincrby>(),
    Row::write::<hashes::incrbyfloat::Hincrbyfloat>(),
    Row::write::<hashes::set::Hmset>(),
    Row::write::<hashes::set::Hset>(),
    Row::write::<hashes::setnx::Hsetnx>(),
    Row::read::<sorted_sets::card::Zcard>(),
    Row::read::<sorted_sets::count::Zcount>(),
    Row::read::<sorted_sets::count::Zlexcount>(),
    Row::read::<sorted_sets::range::Zrange>(),
    Row::read::<sorted_sets::range_old::Zrangebylex>(),
    Row::read::<sorted_sets::range_old::Zrangebyscore>(),
    Row::read::<sorted_sets::range_old::Zrevrange>(),
    Row::read::<sorted_sets::range_old::Zrevrangebylex>(),
    Row::read::<sorted_sets::range_old::Zrevrangebyscore>(),
    Row::read::<sorted_sets::rank::Zrank>(),
    Row::read::<sorted_sets::rank::Zrevrank>(),
    Row::read::<sorted_sets::scan::Zscan>(),
    Row::read::<sorted_sets::score::Zmscore>(),
    Row::read::<sorted_sets::score::Zscore>(),
    Row::write::<sorted_sets::add::Zadd>(),
    Row::write::<sorted_sets::incrby::Zincrby>(),
    Row::write::<sorted_sets::pop::Zpopmax>(),
    Row::write::<sorted_sets::pop::Zpopmin>(),
    Row::write::<sorted_sets::rem::Zrem>(),
    Row::write::<sorted_sets::remrange::Zremrangebylex>(),
    Row::write::<sorted_sets::remrange::Zremrangebyrank>(),
    Row::write::<sorted_sets::remrange::Zremrangebyscore>(),
    Row::read::<json::arrindex::Arrindex>(),
    Row::read::<json::arrlen::Arrlen>(),
    Row::read::<json::debug::Debug>(),
    Row::read::<json::get::Get>(),
    Row::read::<json::mget::Mget>(),
    Row::read::<json::objkeys::Objkeys>(),
    Row::read::<json::objlen::Objlen>(),
    Row::read::<json::resp::Resp>(),
    Row::read::<json::strlen::Strlen>(),
    Row::read::<json::type_of::TypeOf>(),
    Row::read::<json::version::Version>(),
    Row::write::<json::arithmetic::NumIncrBy>(),
    Row::write::<json::arithmetic::NumMultBy>(),
    Row::write::<json::arithmetic::NumPowBy>(),
    Row::write::<json::arrappend::Arrappend>(),
    Row::write::<json::arrinsert::Arrinsert>(),
    Row::write::<json::arrpop::Arrpop>(),
    Row::write::<json::arrrem::Arrrem>(),
    Row::write::<json::arrtrim::Arrtrim>(),
    Row::write::<json::clear::Clear>(),
    Row::write::<json::del::Del>(),
    Row::write::<json::merge::Merge>(),
    Row::write::<json::mset::Mset>(),
    Row::write::<json::patch::Patch>(),
    Row::write::<json::set::Set>(),
    Row::write::<json::strappend::Strappend>(),
    Row::write::<json::toggle::Toggle>(),
    Row::read::<vault::qget::Qget>(),
    Row::write::<vault::delete::Delete>(),
    Row::write::<vault::merge::Merge>(),
    Row::write::<vault::qset::Qset>(),
];

/// What nodes propose by themselves: in the log like any write, but found by no client under its name.
pub static INTERNAL: &[Row] = &[Row::write::<keys::reap::Reap>()];

/// No name of a command is longer; the test of the table holds it.
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

/// The command of this name, in any case.
pub fn find(name: &[u8]) -> Option<&'static Row> {
    position(name).map(|position| &ROWS[position])
}

/// Where the command of this name, in any case, stands in [`ROWS`].
pub fn position(name: &[u8]) -> Option<usize> {
    let mut upper = [0u8; NAME_BYTES_MAX];
    let upper = upper.get_mut(..name.len())?;
    upper.copy_from_slice(name);
    upper.make_ascii_uppercase();
    BY_NAME.get(&*upper).copied()
}

/// The command with this code in the log.
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
            assert!(find(row.spec.name.as_bytes()).is_none(), "clients find {}", row.spec.name);
            let Route::Write { code, .. } = row.route else { panic!("{} does not write", row.spec.name) };
            assert!(codes.insert(code) && by_code(code).is_some(), "{}", row.spec.name);
        }
        for row in ROWS {
            for (name, _) in row.names() {
                assert!(names.insert(name), "{name} stands twice");
                assert!(name.len() <= NAME_BYTES_MAX && name == name.to_ascii_uppercase(), "{name}");
                assert_eq!(
                    find(name.to_ascii_lowercase().as_bytes()).map(|row| row.spec.name),
                    Some(row.spec.name)
                );
            }
            if let Route::Write { code, .. } = row.route {
                assert!(codes.insert(code), "{}: code {code} stands twice", row.spec.name);
            }
            assert!(row.spec.summary.ends_with('.'), "{}: a summary is a sentence", row.spec.name);
            assert_ne!(row.spec.arity, 0, "{}", row.spec.name);
        }
    }

    #[test]
    fn the_keys_of_a_row_lie_within_its_shortest_request() {
        for row in ROWS {
            let words = row.spec.arity.unsigned_abs().max(row.spec.keys.first.unsigned_abs() + 1) as usize;
            if !row.spec.keys.are_no_keys() {
                assert!(row.spec.keys.positions(words).next().is_some(), "{}", row.spec.name);
            }
            let inner = row.subcommands.iter().map(|one| one.syntax);
            let in_syntax = std::iter::once(row.spec.syntax)
                .chain(inner)
                .flat_map(super::super::syntax::arguments)
                .any(|argument| format!("{argument:?}").contains("kind: Key"));
            assert_eq!(in_syntax, !row.spec.keys.are_no_keys(), "{}: key in the syntax", row.spec.name);
        }
    }
}
