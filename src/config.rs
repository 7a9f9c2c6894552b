//! Settings: one name each, as a flag, an environment variable, a key of the config file, and in
//! `CONFIG`.
//!
//! A flag takes precedence over the environment, the environment over the file, the file over the
//! default. `--node-id`, `JSONVAULT_NODE_ID` and `node-id` are the same setting: one row of the
//! table in `config/settings.rs` defines all its forms. Settings that redis.conf also has keep
//! their names, syntax and errors.
//!
//! Invariants:
//! * a `Config` that was loaded or changed has been checked as a whole;
//! * a change of several settings applies as a whole or not at all.

mod bind;
mod file;
mod keyspace_events;
mod output_limits;
mod peers;
mod rewrite;
mod secret;
mod setting;
mod settings;
mod source;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

pub use bind::BindAddr;
pub use keyspace_events::KeyspaceEvents;
pub use output_limits::{OutputLimit, OutputLimits};
pub use peers::{Advertised, Peers, port};
pub use rewrite::rewrite;
pub use secret::Secret;
pub use setting::Setting;
pub use settings::SETTINGS;

use crate::command::{ReadConsistency, SettingRefused};
use crate::error::Fatal;
use crate::resp::Limits;

/// How a follower handles a request that only the leader can answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum RedirectMode {
    /// It forwards the request to the leader, so every client works with any address.
    #[default]
    Forward,
    /// It replies with the leader's address, as a replica of a Redis Cluster does.
    Moved,
}

/// Who finalizes an upgrade, after which no node can go back to the earlier release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum UpgradeFinalize {
    /// The leader, as soon as every member runs the new release.
    #[default]
    Auto,
    /// An operator, with `RAFT.CLUSTER FINALIZE`.
    Manual,
}

/// Default difference between the client port and the port for other nodes.
const RAFT_PORT_OFFSET: u16 = 10_000;

/// Default and maximum of the request size. Lengths in a log entry have four bytes, and memory
/// holds several copies of a request while it is processed.
const REQUEST_BYTES_CEILING: usize = Limits::DEFAULT.request_bytes_max;

/// The settings of a node. The table in `config/settings.rs` describes each of them.
#[derive(Clone, Debug)]
pub struct Config {
    /// The client address, host:port. If there are several, [`Config::bind_addrs`] returns all of
    /// them, this one first.
    pub address: String,
    /// Further hosts besides that of `address`. A host with a `-` in front is optional.
    pub further_hosts: Vec<String>,
    /// The configured address, once `address` has been replaced by the bound one.
    pub configured_address: Option<String>,
    pub node_id: u64,
    pub dir: PathBuf,
    pub raft_address: Option<String>,
    pub peers: Peers,
    pub join: String,
    pub advertise: String,
    pub cluster_enabled: bool,
    pub cluster_announce_ip: String,
    pub cluster_announce_port: u16,
    pub cluster_announce_bus_port: u16,
    pub redirect_mode: RedirectMode,
    pub protected_mode: bool,
    pub requirepass: Secret,
    pub masterauth: Secret,
    pub loglevel: String,
    pub read_consistency: ReadConsistency,
    pub maxclients: usize,
    /// The configured `maxclients`, once `maxclients` has been lowered to what the system allows.
    pub configured_maxclients: Option<usize>,
    /// Seconds after which an idle connection is closed; 0 means never.
    pub timeout: u64,
    pub tcp_keepalive: u64,
    pub proto_max_bulk_len: usize,
    pub client_query_buffer_limit: usize,
    pub client_output_buffer_limit: OutputLimits,
    pub notify_keyspace_events: KeyspaceEvents,
    /// Microseconds from which a command counts as slow; if negative, none does.
    pub slowlog_log_slower_than: i64,
    pub slowlog_max_len: usize,
    pub acllog_max_len: usize,
    /// Milliseconds from which a latency event is recorded; 0 records none.
    pub latency_monitor_threshold: u64,
    /// Whether the duration of each command is measured.
    pub latency_tracking: bool,
    pub tracking_table_max_keys: usize,
    pub document_max_bytes: usize,
    pub snapshot_log_bytes: u64,
    pub snapshot_log_entries: u64,
    pub upgrade_finalize: UpgradeFinalize,
    /// The config file with which the node was started.
    pub config: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Config {
        Config {
            address: "127.0.0.1:6379".to_string(),
            further_hosts: Vec::new(),
            configured_address: None,
            node_id: 1,
            dir: "./data".into(),
            raft_address: None,
            peers: Peers::default(),
            join: String::new(),
            advertise: String::new(),
            cluster_enabled: false,
            cluster_announce_ip: String::new(),
            cluster_announce_port: 0,
            cluster_announce_bus_port: 0,
            redirect_mode: RedirectMode::Forward,
            protected_mode: true,
            requirepass: Secret::default(),
            masterauth: Secret::default(),
            loglevel: "info".to_string(),
            read_consistency: ReadConsistency::Linearizable,
            maxclients: 10_000,
            configured_maxclients: None,
            timeout: 0,
            tcp_keepalive: 300,
            proto_max_bulk_len: Limits::DEFAULT.bulk_bytes_max,
            client_query_buffer_limit: Limits::DEFAULT.request_bytes_max,
            client_output_buffer_limit: OutputLimits::default(),
            notify_keyspace_events: KeyspaceEvents::default(),
            // The defaults for the slow log, latency and tracking are those of Redis, which
            // operators know.
            slowlog_log_slower_than: 10_000,
            slowlog_max_len: 128,
            acllog_max_len: 128,
            latency_monitor_threshold: 0,
            latency_tracking: true,
            tracking_table_max_keys: 1_000_000,
            document_max_bytes: 64 << 20,
            snapshot_log_bytes: 512 << 20,
            snapshot_log_entries: 1_000_000,
            upgrade_finalize: UpgradeFinalize::Auto,
            config: None,
        }
    }
}

