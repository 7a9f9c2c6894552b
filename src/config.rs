//! Settings: one word for one thing, as a flag, an environment variable and a key of the config file.
//!
//! A flag wins over the environment, the environment over the file, the file over the default. `--node-id`,
//! `JSONVAULT_NODE_ID` and `node-id` are the same setting.

mod peers;
mod redirect;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser};

pub use peers::{Advertised, Peers};
pub use redirect::RedirectMode;
use redirect::{word_of, yes_or_no};

use crate::command::ReadConsistency;
use crate::error::Fatal;
use crate::resp::Limits;

/// How far the port for other nodes lies above the one for clients, unless it is said.
const RAFT_PORT_OFFSET: u16 = 10_000;

/// No request may be larger than the default allows: lengths in an entry of the log have four bytes, and a request is
/// in memory several times over while it is done.
const REQUEST_BYTES_CEILING: usize = Limits::DEFAULT.request_bytes_max;

/// JsonVault: JSON documents behind the Redis protocol, replicated by Raft.
#[derive(Clone, Debug, Parser)]
#[command(name = "server", version)]
pub struct Config {
    /// Where clients connect, host:port
    #[arg(long, env = "JSONVAULT_ADDRESS", default_value = "127.0.0.1:6379")]
    pub address: String,
    /// This node's number in its cluster; a data directory belongs to one number for good
    #[arg(long, env = "JSONVAULT_NODE_ID", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub node_id: u64,
    /// Where the data is kept
    #[arg(long, env = "JSONVAULT_DIR", default_value = "./data")]
    pub dir: PathBuf,
    /// Where other nodes connect, host:port [default: the client port + 10000]
    #[arg(long, env = "JSONVAULT_RAFT_ADDRESS")]
    pub raft_address: Option<String>,
    /// The founding members of a cluster, the same on each: id=host:port@raft-port, separated by commas
    #[arg(long, env = "JSONVAULT_PEERS", default_value = "")]
    pub peers: Peers,
    /// Joins the cluster of the node at this client address, host:port; a node that is a member already goes on as one
    #[arg(long, env = "JSONVAULT_JOIN", default_value = "")]
    pub join: String,
    /// Where others reach this node, host:port@raft-port, if not where it is bound
    #[arg(long, env = "JSONVAULT_ADVERTISE", default_value = "")]
    pub advertise: String,
    /// Whether the commands of Redis Cluster are answered, yes or no: the leader is the one master of all slots
    #[arg(long, env = "JSONVAULT_CLUSTER_ENABLED", default_value = "no", value_parser = yes_or_no, action = ArgAction::Set)]
    pub cluster_enabled: bool,
    /// What a follower does for clients of Redis Cluster with requests that the leader has to answer
    #[arg(long, env = "JSONVAULT_REDIRECT_MODE", default_value = "forward")]
    pub redirect_mode: RedirectMode,
    /// What is logged: error, warn, info, debug, trace, or a filter such as jsonvault=debug
    #[arg(long, env = "JSONVAULT_LOGLEVEL", default_value = "info")]
    pub loglevel: String,
    /// How fresh reads are
    #[arg(long, env = "JSONVAULT_READ_CONSISTENCY", default_value = "linearizable")]
    pub read_consistency: ReadConsistency,
    /// The most client connections
    #[arg(long, env = "JSONVAULT_MAXCLIENTS", default_value_t = 10_000)]
    pub maxclients: usize,
    /// Seconds after which an idle connection is closed; 0: never
    #[arg(long, env = "JSONVAULT_TIMEOUT", default_value_t = 0)]
    pub timeout: u64,
    /// The longest argument of a request, in bytes
    #[arg(long, env = "JSONVAULT_PROTO_MAX_BULK_LEN", default_value_t = Limits::DEFAULT.bulk_bytes_max)]
    pub proto_max_bulk_len: usize,
    /// The largest request, in bytes
    #[arg(long, env = "JSONVAULT_CLIENT_QUERY_BUFFER_LIMIT", default_value_t = Limits::DEFAULT.request_bytes_max)]
    pub client_query_buffer_limit: usize,
    /// The most bytes of replies that wait for one client before it is cut off
    #[arg(long, env = "JSONVAULT_CLIENT_OUTPUT_BUFFER_LIMIT", default_value_t = Limits::DEFAULT.output_bytes_max)]
    pub client_output_buffer_limit: usize,
    /// The largest document, in bytes of JSON text
    #[arg(long, env = "JSONVAULT_DOCUMENT_MAX_BYTES", default_value_t = 64 << 20)]
    pub document_max_bytes: usize,
    /// A snapshot is taken when the log has grown by so many bytes since the last
    #[arg(long, env = "JSONVAULT_SNAPSHOT_LOG_BYTES", default_value_t = 512 << 20)]
    pub snapshot_log_bytes: u64,
    /// ... or by so many entries
    #[arg(long, env = "JSONVAULT_SNAPSHOT_LOG_ENTRIES", default_value_t = 1_000_000)]
    pub snapshot_log_entries: u64,
    /// A file of settings: a name, a space and a value on each line; a line that begins with # is a comment
    #[arg(long, env = "JSONVAULT_CONFIG")]
    pub config: Option<PathBuf>,
}

