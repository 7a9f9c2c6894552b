//! The table of settings, one row each, in the order of `--help` and `CONFIG GET`.

use super::setting::{Form, Setting};
use super::values::{choice, fact, memory, named, number, word_of, yes_or_no};
use super::{REQUEST_BYTES_CEILING, Secret};

/// Minimum of `proto-max-bulk-len` and `client-query-buffer-limit`, as in Redis.
const SIZE_MIN: i128 = 1 << 20;
const U64_MAX: i128 = u64::MAX as i128;
const I64_MAX: i128 = i64::MAX as i128;

/// A setting that is a field of `Config`, with functions that display and parse it.
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

/// A setting that is a text.
macro_rules! text {
    ($name:literal, $field:ident, $help:literal) => {
        field!($name, $field, String::clone, |text: &str| Ok::<_, String>(text.to_string()), $help)
    };
}

/// A setting that is a value with `FromStr` and `Display`.
macro_rules! parsed {
    ($name:literal, $field:ident, $help:literal) => {
        field!($name, $field, ToString::to_string, str::parse, $help)
    };
}

/// A setting that is a whole number within bounds.
macro_rules! whole {
    ($name:literal, $field:ident, $least:expr, $most:expr, $help:literal) => {
        field!($name, $field, ToString::to_string, |text| number(text, $least, $most), $help)
    };
}

/// A setting that is a size in bytes, with an optional unit.
macro_rules! size {
    ($name:literal, $field:ident, $least:expr, $most:expr, $help:literal) => {
        field!($name, $field, ToString::to_string, |text| memory(text, $least, $most), $help)
    };
}

/// A setting that is yes or no.
macro_rules! yes_no {
    ($name:literal, $field:ident, $help:literal) => {
        field!($name, $field, |on: &bool| word_of(*on).to_string(), yes_or_no, $help)
    };
}

/// A setting that is one of several words.
macro_rules! one_of {
    ($name:literal, $field:ident, $help:literal) => {
        field!($name, $field, named, choice, $help)
    };
}

/// A setting that is a password.
macro_rules! secret {
    ($name:literal, $field:ident, $help:literal) => {
        field!($name, $field, |secret: &Secret| secret.text().to_string(), Secret::new, $help)
    };
}

/// A Redis setting whose value is fixed here, so that tools and config files of Redis work.
macro_rules! fact {
    ($name:literal, $fact:literal, $help:literal, $why:literal) => {
        Setting::one($name, $help, |_| $fact.to_string(), |_, text| fact($fact, text, $why)).changeable()
    };
}