/// Settings that contradict each other.
struct Conflict {
    name: &'static str,
    reason: String,
}

impl Config {
    /// Reads the settings from the command line, the environment and the config file. On `--help`
    /// and `--version`, prints the help or the version and ends the process.
    ///
    /// # Errors
    /// [`Fatal::Config`] with the invalid flag, variable or line of the file, or with a setting
    /// that contradicts others.
    pub fn load(arguments: impl IntoIterator<Item = OsString>) -> Result<Config, Fatal> {
        let variable = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
        let flags = source::flags(arguments.into_iter().skip(1))?;
        if flags.help || flags.version {
            print!(
                "{}",
                if flags.help {
                    source::help()
                } else {
                    concat!("server ", env!("CARGO_PKG_VERSION"), "\n").into()
                }
            );
            std::process::exit(0);
        }
        Config::resolve(flags, &variable)
    }

    fn resolve(flags: source::Flags, variable: &impl Fn(&str) -> Option<String>) -> Result<Config, Fatal> {
        let from_variable =
            || variable("JSONVAULT_CONFIG").filter(|path| !path.is_empty()).map(PathBuf::from);
        let path = flags.file.or_else(from_variable);
        let mut all = path.as_deref().map_or(Ok(Vec::new()), file::read)?;
        all.extend(source::variables(variable));
        all.extend(flags.assignments);
        let config = Config { config: path, ..source::resolve(&all)? };
        config.check().map_err(|Conflict { name, reason }| Fatal::Config(format!("{name}: {reason}")))?;
        Ok(config)
    }

    /// Checks that the settings do not contradict each other.
    fn check(&self) -> Result<(), Conflict> {
        let wrong = |name, reason: &str| Err(Conflict { name, reason: reason.to_string() });
        self.raft_address()
            .and(self.advertised().map(|_| String::new()))
            .map_err(|error| Conflict { name: "address", reason: error.to_string() })?;
        if !self.peers.is_empty() && self.peers.get(self.node_id).is_none() {
            return wrong("peers", &format!("this node ({}) is not in the list", self.node_id));
        }
        if !self.peers.is_empty() && !self.join.is_empty() {
            return wrong("join", "a node either forms a cluster (peers) or joins one (join)");
        }
        if self.redirect_mode == RedirectMode::Moved && !self.cluster_enabled {
            return wrong("redirect-mode", "the value moved requires cluster-enabled yes");
        }
        if self.proto_max_bulk_len >= self.client_query_buffer_limit {
            return wrong("proto-max-bulk-len", "must be below client-query-buffer-limit");
        }
        Ok(())
    }

