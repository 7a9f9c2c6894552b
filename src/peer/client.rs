//! Sends many concurrent requests to one node over one connection, such as the requests of clients
//! that the leader has to serve.
//!
//! Invariants:
//! * each request ends exactly once: with a response, as not sent, or as lost with its connection;
//! * *not sent* is reported only for a request that was not even partly handed to the network.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::endpoint::{Endpoint, Target};
use super::frame;
use super::service::REUSE_MAX;
use super::wire::{Member, Request, Response};

/// Maximum number of requests that wait to be written to one node; further callers wait for a
/// place.
const QUEUE_LENGTH: usize = 1024;
/// A connection that has brought no response for this long, although requests wait for one, gets no
/// further requests. It may have been cut without notice, and a request handed to it could no
/// longer be reported as *not sent*.
const SILENCE_MAX: Duration = Duration::from_secs(1);
/// How long to wait for the answer to a query, which a running node gives from memory.
const ASK_TIMEOUT: Duration = Duration::from_millis(500);
/// Waiting frames are joined into writes of about this size.
const WRITE_BYTES_TARGET: usize = 256 << 10;

/// The reason why there is no response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallError {
    /// Nothing was sent, so the request was certainly not executed.
    NotSent,
    /// The request was sent, at least in part, and may have been executed.
    Lost,
}

/// The connections to all nodes that were called so far.
pub struct PeerClients {
    endpoint: Arc<Endpoint>,
    open: Mutex<BTreeMap<u64, Arc<PeerClient>>>,
    /// Held while connecting, so that a burst of requests opens one connection.
    connecting: tokio::sync::Mutex<()>,
}

struct PeerClient {
    member: Member,
    queue: mpsc::Sender<Vec<u8>>,
    /// `None` once the connection has ended.
    waiting: Arc<Mutex<Option<Waiting>>>,
    numbers: AtomicU64,
}

/// The callers that wait on a connection, by the number of their request.
#[derive(Default)]
struct Waiting {
    by_number: BTreeMap<u64, oneshot::Sender<Response>>,
    /// Since when callers have waited without any response on the connection.
    silent_since: Option<Instant>,
    /// When the last request was sent or, before the first one, when the connection was opened.
    used: Option<Instant>,
}

impl Waiting {
    fn add(&mut self, number: u64, answer: oneshot::Sender<Response>) {
        self.by_number.insert(number, answer);
        self.silent_since.get_or_insert_with(Instant::now);
        self.used = Some(Instant::now());
    }

    fn take(&mut self, number: u64) -> Option<oneshot::Sender<Response>> {
        let answer = self.by_number.remove(&number);
        self.silent_since = (!self.by_number.is_empty()).then(Instant::now);
        answer
    }

    fn is_silent(&self) -> bool {
        self.silent_since.is_some_and(|since| since.elapsed() > SILENCE_MAX)
    }

    /// Whether the connection has been unused for so long that the other side may be about to close
    /// it.
    fn is_stale(&self) -> bool {
        self.used.is_some_and(|used| used.elapsed() > REUSE_MAX)
    }
}

impl PeerClients {
    pub fn new(endpoint: Arc<Endpoint>) -> PeerClients {
        PeerClients { endpoint, open: Mutex::default(), connecting: tokio::sync::Mutex::new(()) }
    }

    /// Sends a request to a node and waits for its response for as long as the connection lasts.
    pub async fn call(&self, to: u64, member: &Member, request: &Request) -> Result<Response, CallError> {
        let client = match self.usable(to, member) {
            Some(client) => client,
            None => self.connect(to, member).await.map_err(|_| CallError::NotSent)?,
        };
        client.call(request).await
    }

    /// Sends one request on a separate connection, to a node that need not be a member.
    ///
    /// # Errors
    /// Those of [`Endpoint::connect`]; `TimedOut` if no response arrives within [`ASK_TIMEOUT`].
    pub async fn ask(&self, to: Target<'_>, request: &Request) -> io::Result<Response> {
        let mut stream = self.endpoint.connect(to).await?;
        let exchange = async {
            frame::write(&mut stream, 0, request).await?;
            frame::read::<Response>(&mut stream).await
        };
        let answered = timeout(ASK_TIMEOUT, exchange).await;
        answered.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?.map(|(_, response)| response)
    }

    fn usable(&self, to: u64, member: &Member) -> Option<Arc<PeerClient>> {
        let open = self.open.lock();
        let client = open.get(&to)?;
        let heard =
            client.waiting.lock().as_ref().is_some_and(|waiting| !waiting.is_silent() && !waiting.is_stale());
        let usable = client.member == *member && heard;
        usable.then(|| client.clone())
    }

    async fn connect(&self, to: u64, member: &Member) -> io::Result<Arc<PeerClient>> {
        let _one_at_a_time = self.connecting.lock().await;
        if let Some(client) = self.usable(to, member) {
            return Ok(client);
        }
        let stream = self.endpoint.connect(Target::member(to, member)).await?;
        let (reader, writer) = tokio::io::split(stream);
        let (queue, queued) = mpsc::channel(QUEUE_LENGTH);
        let waiting = Waiting { used: Some(Instant::now()), ..Waiting::default() };
        let waiting = Arc::new(Mutex::new(Some(waiting)));
        tokio::spawn(run(reader, writer, queued, waiting.clone()));
        let client =
            Arc::new(PeerClient { member: member.clone(), queue, waiting, numbers: AtomicU64::new(1) });
        self.open.lock().insert(to, client.clone());
        Ok(client)
    }
}

