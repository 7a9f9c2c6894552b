//! One simulation: everything that one seed chooses, from the first start to the last check.
//!
//! First comes the safety phase, with faults and clients. Then the faults end and, within a bounded
//! time, everything works again. At last all nodes, except one whose disk lies, lose their power at
//! once; everything acknowledged must still be there. Some guarantees are checked all the time, the
//! others at the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonvault::random::Random;
use jsonvault::version::Versions;

use crate::checkers;
use crate::checkers::completeness::Completeness;
use crate::checkers::elections::Elections;
use crate::checkers::logs::{self, Logs};
use crate::checkers::monotonic::{Monotonic, Seen};
use crate::checkers::progress::Progress;
use crate::checkers::states::{States, digest};
use crate::client::Client;
use crate::faults::{CALM, Faults, Scene};
use crate::history::{History, Moment, Outcome};
use crate::host::{Host, Settings};
use crate::mistakes::Mistake;
use crate::net::Network;
use crate::operator::Operator;
use crate::panics;
use crate::plan::Plan;
use crate::workloads::{self, Workload};

/// Duration of the phase with faults.
const SAFETY_MS: u64 = 12_000;
/// Interval of the digests of all nodes' keyspaces.
const DIGEST_INTERVAL_MS: u64 = 25;
/// How much too fast a clock may be, in millionths: ten times the error of a bad crystal.
const DRIFT_PPM_MAX: u64 = 500;
/// How far clocks of different speeds may shift the leaders' time within a run.
const DRIFT_SLACK_MS: u64 = 20;

/// The result of a run.
pub struct Report {
    pub trace: Vec<String>,
    pub failure: Option<String>,
    /// Acknowledged appends: a run without progress shows nothing.
    pub acknowledged: usize,
    pub snapshots: usize,
    pub history: History,
    /// How many faults were due before the end.
    pub faults_begun: usize,
    /// Keys whose linearizability could not be decided.
    pub undecided: Vec<usize>,
}

pub struct Simulation {
    now_ms: u64,
    shared_now: Arc<AtomicU64>,
    network: Network,
    hosts: Vec<Host>,
    clients: Vec<Client>,
    work: Vec<Box<dyn Workload + Sync>>,
    faults: Faults,
    operator: Operator,
    history: History,
    elections: Elections,
    completeness: Completeness,
    monotonic: Monotonic,
    logs: Logs,
    states: States,
    shown: BTreeMap<u64, String>,
    /// By host: the start whose log is still to be compared, and what it had applied.
    running: Vec<(u64, Option<u64>)>,
    snapshots: usize,
    settings: Settings,
    trace: Vec<String>,
}

/// Runs a plan.
pub fn run(plan: &Plan) -> Report {
    panics::watched(|| watched(plan))
}

fn watched(plan: &Plan) -> Report {
    let mut simulation = Simulation::new(plan);
    let result = simulation.all_phases();
    let appended = |event: &&crate::history::Event| matches!(event.outcome(), Some(Outcome::Appended(_)));
    let acknowledged = simulation.history.events.iter().filter(appended).count();
    if let Err(failure) = &result {
        simulation.trace.push(format!("{:>6} FAILED: {failure}", simulation.now_ms));
    }
    Report {
        faults_begun: simulation.faults.begun(),
        undecided: result.as_ref().cloned().unwrap_or_default(),
        failure: result.err(),
        acknowledged,
        snapshots: simulation.snapshots,
        trace: simulation.trace,
        history: simulation.history,
    }
}

impl Simulation {
    fn new(plan: &Plan) -> Simulation {
        let mut random = Random::seeded(plan.seed);
        let mut stream = || Random::seeded(random.next_u64());
        let shared_now = Arc::new(AtomicU64::new(0));
        let settings = settings(&mut stream(), plan.mistake);
        let joins = settings.initial_members == 3 && stream().one_in(3);
        let count = settings.initial_members + usize::from(joins);
        let network = Network::new(count, CALM, stream().next_u64());
        let host = |index| Host::new(index, settings.clone(), shared_now.clone(), network.clone(), stream());
        let mut hosts: Vec<Host> = (0..count).map(host).collect();
        let mut stream = || Random::seeded(random.next_u64());
        lie(&mut hosts, &settings, &mut stream());
        let work = chosen(&mut stream());
        let clients = (0..plan.clients).map(|id| Client::new(id, stream())).collect();
        let operator = Operator::new(settings.initial_members, stream());
        let mut faults = Faults::new(count, SAFETY_MS, plan.mistake.is_some(), stream());
        plan.faults.iter().for_each(|faults_kept| faults.keep_only(faults_kept.clone()));
        let names: Vec<&str> = work.iter().map(|workload| workload.name()).collect();
        let liar = hosts.iter().find(|host| host.lies).map(Host::id);
        let trace = vec![format!(
            "seed {}: {count} nodes, {names:?}, a disk lies: {liar:?}, {settings:?}",
            plan.seed
        )];
        Simulation {
            now_ms: 0,
            shared_now,
            network,
            running: vec![(0, None); hosts.len()],
            hosts,
            clients,
            work,
            faults,
            operator,
            history: History::default(),
            elections: Elections::default(),
            completeness: Completeness::default(),
            monotonic: Monotonic::default(),
            logs: Logs::default(),
            states: States::default(),
            shown: BTreeMap::new(),
            snapshots: 0,
            settings,
            trace,
        }
    }