    /// Returns the settings with these changes; either all of them apply or none. Names are
    /// case-insensitive.
    pub fn changed(&self, pairs: &[(String, String)]) -> Result<Config, SettingRefused> {
        let mut found = Vec::new();
        for (name, value) in pairs {
            let unknown =
                || SettingRefused::Unknown { name: name.clone(), nearest: setting::nearest_name(name) };
            let setting = setting::find(name).ok_or_else(unknown)?;
            let failed =
                |reason: &str| SettingRefused::Failed { name: setting.name, reason: reason.to_string() };
            if !setting.changeable {
                return Err(failed("can't set immutable config"));
            }
            if found.iter().any(|(other, _): &(&setting::Setting, _)| other.name == setting.name) {
                return Err(failed("duplicate parameter"));
            }
            found.push((setting, value));
        }
        let mut config = self.clone();
        for (setting, value) in found {
            (setting.set)(&mut config, value)
                .map_err(|reason| SettingRefused::Failed { name: setting.name, reason })?;
        }
        config.check().map_err(|Conflict { name, reason }| SettingRefused::Failed { name, reason })?;
        Ok(config)
    }

    /// The addresses at which other nodes and clients reach this node, if they are configured.
    pub fn advertised(&self) -> Result<Option<Advertised>, Fatal> {
        if !self.advertise.is_empty() {
            let parsed = self.advertise.parse().map_err(|error| Fatal::Config(format!("advertise: {error}")));
            return parsed.map(Some);
        }
        if let Some(announced) = self.announced()? {
            return Ok(Some(announced));
        }
        Ok(self.peers.get(self.node_id).cloned())
    }

    /// The addresses that the `cluster-announce-*` settings define; `None` if none of them is set.
    /// Parts that are not set are taken from the addresses to bind.
    fn announced(&self) -> Result<Option<Advertised>, Fatal> {
        if self.cluster_announce_ip.is_empty()
            && self.cluster_announce_port == 0
            && self.cluster_announce_bus_port == 0
        {
            return Ok(None);
        }
        let (bound_host, bound_port) = self.host_and_port();
        let host = if self.cluster_announce_ip.is_empty() { bound_host } else { &self.cluster_announce_ip };
        let port_or = |port: u16, bound: u16| if port == 0 { bound } else { port };
        let raft_port = bind::split(&self.raft_address()?).map_or(0, |(_, port)| port);
        let client = bind::join(host, port_or(self.cluster_announce_port, bound_port));
        let raft = bind::join(host, port_or(self.cluster_announce_bus_port, raft_port));
        format!("{client}@{raft}")
            .parse()
            .map(Some)
            .map_err(|error| Fatal::Config(format!("cluster-announce-ip, cluster-announce-port: {error}")))
    }

    /// The address to bind for other nodes.
    pub fn raft_address(&self) -> Result<String, Fatal> {
        if let Some(address) = &self.raft_address {
            return Ok(address.clone());
        }
        if let (Some(own), Some((host, _))) = (self.peers.get(self.node_id), self.address.rsplit_once(':')) {
            return Ok(format!("{host}:{}", own.raft_port()));
        }
        let (host, port) = self.host_and_port();
        if port == 0 {
            return Ok(bind::join(host, 0));
        }
        let port = port.checked_add(RAFT_PORT_OFFSET).ok_or_else(|| {
            Fatal::Config(format!(
                "the default for raft-address, client port {port} + {RAFT_PORT_OFFSET}, is not a valid port: set raft-address"
            ))
        })?;
        Ok(bind::join(host, port))
    }

    pub fn limits(&self) -> Limits {
        Limits {
            bulk_bytes_max: self.proto_max_bulk_len,
            request_bytes_max: self.client_query_buffer_limit,
            output_bytes_max: self.client_output_buffer_limit.normal.hard_bytes_max(),
            ..Limits::DEFAULT
        }
    }

    /// The password for the node that `join` names. The default is this node's password, because
    /// the nodes of a cluster usually share one. `None` if neither password is set.
    pub fn join_password(&self) -> Option<&str> {
        let secret = if self.masterauth.is_set() { &self.masterauth } else { &self.requirepass };
        Some(secret.text()).filter(|text| !text.is_empty())
    }

    /// Names and values of all settings, as `CONFIG GET` shows them.
    pub fn entries(&self) -> Vec<(String, String)> {
        SETTINGS.iter().map(|setting| (setting.name.to_string(), (setting.get)(self))).collect()
    }
}

#[cfg(test)]
mod tests;