impl Config {
    /// Reads the settings from the command line, the environment and the config file. Ends the process with
    /// clap's message on a wrong flag, and on `--help` and `--version`.
    ///
    /// # Errors
    /// [`Fatal::Config`] for a file that cannot be read, or that has a setting nobody knows.
    pub fn load(arguments: impl IntoIterator<Item = OsString>) -> Result<Config, Fatal> {
        let mut arguments: Vec<OsString> = arguments.into_iter().collect();
        let matches = Config::command().get_matches_from(&arguments);
        if let Some(path) = matches.get_one::<PathBuf>("config") {
            let unset = |name: &str| {
                !matches!(
                    matches.value_source(&name.replace('-', "_")),
                    Some(ValueSource::CommandLine | ValueSource::EnvVariable)
                )
            };
            for (place, name, value) in read_file(path)? {
                if unset(&name) {
                    let flag = OsString::from(format!("--{name}={value}"));
                    // Alone first: clap's message on all of them together would not tell where the mistake is.
                    let alone = [OsString::from("server"), flag.clone()];
                    Config::command()
                        .try_get_matches_from(alone)
                        .map_err(|error| Fatal::Config(format!("{place}: {}", first_line(&error))))?;
                    arguments.push(flag);
                }
            }
        }
        let matches = Config::command().get_matches_from(&arguments);
        let config = Config::from_arg_matches(&matches).map_err(|error| Fatal::Config(error.to_string()))?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), Fatal> {
        self.raft_address()?;
        self.advertised()?;
        if !self.peers.is_empty() && self.peers.get(self.node_id).is_none() {
            return Err(Fatal::Config(format!("peers: this node, {}, is not among them", self.node_id)));
        }
        if !self.peers.is_empty() && !self.join.is_empty() {
            let reason = "peers and join: a node founds a cluster or joins one, not both";
            return Err(Fatal::Config(reason.to_string()));
        }
        if self.redirect_mode == RedirectMode::Moved && !self.cluster_enabled {
            let reason = "redirect-mode moved is for clients of Redis Cluster: it needs cluster-enabled yes";
            return Err(Fatal::Config(reason.to_string()));
        }
        if self.document_max_bytes > u32::MAX as usize / 16 {
            return Err(Fatal::Config("document-max-bytes: at most 268435455".to_string()));
        }
        if self.client_query_buffer_limit > REQUEST_BYTES_CEILING {
            return Err(Fatal::Config(format!("client-query-buffer-limit: at most {REQUEST_BYTES_CEILING}")));
        }
        if self.proto_max_bulk_len >= self.client_query_buffer_limit {
            return Err(Fatal::Config(
                "proto-max-bulk-len has to be below client-query-buffer-limit".to_string(),
            ));
        }
        Ok(())
    }

