//! A host of the simulation. It runs a real node in a runtime of its own, on a simulated disk and
//! network that fail.
//!
//! Invariants:
//! * a node runs only inside [`Host::step`], with the thread's random numbers replaced by its own;
//! * a crash drops the runtime with everything in it; before that, the disk and the network are
//!   made unreachable.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jsonvault::cluster::{Bootstrap, Group, Options};
use jsonvault::env::{Background, Clock, replace_random};
use jsonvault::error::Fatal;
use jsonvault::keyspace::Keyspace;
use jsonvault::peer::Member;
use jsonvault::raft::ReplicaOptions;
use jsonvault::random::Random;
use jsonvault::storage::{DataDir, Identity, log};
use jsonvault::testkit::{SeededDelays, SimDisk};
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

use crate::net::Network;

pub const STEP: Duration = Duration::from_millis(1);
/// The time that wall clocks show when a simulation starts.
const EPOCH_MS: u64 = 1_700_000_000_000;

/// The settings of a node, which the seed chooses.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The number of nodes that form the cluster; further nodes join it.
    pub initial_members: usize,
    pub segment_bytes: u64,
    pub inline_bytes_max: usize,
    pub cache_bytes_max: usize,
    pub snapshot_log_bytes: u64,
    pub snapshot_log_entries: u64,
    /// A planted bug, which the checks have to find: the log's disk reports bytes as durable before
    /// they are.
    pub lying_disk: bool,
}

impl Settings {
    /// Settings for this number of initial members, with segments so large that a log has only one,
    /// and without automatic snapshots.
    pub fn roomy(initial_members: usize) -> Settings {
        Settings {
            initial_members,
            segment_bytes: 128 << 10,
            inline_bytes_max: 64 << 10,
            cache_bytes_max: 1 << 20,
            snapshot_log_bytes: 1 << 30,
            snapshot_log_entries: 1 << 20,
            lying_disk: false,
        }
    }
}

/// The simulation's time, as the clock of one node shows it.
#[derive(Debug)]
struct HostClock {
    now_ms: Arc<AtomicU64>,
    /// How far the wall clock is ahead, in milliseconds; it may be changed at any time.
    skew_ms: Arc<AtomicI64>,
}

impl Clock for HostClock {
    fn now_ms(&self) -> u64 {
        let true_ms = EPOCH_MS + self.now_ms.load(Ordering::Relaxed);
        true_ms.saturating_add_signed(self.skew_ms.load(Ordering::Relaxed))
    }

    fn elapsed(&self) -> Duration {
        Duration::from_millis(self.now_ms.load(Ordering::Relaxed))
    }
}

/// The progress of a start.
enum Stage {
    Starting,
    Up(Group, Arc<Keyspace>),
    /// The node has cleared its directory and has to be restarted.
    Cleared,
    Failed(String),
}

/// A copy of a disk's content.
pub struct DiskCopy {
    disk: SimDisk,
    incarnation: u64,
}

struct Running {
    runtime: Runtime,
    random: Random,
    stage: Arc<Mutex<Stage>>,
}

pub struct Host {
    pub index: usize,
    pub disk: SimDisk,
    settings: Settings,
    now_ms: Arc<AtomicU64>,
    skew_ms: Arc<AtomicI64>,
    network: Network,
    random: Random,
    /// The incarnation of the data directory, or of the next one if there is none.
    incarnation: u64,
    running: Option<Running>,
    /// For how much longer the node is suspended, and for how long it has been. Its clock continues
    /// meanwhile.
    pause_ms: u64,
    paused_ms: u64,
    /// Number of starts, with which callers detect that the node was restarted.
    pub boots: u64,
}

impl Host {
    pub fn new(
        index: usize,
        settings: Settings,
        now_ms: Arc<AtomicU64>,
        network: Network,
        mut random: Random,
    ) -> Host {
        let skew_ms = Arc::new(AtomicI64::new(random.below(500) as i64));
        let disk = SimDisk::new();
        let incarnation = random.next_u64();
        Host {
            index,
            disk,
            settings,
            now_ms,
            skew_ms,
            network,
            random,
            incarnation,
            running: None,
            pause_ms: 0,
            paused_ms: 0,
            boots: 0,
        }
    }