impl PeerClient {
    async fn call(&self, request: &Request) -> Result<Response, CallError> {
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let mut bytes = Vec::new();
        frame::encode(number, request, &mut bytes);
        let slot = self.queue.reserve().await.map_err(|_| CallError::NotSent)?;
        let (answer, answered) = oneshot::channel();
        match self.waiting.lock().as_mut() {
            Some(waiting) => waiting.add(number, answer),
            None => return Err(CallError::NotSent),
        }
        slot.send(bytes);
        answered.await.map_err(|_| CallError::Lost)
    }
}

/// Serves one connection until it ends, then drops the channels of all waiting callers, which
/// reports the loss to them.
async fn run(
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
    queued: mpsc::Receiver<Vec<u8>>,
    waiting: Arc<Mutex<Option<Waiting>>>,
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

async fn read_answers(
    mut reader: impl AsyncRead + Unpin,
    waiting: &Mutex<Option<Waiting>>,
) -> io::Result<()> {
    loop {
        let (number, response) = frame::read::<Response>(&mut reader).await?;
        let answer = waiting.lock().as_mut().and_then(|waiting| waiting.take(number));
        if let Some(answer) = answer {
            // The receiver is gone if the caller was cancelled.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{Acceptor, Connection, Net, RealNet};
    use crate::peer::Caller;
    use crate::peer::ForwardError;
    use crate::peer::ReadPoint;
    use crate::storage::Identity;

    /// Connects two nodes in one process: returns the acceptor and the endpoint of node 2, and the
    /// clients of another node with node 2's membership data.
    async fn pair() -> (Box<dyn Acceptor>, Endpoint, PeerClients, Member) {
        let acceptor = RealNet.bind("127.0.0.1:0").await.unwrap();
        let address = acceptor.address().to_string();
        let endpoint = |node| {
            let identity = Identity { node, cluster: "blue".to_string(), incarnation: node };
            Endpoint::new(identity, 0, RealNet::shared())
        };
        let member = Member { raft_address: address, client_address: String::new(), incarnation: 2 };
        (acceptor, endpoint(2), PeerClients::new(Arc::new(endpoint(1))), member)
    }

    async fn accept(acceptor: &mut Box<dyn Acceptor>, endpoint: &Endpoint) -> Box<dyn Connection> {
        let (mut stream, _) = acceptor.accept().await.unwrap();
        assert_eq!(endpoint.welcome(&mut stream).await.unwrap(), Some(Caller { id: 1, incarnation: 1 }));
        stream
    }

    const ASK: Request = Request::ReadPoint { lease: false };

    #[tokio::test]
    async fn answers_meet_their_requests_in_any_order() {
        let (mut acceptor, endpoint, clients, member) = pair().await;
        let other = tokio::spawn(async move {
            let mut stream = accept(&mut acceptor, &endpoint).await;
            let mut numbers = Vec::new();
            for _ in 0..3 {
                numbers.push(frame::read::<Request>(&mut stream).await.unwrap().0);
            }
            for number in numbers.into_iter().rev() {
                let answer = Response::ReadPoint(Ok(ReadPoint { index: number, time_ms: 0 }));
                frame::write(&mut stream, number, &answer).await.unwrap();
            }
            stream
        });
        let calls = (0..3).map(|_| clients.call(2, &member, &ASK));
        let mut indexes = Vec::new();
        for answer in futures_util::future::join_all(calls).await {
            let Ok(Response::ReadPoint(Ok(ReadPoint { index, .. }))) = answer else { panic!("{answer:?}") };
            indexes.push(index);
        }
        assert_eq!(indexes, [1, 2, 3]);
        drop(other.await.unwrap());
    }

    #[tokio::test]
    async fn a_sent_request_is_lost_with_its_connection_and_an_unsent_one_is_not() {
        let (mut acceptor, endpoint, clients, member) = pair().await;
        let other = tokio::spawn(async move {
            let mut stream = accept(&mut acceptor, &endpoint).await;
            frame::read::<Request>(&mut stream).await.unwrap();
        });
        assert_eq!(clients.call(2, &member, &ASK).await.unwrap_err(), CallError::Lost);
        other.await.unwrap();
        // The node no longer listens.
        assert_eq!(clients.call(2, &member, &ASK).await.unwrap_err(), CallError::NotSent);
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_not_used_again() {
        let mut waiting = Waiting::default();
        let (answer, _answered) = oneshot::channel();
        waiting.add(1, answer);
        assert!(!waiting.is_silent());
        tokio::time::advance(SILENCE_MAX * 2).await;
        assert!(waiting.is_silent());
        let answer = waiting.take(1).unwrap();
        answer.send(Response::ReadPoint(Err(ForwardError::NotLeader))).unwrap();
        assert!(!waiting.is_silent());
        assert!(!waiting.is_stale());
        tokio::time::advance(REUSE_MAX).await;
        assert!(waiting.is_stale(), "the other side may be about to close the connection");
    }
}
