//! Simulates a node without a server, a log and peers: requests use the command table and the
//! machine, as on a real node.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use jsonvault::command::server::memory::usage_of;
use jsonvault::command::transactions::{Step, TransactionQueue};
use jsonvault::command::{
    ClientLine, ClientRegistry, Context, Inspect, Node, Outcome, Peer, ReadConsistency, Route, Running,
    SECRET_BYTES, SeedSource, Session, SettingRefused, Topology, table,
};
use jsonvault::env::{Clock, SystemClock};
use jsonvault::error::CommandError;
use jsonvault::keyspace::{Key, Keyspace, Scope};
use jsonvault::machine::{
    Audience, Batch, Machine, Restore, Transaction, write_head, write_record, write_users,
};
use jsonvault::resp::{Limits, Protocol, Reply, ReplyDecoder, Request, Value, encode};
use jsonvault::server::{PubSub, admit};

/// The time at which every test begins, in Unix milliseconds. It lies in 2025.
pub const BEGIN_MS: u64 = 1_750_000_000_000;

/// The seed for all random choices.
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

pub struct Vault {
    machine: Machine,
    pub session: Session,
    pub now_ms: u64,
    /// The leader that clients of Redis Cluster see, if there is one. The outer `None` disables the
    /// commands of Redis Cluster.
    pub cluster: Option<Option<u64>>,
    index: u64,
    queue: TransactionQueue,
    pubsub: Arc<PubSub>,
}

impl Vault {
    pub fn new() -> Vault {
        let keyspace = Arc::new(Keyspace::new());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let pubsub = PubSub::new(keyspace.clone(), clock);
        Vault {
            machine: Machine::new(keyspace, None),
            session: Session::default(),
            now_ms: BEGIN_MS,
            cluster: None,
            index: 0,
            queue: TransactionQueue::default(),
            pubsub,
        }
    }

    /// Runs one request in the same way as a node.
    pub fn call(&mut self, words: &[Bytes]) -> Reply {
        let position = table::position(&words[0]);
        let Some(row) = position.map(|position| &table::ROWS[position]) else {
            self.queue.spoil();
            return Reply::Error(unknown(words));
        };
        let request = Request::new(words.to_vec());
        if let Err(error) = admit(row, &request, &self.session, &mut self.queue) {
            return error.into();
        }
        if self.queue.is_open() && !row.flags.at_once {
            return self.queue.push(position.expect("the row has a position"), &request).into();
        }
        let Outcome { reply, effects } = self.run(words);
        if effects.reset_transaction {
            self.queue.reset();
        }
        reply
    }

    fn context(&self) -> Context {
        Context {
            protocol: self.session.protocol,
            now_ms: self.now_ms,
            document_bytes_max: jsonvault::json::DOCUMENT_BYTES_DEFAULT,
            seed: SeedSource::Fixed(SEED),
        }
    }

    fn run(&mut self, words: &[Bytes]) -> Outcome {
        let context = self.context();
        let row = table::find(&words[0]).expect("the command is in the table");
        let node = Alone {
            now_ms: self.now_ms,
            cluster: self.cluster,
            keyspace: self.machine.keyspace(),
            pubsub: &self.pubsub,
        };
        let reply = match row.route {
            Route::Read { run } => run(&words[1..], &context, self.machine.keyspace().each()).into(),
            Route::Local { run } => run(&words[1..], &mut self.session).into(),
            Route::Control { run } => {
                let outcome = run(&words[1..], &mut self.session, &node);
                return outcome.unwrap_or_else(|answer| Reply::from(answer).into());
            }
            Route::Transact { step } => self.step(step, words),
            Route::Operate { run, .. } => match run(&words[1..], &self.session, &node) {
                Ok(running) => running.now_or_never().expect("a single node has nothing to wait for").into(),
                Err(error) => Reply::Error(error),
            },
            Route::Write { .. } => {
                let mut batch = Batch::new();
                match batch.push(row, &words[1..], &context) {
                    Ok(()) => self.apply(&batch),
                    Err(error) => Reply::Error(error),
                }
            }
        };
        reply.into()
    }

