//! Scenarios as text: `sim/scripts/*`, each run on simulated nodes of its own, with one seed.
//!
//! A script consists of commands, a line `---`, and their output; `UPDATE_GOLDENFILES=1 cargo
//! nextest run --test sim scripts` writes the output, which has to be reviewed before it is
//! committed. A block prints at most one reply, so that each reply is directly below its request.
//!
//! `2: > SET k v` is a request to node 2; without a number it goes to node 1. The script continues
//! when the reply has arrived. `2: [name] > SET k v` does not wait: `answer name` prints the reply
//! later. Replies are shown in their wire format, in one line.
//!
//! | command | |
//! |---|---|
//! | `cluster 3 [snapshot-entries=30]` | starts nodes, and makes node 1 the leader |
//! | `partition 1 from 2 3` | cuts the network between these groups, replacing an earlier cut |
//! | `heal` | ends cuts and delays |
//! | `flap 1 3 times=5 every=200` | cuts and heals a link repeatedly, with pauses in ms |
//! | `delay usual=30 late=400` | sets the longest delay of messages in ms: `late` for one in five, `usual` for the others |
//! | `crash 2`, `restart 2` | cuts a node's power; starts it again |
//! | `lead 2` | makes node 2 the leader |
//! | `2: transfer 3` | asks node 2 to hand leadership over to node 3; `[name]` as above |
//! | `release 2 3 to=2` | from their next start on, these nodes support the cluster versions 1 to 2 |
//! | `2: finalize` | asks node 2 to finalize an upgrade; `[name]` as above |
//! | `versions` | waits until all running nodes know the same cluster version, and prints it |
//! | `failed 2` | waits until node 2 has ended with an error, and prints it |
//! | `elected 2 3` | waits until one of these leads, and the others of them know it |
//! | `write 200 bytes=100` | writes this many strings, an entry each |
//! | `purged 1 beyond 3` | waits until node 1 has purged the entries that node 3 lacks |
//! | `receiving 3` | waits until node 3 has received a part of a snapshot |
//! | `pass 500` | lets 500 milliseconds pass |
//! | `agreed` | waits until all running nodes know one leader and have applied the same entries; prints whether their states are equal |
//!
//! A script must not depend on random choices, such as which of several nodes is elected: another
//! seed would choose differently.
#![allow(clippy::unit_arg, reason = "a step without a result reads best in its place")]

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use goldenscript::{Argument, Command, Context};
use jsonvault::cluster::Group;
use jsonvault::command::{self, ReadConsistency, Route, SeedSource, table};
use jsonvault::env::Disk;
use jsonvault::error::Unavailable;
use jsonvault::keyspace::Keyspace;
use jsonvault::machine::Batch;
use jsonvault::peer::Change;
use jsonvault::resp::{Protocol, Reply, encode, split_words};
use jsonvault::version::Versions;
use parking_lot::Mutex;

use crate::checkers::states::digest;
use crate::faults::CALM;
use crate::host::{Host, Settings};
use crate::net::Delays;
use crate::scene::{ELECTED_WITHIN_MS, Scene};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/sim/scripts");
/// Any seed works, because the scripts do not depend on random choices.
const SEED: u64 = 1;
/// Maximum wait for a reply. The longest timeout of a node is 12 s, for a read.
const ANSWERED_WITHIN_MS: u64 = 13_000;
/// Maximum wait for agreement. A node that was cut off has to notice that, may start elections, and
/// receives the entries that it lacks.
const SETTLED_WITHIN_MS: u64 = 20_000;

type Outcome = Result<String, Box<dyn Error>>;

/// A reply that has not arrived yet.
struct Pending {
    host: usize,
    boot: u64,
    reply: Arc<Mutex<Option<String>>>,
}

struct Scenario {
    scene: Scene,
    pending: BTreeMap<String, Pending>,
    writes: u64,
    /// Whether this block has printed a reply.
    printed: bool,
}

impl Scenario {
    fn new() -> Scenario {
        let scene = Scene::started(SEED, &Settings::roomy(0));
        Scenario { scene, pending: BTreeMap::new(), writes: 0, printed: false }
    }

    fn cluster(&mut self, command: &Command) -> Outcome {
        let initial_members = numbers(command)?[0];
        let snapshot_log_entries = option(command, "snapshot-entries")?.unwrap_or(u64::MAX);
        let settings = Settings {
            segment_bytes: 16 << 10,
            snapshot_log_entries,
            ..Settings::roomy(initial_members as usize)
        };
        self.scene = Scene::started(SEED, &settings);
        self.elected(&(0..initial_members as usize).collect::<Vec<_>>());
        self.lead(0)
    }

