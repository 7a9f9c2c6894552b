//! A node of the simulation: the real one, in a runtime of its own, on a disk and a network that
//! fail.
//!
//! Invariants:
//! * a node runs only inside [`Host::step`], with the thread's random numbers replaced by its own;
//! * a crash drops the runtime with everything in it, after disk and network have become
//!   unreachable for it;
//! * the node's clocks, its runtime's included, advance by whole milliseconds of its own speed.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jsonvault::cluster::{Bootstrap, Group, Options};
use jsonvault::env::{Background, replace_random};
use jsonvault::error::Fatal;
use jsonvault::keyspace::Keyspace;
use jsonvault::peer::Member;
use jsonvault::raft::ReplicaOptions;
use jsonvault::random::Random;
use jsonvault::storage::{DataDir, Identity, log};
use jsonvault::testkit::SimDisk;
use jsonvault::version::Versions;
use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};

use crate::clocks::{HostClock, HostDelays};
use crate::mistakes::Mistake;
use crate::mistakes::messages::MistakenNet;
use crate::mistakes::records::MistakenDisk;
use crate::net::Network;
use crate::workloads::Node;
use crate::workloads::pubsub::Received;

/// The log's directory on each disk.
pub const LOG: &str = "/data/group-0/log";
/// The settings that one seed chose for a node.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The number of nodes that form the cluster; others join it.
    pub initial_members: usize,
    pub segment_bytes: u64,
    pub inline_bytes_max: usize,
    pub cache_bytes_max: usize,
    pub snapshot_log_bytes: u64,
    pub snapshot_log_entries: u64,
    /// How many millionths a node's clock may be too fast.
    pub drift_ppm_max: u64,
    /// The planted bug, if there is one.
    pub mistake: Option<Mistake>,
    /// The cluster versions that the node's program supports.
    pub supported: Versions,
}

impl Settings {
    /// Settings for this many initial members, with logs that do not roll over and no automatic
    /// snapshots.
    pub fn roomy(initial_members: usize) -> Settings {
        Settings {
            initial_members,
            segment_bytes: 128 << 10,
            inline_bytes_max: 64 << 10,
            cache_bytes_max: 1 << 20,
            snapshot_log_bytes: 1 << 30,
            snapshot_log_entries: 1 << 20,
            drift_ppm_max: 0,
            mistake: None,
            supported: Versions::PROGRAM,
        }
    }
}

/// The progress of a start.
enum Stage {
    Starting,
    Up(Group, Arc<Keyspace>),
    /// The node has cleared its directory, and has to be restarted.
    Cleared,
    Failed(String),
}

