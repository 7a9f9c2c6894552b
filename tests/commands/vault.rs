//! A vault without a server: requests go through the table and the machine, as a node would send them.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use jsonvault::command::{Context, Node, Peer, Route, Session, Topology, table};
use jsonvault::error::Answer;
use jsonvault::keyspace::{Keyspace, Scope};
use jsonvault::machine::{Batch, Machine, Restore, write_record};
use jsonvault::resp::{Limits, Protocol, Reply, ReplyDecoder, Value, encode};

/// When every test begins: a moment in 2025, in unix milliseconds.
pub const BEGIN_MS: u64 = 1_750_000_000_000;

/// What every random choice is made from: a number with all kinds of digits.
const CHANCE: u64 = 0x9e37_79b9_7f4a_7c15;

pub struct Vault {
    machine: Machine,
    pub session: Session,
    pub now_ms: u64,
    /// Who leads the cluster, for clients of Redis Cluster; `None`: their commands are not answered.
    pub cluster: Option<Option<u64>>,
    index: u64,
}

impl Vault {
    pub fn new() -> Vault {
        let machine = Machine::new(Arc::new(Keyspace::new()), None);
        Vault { machine, session: Session::default(), now_ms: BEGIN_MS, cluster: None, index: 0 }
    }

    /// Answers one request as a node would, without the session's replies to MULTI and its kin.
    pub fn call(&mut self, words: &[Bytes]) -> Reply {
        let context = Context {
            protocol: self.session.protocol,
            now_ms: self.now_ms,
            document_bytes_max: jsonvault::json::DOCUMENT_BYTES_DEFAULT,
            chance: || CHANCE,
        };
        let Some(row) = table::find(&words[0]) else { return Reply::Error(unknown(words)) };
        if !row.arity_fits(words.len()) {
            return Reply::Error(Answer::wrong_arity(&String::from_utf8_lossy(&words[0])));
        }
        match row.route {
            Route::Read { run } => run(&words[1..], &context, self.machine.keyspace()).into(),
            Route::Local { run } => run(&words[1..], &mut self.session).into(),
            Route::Control { run } => {
                let node =
                    Alone { now_ms: self.now_ms, cluster: self.cluster, keyspace: self.machine.keyspace() };
                run(&words[1..], &mut self.session, &node).into()
            }
            Route::Operate { run } => {
                let node =
                    Alone { now_ms: self.now_ms, cluster: self.cluster, keyspace: self.machine.keyspace() };
                match run(&words[1..], &node) {
                    Ok(running) => {
                        running.now_or_never().expect("a node alone has nothing to wait for").into()
                    }
                    Err(answer) => Reply::Error(answer),
                }
            }
            Route::Write { .. } => {
                let mut batch = Batch::new();
                match batch.push(row, &words[1..], &context) {
                    Ok(()) => self.apply(&batch),
                    Err(answer) => Reply::Error(answer),
                }
            }
        }
    }

    fn apply(&mut self, batch: &Batch) -> Reply {
        let entry = Batch::encode(std::iter::once(batch), self.now_ms);
        let replies = self.machine.apply(self.index, Some(&entry)).expect("our own entry decodes");
        self.index += 1;
        assert_eq!(replies.len(), 1, "one reply for one command");
        replies.into_iter().next().expect("one reply")
    }

    /// What a client of the session's protocol reads.
    pub fn read(&mut self, words: &[Bytes]) -> Value {
        let reply = self.call(words);
        let mut bytes = Vec::new();
        encode(&reply, self.session.protocol, &mut bytes);
        let mut decoder = ReplyDecoder::new(Limits::DEFAULT);
        let mut buffer = bytes::BytesMut::from(&bytes[..]);
        decoder.decode(&mut buffer).expect("a reply is well formed").expect("a reply is whole")
    }

    pub fn begin(&mut self, protocol: Protocol) {
        self.session = Session { protocol, ..Session::default() };
        self.now_ms = BEGIN_MS;
        self.call(&[Bytes::from_static(b"FLUSHALL")]);
    }

    pub fn keyspace(&self) -> &Keyspace {
        self.machine.keyspace()
    }

    /// One that begins with a snapshot of this one's state.
    pub fn restored(&mut self) -> Vault {
        self.saved_while(|_| ())
    }

    /// One that begins with a snapshot of this one's state, which is saved while `change` is done.
    pub fn saved_while(&mut self, change: impl FnOnce(&mut Vault)) -> Vault {
        let mut capture = self.machine.capture().expect("no other capture runs");
        change(self);
        let mut stream = Vec::new();
        while capture.next_part(|key, entry| write_record(&mut stream, key, entry)) {}
        let (keyspace, mut restore) = (Arc::new(Keyspace::new()), Restore::new());
        restore.block(&stream, &keyspace).expect("our own snapshot decodes");
        restore.finish().expect("our own snapshot is whole");
        let machine = Machine::new(keyspace, self.machine.applied());
        Vault { machine, session: self.session.clone(), ..*self }
    }
}

fn unknown(words: &[Bytes]) -> Answer {
    let shown = |word: &Bytes| String::from_utf8_lossy(word).into_owned();
    let arguments: String = words[1..].iter().map(|word| format!("'{}' ", shown(word))).collect();
    Answer::new(format!("ERR unknown command '{}', with args beginning with: {arguments}", shown(&words[0])))
}

/// A node without a log, the first of three.
struct Alone<'a> {
    now_ms: u64,
    cluster: Option<Option<u64>>,
    keyspace: &'a Keyspace,
}

impl Node for Alone<'_> {
    fn info(&self, _sections: &[String]) -> String {
        String::new()
    }
    fn config(&self, _patterns: &[&[u8]]) -> Vec<(String, String)> {
        Vec::new()
    }
    fn set_config(&self, _name: &str, _value: &str) -> Result<(), String> {
        Ok(())
    }
    fn begin_snapshot(&self) -> bool {
        true
    }
    fn reset_stats(&self) {}
    fn clients(&self) -> Vec<Session> {
        Vec::new()
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
        all.scan(0, usize::MAX, |key, _| wants_more = wants_more && take(key.as_bytes()));
    }
    fn keys(&self) -> usize {
        0
    }
    fn now_ms(&self) -> u64 {
        self.now_ms
    }
}