    fn step(&mut self, step: Step, words: &[Bytes]) -> Reply {
        match step {
            Step::Multi => self.queue.begin().into(),
            Step::Discard => self.queue.discard().into(),
            Step::Unwatch => self.queue.unwatch(),
            Step::Watch => match self.queue.may_watch(&words[1..]) {
                Ok(()) => {
                    let view = self.machine.keyspace().view(Scope::ManyKeys, self.now_ms);
                    words[1..]
                        .iter()
                        .for_each(|key| self.queue.watch(Key::from(&key[..]), view.version(key)));
                    Reply::OK
                }
                Err(error) => error.into(),
            },
            Step::Exec => self.exec(),
        }
    }

    /// Runs the queued reads and writes as one entry, in the same way as a node. The other commands
    /// run before this entry, but on a node after it.
    fn exec(&mut self) -> Reply {
        let queued = match self.queue.take() {
            Ok(queued) => queued,
            Err(error) => return error.into(),
        };
        let mut transaction = Transaction::new(queued.watched, self.session.protocol);
        let mut places = Vec::new();
        for (position, request) in &queued.commands {
            let row = &table::ROWS[*position];
            places.push(match row.takes_part(request.args()) {
                true => transaction.push(row, request.words(), &self.context()).err().map(Reply::from),
                false => Some(self.run(request.words()).reply),
            });
        }
        let mut batch = Batch::new();
        batch.push_transaction(&transaction).expect("it fits");
        let Reply::Array(replies) = self.apply(&batch) else { return Reply::NullArray };
        let mut replies = replies.into_iter();
        let all =
            places.into_iter().map(|here| here.unwrap_or_else(|| replies.next().expect("a reply for each")));
        Reply::Array(all.collect())
    }

    fn apply(&mut self, batch: &Batch) -> Reply {
        let entry = Batch::encode(std::iter::once(batch), self.now_ms);
        let replies =
            self.machine.apply(self.index, Some(&entry), Audience::Waiting).expect("our own entry decodes");
        self.index += 1;
        assert_eq!(replies.len(), 1, "one reply for one command");
        replies.into_iter().next().expect("one reply")
    }

    /// Runs a request, and returns the reply as a client with the session's protocol version reads
    /// it.
    pub fn read(&mut self, words: &[Bytes]) -> Value {
        let reply = self.call(words);
        let mut bytes = Vec::new();
        encode(&reply, self.session.protocol, &mut bytes);
        let mut decoder = ReplyDecoder::new(Limits::DEFAULT);
        let mut buffer = bytes::BytesMut::from(&bytes[..]);
        decoder.decode(&mut buffer).expect("a reply is well-formed").expect("a reply is whole")
    }

    pub fn begin(&mut self, protocol: Protocol) {
        if self.keyspace().time_ms() > BEGIN_MS {
            // An earlier time needs a new keyspace, because a keyspace's time never goes back.
            let Vault { cluster, index, .. } = *self;
            *self = Vault { cluster, index, ..Vault::new() };
        }
        let session = Session { protocol, id: self.pubsub.clients.next_id(), ..Session::default() };
        self.pubsub.clients.add(session.clone(), Default::default());
        self.session = session;
        self.queue.reset();
        self.now_ms = BEGIN_MS;
        self.call(&[Bytes::from_static(b"FLUSHALL")]);
    }

    pub fn keyspace(&self) -> &Keyspace {
        self.machine.keyspace()
    }

    /// A new vault, restored from a snapshot of this one.
    pub fn restored(&mut self) -> Vault {
        self.restored_while(|_| ())
    }

