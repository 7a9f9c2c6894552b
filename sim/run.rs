//! Runs the simulation of one seed, from the first start to the last check.
//!
//! In the safety phase, clients work while faults occur. Then the faults end, and within a bounded
//! time everything has to work again. Some guarantees are checked continuously, the others at the
//! end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonvault::random::Random;

use crate::check::digests::{Digests, digest};
use crate::check::leaders::Leaders;
use crate::check::progress::Progress;
use crate::check::{expiry, reads, writes};
use crate::client::{Client, EXPIRING_KEYS, KEYS, list};
use crate::faults::{CALM, Faults};
use crate::history::{History, Moment};
use crate::host::{Host, Settings};
use crate::net::Network;
use crate::operator::Operator;
use crate::panics;

const CLIENTS: usize = 6;
/// The number of nodes that form the cluster; some seeds let another node join.
pub const INITIAL_MEMBERS: usize = 3;
/// Duration of the phase with faults.
const SAFETY_MS: u64 = 12_000;
/// Interval at which the digests of all nodes' keyspaces are compared.
const DIGEST_INTERVAL_MS: u64 = 25;

/// The result of the run of a seed.
pub struct Report {
    pub trace: Vec<String>,
    pub failure: Option<String>,
    /// Number of acknowledged writes; a run without any would show nothing.
    pub acknowledged: usize,
    pub snapshots: usize,
}

pub struct Simulation {
    now_ms: u64,
    shared_now: Arc<AtomicU64>,
    network: Network,
    hosts: Vec<Host>,
    clients: Vec<Client>,
    faults: Faults,
    operator: Operator,
    history: History,
    leaders: Leaders,
    digests: Digests,
    shown: BTreeMap<u64, String>,
    snapshots: usize,
    lying_disk: bool,
    trace: Vec<String>,
}

/// Runs one seed.
pub fn run(seed: u64, lying_disk: bool) -> Report {
    panics::watched(|| watched(seed, lying_disk))
}

fn watched(seed: u64, lying_disk: bool) -> Report {
    let mut simulation = Simulation::new(seed, lying_disk);
    let failure = simulation.all_phases().err();
    let acknowledged = simulation
        .history
        .events
        .iter()
        .filter(|event| matches!(event.outcome(), Some(crate::history::Outcome::Appended(_))));
    let acknowledged = acknowledged.count();
    if let Some(failure) = &failure {
        simulation.trace.push(format!("{:>6} FAILED: {failure}", simulation.now_ms));
    }
    Report { failure, acknowledged, snapshots: simulation.snapshots, trace: simulation.trace }
}

impl Simulation {
    fn new(seed: u64, lying_disk: bool) -> Simulation {
        let mut random = Random::seeded(seed);
        let mut stream = || Random::seeded(random.next_u64());
        let shared_now = Arc::new(AtomicU64::new(0));
        let hosts = INITIAL_MEMBERS + usize::from(stream().one_in(3));
        let network = Network::new(hosts, CALM, stream().next_u64());
        let settings = settings(&mut stream(), lying_disk);
        let host = |index| Host::new(index, settings.clone(), shared_now.clone(), network.clone(), stream());
        let hosts: Vec<Host> = (0..hosts).map(host).collect();
        let mut stream = || Random::seeded(random.next_u64());
        let clients = (0..CLIENTS).map(|id| Client::new(id, stream())).collect();
        let faults = Faults::new(hosts.len(), lying_disk, stream());
        let operator = Operator::new(stream());
        let trace = vec![format!("seed {seed}: {settings:?}")];
        Simulation {
            now_ms: 0,
            shared_now,
            network,
            hosts,
            clients,
            faults,
            operator,
            history: History::default(),
            leaders: Leaders::default(),
            digests: Digests::default(),
            shown: BTreeMap::new(),
            snapshots: 0,
            lying_disk,
            trace,
        }
    }

    fn all_phases(&mut self) -> Result<(), String> {
        self.hosts.iter_mut().for_each(Host::start);
        while self.now_ms < SAFETY_MS {
            let mut lines = Vec::new();
            self.faults.step(self.now_ms, &mut self.hosts, &self.network, &mut lines);
            self.note(lines);
            self.millisecond()?;
        }
        let mut lines = Vec::new();
        self.faults.end(&mut self.hosts, &self.network, &mut lines);
        self.note(lines);
        let mut progress = Progress::new(self.now_ms, self.hosts.len());
        self.clients.clear();
        loop {
            let mut lines = Vec::new();
            let done = progress.step(self.now_ms, &self.hosts, &mut self.history, &mut lines);
            self.note(lines);
            if done? {
                break;
            }
            // A node that has stopped because its disk failed at the end of the phase is restarted
            // as well.
            self.hosts.iter_mut().filter(|host| !host.is_running()).for_each(Host::start);
            self.millisecond()?;
        }
        self.check_history()
    }

