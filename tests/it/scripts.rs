//! Scenarios as text: `tests/it/scripts/*`, each run on nodes of its own.
//!
//! A script consists of blocks: commands, `---`, and their output. A line that begins with `> ` is
//! a request for a node. A block has at most one output, which is directly below the command that
//! prints it. `UPDATE_GOLDENFILES=1 cargo test --test it scripts` rewrites the output; read the
//! difference before you commit it.
//!
//! A prefix selects the node of a command: its number, as in `2: > JSON.GET k`, or `leader:` or
//! `follower:` (the first one). Without a prefix, node 1 is selected.
//!
//! | command for a node | |
//! |---|---|
//! | `start [flag=value ..]` | starts the node, for the first time or again; the flags remain for later starts |
//! | `kill`, `stop` | SIGKILL; SIGTERM, with the exit code |
//! | `wipe`, `copy`, `put-back` | removes the directory of a stopped node; copies it; restores the copy |
//! | `wipe-group` | removes only the log and the snapshots |
//! | `fails [flag=value ..]` | starts the node, which must fail; prints the last line of its log |
//! | `wait field=value` | waits until INFO has this value; `field='> 7'`: a larger number |
//! | `said text` | waits until the node's log has the text |
//! | `info field ..` | prints fields of INFO |
//! | `reconnect` | opens a new connection |
//!
//! Commands for a cluster:
//!
//! | command | |
//! |---|---|
//! | `members 3 [flag=value ..]` | makes the nodes 1 to 3 initial members; none is started |
//! | `cluster 3 [flag=value ..]` | like `members`, and starts the nodes in random order; node 1 becomes the leader |
//! | `lead 2` | makes that node the leader |
//! | `caught-up` | waits until every running member has applied all committed entries |
//! | `voter 4` | waits until that node is a voter |
//! | `crosscheck 20` | writes through one member and reads at once through all members, 20 times |
//! | `write 100` | writes 100 documents through the leader, an entry each |
//! | `load`, `progress` | starts a writer on every running node; waits until each makes progress |
//! | `settle [quiet]` | ends the load and runs `check`; `quiet`: running nodes must have returned no error |
//! | `check` | checks that every running member has every acknowledged document |
//!
//! In requests, flags and output, `{2}` is the client address of node 2, and `{2.raft}` its Raft
//! address.
#![allow(clippy::unit_arg, reason = "a step without output reads best inline")]

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use goldenscript::{Argument, Command, Context};
use jsonvault::resp::Value;

use crate::harness::client::show;
use crate::harness::documents::{Ledger, document, set_request};
use crate::harness::wait::until;
use crate::harness::{Client, Cluster, Load};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/scripts");

struct Scenario {
    /// Declared before the cluster, so that the writers end before the nodes.
    load: Option<Load>,
    clients: BTreeMap<u64, Client>,
    cluster: Cluster,
    ledger: Ledger,
    /// Counts batches of documents, so that their keys differ.
    batches: u64,
    /// Whether this block already has its output.
    answered: bool,
}

type Outcome = Result<String, Box<dyn Error>>;

/// The result of a command that prints nothing.
fn done(_: ()) -> Outcome {
    Ok(String::new())
}

impl Scenario {
    fn new() -> Scenario {
        let (cluster, ledger) = (Cluster::new(), Ledger::default());
        Scenario { load: None, clients: BTreeMap::new(), cluster, ledger, batches: 0, answered: false }
    }

    /// The number of the node that a prefix selects.
    fn id(&self, prefix: Option<&str>) -> u64 {
        match prefix {
            None => 1,
            Some("leader") => self.cluster.leader(),
            Some("follower") => {
                let leader = self.cluster.leader();
                self.cluster.members().into_iter().find(|id| *id != leader).expect("a follower runs")
            }
            Some(number) => number.parse().unwrap_or_else(|_| panic!("{number} is not a node")),
        }
    }

    fn client(&mut self, id: u64) -> &mut Client {
        assert!(self.cluster.node(id).is_running(), "the node is running");
        self.clients.entry(id).or_insert_with(|| self.cluster.client(id))
    }

    /// The flags among the arguments of a command, as words.
    fn flags(&self, command: &Command) -> Vec<String> {
        let flag = |argument: &Argument| match argument {
            Argument::KeyValue(flag, value) => {
                Some([format!("--{flag}"), self.cluster.with_addresses(value)])
            }
            _ => None,
        };
        command.args.iter().filter_map(flag).flatten().collect()
    }

    fn set_flags(&mut self, id: u64, command: &Command) {
        // A reference to the node gives it an address, which its flags may contain.
        self.cluster.node(id);
        let flags = self.flags(command);
        self.cluster.node(id).set(&words(&flags));
    }

