//! A node: creates all parts and connects them. No other file names every concrete type.
//!
//! A start binds the ports, locks and opens the data directory, reads the newest snapshot and the
//! log, starts consensus, and only then accepts clients. The ports come first, so that a port in
//! use is found before anything on disk is changed. To stop, a node gives up its leadership,
//! refuses new clients, lets each open connection receive its replies, stops consensus and closes
//! the log.
//!
//! Invariants:
//! * clients are accepted only after consensus has started, and a clean stop disconnects them
//!   before consensus stops;
//! * the lock on the data directory is held until consensus has stopped;
//! * a restart in another role begins after all parts of the node have stopped.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::cluster::{Bootstrap, Group, Options, answer_while_joining};
use crate::config::{Advertised, Config, UpgradeFinalize};
use crate::env::{Acceptor, Background, Clock, Disk, Net, RealDisk, RealNet, SystemClock, random_u64};
use crate::error::Fatal;
use crate::keyspace::Keyspace;
use crate::peer::Member;
use crate::raft::ReplicaOptions;
use crate::random::Random;
use crate::server::{Listener, PubSub, Restart, ServerState, Stats, fitted, join};
use crate::storage::{DataDir, Identity};
use crate::version::Versions;

/// A node that has started and is ready to serve.
pub struct Node {
    /// Taken out when the node begins to serve.
    listener: Option<Listener>,
    address: SocketAddr,
    state: Arc<ServerState>,
    /// Held until the node has stopped, because its lock keeps other processes out of the
    /// directory.
    data: DataDir,
    net: Arc<dyn Net>,
}

impl Node {
    /// Binds the ports, opens the data directory and starts consensus.
    ///
    /// # Errors
    /// [`Fatal`], for example if a port is in use, the directory belongs to another node, data is
    /// damaged, or settings contradict each other.
    pub async fn start(config: Config) -> Result<Node, Fatal> {
        let disk: Arc<dyn Disk> = RealDisk::shared();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let config = fitted(config);
        Node::start_on(config, disk, clock, RealNet::shared()).await
    }

    /// Like [`Node::start`], with a disk, clock and network from the caller.
    pub async fn start_on(
        config: Config,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        net: Arc<dyn Net>,
    ) -> Result<Node, Fatal> {
        Node::start_as(config, disk, clock, net, false).await
    }

    async fn start_as(
        config: Config,
        disk: Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        net: Arc<dyn Net>,
        forget_others: bool,
    ) -> Result<Node, Fatal> {
        let listener = Listener::bind(&config.bind_addrs(), config.tcp_keepalive > 0).await?;
        let mut acceptor = bind_raft(&config, &*net).await?;
        let mut random = Random::seeded(random_u64());
        let owner = DataDir::owner(&*disk, &config.dir)?;
        // A new directory gets a new incarnation of this node.
        let incarnation = owner.as_ref().map_or_else(|| random.next_u64(), |owner| owner.incarnation);
        let mut member = own_member(&config, listener.address(), acceptor.address(), incarnation)?;
        let port = RaftPort { acceptor: &mut *acceptor, net: net.clone() };
        let (identity, bootstrap) =
            bootstrap_or_join(&config, &*disk, owner, &member, &mut random, port).await?;
        let mut data = DataDir::open(disk, &config.dir, identity)?;
        if forget_others {
            member.incarnation = random.next_u64();
            data.renew(member.incarnation)?;
        }
        let keyspace = Arc::new(Keyspace::new());
        let pubsub = PubSub::new(keyspace.clone(), clock.clone());
        let options = Options {
            bootstrap,
            own: member.clone(),
            net: net.clone(),
            // A weak reference, because PubSub holds the group to publish through it: strong
            // references would form a cycle.
            sink: Arc::new(Arc::downgrade(&pubsub)),
            acceptor,
            supported: supported(),
            auto_finalize: config.upgrade_finalize == UpgradeFinalize::Auto,
            replica: ReplicaOptions {
                forget_others: forget_others.then(|| member.clone()),
                clock: clock.clone(),
                keyspace: keyspace.clone(),
                snapshot_log_bytes: config.snapshot_log_bytes,
                snapshot_log_entries: config.snapshot_log_entries,
                log: Default::default(),
                background: Background::Threads,
            },
        };
        let group = Group::start(&data, options).await?;
        let others = group.clone();
        pubsub.connect(move |message| others.broadcast(&message));
        warn_of_another_address(&group, &member);
        let run_id = (0..3).map(|_| format!("{:016x}", random.next_u64())).collect::<String>();
        let stats = Stats::new(clock.clone());
        pubsub.configure(&config);
        stats.configure(&config);
        let state = ServerState {
            config: RwLock::new(config.bound_at(listener.address())),
            group,
            keyspace,
            started_ms: clock.now_ms(),
            clock,
            stats,
            pubsub,
            users_known: AtomicBool::new(false),
            run_id: run_id[..40].to_string(),
            executable: std::env::current_exe().unwrap_or_default(),
            restarts: watch::channel(None).0,
            stops: watch::channel(false).0,
        };
        Ok(Node { address: listener.address(), listener: Some(listener), state: Arc::new(state), data, net })
    }