    /// Where others reach this node, if that was said.
    pub fn advertised(&self) -> Result<Option<Advertised>, Fatal> {
        if !self.advertise.is_empty() {
            let parsed = self.advertise.parse().map_err(|error| Fatal::Config(format!("advertise: {error}")));
            return parsed.map(Some);
        }
        Ok(self.peers.get(self.node_id).cloned())
    }

    /// The address to bind for other nodes.
    pub fn raft_address(&self) -> Result<String, Fatal> {
        if let Some(address) = &self.raft_address {
            return Ok(address.clone());
        }
        if let (Some(own), Some((host, _))) = (self.peers.get(self.node_id), self.address.rsplit_once(':')) {
            return Ok(format!("{host}:{}", own.raft_port()));
        }
        let wrong = || Fatal::Config(format!("address: {:?} is not host:port", self.address));
        let (host, port) = self.address.rsplit_once(':').ok_or_else(wrong)?;
        let port: u16 = port.parse().map_err(|_| wrong())?;
        if port == 0 {
            return Ok(format!("{host}:0"));
        }
        let port = port.checked_add(RAFT_PORT_OFFSET).ok_or_else(|| {
            Fatal::Config(format!(
                "the client port {port} + {RAFT_PORT_OFFSET} is no port: give --raft-address"
            ))
        })?;
        Ok(format!("{host}:{port}"))
    }

    pub fn limits(&self) -> Limits {
        Limits {
            bulk_bytes_max: self.proto_max_bulk_len,
            request_bytes_max: self.client_query_buffer_limit,
            output_bytes_max: self.client_output_buffer_limit,
            ..Limits::DEFAULT
        }
    }

    /// Names and values, as `CONFIG GET` shows them: the settings, and what Redis' tools ask for.
    pub fn entries(&self) -> Vec<(String, String)> {
        let (host, port) = self.address.rsplit_once(':').unwrap_or((&self.address, ""));
        let entries: &[(&str, String)] = &[
            ("address", self.address.clone()),
            ("bind", host.to_string()),
            ("port", port.to_string()),
            ("node-id", self.node_id.to_string()),
            ("dir", self.dir.display().to_string()),
            ("raft-address", self.raft_address().unwrap_or_default()),
            ("peers", self.peers.to_string()),
            ("join", self.join.clone()),
            ("advertise", self.advertise.clone()),
            ("loglevel", self.loglevel.clone()),
            ("cluster-enabled", word_of(self.cluster_enabled).to_string()),
            ("redirect-mode", named(&self.redirect_mode)),
            ("read-consistency", named(&self.read_consistency)),
            ("maxclients", self.maxclients.to_string()),
            ("timeout", self.timeout.to_string()),
            ("proto-max-bulk-len", self.proto_max_bulk_len.to_string()),
            ("client-query-buffer-limit", self.client_query_buffer_limit.to_string()),
            ("client-output-buffer-limit", self.client_output_buffer_limit.to_string()),
            ("document-max-bytes", self.document_max_bytes.to_string()),
            ("snapshot-log-bytes", self.snapshot_log_bytes.to_string()),
            ("snapshot-log-entries", self.snapshot_log_entries.to_string()),
            // What is true of the log, in the words of Redis: every write is appended and synced.
            ("appendonly", "yes".to_string()),
            ("appendfsync", "always".to_string()),
            ("save", String::new()),
            ("databases", "1".to_string()),
            ("maxmemory", "0".to_string()),
        ];
        entries.iter().map(|(name, value)| ((*name).to_string(), value.clone())).collect()
    }
}

/// The word for one of several choices.
fn named(choice: &impl clap::ValueEnum) -> String {
    choice.to_possible_value().map_or_else(String::new, |value| value.get_name().to_string())
}

/// What is wrong, without the usage that clap shows behind it.
fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let line = text.lines().next().unwrap_or_default();
    line.strip_prefix("error: ").unwrap_or(line).to_string()
}

