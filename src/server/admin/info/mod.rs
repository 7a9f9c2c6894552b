//! The text of `INFO`.
//!
//! Each section is a function and a row of [`SECTIONS`]. Fields that Redis also has keep their
//! names and meanings.
//!
//! | file | sections |
//! |---|---|
//! | this one | server, modules, keyspace |
//! | `counters` | clients, stats, commandstats, latencystats, errorstats |
//! | `process` | memory, cpu |
//! | `raft` | replication, raft, cluster, persistence |

mod counters;
mod process;
mod raft;
mod text;

use crate::command::connection::handshake::REDIS_VERSION;
use crate::server::state::ServerState;
use text::line;

type Section = (&'static str, fn(&ServerState, &mut String));

/// The sections, in the order of the output.
const SECTIONS: &[Section] = &[
    ("Server", server),
    ("Clients", counters::clients),
    ("Memory", process::memory),
    ("Persistence", raft::persistence),
    ("Stats", counters::stats),
    ("Replication", raft::replication),
    ("CPU", process::cpu),
    ("Raft", raft::raft),
    ("Cluster", raft::cluster),
    ("Modules", modules),
    ("Commandstats", counters::commandstats),
    ("Errorstats", counters::errorstats),
    ("Latencystats", counters::latencystats),
    ("Keyspace", keyspace),
];

/// Sections that are shown only if they are requested by name, or with `all` or `everything`.
const ON_REQUEST: &[&str] = &["commandstats", "latencystats"];

/// The text of the sections with these lower-case names; of the default sections if there is no
/// name.
pub fn text(state: &ServerState, names: &[String]) -> String {
    let wanted = |section: &str| {
        let section = section.to_lowercase();
        let default = !ON_REQUEST.contains(&section.as_str());
        let named = |name: &String| match name.as_str() {
            "all" | "everything" => true,
            "default" => default,
            name => name == section,
        };
        if names.is_empty() { default } else { names.iter().any(named) }
    };
    let mut out = String::new();
    for (name, write) in SECTIONS.iter().filter(|(name, _)| wanted(name)) {
        if !out.is_empty() {
            out.push_str("\r\n");
        }
        line(&mut out, format_args!("# {name}"));
        write(state, &mut out);
    }
    out
}

/// The runtime's mechanism for polling sockets.
const MULTIPLEXING: &str = if cfg!(target_os = "linux") { "epoll" } else { "kqueue" };

/// Maximum of `lru_clock`, which has 24 bits in Redis.
const LRU_CLOCK_MAX: u64 = (1 << 24) - 1;

/// The number of threads that serve clients.
fn io_threads() -> usize {
    tokio::runtime::Handle::try_current().map_or(1, |runtime| runtime.metrics().num_workers())
}

fn server(state: &ServerState, out: &mut String) {
    let config = state.config.read();
    let uptime = state.clock.now_ms().saturating_sub(state.started_ms) / 1000;
    line(out, format_args!("redis_version:{REDIS_VERSION}"));
    line(out, format_args!("server_name:jsonvault"));
    line(out, format_args!("jsonvault_version:{}", env!("CARGO_PKG_VERSION")));
    // The value that Redis reports when it was built outside of a repository.
    line(out, format_args!("redis_git_sha1:00000000"));
    line(out, format_args!("redis_git_dirty:0"));
    let mode = if config.cluster_enabled { "cluster" } else { "standalone" };
    line(out, format_args!("redis_mode:{mode}"));
    line(out, format_args!("os:{} {}", std::env::consts::OS, std::env::consts::ARCH));
    line(out, format_args!("arch_bits:{}", usize::BITS));
    line(out, format_args!("multiplexing_api:{MULTIPLEXING}"));
    line(out, format_args!("process_id:{}", std::process::id()));
    line(out, format_args!("run_id:{}", state.run_id));
    line(out, format_args!("tcp_port:{}", config.address.rsplit(':').next().unwrap_or_default()));
    line(out, format_args!("server_time_usec:{}", state.clock.now_ms() * 1000));
    line(out, format_args!("uptime_in_seconds:{uptime}"));
    line(out, format_args!("uptime_in_days:{}", uptime / 86_400));
    // The rate per second at which a busy server takes its samples.
    line(out, format_args!("hz:10"));
    line(out, format_args!("configured_hz:10"));
    line(out, format_args!("lru_clock:{}", (state.clock.now_ms() / 1000) & LRU_CLOCK_MAX));
    line(out, format_args!("executable:{}", state.executable.display()));
    let file = config.config.as_ref().map_or_else(String::new, |path| path.display().to_string());
    line(out, format_args!("config_file:{file}"));
    line(out, format_args!("io_threads_active:{}", u8::from(io_threads() > 1)));
}

fn modules(_state: &ServerState, out: &mut String) {
    line(out, format_args!("module:name=ReJSON,ver=80000,api=1,filters=0,usedby=[],using=[],options=[]"));
}

fn keyspace(state: &ServerState, out: &mut String) {
    let keys = state.keyspace.len();
    if keys > 0 {
        line(out, format_args!("db0:keys={keys},expires={},avg_ttl=0", state.keyspace.deadlines()));
    }
}