    /// The address to which clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The handle on the group, for tools and examples.
    pub fn group(&self) -> &Group {
        &self.state.group
    }

    /// Serves clients until `stop` is ready or an operator stops the node, and then stops cleanly.
    ///
    /// # Errors
    /// [`Fatal`] if consensus fails, for example because the disk failed, or if a restart fails.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Fatal> {
        let mut stop = std::pin::pin!(stop);
        let mut node = self;
        while let Some(restart) = node.serve(stop.as_mut()).await? {
            node = tokio::select! {
                biased;
                started = node.restart(restart) => started?,
                () = stop.as_mut() => {
                    tracing::info!("stopped before the node had joined");
                    return Ok(());
                }
            };
        }
        Ok(())
    }

    /// Serves clients until the node stops. Returns how to restart it, or `None` if it is to stay
    /// down.
    async fn serve(&mut self, stop: impl Future<Output = ()>) -> Result<Option<Restart>, Fatal> {
        let (stopping, stopping_seen) = watch::channel(false);
        let listener = self.listener.take().expect("a node serves once");
        let server = tokio::spawn(listener.serve(self.state.clone(), stopping_seen));
        let sampled = self.state.clone();
        let sampling = tokio::spawn(async move { sampled.stats.sample().await });
        let group = self.state.group.clone();
        let loaded = tokio::spawn(async move {
            if group.wait_until_loaded().await.is_ok() {
                let status = group.status();
                tracing::info!(term = status.term, last_applied = status.last_applied, "the log is applied");
            }
        });
        let mut restarts = self.state.restarts.subscribe();
        let mut stops = self.state.stops.subscribe();
        let mut next = None;
        let outcome = tokio::select! {
            biased;
            () = stop => Ok(()),
            _ = stops.wait_for(|stops| *stops) => Ok(()),
            fatal = self.state.group.failed() => Err(fatal),
            restart = restarts.wait_for(Option::is_some) => {
                next = restart.ok().and_then(|restart| restart.clone());
                Ok(())
            }
            () = self.state.group.until_lost() => {
                next = Some(Restart::Join(self.another_member()));
                Ok(())
            }
        };
        tracing::info!("stopping");
        self.state.stops.send_replace(true);
        sampling.abort();
        loaded.abort();
        if outcome.is_ok() {
            self.state.group.leave_leadership().await;
        }
        // Ends a pause of clients: the stop waits for connections, and paused commands would delay
        // it.
        self.state.pubsub.pause.disable();
        stopping.send_replace(true);
        let served = match outcome {
            Ok(()) => server.await.map_err(|error| Fatal::Consensus(format!("the listener ended: {error}"))),
            Err(_) => Ok(()),
        };
        // The group is shut down after a failure too, so that queued entries are written. If the
        // shutdown also fails, the first error is reported.
        let closed = self.state.group.shutdown().await;
        outcome.and(served).and(closed).map(|()| next)
    }

    /// The client address of the leader; if the leader is unknown, that of some other member; if no
    /// other member is known, the setting `join`.
    fn another_member(&self) -> String {
        let status = self.state.group.status();
        let others = status.members.iter().filter(|member| member.id != status.node_id);
        let other = others.max_by_key(|member| Some(member.id) == status.leader);
        // A node that lost its log knows no members.
        other.map_or_else(
            || self.state.config.read().join.clone(),
            |other| other.member.client_address.clone(),
        )
    }

    /// Restarts in another role.
    async fn restart(self, restart: Restart) -> Result<Node, Fatal> {
        let (clock, net) = (self.state.clock.clone(), self.net.clone());
        let (disk, mut config) = (self.data.disk(), self.state.config.read().clone());
        let forget_others = match restart {
            Restart::Join(join) => {
                tracing::info!(join, "restarting with an empty directory to join a cluster");
                self.data.clear()?;
                config.join = join;
                false
            }
            Restart::Alone => {
                drop(self.data);
                true
            }
        };
        drop(self.state);
        Node::start_as(config, disk, clock, net, forget_others).await
    }
}

