//! The table of settings: one row for each, in the order of `--help` and `CONFIG GET`.

use super::setting::{Form, Setting};
use super::values::{choice, memory, named, number, only, word_of, yes_or_no};
use super::{REQUEST_BYTES_CEILING, Secret};

/// Sizes below are no use: the shortest useful limits, as in Redis.
const SIZE_MIN: i128 = 1 << 20;
const U64_MAX: i128 = u64::MAX as i128;
const I64_MAX: i128 = i64::MAX as i128;

/// A setting that is a field: how it is shown, and how it is read.
macro_rules! field {
    ($name:literal, $field:ident, $show:expr, $read:expr, $help:literal) => {
        Setting::one(
            $name,
            $help,
            |config| $show(&config.$field),
            |config, text: &str| {
                config.$field = $read(text)?;
                Ok(())
            },
        )
    };
}

/// The field's text.
macro_rules! text {
    ($name:literal, $field:ident, $help:literal) => {
        field!($name, $field, String::clone, |text: &str| Ok::<_, String>(text.to_string()), $help)
    };
}

/// A value that reads itself.
macro_rules! parsed {
    ($name:literal, $field:ident, $help:literal) => {
        field!($name, $field, ToString::to_string, str::parse, $help)
    };
}

/// A whole number within bounds.
macro_rules! whole {
    ($name:literal, $field:ident, $least:expr, $most:expr, $help:literal) => {
        field!($name, $field, ToString::to_string, |text| number(text, $least, $most), $help)
    };
}

/// A size in bytes, which may have a unit.
macro_rules! size {
    ($name:literal, $field:ident, $least:expr, $most:expr, $help:literal) => {
        field!($name, $field, ToString::to_string, |text| memory(text, $least, $most), $help)
    };
}

/// Yes or no.
macro_rules! yes_no {
    ($name:literal, $field:ident, $help:literal) => {
        field!($name, $field, |on: &bool| word_of(*on).to_string(), yes_or_no, $help)
    };
}

/// One of several words.
macro_rules! one_of {
    ($name:literal, $field:ident, $help:literal) => {
        field!($name, $field, named, choice, $help)
    };
}

/// A password.
macro_rules! secret {
    ($name:literal, $field:ident, $help:literal) => {
        field!($name, $field, |secret: &Secret| secret.text().to_string(), Secret::new, $help)
    };
}

/// What is true whatever is wanted: in the words of Redis, for its tools and its files.
macro_rules! fact {
    ($name:literal, $fact:literal, $help:literal, $why:literal) => {
        Setting::one($name, $help, |_| $fact.to_string(), |_, text| only($fact, text, $why)).changeable()
    };
}

