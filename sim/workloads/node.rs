//! A node as a connection's task uses it. This is the stand-in for the server, which a simulation
//! leaves out.
//!
//! The mistakes that a server could make are planted here; see [`Mistake`].

use std::sync::Arc;

use bytes::Bytes;
use jsonvault::cluster::Group;
use jsonvault::command::{Context, ReadConsistency, Route, SeedSource, table};
use jsonvault::error::Unavailable;
use jsonvault::keyspace::Keyspace;
use jsonvault::machine::Batch;
use jsonvault::peer::PubSubMessage;
use jsonvault::resp::{Protocol, Reply};

use crate::history::Outcome;
use crate::mistakes::Mistake;

#[derive(Clone)]
pub struct Node {
    pub group: Group,
    pub keyspace: Arc<Keyspace>,
    pub mistake: Option<Mistake>,
    /// What the node's wall clock shows, in unix milliseconds.
    pub wall_ms: u64,
}

impl Node {
    /// Puts a batch into the log.
    ///
    /// # Errors
    /// The outcome if there are no replies.
    pub async fn propose(&self, batch: impl Fn() -> Batch) -> Result<Vec<Reply>, Outcome> {
        let mut done = self.group.propose(batch()).await;
        if self.mistake == Some(Mistake::UncertainRetried) && matches!(done, Err(Unavailable::Uncertain)) {
            done = self.group.propose(batch()).await;
        }
        match done {
            Ok(done) => Ok(done.replies),
            Err(Unavailable::Uncertain) => Err(Outcome::Unknown("uncertain".to_string())),
            Err(refused) => Err(Outcome::Refused(refused.to_string())),
        }
    }

    /// Puts these commands into one batch, and returns their replies.
    ///
    /// # Errors
    /// The outcome if there are no replies.
    pub async fn write(&self, commands: &[&[&str]]) -> Result<Vec<Reply>, Outcome> {
        self.propose(|| {
            let mut batch = Batch::new();
            commands.iter().for_each(|words| push(&mut batch, words));
            batch
        })
        .await
    }

    /// Waits until a read is as fresh as requested. Returns the time for deadlines.
    ///
    /// # Errors
    /// The outcome if there is no read.
    pub async fn barrier(&self, consistency: ReadConsistency) -> Result<u64, Outcome> {
        let consistency = match self.mistake {
            Some(Mistake::ReadWithoutBarrier) => ReadConsistency::Local,
            _ => consistency,
        };
        self.group.read_barrier(consistency).await.map_err(|refused| Outcome::Refused(refused.to_string()))
    }

    /// Runs a reading command on this node's state, after the barrier.
    ///
    /// # Errors
    /// The outcome if there is no read.
    pub async fn read(&self, words: &[&str]) -> Result<Reply, Outcome> {
        let now_ms = self.barrier(ReadConsistency::Linearizable).await?;
        let row = table::find(words[0].as_bytes()).expect("a command of the table");
        let Route::Read { run } = row.route else { panic!("{} reads", row.spec.name) };
        Ok(run(&args(&words[1..]), &Context { now_ms, ..context() }, self.keyspace.each()).into())
    }

    /// Sends a message to the subscribers of the other nodes.
    pub fn publish(&self, message: &str) {
        let message = Bytes::copy_from_slice(message.as_bytes());
        let channel = Bytes::from_static(b"channel");
        self.group.broadcast(&PubSubMessage { shard: false, channel, message });
    }
}

pub fn context() -> Context {
    Context { protocol: Protocol::Resp2, now_ms: 0, document_bytes_max: 1 << 20, seed: SeedSource::Fixed(0) }
}

pub fn args(words: &[&str]) -> Vec<Bytes> {
    words.iter().map(|word| Bytes::copy_from_slice(word.as_bytes())).collect()
}

fn push(batch: &mut Batch, words: &[&str]) {
    let row = table::find(words[0].as_bytes()).expect("a command of the table");
    batch.push(row, &args(&words[1..]), &context()).expect("a valid request");
}