/// The content of a disk at some moment.
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
    clock: Arc<HostClock>,
    delays: Arc<HostDelays>,
    network: Network,
    random: Random,
    /// The number of the data directory, or of the next one.
    incarnation: u64,
    running: Option<Running>,
    /// How much longer the node is suspended.
    pause_ms: u64,
    /// How much time has passed on the node's clock since it last ran: the clock continues while
    /// the node is suspended.
    behind_ms: u64,
    /// Whether the disk lies about syncs of the log.
    pub lies: bool,
    /// Whether the node starts outside the cluster and joins when the operator adds it.
    pub joins: bool,
    /// Whether the node takes itself for the only member; a planted bug.
    alone: bool,
    /// What the node's subscriber receives from other nodes, until the simulation takes it; new
    /// after each start.
    pub received: Arc<Received>,
    /// Counts starts, so that callers of an earlier one can detect a restart.
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
        let clock = Arc::new(HostClock::new(now_ms, &mut random, &settings));
        let disk = SimDisk::new();
        let incarnation = random.next_u64();
        let joins = index >= settings.initial_members;
        Host {
            index,
            disk,
            settings,
            clock,
            delays: Arc::default(),
            network,
            random,
            incarnation,
            running: None,
            pause_ms: 0,
            behind_ms: 0,
            lies: false,
            joins,
            alone: false,
            received: Arc::default(),
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
        (self.pause_ms, self.behind_ms) = (0, 0);
        self.received = Arc::default();
        self.network.host_up(self.index);
        // No I/O driver: everything that a node waits for is in this process.
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build();
        let runtime = runtime.expect("a runtime without an I/O driver needs nothing of the system");
        let stage = Arc::new(Mutex::new(Stage::Starting));
        let seed = self.random.next_u64();
        self.delays.reseed(self.random.next_u64());
        if self.lies || self.settings.mistake == Some(Mistake::SyncSkipped) {
            self.disk.lie_about(Path::new(LOG));
        }
        runtime.spawn(run(self.start_up(), stage.clone()));
        self.running = Some(Running { runtime, random: Random::seeded(seed), stage });
    }

    /// From the next start on, the node runs a program with these versions.
    pub fn change_release(&mut self, supported: Versions) {
        self.settings.supported = supported;
    }

    fn start_up(&self) -> StartUp {
        let initial = (0..self.settings.initial_members).filter(|host| !self.alone || *host == self.index);
        let initial_members = initial.map(|host| (host as u64 + 1, member(host, 0))).collect();
        let cluster = "simulated".to_string();
        StartUp {
            identity: Identity { node: self.id(), cluster, incarnation: self.incarnation },
            address: Network::address(self.index).to_string(),
            own: member(self.index, self.incarnation),
            bootstrap: if self.joins { Bootstrap::Join } else { Bootstrap::InitialMembers(initial_members) },
            settings: self.settings.clone(),
            disk: self.disk.clone(),
            clock: self.clock.clone(),
            network: self.network.of_host(self.index),
            background: Background::Simulated(self.delays.clone()),
            sink: self.received.clone(),
        }
    }

    /// Runs the node for a millisecond of true time.
    pub fn step(&mut self) {
        self.behind_ms += self.clock.tick();
        if self.pause_ms > 0 {
            self.pause_ms -= 1;
            return;
        }
        if self.settings.mistake == Some(Mistake::SnapshotTooNew)
            && let Some((_, keyspace)) = self.group()
        {
            keyspace.lose_pre_images();
        }
        let ms = std::mem::take(&mut self.behind_ms);
        if let (Some(running), true) = (&mut self.running, ms > 0) {
            let before = replace_random(running.random.clone());
            running.runtime.block_on(async {
                // A node that was suspended finds all of the time passed at once.
                if ms > 1 {
                    tokio::time::advance(Duration::from_millis(ms - 1)).await;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            });
            running.random = replace_random(before);
        }
        if self.running.as_ref().is_some_and(|running| matches!(*running.stage.lock(), Stage::Cleared)) {
            self.crash(false);
            self.incarnation = self.random.next_u64();
            self.start();
        }
    }

    /// The number of the node's data directory.
    pub fn incarnation(&self) -> u64 {
        self.incarnation
    }

    /// Replaces the disk of a node that is down by an empty one.
    pub fn lose_disk(&mut self) {
        assert!(self.running.is_none(), "a disk is taken out of a node that is off");
        self.disk = SimDisk::new();
        self.incarnation = self.random.next_u64();
        self.alone = self.settings.mistake == Some(Mistake::FoundedAnew);
        self.lies = false;
    }

    /// Empties the disk of a node that was removed, and starts it to join anew.
    pub fn join_anew(&mut self) {
        self.crash(false);
        self.lose_disk();
        self.joins = true;
        self.start();
    }

    /// Copies the disk of a node that is down.
    pub fn copy_disk(&self) -> DiskCopy {
        assert!(self.running.is_none(), "a disk is copied while its node is off");
        DiskCopy { disk: self.disk.copy(), incarnation: self.incarnation }
    }

    /// Restores a copy of the disk.
    pub fn restore_disk(&mut self, copy: &DiskCopy) {
        assert!(self.running.is_none(), "a disk is put into a node that is off");
        self.disk = copy.disk.copy();
        self.incarnation = copy.incarnation;
    }

    /// Suspends the node for this long, like a busy machine or a debugger; 0 resumes it.
    pub fn pause(&mut self, for_ms: u64) {
        self.pause_ms = for_ms;
    }

    /// Sets the node's wall clock this far ahead, or behind; its monotonic clock is not affected.
    pub fn set_time_of_day(&self, ahead_ms: i64) {
        self.clock.set_ahead(ahead_ms);
    }

    /// Makes work on the disk take up to this long.
    pub fn slow_disk(&self, longest_ms: u64) {
        self.delays.set_longest(longest_ms);
    }

    /// Cuts the node's power. The seed chooses which unsynced changes its disk keeps.
    pub fn crash(&mut self, silent: bool) {
        // Nothing that is dropped below may reach the disk or the network any more.
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

    /// The node as the workloads use it, if it is up.
    pub fn node(&self) -> Option<Node> {
        let (group, keyspace) = self.group()?;
        Some(Node { group, keyspace, mistake: self.settings.mistake, wall_ms: self.clock.wall_ms() })
    }

    /// The error with which the node stopped, if it did.
    pub fn failure(&self) -> Option<String> {
        match &*self.running.as_ref()?.stage.lock() {
            Stage::Failed(reason) => Some(reason.clone()),
            Stage::Starting | Stage::Cleared | Stage::Up(..) => None,
        }
    }

    /// Runs a task on the node, if it runs.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        if let Some(running) = &self.running {
            running.runtime.spawn(task);
        }
    }
}

/// A host as a member of the cluster; `incarnation` 0 if only its addresses matter.
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
    sink: Arc<Received>,
}

impl StartUp {
    async fn group(mut self) -> Result<(DataDir, Group, Arc<Keyspace>), Fatal> {
        let mut disk = self.disk.shared();
        if let Some(mistake) = self.settings.mistake {
            self.network = Arc::new(MistakenNet::over(self.network, mistake));
            disk = MistakenDisk::over(disk, mistake);
        }
        let bound = self.network.bind(&self.address).await;
        let acceptor =
            bound.map_err(|error| Fatal::Listen { address: self.address, reason: error.to_string() })?;
        let data = DataDir::open(disk, Path::new("/data"), self.identity)?;
        let keyspace = Arc::new(Keyspace::new());
        let options = Options {
            bootstrap: self.bootstrap,
            own: self.own,
            net: self.network,
            sink: self.sink,
            acceptor,
            supported: self.settings.supported,
            auto_finalize: false,
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

/// Starts the node and waits for its end.
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