/// The settings of a file, in its order: place, name and value.
fn read_file(path: &Path) -> Result<Vec<(String, String, String)>, Fatal> {
    #[expect(clippy::disallowed_methods, reason = "read once before the node and its disk exist")]
    let bytes = std::fs::read(path).map_err(|error| Fatal::Config(format!("{}: {error}", path.display())))?;
    let text = String::from_utf8_lossy(&bytes);
    let mut settings = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let place = || format!("{}: line {}", path.display(), number + 1);
        let (name, value) = line
            .split_once(char::is_whitespace)
            .ok_or_else(|| Fatal::Config(format!("{}: no value", place())))?;
        if name == "config" || Config::command().get_arguments().all(|known| known.get_long() != Some(name)) {
            return Err(Fatal::Config(format!("{}: no setting is called {name:?}", place())));
        }
        settings.push((place(), name.to_string(), value.trim().trim_matches('"').to_string()));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(words: &[&str]) -> Result<Config, Fatal> {
        Config::load(std::iter::once("server").chain(words.iter().copied()).map(OsString::from))
    }

    #[test]
    fn the_raft_port_follows_the_client_port() {
        let config = load(&["--address", "127.0.0.1:8080"]).unwrap();
        assert_eq!(config.raft_address().unwrap(), "127.0.0.1:18080");
        assert!(load(&["--address", "127.0.0.1:60000"]).is_err());
        assert!(load(&["--address", "nowhere"]).is_err());
    }

    #[test]
    fn a_request_may_not_be_larger_than_what_is_replicated() {
        let error = load(&["--client-query-buffer-limit", "1073741825"]).unwrap_err();
        assert_eq!(error.to_string(), "client-query-buffer-limit: at most 1073741824");
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file.as_file(), b"# a comment\nnode-id 7\n\nmaxclients 12\n").unwrap();
        let path = file.path().to_str().unwrap();
        let config = load(&["--config", path, "--maxclients", "34"]).unwrap();
        assert_eq!((config.node_id, config.maxclients), (7, 34));
        assert_eq!(config.address, "127.0.0.1:6379");
    }

    #[test]
    fn redirects_need_the_commands_of_redis_cluster() {
        assert!(!load(&[]).unwrap().cluster_enabled);
        let config = load(&["--cluster-enabled", "yes", "--redirect-mode", "moved"]).unwrap();
        let shown: Vec<(String, String)> = config.entries();
        assert!(shown.contains(&("cluster-enabled".to_string(), "yes".to_string())));
        assert!(shown.contains(&("redirect-mode".to_string(), "moved".to_string())));
        assert!(load(&["--redirect-mode", "moved"]).unwrap_err().to_string().contains("cluster-enabled"));
    }

    #[test]
    fn a_file_with_an_unknown_setting_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file.as_file(), b"node-idd 7\n").unwrap();
        let error = load(&["--config", file.path().to_str().unwrap()]).unwrap_err();
        assert!(error.to_string().contains("line 1"), "{error}");
    }

    #[test]
    fn a_wrong_value_in_a_file_is_told_with_its_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file.as_file(), b"node-id 7\n\nmaxclients many # of them\n").unwrap();
        let path = file.path().to_str().unwrap();
        let error = load(&["--config", path]).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{path}: line 3: invalid value 'many # of them'")), "{error}");
        // A flag wins, so the line does not matter.
        assert_eq!(load(&["--config", path, "--maxclients", "3"]).unwrap().maxclients, 3);
    }

    #[test]
    fn every_setting_is_shown_under_its_own_word() {
        let config = load(&[]).unwrap();
        let shown: Vec<String> = config.entries().into_iter().map(|(name, _)| name).collect();
        for argument in Config::command().get_arguments() {
            let name = argument.get_long().unwrap_or_default();
            let own = matches!(name, "config" | "help" | "version");
            assert!(own || shown.iter().any(|shown| shown == name), "{name} is not shown");
            let variable = argument.get_env().map(|name| name.to_string_lossy().into_owned());
            let expected = format!("JSONVAULT_{}", name.to_uppercase().replace('-', "_"));
            assert!(own || variable.as_deref() == Some(expected.as_str()), "{name}: {variable:?}");
        }
    }
}
