//! A vault without a server: requests go through the table and the machine, as a node would send them.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use jsonvault::command::{Context, Node, Route, Session, table};
use jsonvault::error::Answer;
use jsonvault::keyspace::Keyspace;
use jsonvault::machine::{Batch, Machine};
use jsonvault::resp::{Limits, Protocol, Reply, ReplyDecoder, Value, encode};

/// When every test begins: a moment in 2025, in unix milliseconds.
pub const BEGIN_MS: u64 = 1_750_000_000_000;

pub struct Vault {
    machine: Machine,
    pub session: Session,
    pub now_ms: u64,
    index: u64,
}

impl Vault {
    pub fn new() -> Vault {
        let machine = Machine::new(Arc::new(Keyspace::new()), None);
        Vault { machine, session: Session::default(), now_ms: BEGIN_MS, index: 0 }
    }

    /// Answers one request as a node would, without the session's replies to MULTI and its kin.
    pub fn call(&mut self, words: &[Bytes]) -> Reply {
        let context = Context {
            protocol: self.session.protocol,
            now_ms: self.now_ms,
            document_bytes_max: jsonvault::json::DOCUMENT_BYTES_DEFAULT,
        };
        let Some(row) = table::find(&words[0]) else { return Reply::Error(unknown(words)) };
        if !row.arity_fits(words.len()) {
            return Reply::Error(Answer::wrong_arity(&String::from_utf8_lossy(&words[0])));
        }
        match row.route {
            Route::Read { run } => run(&words[1..], &context, self.machine.keyspace()).into(),
            Route::Local { run } => run(&words[1..], &mut self.session).into(),
            Route::Control { run } => run(&words[1..], &mut self.session, &Alone(self.now_ms)).into(),
            Route::Operate { run } => match run(&words[1..], &Alone(self.now_ms)) {
                Ok(running) => running.now_or_never().expect("a node alone has nothing to wait for").into(),
                Err(answer) => Reply::Error(answer),
            },
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
}

fn unknown(words: &[Bytes]) -> Answer {
    let shown = |word: &Bytes| String::from_utf8_lossy(word).into_owned();
    let arguments: String = words[1..].iter().map(|word| format!("'{}' ", shown(word))).collect();
    Answer::new(format!("ERR unknown command '{}', with args beginning with: {arguments}", shown(&words[0])))
}

/// A node of which only its time is asked.
struct Alone(u64);

impl Node for Alone {
    fn info(&self, _sections: &[String]) -> String {
        String::new()
    }
    fn config(&self, _patterns: &[&[u8]]) -> Vec<(String, String)> {
        Vec::new()
    }
    fn set_config(&self, _name: &str, _value: &str) -> Result<(), String> {
        Ok(())
    }
    fn begin_snapshot(&self) {}
    fn reset_stats(&self) {}
    fn clients(&self) -> Vec<Session> {
        Vec::new()
    }
    fn node_id(&self) -> u64 {
        1
    }
    fn is_leader(&self) -> bool {
        true
    }
    fn keys(&self) -> usize {
        0
    }
    fn now_ms(&self) -> u64 {
        self.0
    }
}