    fn info(&mut self, id: u64, command: &Command) -> Outcome {
        let client = self.client(id);
        let line = |field: &Argument| {
            let field = word(field);
            format!("{field}: {}\n", client.info(field).unwrap_or_else(|| "(missing)".to_owned()))
        };
        let lines: String = command.args.iter().map(line).collect();
        Ok(self.cluster.masked(&lines))
    }

    fn wait(&mut self, id: u64, command: &Command) -> Outcome {
        let client = self.client(id);
        for argument in &command.args {
            let Argument::KeyValue(field, value) = argument else { return Err("field=value".into()) };
            until(&format!("{field}:{value}"), || {
                let found = client.info(field)?;
                let is_so = match value.strip_prefix("> ") {
                    Some(least) => found.parse::<i64>().ok()? > least.parse().ok()?,
                    None => found == *value,
                };
                is_so.then_some(())
            });
        }
        done(())
    }

    fn fails(&mut self, id: u64, command: &Command) -> Outcome {
        self.set_flags(id, command);
        let ended = self.cluster.node(id).try_start().err().ok_or("the node started")?;
        let last = self.cluster.masked(ended.messages.lines().last().unwrap_or_default());
        let code = ended.status.code().ok_or("killed")?;
        Ok(format!("{last}\nexit code {code}\n"))
    }

    /// Sends a request, and returns the text of the reply.
    fn send(&mut self, id: u64, line: &str) -> Outcome {
        let line = self.cluster.with_addresses(line);
        let answer = show(&self.client(id).ask(&line));
        Ok(self.cluster.masked(&answer) + "\n")
    }

    fn found(&mut self, command: &Command, start: bool) -> Outcome {
        let (count, flags) = (number(command)?, self.flags(command));
        self.cluster.found(count, &words(&flags));
        if start {
            self.cluster.start_all(count);
            self.cluster.lead(1);
            self.cluster.wait_until_caught_up();
        }
        done(())
    }

    /// Checks that each acknowledged write is visible at once through all members.
    fn crosscheck(&mut self, rounds: u64) -> Outcome {
        let members = self.cluster.members().into_iter();
        let mut members: Vec<(u64, Client)> = members.map(|id| (id, self.cluster.client(id))).collect();
        for round in 0..rounds as usize {
            let writer = round % members.len();
            members[writer].1.ok(&format!("JSON.SET crosscheck $ {round}"));
            for (id, client) in &mut members {
                assert_eq!(client.text("JSON.GET crosscheck"), round.to_string(), "on node {id}");
            }
        }
        Ok(format!("{rounds} writes were read everywhere\n"))
    }

    fn write(&mut self, count: u64) -> Outcome {
        self.batches += 1;
        let mut leader = self.cluster.client(self.cluster.leader());
        for number in 0..count {
            let key = format!("write{}:{number}", self.batches);
            self.ledger.sent(key.clone());
            assert_eq!(leader.call(&set_request(&key)), Value::Simple("OK".into()), "{}", document(&key));
            self.ledger.acknowledged(&key);
        }
        done(())
    }

    fn start_load(&mut self) -> Outcome {
        self.batches += 1;
        let running = self.cluster.running();
        let nodes = running.iter().map(|id| (*id, self.cluster.address(*id)));
        self.load = Some(Load::start(&format!("load{}", self.batches), nodes));
        done(())
    }

    fn load(&self) -> &Load {
        self.load.as_ref().expect("`load` was run before")
    }

    fn settle(&mut self, quiet: bool) -> Outcome {
        let written = self.load.take().expect("`load` was run before").stop();
        for (id, written) in written {
            let runs = self.cluster.node(id).is_running();
            assert!(!(runs && written.lost), "node {id}, which is running, keeps its connections");
            assert!(!(quiet && runs) || written.errors.is_empty(), "node {id}: {:?}", written.errors);
            self.ledger.merge(written.ledger);
        }
        self.check()
    }

    fn check(&mut self) -> Outcome {
        for id in self.cluster.members() {
            self.ledger.check(&mut self.cluster.client(id));
        }
        Ok("every acknowledged document exists\n".to_owned())
    }

