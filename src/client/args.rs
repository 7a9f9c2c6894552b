//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use super::connection::Target;

/// JSON documents from the command line. Without a subcommand: a prompt.
#[derive(Debug, Parser)]
#[command(name = "client", version, after_help = EXIT_CODES)]
pub struct Args {
    /// The server's address, host or host:port; the port is 6379 if none is given
    #[arg(long, global = true, env = "JSONVAULT_SERVER", default_value = "127.0.0.1:6379", value_parser = address)]
    server: String,
    /// The user to authenticate as, with --password
    #[arg(long, global = true, env = "JSONVAULT_USER")]
    user: Option<String>,
    /// The password; better given by the environment, where other users can't see it
    #[arg(long, global = true, env = "JSONVAULT_PASSWORD", hide_env_values = true)]
    password: Option<String>,
    /// How long to wait for a connection, in seconds
    #[arg(long, global = true, default_value = "5", value_parser = seconds)]
    connect_timeout: Duration,
    /// How long to wait for a reply, in seconds
    #[arg(long, global = true, default_value = "30", value_parser = seconds)]
    timeout: Duration,
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// The port on which a server listens by default.
const PORT_DEFAULT: u16 = 6379;

const EXIT_CODES: &str = "Exit codes: 0 success, 1 the reply was nil, as for a missing key, 2 usage, 3 the server replied with an error \
(or refused a document of an import), 4 no connection or it was lost, 5 it is not known whether a write was applied.";

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Store a document: JSON.SET KEY $ JSON
    Set {
        key: String,
        #[arg(allow_hyphen_values = true)]
        json: String,
    },
    /// Print a document, or parts of it: JSON.GET KEY [PATH..]
    Get { key: String, paths: Vec<String> },
    /// Print the values at a path: QGET KEY PATH
    Qget { key: String, path: String },
    /// Set the values at a path: QSET KEY PATH JSON
    Qset {
        key: String,
        path: String,
        #[arg(allow_hyphen_values = true)]
        json: String,
    },
    /// Delete a document: DELETE KEY
    Delete { key: String },
    /// Merge a patch into a document (RFC 7396): MERGE KEY JSON
    Merge {
        key: String,
        #[arg(allow_hyphen_values = true)]
        json: String,
    },
    /// Check that the server answers
    Ping,
    /// Print the output of INFO
    Info { section: Option<String> },
    /// Store the documents of a file
    Import(ImportOptions),
    /// Write all documents as lines
    Export(ExportOptions),
    /// Send any command, word by word
    Raw {
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
}

/// How the documents of a file are separated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// An array if the file begins with `[`, else lines
    #[default]
    Auto,
    /// One document per line (NDJSON); blank lines are skipped
    Lines,
    /// One JSON array, whose elements are the documents
    Array,
}

#[derive(Debug, clap::Args)]
pub(super) struct ImportOptions {
    /// The file to read; - for standard input
    pub(super) file: PathBuf,
    /// How the documents are separated
    #[arg(long, value_enum, default_value = "auto")]
    pub(super) format: Format,
    /// Take each key from this member of its document (a string or a number), after the prefix
    #[arg(long, conflicts_with = "keyed")]
    pub(super) key_field: Option<String>,
    /// Read the format of export: {"key": .., "value": ..}
    #[arg(long)]
    pub(super) keyed: bool,
    /// The prefix of each key; without --key-field and --keyed, the document's number follows, from
    /// 1 (default "doc:")
    #[arg(long)]
    pub(super) prefix: Option<String>,
    /// How many documents may be in flight
    #[arg(long, default_value = "128", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(super) window: u16,
    /// Write the key of each acknowledged document to this file, one per line
    #[arg(long)]
    pub(super) acknowledged: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct ExportOptions {
    /// The file to write; standard output if omitted or -
    pub(super) file: Option<PathBuf>,
    /// Only keys that match this glob
    #[arg(long = "match", value_name = "GLOB")]
    pub(super) glob: Option<String>,
    /// Write the documents alone, not {"key": .., "value": ..}
    #[arg(long)]
    pub(super) values: bool,
}

impl Args {
    pub(super) fn target(&self) -> Target {
        Target {
            server: self.server.clone(),
            // An empty password or user counts as not set.
            login: self
                .password
                .clone()
                .filter(|password| !password.is_empty())
                .map(|password| (self.user.clone().filter(|user| !user.is_empty()), password)),
            connect_timeout: self.connect_timeout,
            timeout: self.timeout,
        }
    }

