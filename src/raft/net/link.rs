//! Many requests at a time to one node: what clients gave here and the leader has to do.
//!
//! Invariants:
//! * a request is answered once: by the other side, or as not sent, or as lost with its connection;
//! * *not sent* is only said of a request of which no byte was handed to the network.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use super::endpoint::Endpoint;
use super::frame;
use super::wire::{Request, Response};
use crate::raft::types::Member;

/// Requests that wait to be written to one node; more are held back where they come from.
const QUEUE_LENGTH: usize = 1024;
/// Frames that wait are written together up to about this size.
const WRITE_BYTES_TARGET: usize = 256 << 10;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unanswered {
    /// Nothing was sent: it was certainly not done.
    NotSent,
    /// It was sent, or part of it: it may have been done.
    Lost,
}

/// The links to all nodes that were asked so far.
pub struct Links {
    endpoint: Arc<Endpoint>,
    open: Mutex<BTreeMap<u64, Arc<Link>>>,
    /// Held while connecting, so that a burst of requests makes one connection.
    connecting: tokio::sync::Mutex<()>,
}

struct Link {
    address: String,
    queue: mpsc::Sender<Vec<u8>>,
    waiting: Arc<Mutex<Waiting>>,
    numbers: AtomicU64,
}

/// Who waits for the answer to which request. `None`: the connection is gone.
type Waiting = Option<BTreeMap<u64, oneshot::Sender<Response>>>;

impl Links {
    pub fn new(endpoint: Arc<Endpoint>) -> Links {
        Links { endpoint, open: Mutex::default(), connecting: tokio::sync::Mutex::new(()) }
    }

    /// Sends a request to a node and waits for its answer, as long as its connection lasts.
    pub async fn call(&self, to: u64, member: &Member, request: &Request) -> Result<Response, Unanswered> {
        let link = match self.usable(to, member) {
            Some(link) => link,
            None => self.connect(to, member).await.map_err(|_| Unanswered::NotSent)?,
        };
        link.call(request).await
    }

    fn usable(&self, to: u64, member: &Member) -> Option<Arc<Link>> {
        let open = self.open.lock();
        let link = open.get(&to)?;
        let usable = link.address == member.raft_address && link.waiting.lock().is_some();
        usable.then(|| link.clone())
    }

    async fn connect(&self, to: u64, member: &Member) -> io::Result<Arc<Link>> {
        let _one_at_a_time = self.connecting.lock().await;
        if let Some(link) = self.usable(to, member) {
            return Ok(link);
        }
        let stream = self.endpoint.connect(to, &member.raft_address).await?;
        let (reader, writer) = tokio::io::split(stream);
        let (queue, queued) = mpsc::channel(QUEUE_LENGTH);
        let waiting = Arc::new(Mutex::new(Some(BTreeMap::new())));
        tokio::spawn(run(reader, writer, queued, waiting.clone()));
        let link = Arc::new(Link {
            address: member.raft_address.clone(),
            queue,
            waiting,
            numbers: AtomicU64::new(1),
        });
        self.open.lock().insert(to, link.clone());
        Ok(link)
    }
}

impl Link {
    async fn call(&self, request: &Request) -> Result<Response, Unanswered> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut bytes = Vec::new();
        frame::encode(number, request, &mut bytes);
        let place = self.queue.reserve().await.map_err(|_| Unanswered::NotSent)?;
        let (answer, answered) = oneshot::channel();
        match self.waiting.lock().as_mut() {
            Some(waiting) => waiting.insert(number, answer),
            None => return Err(Unanswered::NotSent),
        };
        place.send(bytes);
        answered.await.map_err(|_| Unanswered::Lost)
    }
}

/// Serves one connection until it breaks; everybody who waits then is told by the end of their channel.
async fn run(
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
    queued: mpsc::Receiver<Vec<u8>>,
    waiting: Arc<Mutex<Waiting>>,
) {
    let ended = tokio::select! {
        biased;
        ended = read_answers(reader, &waiting) => ended,
        ended = write_requests(writer, queued) => ended,
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to another node ended");
    }
    *waiting.lock() = None;
}

async fn read_answers(mut reader: impl AsyncRead + Unpin, waiting: &Mutex<Waiting>) -> io::Result<()> {
    loop {
        let (number, response) = frame::read::<Response>(&mut reader).await?;
        let answer = waiting.lock().as_mut().and_then(|waiting| waiting.remove(&number));
        if let Some(answer) = answer {
            // Whoever asked may have gone away meanwhile.
            let _ = answer.send(response);
        }
    }
}

async fn write_requests(
    mut writer: impl AsyncWrite + Unpin,
    mut queued: mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    while let Some(mut bytes) = queued.recv().await {
        while bytes.len() < WRITE_BYTES_TARGET
            && let Ok(more) = queued.try_recv()
        {
            bytes.extend_from_slice(&more);
        }
        writer.write_all(&bytes).await?;
        writer.flush().await?;
    }
    Ok(())
}
