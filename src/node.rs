//! A node: the composition root, the only file that names every concrete type.
//!
//! Order at the start: the port is bound (a port in use is the commonest mistake, and nothing has been touched
//! yet), the data directory is locked and opened, the newest snapshot and the log are read, consensus starts, and
//! only then are clients accepted. At the end: no new clients, each open connection gets its replies, consensus
//! stops, the log is closed.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use parking_lot::RwLock;
use tokio::sync::watch;

use crate::config::Config;
use crate::env::{Clock, Disk, Random, RealDisk, SystemClock};
use crate::error::Fatal;
use crate::keyspace::Keyspace;
use crate::raft::{Group, Member, Options};
use crate::server::{Listener, Shared, Stats, expiry};
use crate::storage::{DataDir, Identity};

/// The name of a cluster that was not given another.
const CLUSTER: &str = "jsonvault";

/// A node that has started and is ready to serve.
pub struct Node {
    listener: Listener,
    shared: Arc<Shared>,
    /// Held until the node has stopped: it keeps other processes out.
    data: DataDir,
}

impl Node {
    /// Binds the port, opens the data directory and starts consensus.
    pub async fn start(config: Config) -> Result<Node, Fatal> {
        let disk: Arc<dyn Disk> = RealDisk::shared();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        Node::start_on(config, disk, clock).await
    }

    /// As [`Node::start`], on a disk and a clock of the caller's.
    pub async fn start_on(config: Config, disk: Arc<dyn Disk>, clock: Arc<dyn Clock>) -> Result<Node, Fatal> {
        let listener = Listener::bind(&config.address).await?;
        let identity = Identity { node: config.node_id, cluster: CLUSTER.to_string() };
        let data = DataDir::open(disk, &config.dir, identity)?;
        let keyspace = Arc::new(Keyspace::new());
        let member =
            Member { raft_address: config.raft_address()?, client_address: listener.address().to_string() };
        let options = Options {
            node_id: config.node_id,
            member,
            clock: clock.clone(),
            keyspace: keyspace.clone(),
            snapshot_log_bytes: config.snapshot_log_bytes,
            snapshot_log_entries: config.snapshot_log_entries,
        };
        let group = Group::start(&data, options).await?;
        let mut random = Random::from_os();
        let run_id = (0..3).map(|_| format!("{:016x}", random.next_u64())).collect::<String>();
        let shared = Shared {
            config: RwLock::new(Config { address: listener.address().to_string(), ..config }),
            group,
            keyspace,
            started_ms: clock.now_ms(),
            clock,
            stats: Stats::new(),
            registry: Default::default(),
            run_id: run_id[..40].to_string(),
            executable: std::env::current_exe().unwrap_or_default(),
        };
        Ok(Node { listener, shared: Arc::new(shared), data })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The handle on consensus, for tools and examples that look inside.
    pub fn group(&self) -> &Group {
        &self.shared.group
    }

    /// Serves clients until `stop` is ready, then stops cleanly; or until the node is finished.
    ///
    /// # Errors
    /// [`Fatal`] when consensus stopped by itself: a disk that failed, a log that is damaged.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), Fatal> {
        let (stopping, stopping_seen) = watch::channel(false);
        let server = tokio::spawn(self.listener.serve(self.shared.clone(), stopping_seen));
        let expiry = tokio::spawn(expiry::run(self.shared.clone()));
        let loaded = self.shared.group.clone();
        tokio::spawn(async move {
            if loaded.wait_until_loaded().await.is_ok() {
                let status = loaded.status();
                tracing::info!(term = status.term, last_applied = status.last_applied, "the log is applied");
            }
        });
        let outcome = tokio::select! {
            () = stop => Ok(()),
            fatal = self.shared.group.failed() => Err(fatal),
        };
        tracing::info!("stopping");
        expiry.abort();
        stopping.send_replace(true);
        if outcome.is_ok() {
            server.await.map_err(|error| Fatal::Consensus(error.to_string()))?;
        }
        self.shared.group.shutdown().await;
        drop(self.data);
        outcome
    }
}