    pub fn id(&self) -> u64 {
        self.index as u64 + 1
    }

    /// The host as a member of the cluster.
    pub fn member(&self) -> Member {
        member(self.index, self.incarnation)
    }

    pub fn leads(&self) -> bool {
        self.group().is_some_and(|(group, _)| group.status().is_leader())
    }

    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Begins to start the node; [`Host::step`] continues it.
    pub fn start(&mut self) {
        assert!(self.running.is_none(), "a node starts after it has stopped");
        self.boots += 1;
        (self.pause_ms, self.paused_ms) = (0, 0);
        self.network.host_up(self.index);
        // The runtime has no I/O driver, because everything that a node waits for is in this
        // process.
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without an I/O driver needs nothing of the system");
        let stage = Arc::new(Mutex::new(Stage::Starting));
        let seed = self.random.next_u64();
        let background = Background::Simulated(Arc::new(SeededDelays::new(self.random.next_u64())));
        if self.settings.lying_disk {
            self.disk.lie_about(Path::new("/data/group-0/log"));
        }
        runtime.spawn(run(self.start_up(background), stage.clone()));
        self.running = Some(Running { runtime, random: Random::seeded(seed), stage });
    }

    fn start_up(&self, background: Background) -> StartUp {
        let initial_members =
            (0..self.settings.initial_members).map(|host| (host as u64 + 1, member(host, 0))).collect();
        let is_initial = self.index < self.settings.initial_members;
        let cluster = "simulated".to_string();
        StartUp {
            identity: Identity { node: self.id(), cluster, incarnation: self.incarnation },
            address: Network::address(self.index).to_string(),
            own: member(self.index, self.incarnation),
            bootstrap: if is_initial { Bootstrap::InitialMembers(initial_members) } else { Bootstrap::Join },
            settings: self.settings.clone(),
            disk: self.disk.clone(),
            clock: Arc::new(HostClock { now_ms: self.now_ms.clone(), skew_ms: self.skew_ms.clone() }),
            network: self.network.of_host(self.index),
            background,
        }
    }

    /// Runs the node for one millisecond.
    pub fn step(&mut self) {
        if self.pause_ms > 0 {
            self.pause_ms -= 1;
            self.paused_ms += 1;
            return;
        }
        let paused = Duration::from_millis(std::mem::take(&mut self.paused_ms));
        if let Some(running) = &mut self.running {
            let before = replace_random(running.random.clone());
            running.runtime.block_on(async {
                if !paused.is_zero() {
                    tokio::time::advance(paused).await;
                }
                tokio::time::sleep(STEP).await;
            });
            running.random = replace_random(before);
        }
        if self.running.as_ref().is_some_and(|running| matches!(*running.stage.lock(), Stage::Cleared)) {
            self.crash(false);
            self.incarnation = self.random.next_u64();
            self.start();
        }
    }

    /// The incarnation of the node's data directory.
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Replaces the disk of a node that is down by an empty one.
    pub fn lose_disk(&mut self) {
        assert!(self.running.is_none(), "a disk is taken out of a node that is off");
        self.disk = SimDisk::new();
        self.incarnation = self.random.next_u64();
    }

    /// Copies the disk of a node that is down.
    pub fn copy_disk(&self) -> DiskCopy {
        assert!(self.running.is_none(), "a disk is copied while its node is off");
        DiskCopy { disk: self.disk.copy(), incarnation: self.incarnation }
    }

    /// Replaces the disk of a node that is down by a copy.
    pub fn restore_disk(&mut self, copy: &DiskCopy) {
        assert!(self.running.is_none(), "a disk is put into a node that is off");
        self.disk = copy.disk.copy();
        self.incarnation = copy.incarnation;
    }

    /// Suspends the node for this time, as a busy machine or a debugger would; 0 resumes it.
    pub fn pause(&mut self, for_ms: u64) {
        self.pause_ms = for_ms;
    }