    pub(super) fn server(&self) -> &str {
        &self.server
    }
}

impl Command {
    /// The words of the request that the subcommand sends.
    pub(super) fn words(&self) -> Vec<String> {
        let words: Vec<&str> = match self {
            Command::Set { key, json } => vec!["JSON.SET", key, "$", json],
            Command::Get { key, paths } => {
                ["JSON.GET", key].into_iter().chain(paths.iter().map(String::as_str)).collect()
            }
            Command::Qget { key, path } => vec!["QGET", key, path],
            Command::Qset { key, path, json } => vec!["QSET", key, path, json],
            Command::Delete { key } => vec!["DELETE", key],
            Command::Merge { key, json } => vec!["MERGE", key, json],
            Command::Ping => vec!["PING"],
            Command::Info { section } => ["INFO"].into_iter().chain(section.as_deref()).collect(),
            Command::Raw { words } => words.iter().map(String::as_str).collect(),
            Command::Import(_) | Command::Export(_) => unreachable!("import and export send many commands"),
        };
        words.into_iter().map(str::to_owned).collect()
    }
}

/// Parses an address, and adds the default port if it has none.
fn address(text: &str) -> Result<String, String> {
    let is_bare_v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
    let has_port = !is_bare_v6 && text.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
    match text {
        "" => Err("the host is missing".to_owned()),
        _ if is_bare_v6 => Ok(format!("[{text}]:{PORT_DEFAULT}")),
        _ if has_port => Ok(text.to_owned()),
        _ => Ok(format!("{text}:{PORT_DEFAULT}")),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    let value: f64 = text.parse().map_err(|_| "expected a number of seconds".to_owned())?;
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("expected a positive number of seconds".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn words(line: &[&str]) -> Vec<String> {
        let args = Args::try_parse_from([&["client", "--server", "127.0.0.1:1"], line].concat()).unwrap();
        args.command.unwrap().words()
    }

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn subcommands_become_the_servers_words() {
        assert_eq!(words(&["set", "user:1", "{}"]), ["JSON.SET", "user:1", "$", "{}"]);
        assert_eq!(words(&["get", "k"]), ["JSON.GET", "k"]);
        assert_eq!(words(&["get", "k", "$.a", "$.b"]), ["JSON.GET", "k", "$.a", "$.b"]);
        assert_eq!(words(&["qset", "k", "$.a", "-1"]), ["QSET", "k", "$.a", "-1"]);
        assert_eq!(words(&["info"]), ["INFO"]);
        assert_eq!(words(&["raw", "SET", "k", "-v", "--x"]), ["SET", "k", "-v", "--x"]);
    }

    #[test]
    fn a_server_without_a_port_has_the_default_one() {
        for (given, meant) in [
            ("node-1.example", "node-1.example:6379"),
            ("node-1.example:7000", "node-1.example:7000"),
            ("127.0.0.1", "127.0.0.1:6379"),
            ("[::1]", "[::1]:6379"),
            ("[::1]:7000", "[::1]:7000"),
            ("::1", "[::1]:6379"),
        ] {
            let args = Args::try_parse_from(["client", "--server", given, "ping"]).unwrap();
            assert_eq!(args.server(), meant, "{given}");
        }
        assert!(Args::try_parse_from(["client", "--server", "", "ping"]).is_err());
    }

    #[test]
    fn a_timeout_is_positive() {
        assert_eq!(seconds("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["0", "-1", "x", "inf"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