    /// Makes a node the leader, even if another one was elected.
    fn lead(&mut self, next: usize) -> Outcome {
        done(self.scene.until("leadership to be handed over", SETTLED_WITHIN_MS, |hosts| {
            let leader = hosts.iter().find(|host| host.leads())?;
            if leader.index != next {
                let (group, to) = (leader.group()?.0, Some(hosts[next].id()));
                // The request may be repeated: while a hand-over is under way, a further one is
                // refused.
                leader.spawn(async move { drop(group.change(Change::Transfer { to }).await) });
            }
            (leader.index == next).then_some(())
        }))
    }

    /// Waits until one of these nodes leads and the others know it.
    fn elected(&mut self, among: &[usize]) {
        self.scene.until("a leader", ELECTED_WITHIN_MS, |hosts| {
            let leader = among.iter().find(|host| hosts[**host].leads())?;
            let knows = |host: &usize| {
                let status = hosts[*host].group().map(|(group, _)| group.status());
                status.is_some_and(|status| status.leader == Some(*leader as u64 + 1))
            };
            among.iter().all(knows).then_some(())
        });
    }

    fn partition(&mut self, command: &Command) -> Outcome {
        let words = positional(command);
        let groups: Vec<Vec<usize>> =
            words.split(|word| *word == "from").map(hosts_of).collect::<Result<_, _>>()?;
        self.scene.network.heal();
        for (at, group) in groups.iter().enumerate() {
            for (one, other) in
                group.iter().flat_map(|one| groups[at + 1..].iter().flatten().map(move |other| (one, other)))
            {
                self.scene.cut(*one, *other);
            }
        }
        done(())
    }

    fn flap(&mut self, command: &Command) -> Outcome {
        let [one, other] = hosts_of(&positional(command))?[..] else { return Err("two nodes".into()) };
        let every = option(command, "every")?.ok_or("every=")?;
        for _ in 0..option(command, "times")?.ok_or("times=")? {
            self.scene.cut(one, other);
            self.scene.pass(every);
            self.scene.network.heal();
            self.scene.pass(every);
        }
        done(())
    }