/// All settings. A new one needs a row here and, unless its value is fixed, a field of `Config`.
pub static SETTINGS: &[Setting] = &[
    Setting::one(
        "address",
        "The client address, host:port: bind and port in one",
        |config| config.address.clone(),
        |config, text| config.set_address(text),
    )
    .shorthand(),
    Setting::one(
        "bind",
        "The client addresses; an address with a - in front is optional",
        |config| config.bind(),
        |config, text| config.set_bind(text),
    )
    .formed(Form::Several),
    Setting::one(
        "port",
        "The client port; 0: any free port",
        |config| config.host_and_port().1.to_string(),
        |config, text| {
            config.set_port(number(text, 0, 65535)?);
            Ok(())
        },
    ),
    Setting::one(
        "dir",
        "The data directory",
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
        "The address for other nodes, host:port; by default the client port + 10000",
        |config| config.raft_address().unwrap_or_default(),
        |config, text| {
            config.raft_address = Some(text.to_string()).filter(|address| !address.is_empty());
            Ok(())
        },
    ),
    parsed!(
        "peers",
        peers,
        "The initial members of a cluster, with the same list on each member: id=host:port@raft-port, comma-separated"
    ),
    text!(
        "join",
        join,
        "Joins the cluster of the node at this client address, host:port, unless this node is a member already"
    ),
    text!(
        "advertise",
        advertise,
        "The addresses at which others reach this node, host:port@raft-port, if they differ from the bound ones"
    ),
    yes_no!("cluster-enabled", cluster_enabled, "Whether the commands of Redis Cluster are available"),
    text!(
        "cluster-announce-ip",
        cluster_announce_ip,
        "The host at which others reach this node, as part of advertise"
    ),
    whole!(
        "cluster-announce-port",
        cluster_announce_port,
        0,
        65535,
        "The port at which clients reach this node; 0: the bound port"
    ),
    whole!(
        "cluster-announce-bus-port",
        cluster_announce_bus_port,
        0,
        65535,
        "The port at which other nodes reach this node; 0: the bound port"
    ),
    one_of!(
        "redirect-mode",
        redirect_mode,
        "How a follower handles clients of Redis Cluster: it forwards requests (forward) or redirects the clients (moved)"
    ),
    yes_no!(
        "protected-mode",
        protected_mode,
        "Whether only clients at a loopback address are served while no password is set"
    )
    .changeable(),
    secret!(
        "requirepass",
        requirepass,
        "The password of clients; it is safer in the config file or the environment than in a flag"
    )
    .changeable(),
    secret!("masterauth", masterauth, "The password for the node that --join names [requirepass]")
        .changeable(),
    text!(
        "loglevel",
        loglevel,
        "The log level: error, warn, info, debug, trace, or a filter such as jsonvault=debug"
    ),
    fact!("logfile", "", "Always empty: messages go to standard error", "messages go to standard error"),
    one_of!("read-consistency", read_consistency, "The consistency of reads: linearizable, lease or local")
        .changeable(),
    Setting::one(
        "maxclients",
        "The maximum number of client connections",
        |config| config.maxclients.to_string(),
        |config, text| {
            config.maxclients = number(text, 1, 4_294_967_295)?;
            config.configured_maxclients = None;
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
        "Whether TCP keepalive probes idle clients; 0: no; otherwise at the system's interval"
    ),
    size!(
        "proto-max-bulk-len",
        proto_max_bulk_len,
        SIZE_MIN,
        I64_MAX,
        "The maximum length of an argument of a request, in bytes"
    )
    .changeable(),
    size!(
        "client-query-buffer-limit",
        client_query_buffer_limit,
        SIZE_MIN,
        REQUEST_BYTES_CEILING as i128,
        "The maximum size of a request, in bytes"
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
        "The keyspace events to publish, in the letters of Redis"
    )
    .changeable(),
    whole!(
        "slowlog-log-slower-than",
        slowlog_log_slower_than,
        -1,
        I64_MAX,
        "Microseconds from which a command is slow; -1: none"
    )
    .changeable(),
    whole!("slowlog-max-len", slowlog_max_len, 0, I64_MAX, "The maximum number of entries in the slow log")
        .changeable(),
    whole!("acllog-max-len", acllog_max_len, 0, I64_MAX, "The maximum number of records in ACL LOG")
        .changeable(),
    whole!(
        "latency-monitor-threshold",
        latency_monitor_threshold,
        0,
        I64_MAX,
        "Milliseconds from which a latency event is recorded; 0: none"
    )
    .changeable(),
    yes_no!("latency-tracking", latency_tracking, "Whether the duration of each command is measured")
        .changeable(),
    whole!(
        "tracking-table-max-keys",
        tracking_table_max_keys,
        0,
        I64_MAX,
        "The maximum number of keys that are tracked for caching clients"
    )
    .changeable(),
    size!(
        "document-max-bytes",
        document_max_bytes,
        1,
        268_435_455,
        "The maximum size of a document, in bytes of JSON text"
    )
    .changeable(),
    size!(
        "snapshot-log-bytes",
        snapshot_log_bytes,
        1,
        U64_MAX,
        "A snapshot is taken when the log has grown by this many bytes"
    ),
    whole!(
        "snapshot-log-entries",
        snapshot_log_entries,
        1,
        U64_MAX,
        "A snapshot is taken when the log has grown by this many entries"
    ),
    one_of!(
        "upgrade-finalize",
        upgrade_finalize,
        "Who raises the cluster version after an upgrade: the leader, once every node runs the new release (auto), or an operator (manual)"
    )
    .changeable(),
    fact!("appendonly", "yes", "Always yes", "every write is in the log before its reply"),
    fact!("appendfsync", "always", "Always always", "every write is on disk before its reply"),
    fact!("save", "", "Always empty", "snapshots follow snapshot-log-bytes and snapshot-log-entries")
        .formed(Form::Adding),
    fact!("databases", "1", "Always 1", "there is one database, number 0"),
    fact!("maxmemory", "0", "Always 0", "no setting limits the memory, and nothing is evicted"),
    fact!("maxmemory-policy", "noeviction", "Always noeviction", "nothing is evicted"),
];