/// The versions that this process supports: those of the program. In tests of an upgrade, one
/// program stands for several, with the range `min-max` in the environment.
fn supported() -> Versions {
    #[cfg(feature = "testkit")]
    if let Ok(range) = std::env::var("JSONVAULT_TEST_VERSIONS")
        && let Some((min, max)) = range.split_once('-')
        && let (Ok(min), Ok(max)) = (min.parse(), max.parse())
    {
        return Versions { min, max };
    }
    Versions::PROGRAM
}

/// The port for other nodes, until the group takes it over.
struct RaftPort<'a> {
    acceptor: &'a mut dyn Acceptor,
    net: Arc<dyn Net>,
}

/// Binds the port for other nodes.
async fn bind_raft(config: &Config, net: &dyn Net) -> Result<Box<dyn Acceptor>, Fatal> {
    let address = config.raft_address()?;
    net.bind(&address).await.map_err(|error| {
        let reason = match error.kind() {
            std::io::ErrorKind::AddrInUse => {
                "the port for other nodes is in use: set raft-address".to_string()
            }
            _ => format!("the port for other nodes: {error}"),
        };
        Fatal::Listen { address, reason }
    })
}

/// This node as a member, at its advertised addresses, or otherwise at its bound ones.
fn own_member(
    config: &Config,
    client: SocketAddr,
    raft: SocketAddr,
    incarnation: u64,
) -> Result<Member, Fatal> {
    Ok(match config.advertised()? {
        Some(advertised) => member_at(&advertised, incarnation),
        None => Member { raft_address: raft.to_string(), client_address: client.to_string(), incarnation },
    })
}

fn member_at(advertised: &Advertised, incarnation: u64) -> Member {
    Member { raft_address: advertised.raft.clone(), client_address: advertised.client.clone(), incarnation }
}

/// Warns if the membership has another address for this node: the other members keep connecting to
/// the address with which this node joined. The addresses differ for example if the system chooses
/// another port at each start.
fn warn_of_another_address(group: &Group, own: &Member) {
    let status = group.status();
    if let Some(known) =
        status.own().filter(|known| status.members.len() > 1 && !known.member.has_addresses_of(own))
    {
        tracing::warn!(known = %known.member, now = %own, "the other members know this node at another address: start it there, or remove it and let it join again");
    }
}