    /// Runs a command for one node; `None` for any other command.
    fn run_on_node(&mut self, id: u64, command: &Command) -> Option<Outcome> {
        if matches!(command.name.as_str(), "kill" | "stop" | "reconnect") {
            self.clients.remove(&id);
        }
        Some(match command.name.as_str() {
            "start" => {
                self.set_flags(id, command);
                done(self.cluster.node(id).start())
            }
            "kill" => done(self.cluster.node(id).kill()),
            "stop" => {
                let node = self.cluster.node(id);
                node.signal("TERM");
                let code = node.wait_for_end().status.code();
                code.map_or_else(|| Err("killed".into()), |code| Ok(format!("exit code {code}\n")))
            }
            "said" => {
                let (node, text) = (self.cluster.node(id), word(&command.args[0]));
                done(until(text, || node.messages().contains(text).then_some(())))
            }
            "wipe" => done(self.cluster.node(id).wipe()),
            "wipe-group" => done(self.cluster.node(id).wipe_group()),
            "copy" => done(self.cluster.node(id).copy_dir()),
            "put-back" => done(self.cluster.node(id).put_copy_back()),
            "reconnect" => done(()),
            "fails" => self.fails(id, command),
            "wait" => self.wait(id, command),
            "info" => self.info(id, command),
            _ => return None,
        })
    }

    fn perform(&mut self, command: &Command, context: &Context) -> Outcome {
        match command.name.as_str() {
            "members" => return self.found(command, false),
            "cluster" => return self.found(command, true),
            "lead" => return done(self.cluster.lead(number(command)?)),
            "caught-up" => return done(self.cluster.wait_until_caught_up()),
            "voter" => return done(self.cluster.wait_for_voter(number(command)?)),
            "crosscheck" => return self.crosscheck(number(command)?),
            "write" => return self.write(number(command)?),
            "load" => return self.start_load(),
            "progress" => return done(self.load().wait_for_progress()),
            "settle" => return self.settle(!command.args.is_empty()),
            "check" => return self.check(),
            _ => {}
        }
        let id = self.id(context.prefix.as_deref());
        match self.run_on_node(id, command) {
            Some(outcome) => outcome,
            None => self.send(id, &command.name),
        }
    }
}

/// The word of an argument that has no `=`.
fn word(argument: &Argument) -> &str {
    match argument {
        Argument::Positional(word) => word,
        other => panic!("{other} is not a word"),
    }
}

fn words(flags: &[String]) -> Vec<&str> {
    flags.iter().map(String::as_str).collect()
}

/// The number that follows a command.
fn number(command: &Command) -> Result<u64, Box<dyn Error>> {
    let first = command.args.iter().find(|argument| matches!(argument, Argument::Positional(_)));
    Ok(word(first.ok_or("a number is missing")?).parse()?)
}

impl goldenscript::Runner for Scenario {
    type Command = Command;

    fn start_block(&mut self, _block: &goldenscript::Block) -> Outcome {
        self.answered = false;
        done(())
    }

    fn run(&mut self, command: &Command, context: &Context) -> Outcome {
        let answer = self.perform(command, context)?;
        if !answer.is_empty() && std::mem::replace(&mut self.answered, true) {
            return Err("a block has one output: begin another block".into());
        }
        Ok(answer)
    }
}

fn play(name: &str) {
    goldenscript::run(&mut Scenario::new(), Path::new(DIRECTORY).join(name)).unwrap();
}

macro_rules! scripts {
    ($($name:ident)*) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];

        $(#[test]
        fn $name() {
            play(stringify!($name));
        })*
    };
}

scripts! {
    an_acknowledged_write_survives_a_kill
    a_clean_stop_keeps_everything
    a_directory_belongs_to_one_node
    a_follower_behind_the_purged_log_gets_a_snapshot
    a_leader_that_is_stopped_under_load_causes_no_error
    a_lost_log_is_a_lost_disk
    a_member_of_another_history_is_not_taken_in
    a_new_node_becomes_a_voter_and_the_first_can_leave
    a_node_of_another_cluster_is_refused
    a_node_with_an_older_copy_of_its_disk_is_refilled
    a_node_that_joined_joins_again_without_its_disk
    a_restarted_follower_catches_up
    a_running_empty_node_joins
    a_snapshot_and_the_log_after_it_are_read_again
    a_write_on_any_node_is_read_on_every_other
    documents_over_their_limit_are_refused
    leadership_is_handed_over_on_request
    lost_disks_lose_nothing
    no_change_leaves_a_cluster_without_a_majority
    nodes_started_in_any_order_form_a_cluster
    settings_can_be_read_and_some_changed
    the_last_disk_continues_alone_on_an_operators_command
    the_last_voter_cannot_be_removed
    without_a_majority_nothing_is_written_and_local_reads_answer
    writes_continue_after_the_leader_is_killed
}

#[test]
fn every_script_is_run() {
    let mut files: Vec<String> = std::fs::read_dir(DIRECTORY)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let mut names = NAMES.to_vec();
    names.sort_unstable();
    assert_eq!(files, names);
}