    fn millisecond(&mut self) -> Result<(), String> {
        self.now_ms += 1;
        self.shared_now.store(self.now_ms, Ordering::Relaxed);
        self.network.advance(self.now_ms);
        let starts = self.hosts.iter().map(|host| host.boots).sum();
        self.history.is_now(Moment { now_ms: self.now_ms, starts });
        let mut lines = Vec::new();
        for client in &mut self.clients {
            client.step(self.now_ms, &self.hosts, &mut self.history, &mut lines);
        }
        self.operator.step(self.now_ms, &self.hosts, &mut lines);
        self.hosts.iter_mut().for_each(Host::step);
        self.faults.crash_failed_hosts(self.now_ms, &mut self.hosts, &mut lines);
        self.note(lines);
        self.check_now()
    }

    fn note(&mut self, lines: Vec<String>) {
        let now_ms = self.now_ms;
        self.trace.extend(lines.into_iter().map(|line| format!("{now_ms:>6} {line}")));
    }

    /// Checks the guarantees that have to hold at every moment.
    fn check_now(&mut self) -> Result<(), String> {
        // On a lying disk, openraft detects some of the losses and panics. That is not reported:
        // the node is restarted, so that the checks can find the others.
        if let (false, Some(panic)) = (self.lying_disk, panics::first()) {
            return Err(format!("panicked: {panic}"));
        }
        let mut lines = Vec::new();
        for host in &self.hosts {
            if let (false, Some(reason)) = (self.lying_disk, host.failure()) {
                return Err(format!("n{} failed: {reason}", host.id()));
            }
            let Some((group, keyspace)) = host.group() else { continue };
            let status = group.status();
            if status.is_leader() {
                self.leaders.seen(status.term, host.id())?;
            }
            let shown = format!(
                "n{} {} in term {}, snapshot {:?}, purged {:?}",
                host.id(),
                status.role.name(),
                status.term,
                status.snapshot_index,
                status.purged_index
            );
            if self.shown.get(&host.id()) != Some(&shown) {
                self.snapshots += usize::from(status.snapshot_index.is_some());
                lines.push(shown.clone());
                self.shown.insert(host.id(), shown);
            }
            if self.now_ms.is_multiple_of(DIGEST_INTERVAL_MS)
                && let Some(applied) = status.last_applied
            {
                self.digests.seen(applied, host.id(), digest(&keyspace))?;
            }
        }
        self.note(lines);
        Ok(())
    }

    /// Checks the guarantees that can be checked only at the end.
    fn check_history(&mut self) -> Result<(), String> {
        let mut lines = Vec::new();
        for host in &self.hosts {
            let (group, keyspace) = host.group().ok_or("a node is not up at the end")?;
            let applied = group.status().last_applied.ok_or("a node has applied nothing at the end")?;
            let digest = digest(&keyspace);
            lines.push(format!("n{} has applied {applied}: {digest:032x}", host.id()));
            self.digests.seen(applied, host.id(), digest)?;
        }
        self.note(lines);
        let (_, keyspace) = self.hosts[0].group().ok_or("a node is not up at the end")?;
        for key in 0..KEYS {
            let finally = list(&keyspace, key);
            writes::check(&self.history, key, &finally)?;
            reads::check(&self.history, key, &finally)?;
        }
        for key in KEYS..KEYS + EXPIRING_KEYS {
            expiry::check(&self.history, key)?;
        }
        expiry::check_time(&self.history)
    }
}

/// Small segments and frequent snapshots, so that a few seconds have many of both.
fn settings(random: &mut Random, lying_disk: bool) -> Settings {
    Settings {
        initial_members: INITIAL_MEMBERS,
        segment_bytes: [8 << 10, 32 << 10, 128 << 10][random.below(3) as usize],
        // Decides whether small appends are written by the appending thread, or later.
        inline_bytes_max: if random.one_in(2) { 0 } else { 64 << 10 },
        cache_bytes_max: [1 << 10, 1 << 20][random.below(2) as usize],
        snapshot_log_bytes: [20 << 10, 200 << 10, 1 << 30][random.below(3) as usize],
        snapshot_log_entries: [30, 300, 1 << 20][random.below(3) as usize],
        lying_disk,
    }
}