/// Determines which cluster this node belongs to, and how the node becomes a member. `owner` is the
/// identity in the data directory, if any.
async fn bootstrap_or_join(
    config: &Config,
    disk: &dyn Disk,
    owner: Option<Identity>,
    member: &Member,
    random: &mut Random,
    port: RaftPort<'_>,
) -> Result<(Identity, Bootstrap), Fatal> {
    let node = config.node_id;
    let identity = |cluster: String| Identity { node, cluster, incarnation: member.incarnation };
    let alone = || Bootstrap::InitialMembers(BTreeMap::from([(node, member.clone())]));
    if !config.peers.is_empty() {
        if config.peers.iter().count() > 1 && owner.is_none() {
            // Recorded so that this node never forms the cluster of that name alone, even with
            // other settings later.
            DataDir::mark_joined(disk, &config.dir)?;
        }
        // The incarnations of the members are not known yet; 0 stands for an unknown one.
        let initial_members =
            config.peers.iter().map(|(id, advertised)| (id, member_at(advertised, 0))).collect();
        return Ok((identity(config.peers.cluster()), Bootstrap::InitialMembers(initial_members)));
    }
    match owner {
        // `DataDir::open` checks that the directory belongs to this node.
        Some(owner) => {
            let joined = DataDir::is_joined(disk, &config.dir)?;
            let bootstrap = if joined { Bootstrap::Join } else { alone() };
            Ok((identity(owner.cluster), bootstrap))
        }
        None if config.join.is_empty() && DataDir::is_joined(disk, &config.dir)? => {
            let reason = "this node was a member of a cluster of several nodes, and its data is gone: start it with --join \
                          host:port of a member";
            Err(Fatal::Directory { path: config.dir.clone(), reason: reason.to_string() })
        }
        None if config.join.is_empty() => Ok((identity(format!("{:016x}", random.next_u64())), alone())),
        None => {
            let cluster = tokio::select! {
                biased;
                joined = join::request(&config.join, config.join_password(), node, member) => joined?,
                () = answer_while_joining(port.acceptor, node, member.incarnation, port.net, supported()) => {
                    unreachable!("answering ends only when it is dropped")
                }
            };
            DataDir::mark_joined(disk, &config.dir)?;
            Ok((identity(cluster), Bootstrap::Join))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::testkit::SimDisk;

    async fn started(node_id: u64) -> Node {
        let address = "127.0.0.1:0".to_string();
        let config = Config { node_id, address, dir: "/data".into(), ..Config::default() };
        let (disk, clock) = (SimDisk::new().shared(), Arc::new(SystemClock::new()));
        Node::start_on(config, disk, clock, RealNet::shared()).await.expect("a fresh node starts")
    }

    /// Counts the references to parts that a stopped node has to release.
    fn held(node: &Node) -> impl Fn() -> usize + use<> {
        let (keyspace, pubsub) = (Arc::downgrade(&node.state.keyspace), Arc::downgrade(&node.state.pubsub));
        move || keyspace.strong_count() + pubsub.strong_count()
    }

    #[tokio::test]
    async fn a_stopped_node_releases_its_documents_and_clients() {
        let node = started(1).await;
        let held = held(&node);
        node.run(async {}).await.expect("the node stops cleanly");
        // The node's tasks were aborted, and end within a few turns of the runtime.
        let mut turns = 0;
        while held() > 0 {
            tokio::task::yield_now().await;
            turns += 1;
            assert!(turns < 1000, "no task holds the documents or the clients");
        }
    }

    #[tokio::test]
    async fn a_node_that_joins_another_cluster_releases_its_old_state() {
        let (member, joiner) = (started(1).await, started(2).await);
        let (group, held) = (member.group().clone(), held(&joiner));
        joiner.group().wait_until_loaded().await.expect("the node has applied its log");
        let join = format!("RAFT.CLUSTER JOIN {}\r\n", member.address());
        let mut client = TcpStream::connect(joiner.address()).await.expect("the node accepts clients");
        let running = [member, joiner].map(|node| tokio::spawn(node.run(std::future::pending())));
        let mut reply = [0; 3];
        client.write_all(join.as_bytes()).await.expect("the node reads");
        client.read_exact(&mut reply).await.expect("the node answers");
        assert_eq!(&reply, b"+OK");
        let released = async {
            while group.status().cluster_size < 2 || held() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(20), released).await;
        assert!(
            in_time.is_ok(),
            "the cluster has two members, and no references are left, not {} and {}",
            group.status().cluster_size,
            held()
        );
        running.iter().for_each(tokio::task::JoinHandle::abort);
    }
}