    /// Begins a task on a node.
    fn begin<F: Future<Output = String> + Send + 'static>(
        &mut self,
        host: usize,
        task: impl FnOnce(Group, Arc<Keyspace>) -> F,
    ) -> Pending {
        let up = self.scene.hosts[host].group();
        let (group, keyspace) = up.unwrap_or_else(|| {
            self.scene.until("the node to be up", SETTLED_WITHIN_MS, |hosts| hosts[host].group())
        });
        let on = &self.scene.hosts[host];
        let pending = Pending { host, boot: on.boots, reply: Arc::default() };
        let (reply, task) = (pending.reply.clone(), task(group, keyspace));
        on.spawn(async move {
            let answer = task.await;
            *reply.lock() = Some(answer);
        });
        pending
    }

    fn wait(&mut self, pending: &Pending) -> String {
        self.scene.until("an answer", ANSWERED_WITHIN_MS, |hosts| {
            let host = &hosts[pending.host];
            let gone =
                (!host.is_running() || host.boots != pending.boot).then(|| "(the node crashed)".to_owned());
            pending.reply.lock().take().or(gone)
        })
    }

    /// Waits for the reply now or, if it has a name, keeps it for later.
    fn answer_or_keep(&mut self, pending: Pending, context: &Context) -> Outcome {
        match context.tags.first() {
            None => Ok(self.wait(&pending) + "\n"),
            Some(name) => done(drop(self.pending.insert(name.clone(), pending))),
        }
    }

    fn write(&mut self, host: usize, command: &Command) -> Outcome {
        let value = "x".repeat(option(command, "bytes")?.unwrap_or(1) as usize);
        for _ in 0..numbers(command)?[0] {
            self.writes += 1;
            let words = ["SET".to_owned(), format!("write:{}", self.writes), value.clone()];
            let pending = self.begin(host, |group, keyspace| request(group, keyspace, words.to_vec()));
            let answer = self.wait(&pending);
            assert_eq!(answer, "+OK", "write {} is acknowledged", self.writes);
        }
        done(())
    }

    fn agreed(&mut self) -> Outcome {
        let digests = self.scene.until("all to have applied the same", SETTLED_WITHIN_MS, |hosts| {
            let up: Vec<_> =
                hosts.iter().filter(|host| host.is_running()).map(Host::group).collect::<Option<_>>()?;
            let applied: BTreeSet<_> = up.iter().map(|(group, _)| group.status().last_applied).collect();
            let led: BTreeSet<_> = up.iter().map(|(group, _)| group.status().leader).collect();
            let agreed = applied.len() == 1 && led.len() == 1 && !led.contains(&None);
            agreed.then(|| up.iter().map(|(_, keyspace)| digest(keyspace)).collect::<Vec<_>>())
        });
        let same = digests.iter().all(|digest| *digest == digests[0]);
        Ok(format!(
            "{} nodes hold {}\n",
            digests.len(),
            if same { "the same state" } else { "different states" }
        ))
    }

    fn versions(&mut self) -> Outcome {
        let version = self.scene.until("one cluster version", SETTLED_WITHIN_MS, |hosts| {
            let up = hosts.iter().filter(|host| host.is_running());
            let known = |host: &Host| host.group().map(|(group, _)| group.cluster_version());
            let versions = up.map(known).collect::<Option<BTreeSet<_>>>()?;
            versions.first().copied().filter(|_| versions.len() == 1)
        });
        Ok(format!("version {version}\n"))
    }

    fn failed(&mut self, host: usize) -> Outcome {
        let failure = |hosts: &[Host]| hosts[host].failure();
        Ok(self.scene.until("the node to fail", SETTLED_WITHIN_MS, failure) + "\n")
    }

    fn purged(&mut self, command: &Command) -> Outcome {
        let words = positional(command);
        let [of, "beyond", behind] = words[..] else { return Err("purged 1 beyond 3".into()) };
        let [of, behind] = hosts_of(&[of, behind])?[..] else { return Err("two nodes".into()) };
        self.scene.until("the log to be purged", SETTLED_WITHIN_MS, |hosts| {
            let status = |host: usize| hosts[host].group().map(|(group, _)| group.status());
            (status(of)?.purged_index > status(behind)?.last_applied).then_some(())
        });
        done(())
    }

    /// Waits until a node has received a part of a snapshot, which then has a temporary name.
    fn receiving(&mut self, host: usize) -> Outcome {
        self.scene.until("a part of a snapshot", SETTLED_WITHIN_MS, |hosts| {
            let names = hosts[host].disk.list(Path::new("/data/group-0/snapshots")).unwrap_or_default();
            names.iter().any(|name| name.ends_with(".tmp")).then_some(())
        });
        done(())
    }

    fn set_delays(&mut self, command: &Command) -> Outcome {
        let (usual, late) = (option(command, "usual")?, option(command, "late")?);
        let (usual_ms, late_ms) = (usual.unwrap_or(CALM.usual_ms), late.unwrap_or(CALM.late_ms));
        done(self.scene.network.set_delays(Delays { usual_ms, late_one_in: 5, late_ms }))
    }

    fn perform(&mut self, command: &Command, context: &Context) -> Outcome {
        let at: usize = context.prefix.as_deref().map_or(Ok(1), str::parse)?;
        let at = at - 1;
        let each = || hosts_of(&positional(command));
        match command.name.as_str() {
            "cluster" => self.cluster(command),
            "partition" => self.partition(command),
            "heal" => {
                self.scene.network.heal();
                done(self.scene.network.set_delays(CALM))
            }
            "flap" => self.flap(command),
            "delay" => self.set_delays(command),
            "crash" => done(each()?.into_iter().for_each(|host| self.scene.hosts[host].crash(false))),
            "restart" => done(each()?.into_iter().for_each(|host| self.scene.hosts[host].start())),
            "lead" => self.lead(each()?[0]),
            "elected" => done(self.elected(&each()?)),
            "write" => self.write(at, command),
            "release" => {
                let max = option(command, "to")?.ok_or("to=")? as u32;
                let supported = Versions { min: 1, max };
                done(each()?.into_iter().for_each(|host| self.scene.hosts[host].change_release(supported)))
            }
            "finalize" => {
                let pending = self.begin(at, |group, _| async move {
                    let finalized = group.finalize().await;
                    finalized.map_or_else(|refused| format!("{refused:?}"), |()| "done".to_owned())
                });
                self.answer_or_keep(pending, context)
            }
            "versions" => self.versions(),
            "failed" => self.failed(each()?[0]),
            "purged" => self.purged(command),
            "receiving" => self.receiving(each()?[0]),
            "pass" => done(self.scene.pass(numbers(command)?[0])),
            "agreed" => self.agreed(),
            "transfer" => {
                let to = Some(numbers(command)?[0]);
                let pending = self.begin(at, |group, _| async move {
                    let changed = group.change(Change::Transfer { to }).await;
                    // Shows only whether the hand-over succeeded: which node is elected instead is
                    // random.
                    if changed.is_ok() { "done".to_owned() } else { "not done".to_owned() }
                });
                self.answer_or_keep(pending, context)
            }
            "answer" => {
                let name = positional(command)[0];
                let pending = self.pending.remove(name).ok_or("no request has that name")?;
                Ok(self.wait(&pending) + "\n")
            }
            line => {
                let words = split_words(line.as_bytes())?;
                let words = words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
                let pending = self.begin(at, |group, keyspace| request(group, keyspace, words));
                self.answer_or_keep(pending, context)
            }
        }
    }
}