    /// Sets the node's wall clock this far ahead, or behind if negative; its monotonic clock is not
    /// affected.
    pub fn set_time_of_day(&self, ahead_ms: i64) {
        self.skew_ms.store(ahead_ms, Ordering::Relaxed);
    }

    /// Cuts the node's power. The seed chooses which unsynced changes its disk keeps.
    pub fn crash(&mut self, silent: bool) {
        // First, so that nothing that is dropped below reaches the disk or the network.
        self.disk.cut_power_after(0);
        self.network.host_down(self.index, silent);
        if let Some(running) = self.running.take() {
            let before = replace_random(running.random);
            drop(running.runtime);
            replace_random(before);
        }
        self.disk.reboot(self.random.next_u64());
    }

    /// The group, if the node is up.
    pub fn group(&self) -> Option<(Group, Arc<Keyspace>)> {
        match &*self.running.as_ref()?.stage.lock() {
            Stage::Up(group, keyspace) => Some((group.clone(), keyspace.clone())),
            Stage::Starting | Stage::Cleared | Stage::Failed(_) => None,
        }
    }

    /// The error with which the node stopped, if it did.
    pub fn failure(&self) -> Option<String> {
        match &*self.running.as_ref()?.stage.lock() {
            Stage::Failed(reason) => Some(reason.clone()),
            Stage::Starting | Stage::Cleared | Stage::Up(..) => None,
        }
    }

    /// Runs a task on the node.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(running) = &self.running {
            running.runtime.spawn(task);
        }
    }
}

/// A host as a member of the cluster. `incarnation` may be 0 if only the addresses matter.
fn member(host: usize, incarnation: u64) -> Member {
    Member {
        raft_address: Network::address(host).to_string(),
        client_address: format!("10.0.0.{}:6379", host + 1),
        incarnation,
    }
}

struct StartUp {
    identity: Identity,
    address: String,
    own: Member,
    bootstrap: Bootstrap,
    settings: Settings,
    disk: SimDisk,
    clock: Arc<HostClock>,
    network: Arc<dyn jsonvault::env::Net>,
    background: Background,
}

impl StartUp {
    async fn group(self) -> Result<(DataDir, Group, Arc<Keyspace>), Fatal> {
        let bound = self.network.bind(&self.address).await;
        let acceptor =
            bound.map_err(|error| Fatal::Listen { address: self.address, reason: error.to_string() })?;
        let data = DataDir::open(self.disk.shared(), Path::new("/data"), self.identity)?;
        let keyspace = Arc::new(Keyspace::new());
        let options = Options {
            bootstrap: self.bootstrap,
            own: self.own,
            net: self.network,
            sink: Arc::new(()),
            acceptor,
            replica: ReplicaOptions {
                forget_others: None,
                clock: self.clock,
                keyspace: keyspace.clone(),
                snapshot_log_bytes: self.settings.snapshot_log_bytes,
                snapshot_log_entries: self.settings.snapshot_log_entries,
                log: log::Options {
                    segment_bytes: self.settings.segment_bytes,
                    inline_bytes_max: self.settings.inline_bytes_max,
                    cache_bytes_max: self.settings.cache_bytes_max,
                    ..log::Options::default()
                },
                background: self.background,
            },
        };
        let group = Group::start(&data, options).await?;
        Ok((data, group, keyspace))
    }
}

/// Starts the node, and waits until it ends.
async fn run(start: StartUp, stage: Arc<Mutex<Stage>>) {
    let (data, group, keyspace) = match start.group().await {
        Ok(started) => started,
        Err(fatal) => {
            *stage.lock() = Stage::Failed(fatal.to_string());
            return;
        }
    };
    *stage.lock() = Stage::Up(group.clone(), keyspace);
    let ended = tokio::select! {
        biased;
        fatal = group.failed() => Err(fatal),
        () = group.until_lost() => match group.shutdown().await {
            Ok(()) => data.clear(),
            Err(fatal) => Err(fatal),
        },
    };
    *stage.lock() = match ended {
        Ok(()) => Stage::Cleared,
        Err(fatal) => Stage::Failed(fatal.to_string()),
    };
}