/// Every setting. Adding one is a row here and a field of `Config`.
pub static SETTINGS: &[Setting] = &[
    Setting::one(
        "address",
        "Where clients connect, host:port: bind and port in one",
        |config| config.address.clone(),
        |config, text| config.set_address(text),
    )
    .shorthand(),
    Setting::one(
        "bind",
        "The addresses where clients connect; one with a - in front may be missing",
        |config| config.bind(),
        |config, text| config.set_bind(text),
    )
    .formed(Form::Several),
    Setting::one(
        "port",
        "The port where clients connect; 0: any free one",
        |config| config.host_and_port().1.to_string(),
        |config, text| {
            config.set_port(number(text, 0, 65535)?);
            Ok(())
        },
    ),
    Setting::one(
        "dir",
        "Where the data is kept",
        |config| config.dir.display().to_string(),
        |config, text| {
            config.dir = text.into();
            Ok(())
        },
    ),
    whole!(
        "node-id",
        node_id,
        1,
        U64_MAX,
        "This node's number in its cluster; a data directory belongs to one number"
    ),
    Setting::one(
        "raft-address",
        "Where other nodes connect, host:port: the client port + 10000, unless it is said",
        |config| config.raft_address().unwrap_or_default(),
        |config, text| {
            config.raft_address = Some(text.to_string()).filter(|address| !address.is_empty());
            Ok(())
        },
    ),
    parsed!(
        "peers",
        peers,
        "The initial members of a cluster, the same on each: id=host:port@raft-port, by commas"
    ),
    text!(
        "join",
        join,
        "Joins the cluster of the node at this client address, host:port, unless it is a member already"
    ),
    text!(
        "advertise",
        advertise,
        "Where others reach this node, host:port@raft-port, if not where it is bound"
    ),
    yes_no!("cluster-enabled", cluster_enabled, "Whether the commands of Redis Cluster are answered"),
    text!(
        "cluster-announce-ip",
        cluster_announce_ip,
        "The host where others reach this node; advertise in parts"
    ),
    whole!(
        "cluster-announce-port",
        cluster_announce_port,
        0,
        65535,
        "The port where clients reach it; 0: as bound"
    ),
    whole!(
        "cluster-announce-bus-port",
        cluster_announce_bus_port,
        0,
        65535,
        "The port where nodes reach it; 0: as bound"
    ),
    one_of!(
        "redirect-mode",
        redirect_mode,
        "What a follower does for clients of Redis Cluster: forward or moved"
    ),
    yes_no!(
        "protected-mode",
        protected_mode,
        "Whether, without a password, only clients over a loopback address are served"
    )
    .changeable(),
    secret!("requirepass", requirepass, "The password of clients; better in the file or the environment")
        .changeable(),
    secret!("masterauth", masterauth, "The password at the node that --join names [requirepass]")
        .changeable(),
    text!(
        "loglevel",
        loglevel,
        "What is logged: error, warn, info, debug, trace, or a filter such as jsonvault=debug"
    ),
    fact!("logfile", "", "Always empty: messages go to standard error", "messages go to standard error"),
    one_of!("read-consistency", read_consistency, "How fresh reads are: linearizable, lease or local")
        .changeable(),
    Setting::one(
        "maxclients",
        "The most client connections",
        |config| config.maxclients.to_string(),
        |config, text| {
            config.maxclients = number(text, 1, 4_294_967_295)?;
            config.asked_maxclients = None;
            Ok(())
        },
    )
    .changeable(),
    whole!(
        "timeout",
        timeout,
        0,
        2_147_483_647,
        "Seconds after which an idle connection is closed; 0: never"
    )
    .changeable(),
    whole!(
        "tcp-keepalive",
        tcp_keepalive,
        0,
        2_147_483_647,
        "Whether silent clients are probed; 0: no, else at the system's pace"
    ),
    size!(
        "proto-max-bulk-len",
        proto_max_bulk_len,
        SIZE_MIN,
        I64_MAX,
        "The longest argument of a request, in bytes"
    )
    .changeable(),
    size!(
        "client-query-buffer-limit",
        client_query_buffer_limit,
        SIZE_MIN,
        REQUEST_BYTES_CEILING as i128,
        "The largest request, in bytes"
    )
    .changeable(),
    Setting::one(
        "client-output-buffer-limit",
        "Bytes of replies that may wait for a client: class hard soft seconds ..",
        |config| config.client_output_buffer_limit.to_string(),
        |config, text| config.client_output_buffer_limit.change(text),
    )
    .formed(Form::Adding)
    .changeable(),
    parsed!(
        "notify-keyspace-events",
        notify_keyspace_events,
        "Which events are published, in the letters of Redis"
    )
    .changeable(),
    whole!(
        "slowlog-log-slower-than",
        slowlog_log_slower_than,
        -1,
        I64_MAX,
        "Microseconds from which a command is slow; -1: none is"
    )
    .changeable(),
    whole!("slowlog-max-len", slowlog_max_len, 0, I64_MAX, "How many slow commands are remembered")
        .changeable(),
    whole!(
        "latency-monitor-threshold",
        latency_monitor_threshold,
        0,
        I64_MAX,
        "Milliseconds from which an event is remembered; 0: none is"
    )
    .changeable(),
    yes_no!("latency-tracking", latency_tracking, "Whether it is measured how long each command takes")
        .changeable(),
    whole!(
        "tracking-table-max-keys",
        tracking_table_max_keys,
        0,
        I64_MAX,
        "The most keys that are remembered for clients with a cache"
    )
    .changeable(),
    size!(
        "document-max-bytes",
        document_max_bytes,
        1,
        268_435_455,
        "The largest document, in bytes of JSON text"
    )
    .changeable(),
    size!(
        "snapshot-log-bytes",
        snapshot_log_bytes,
        1,
        U64_MAX,
        "A snapshot is taken when the log has grown by so many bytes"
    ),
    whole!("snapshot-log-entries", snapshot_log_entries, 1, U64_MAX, ".. or by so many entries"),
    fact!("appendonly", "yes", "Always yes", "every write is in the log before it is answered"),
    fact!("appendfsync", "always", "Always always", "every write is on disk before it is answered"),
    fact!("save", "", "Always empty", "snapshots follow snapshot-log-bytes and snapshot-log-entries")
        .formed(Form::Adding),
    fact!("databases", "1", "Always 1", "there is one database, number 0"),
    fact!("maxmemory", "0", "Always 0", "memory is not limited by a setting, and nothing is evicted"),
    fact!("maxmemory-policy", "noeviction", "Always noeviction", "nothing is evicted"),
];