    fn all_phases(&mut self) -> Result<Vec<usize>, String> {
        self.hosts.iter_mut().for_each(Host::start);
        while self.now_ms < SAFETY_MS {
            let steady = !self.operator.is_removing();
            self.with_faults(|faults, scene| faults.step(scene, steady));
            for node in self.faults.take_forgetful() {
                self.monotonic.forget(node);
                // Its log may end in entries that others have replaced since.
                self.running[node as usize - 1].1 = None;
            }
            self.millisecond(!self.faults.has_changed_a_disk())?;
        }
        self.with_faults(Faults::end);
        self.until_all_work()?;
        self.clients.clear();
        self.cut_all_power()?;
        self.until_all_work()?;
        self.compare_all()?;
        let slack_ms = if self.settings.drift_ppm_max > 0 { DRIFT_SLACK_MS } else { 0 };
        checkers::check(&self.history, slack_ms)
    }

    fn with_faults(&mut self, act: impl FnOnce(&mut Faults, &mut Scene<'_>)) {
        let mut lines = Vec::new();
        let (hosts, network) = (&mut self.hosts[..], &self.network);
        act(&mut self.faults, &mut Scene { now_ms: self.now_ms, hosts, network, trace: &mut lines });
        self.note(lines);
    }

    /// Waits until every node accepts a write and answers the final reads.
    fn until_all_work(&mut self) -> Result<(), String> {
        self.clients.clear();
        let reads: Vec<_> = workloads::all().iter().flat_map(|workload| workload.final_reads()).collect();
        let mut progress = Progress::new(self.now_ms, self.hosts.len(), &reads);
        loop {
            let mut lines = Vec::new();
            let done = progress.step(self.now_ms, &self.hosts, &mut self.history, &mut lines);
            self.note(lines);
            if done? {
                return Ok(());
            }
            self.with_faults(Faults::restart_stopped);
            self.millisecond(false)?;
        }
    }

    /// Cuts the power of all nodes at once, but for the one whose disk lies, and starts them again.
    fn cut_all_power(&mut self) -> Result<(), String> {
        self.note(vec!["all nodes lose their power".to_string()]);
        for at in (0..self.hosts.len()).filter(|at| !self.hosts[*at].lies).collect::<Vec<_>>() {
            self.hosts[at].crash(true);
        }
        self.compare_logs()?;
        self.hosts.iter_mut().filter(|host| !host.is_running()).for_each(Host::start);
        Ok(())
    }

    fn millisecond(&mut self, may_remove: bool) -> Result<(), String> {
        self.now_ms += 1;
        self.shared_now.store(self.now_ms, Ordering::Relaxed);
        self.network.advance(self.now_ms);
        let starts = self.hosts.iter().map(|host| host.boots).sum();
        self.history.is_now(Moment { now_ms: self.now_ms, starts });
        let mut lines = Vec::new();
        let quiet = self.faults.keeps_clients_quiet();
        for client in &mut self.clients {
            client.step(self.now_ms, quiet, &self.hosts, &self.work, &mut self.history, &mut lines);
        }
        self.operator.step(self.now_ms, may_remove, &mut self.hosts, &mut lines);
        self.note(lines);
        for host in &mut self.hosts {
            host.step();
            let (boot, received) = (host.boots, host.received.take());
            received.into_iter().for_each(|number| self.history.deliver(host.index, boot, number));
        }
        self.with_faults(Faults::crash_failed_hosts);
        self.check_now()
    }

    fn note(&mut self, lines: Vec<String>) {
        let now_ms = self.now_ms;
        self.trace.extend(lines.into_iter().map(|line| format!("{now_ms:>6} {line}")));
    }

    /// Checks what has to hold at every moment.
    fn check_now(&mut self) -> Result<(), String> {
        // openraft detects some losses of a lying disk, and panics. The node is restarted, so that
        // the checks can find the losses that openraft does not detect.
        let may_panic = self.settings.mistake == Some(Mistake::SyncSkipped);
        if let (false, Some(panic)) = (may_panic, panics::first()) {
            return Err(format!("panicked: {panic}"));
        }
        self.compare_logs()?;
        for at in 0..self.hosts.len() {
            if let (false, Some(reason)) = (may_panic, self.hosts[at].failure()) {
                return Err(format!("n{} failed: {reason}", self.hosts[at].id()));
            }
            self.check_host(at)?;
        }
        Ok(())
    }

    fn check_host(&mut self, at: usize) -> Result<(), String> {
        let host = &self.hosts[at];
        let Some((group, keyspace)) = host.group() else { return Ok(()) };
        let (id, boot, status) = (host.id(), host.boots, group.status());
        let (term, commit, applied) = (status.term, status.commit_index, status.last_applied);
        self.monotonic.seen(id, Seen { incarnation: host.incarnation(), boot, term, commit, applied })?;
        self.running[at] = (boot, applied);
        if status.is_leader() {
            let is_newest = self.elections.latest() < Some(term);
            if self.elections.seen(term, id)? && is_newest {
                self.completeness.elected(id, term, status.last_log_index)?;
            }
        }
        self.completeness.applied(applied);
        if self.now_ms.is_multiple_of(DIGEST_INTERVAL_MS)
            && let Some(applied) = applied
        {
            self.states.seen(applied, id, digest(&keyspace))?;
        }
        let (role, snapshot, purged) = (status.role.name(), status.snapshot_index, status.purged_index);
        let shown = format!("n{id} {role} in term {term}, snapshot {snapshot:?}, purged {purged:?}");
        if self.shown.get(&id) != Some(&shown) {
            self.snapshots += usize::from(snapshot.is_some());
            self.note(vec![shown.clone()]);
            self.shown.insert(id, shown);
        }
        Ok(())
    }

    /// Compares the logs of the nodes that went down since the last call.
    fn compare_logs(&mut self) -> Result<(), String> {
        for (host, running) in self.hosts.iter().zip(&mut self.running) {
            if running.0 != 0 && !host.is_running() {
                // A disk that lies may hold older entries in place of applied ones, so none of its
                // entries counts as committed.
                let applied = if host.lies { None } else { running.1 };
                *running = (0, None);
                self.logs.seen(host.id(), &logs::read(&host.disk)?, applied)?;
            }
        }
        Ok(())
    }

    /// Compares the states of all nodes.
    fn compare_all(&mut self) -> Result<(), String> {
        let mut lines = Vec::new();
        for host in &self.hosts {
            let (group, keyspace) = host.group().ok_or("a node is not up at the end")?;
            let applied = group.status().last_applied.ok_or("a node has applied nothing at the end")?;
            let digest = digest(&keyspace);
            lines.push(format!("n{} has applied {applied}: {digest:032x}", host.id()));
            self.states.seen(applied, host.id(), digest)?;
        }
        self.note(lines);
        Ok(())
    }
}

/// The workloads of a run: mostly two, sometimes all.
fn chosen(random: &mut Random) -> Vec<Box<dyn Workload + Sync>> {
    let mut work = workloads::all();
    if !random.one_in(4) {
        while work.len() > 2 {
            work.remove(random.below(work.len() as u64) as usize);
        }
    }
    work
}

/// Lets the disk of one node lie, in one of four clusters of several nodes without a planted bug.
fn lie(hosts: &mut [Host], settings: &Settings, random: &mut Random) {
    if settings.initial_members > 1 && settings.mistake.is_none() && random.one_in(4) {
        hosts[random.below(settings.initial_members as u64) as usize].lies = true;
    }
}

/// Mostly small segments and frequent snapshots, so that a few seconds see many of each.
fn settings(random: &mut Random, mistake: Option<Mistake>) -> Settings {
    Settings {
        initial_members: [1, 3, 3, 3, 3, 5, 5, 3][random.below(8) as usize],
        segment_bytes: [8 << 10, 32 << 10, 128 << 10][random.below(3) as usize],
        // Whether small appends are written by the appending thread, or later.
        inline_bytes_max: if random.one_in(2) { 0 } else { 64 << 10 },
        cache_bytes_max: [1 << 10, 1 << 20][random.below(2) as usize],
        snapshot_log_bytes: [20 << 10, 200 << 10, 1 << 30][random.below(3) as usize],
        snapshot_log_entries: [30, 300, 1 << 20][random.below(3) as usize],
        drift_ppm_max: if random.one_in(4) { DRIFT_PPM_MAX } else { 0 },
        mistake,
        supported: Versions::PROGRAM,
    }
}
