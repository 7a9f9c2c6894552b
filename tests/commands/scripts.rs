//! Runs the scripts in `tests/scripts/commands`: each line is a `>` and a request in the syntax of
//! redis-cli. A block has one request, so that the reply is directly below it.
//!
//! `protocol 3` selects the protocol of the replies, and `advance 1500` advances the clock by
//! milliseconds. `cluster 2` makes the node a member of a cluster of three for clients of Redis
//! Cluster, led by node 2; with `cluster nobody` the cluster has no leader. `UPDATE_GOLDENFILES=1
//! cargo test --test commands scripts` rewrites the replies; read the difference before you commit
//! it.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::PathBuf;

use bytes::Bytes;
use jsonvault::command::table;
use jsonvault::resp::{Protocol, Value, split_words};

use crate::vault::Vault;

struct Runner {
    vault: Vault,
    /// The table's rows whose commands the scripts have run.
    rows: BTreeSet<usize>,
    /// Whether this block already has a reply.
    replied: bool,
}

impl goldenscript::Runner for Runner {
    type Command = goldenscript::Command;

    fn start_block(&mut self, _block: &goldenscript::Block) -> Result<String, Box<dyn Error>> {
        self.replied = false;
        Ok(String::new())
    }

    fn run(
        &mut self,
        command: &goldenscript::Command,
        _context: &goldenscript::Context,
    ) -> Result<String, Box<dyn Error>> {
        let argument = command.consume_args().next_pos();
        match command.name.as_str() {
            "protocol" => {
                let three = argument == Some("3");
                self.vault.session.protocol = if three { Protocol::Resp3 } else { Protocol::Resp2 };
                Ok(String::new())
            }
            "advance" => {
                self.vault.now_ms += argument.ok_or("milliseconds are missing")?.parse::<u64>()?;
                Ok(String::new())
            }
            "cluster" => {
                let leader = argument.ok_or("the leader is missing")?;
                self.vault.cluster = Some(leader.parse().ok());
                Ok(String::new())
            }
            line => {
                if std::mem::replace(&mut self.replied, true) {
                    return Err("a block has one request: start a new block".into());
                }
                let words = split_words(line.as_bytes())?;
                let words: Vec<Bytes> = words.into_iter().map(Bytes::from).collect();
                self.rows.extend(table::position(&words[0]));
                Ok(format!("{}\n", shown(&self.vault.read(&words))))
            }
        }
    }

    fn start_script(&mut self) -> Result<(), Box<dyn Error>> {
        // Each script has a new vault, so that versions do not depend on earlier scripts.
        self.vault = Vault::new();
        self.vault.begin(Protocol::Resp2);
        Ok(())
    }
}

/// Formats a reply on one line.
fn shown(reply: &Value) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).escape_debug().to_string().replace("\\\"", "\"");
    let all = |items: &[Value]| items.iter().map(shown).collect::<Vec<_>>().join(", ");
    match reply {
        Value::Simple(bytes) => text(bytes),
        Value::Error(line) => format!("error: {line}"),
        Value::Integer(whole) => whole.to_string(),
        Value::Double(real) => format!("double {real:?}"),
        Value::Boolean(truth) => format!("boolean {truth}"),
        Value::Bulk(bytes) => format!("`{}`", text(bytes)),
        Value::Verbatim(bytes) => format!("verbatim `{}`", text(bytes)),
        Value::BigNumber(bytes) => text(bytes),
        Value::Null => "null".to_owned(),
        Value::Array(items) => format!("[{}]", all(items)),
        Value::Set(items) => format!("set [{}]", all(items)),
        Value::Push(items) => format!("push [{}]", all(items)),
        Value::Map(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{}: {}", shown(key), shown(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

#[test]
fn the_scripts_give_the_recorded_replies_and_run_every_command() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/scripts/commands");
    let mut runner = Runner { vault: Vault::new(), rows: BTreeSet::new(), replied: false };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "there are scripts");
    for file in files {
        println!("{}", file.display());
        goldenscript::run(&mut runner, &file).unwrap();
    }
    let missing: Vec<&str> = table::ROWS
        .iter()
        .enumerate()
        .filter(|(position, _)| !runner.rows.contains(position))
        .map(|(_, row)| row.spec.name)
        .collect();
    assert!(missing.is_empty(), "a script runs each command, also {missing:?}");
}