    /// A new vault, restored from a snapshot of this one that is taken while `change` runs.
    pub fn restored_while(&mut self, change: impl FnOnce(&mut Vault)) -> Vault {
        let mut capture = self.machine.capture().expect("no other capture runs");
        change(self);
        let mut stream = Vec::new();
        write_head(&mut stream, capture.time_ms());
        while capture.next_shard(|key, entry| write_record(&mut stream, key, entry)) {}
        write_users(&mut stream, capture.users());
        let (keyspace, mut restore) = (Arc::new(Keyspace::new()), Restore::new());
        restore.block(&stream, &keyspace).expect("our own snapshot decodes");
        restore.finish(&keyspace).expect("our own snapshot is whole");
        let machine = Machine::new(keyspace, self.machine.applied());
        let pubsub = PubSub::new(machine.keyspace().clone(), Arc::new(SystemClock::new()));
        let (session, queue) = (self.session.clone(), TransactionQueue::default());
        Vault {
            machine,
            session,
            queue,
            pubsub,
            now_ms: self.now_ms,
            cluster: self.cluster,
            index: self.index,
        }
    }
}

fn unknown(words: &[Bytes]) -> CommandError {
    let shown = |word: &Bytes| String::from_utf8_lossy(word).into_owned();
    let arguments: String = words[1..].iter().map(|word| format!("'{}' ", shown(word))).collect();
    CommandError::new(format!(
        "ERR unknown command '{}', with args beginning with: {arguments}",
        shown(&words[0])
    ))
}

/// A node without a log, which poses as the first of three.
struct Alone<'a> {
    now_ms: u64,
    cluster: Option<Option<u64>>,
    keyspace: &'a Keyspace,
    pubsub: &'a PubSub,
}

impl Inspect for Alone<'_> {}

impl Node for Alone<'_> {
    fn info(&self, _sections: &[String]) -> String {
        String::new()
    }
    fn config(&self, _patterns: &[&[u8]]) -> Vec<(String, String)> {
        Vec::new()
    }
    fn set_config(&self, _pairs: &[(String, String)]) -> Result<(), SettingRefused> {
        Ok(())
    }
    fn begin_snapshot(&self) -> bool {
        true
    }
    fn reset_stats(&self) {}
    fn clients(&self) -> Vec<ClientLine> {
        Vec::new()
    }
    fn memory_usage(&self, key: Bytes, _: Option<ReadConsistency>) -> Running<'_> {
        let view = self.keyspace.view(Scope::OneKey, self.now_ms);
        let reply = usage_of(&view, &key);
        Box::pin(async move { Ok(reply) })
    }
    fn digest(&self, _: Option<ReadConsistency>) -> Running<'_> {
        let digest = self.keyspace.view(Scope::ManyKeys, self.now_ms).digest();
        Box::pin(async move { Ok(Reply::bulk(format!("{digest:040x}"))) })
    }
    fn client_registry(&self) -> &dyn ClientRegistry {
        self.pubsub
    }
    fn node_id(&self) -> u64 {
        1
    }
    fn is_leader(&self) -> bool {
        self.topology().is_leader()
    }
    fn cluster_enabled(&self) -> bool {
        self.cluster.is_some()
    }
    fn topology(&self) -> Topology {
        let peer = |id: u64, host: &str| Peer {
            id,
            host: host.to_owned(),
            port: 7000 + id as u16,
            raft_port: 17000 + id as u16,
            voter: id < 3,
            offset: 100 * id,
        };
        Topology {
            cluster: "0123456789abcdef".to_owned(),
            node_id: 1,
            leader: self.cluster.unwrap_or(Some(1)),
            term: 5,
            members: vec![peer(1, "127.0.0.1"), peer(2, "127.0.0.1"), peer(3, "node-3.example")],
        }
    }
    fn for_each_key(&self, take: &mut dyn FnMut(&[u8]) -> bool) {
        let mut wants_more = true;
        let all = self.keyspace.view(Scope::ManyKeys, self.now_ms);
        all.scan(0, usize::MAX, |key, _| wants_more = wants_more && take(key));
    }
    fn keys(&self) -> usize {
        0
    }
    fn now_ms(&self) -> u64 {
        self.now_ms
    }
    fn secret(&self) -> Result<[u8; SECRET_BYTES], String> {
        Ok([0; SECRET_BYTES])
    }

    fn group_time_ms(&self) -> u64 {
        self.now_ms
    }
}