impl goldenscript::Runner for Scenario {
    type Command = Command;

    fn start_block(&mut self, _block: &goldenscript::Block) -> Outcome {
        self.printed = false;
        done(())
    }

    fn run(&mut self, command: &Command, context: &Context) -> Outcome {
        let shown = self.perform(command, context)?;
        if !shown.is_empty() && std::mem::replace(&mut self.printed, true) {
            return Err("a block has one reply: begin another".into());
        }
        Ok(shown)
    }
}

/// The reply to a client that sends these words to a node. Runs them as the task of a connection
/// does.
async fn request(group: Group, keyspace: Arc<Keyspace>, words: Vec<String>) -> String {
    let row = table::find(words[0].as_bytes()).expect("a command of the table");
    let args: Vec<Bytes> = words.into_iter().skip(1).map(Bytes::from).collect();
    let mut context = command::Context {
        protocol: Protocol::Resp2,
        now_ms: 0,
        document_bytes_max: 1 << 20,
        seed: SeedSource::Fixed(0),
    };
    let reply: Result<Reply, Unavailable> = match row.route {
        Route::Write { .. } => {
            let mut batch = Batch::new();
            batch.push(row, &args, &context).expect("a valid request");
            group.propose(batch).await.map(|done| done.replies.into_iter().next().expect("a reply"))
        }
        Route::Read { run } => group.read_barrier(ReadConsistency::Linearizable).await.map(|now_ms| {
            context.now_ms = now_ms;
            run(&args, &context, keyspace.each()).into()
        }),
        _ => panic!("{} neither reads nor writes", row.spec.name),
    };
    let mut wire = Vec::new();
    encode(&reply.unwrap_or_else(Reply::from), Protocol::Resp2, &mut wire);
    String::from_utf8_lossy(&wire).trim_end().replace("\r\n", " ")
}

/// The result of a command that prints nothing.
fn done(_: ()) -> Outcome {
    Ok(String::new())
}

fn positional(command: &Command) -> Vec<&str> {
    let words = command.args.iter().filter_map(|argument| match argument {
        Argument::Positional(word) => Some(word.as_str()),
        _ => None,
    });
    words.collect()
}

fn numbers(command: &Command) -> Result<Vec<u64>, Box<dyn Error>> {
    let numbers: Vec<u64> = positional(command).into_iter().map(str::parse).collect::<Result<_, _>>()?;
    if numbers.is_empty() { Err("a number is missing".into()) } else { Ok(numbers) }
}

/// Converts numbers of nodes, which begin at 1, to indexes.
fn hosts_of(words: &[&str]) -> Result<Vec<usize>, Box<dyn Error>> {
    let host = |word: &&str| Ok(word.parse::<usize>()?.checked_sub(1).ok_or("nodes are numbered from 1")?);
    words.iter().map(host).collect()
}

fn option(command: &Command, name: &str) -> Result<Option<u64>, Box<dyn Error>> {
    let value = |argument: &'_ Argument| match argument {
        Argument::KeyValue(key, value) if key == name => Some(value.parse()),
        _ => None,
    };
    Ok(command.args.iter().find_map(value).transpose()?)
}

fn play(name: &str) {
    goldenscript::run(&mut Scenario::new(), Path::new(DIRECTORY).join(name)).expect("the scenario runs");
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
    a_follower_behind_the_purged_log_gets_a_snapshot
    a_follower_that_crashes_while_it_gets_a_snapshot_gets_it_again
    a_link_that_flaps_costs_no_acknowledged_write
    an_old_leader_that_is_cut_off_acknowledges_and_reads_nothing
    leadership_is_not_handed_over_to_a_node_that_is_cut_off
    the_cluster_version_survives_power_cuts_and_a_snapshot
}

#[test]
#[allow(clippy::disallowed_methods, reason = "the test lists its own files, on no node's disk")]
fn every_script_is_run() {
    let entries = std::fs::read_dir(DIRECTORY).expect("the directory is there");
    let mut files: Vec<String> =
        entries.map(|entry| entry.expect("a name").file_name().to_string_lossy().into_owned()).collect();
    files.sort();
    assert_eq!(files, NAMES);
}
