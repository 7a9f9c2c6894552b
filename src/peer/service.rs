//! Accepts connections of other nodes, and answers their requests.
//!
//! Requests that may have to wait for other nodes (writes, read-index requests and changes of the
//! cluster) run concurrently, up to [`CONCURRENT_MAX`] for a connection, and each is answered as
//! soon as it is done. All other requests, such as Raft's calls, are answered one after the other,
//! in the order sent.
//!
//! A Raft call is cancelled when its connection ends. A caller that stops waiting for a response
//! closes the connection and uses another; without the cancellation, abandoned calls would pile up
//! behind a disk that hangs.
//!
//! A connection is closed if it brings no complete request for [`IDLE_MAX`]; the time in which the
//! node answers a Raft call does not count. The requesting side stops using an idle connection
//! earlier, after [`REUSE_MAX`], so no request is sent on a connection that is about to be closed.
//!
//! The memory that senders who are not members can occupy is limited: of all their large frames,
//! only one at a time is read and answered.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, ReadHalf, WriteHalf};
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{timeout, timeout_at};

use super::endpoint::{Caller, Endpoint};
use super::frame::{self, FRAME_BYTES_MAX, FRAME_TIME_MAX};
use super::log_throttle::LogThrottle;
use super::wire::{Request, Response};
use crate::env::{Acceptor, Connection};

/// Maximum number of requests in progress on one connection; the next one is read when one of them
/// has been answered.
const CONCURRENT_MAX: usize = 1024;
/// Maximum number of connections: enough for the several that each possible member opens. Further
/// ones are closed at once, so that a flood of connections to this port takes neither memory nor
/// the file descriptors that clients need.
const CONNECTIONS_MAX: usize = 512;
/// Pause after a failed accept: an immediate retry would only waste processor time.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The requesting side does not use a connection again if it has sent nothing on it for this long.
pub const REUSE_MAX: Duration = Duration::from_secs(30);
/// The accepting side closes a connection after this time without a request. A request that begins
/// before [`REUSE_MAX`] is complete by then.
pub const IDLE_MAX: Duration = REUSE_MAX.saturating_add(FRAME_TIME_MAX);
/// A frame of at most this size is read at once, even if the sender is not a member. Larger frames
/// of such senders are read one at a time.
pub const SMALL_FRAME_BYTES_MAX: usize = 64 << 10;

/// Answers the requests of other nodes.
pub trait Handler: Clone + Send + Sync + 'static {
    /// Whether the sender is a member, as far as this node knows.
    fn knows(&self, from: Caller) -> bool;
    fn answer(&self, from: Caller, request: Request) -> impl Future<Output = Response> + Send;
}

/// Like [`serve_on`], and closes the port when it is dropped.
pub async fn serve(mut acceptor: Box<dyn Acceptor>, endpoint: Arc<Endpoint>, handler: impl Handler) {
    serve_on(&mut *acceptor, endpoint, handler).await;
}

/// Serves other nodes for as long as it is polled. Dropping the future closes every connection.
pub async fn serve_on(acceptor: &mut dyn Acceptor, endpoint: Arc<Endpoint>, handler: impl Handler) {
    let mut connections = JoinSet::new();
    let throttle = Arc::new(LogThrottle::default());
    let room = Arc::new(Semaphore::new(1));
    loop {
        tokio::select! {
            biased;
            Some(_) = connections.join_next() => {}
            accepted = acceptor.accept() => match accepted {
                Ok((_, from)) if connections.len() >= CONNECTIONS_MAX => {
                    refused(&throttle, from, "there are too many connections from other nodes");
                }
                Ok((stream, from)) => {
                    let throttle = throttle.clone();
                    let (endpoint, handler, room) = (endpoint.clone(), handler.clone(), room.clone());
                    connections.spawn(async move {
                        if let Err(error) = serve_one(stream, &endpoint, handler, room).await
                            && error.kind() != io::ErrorKind::UnexpectedEof
                        {
                            match error.kind() {
                                io::ErrorKind::InvalidData | io::ErrorKind::PermissionDenied => {
                                    refused(&throttle, from, &error.to_string());
                                }
                                _ => tracing::debug!(%from, %error, "a connection from another node ended"),
                            }
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection from another node");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

fn refused(throttle: &LogThrottle, from: SocketAddr, reason: &str) {
    if let Some(since) = throttle.admit() {
        tracing::warn!(%from, reason, since, "refused a connection on the port for other nodes");
    }
}

type Writer = Arc<Mutex<WriteHalf<Box<dyn Connection>>>>;

async fn serve_one(
    mut stream: Box<dyn Connection>,
    endpoint: &Endpoint,
    handler: impl Handler,
    room: Arc<Semaphore>,
) -> io::Result<()> {
    let Some(from) = endpoint.welcome(&mut stream).await? else { return Ok(()) };
    let (reader, writer) = tokio::io::split(stream);
    let writer: Writer = Arc::new(Mutex::new(writer));
    let slots = Arc::new(Semaphore::new(CONCURRENT_MAX));
    let read = |reader: Reader| read(reader, from, handler.clone(), room.clone());
    let mut next = Box::pin(read(reader));
    let mut early = None;
    loop {
        let Incoming { number, request, room: taken } = match early.take() {
            Some(incoming) => incoming,
            None => {
                let idle = |_| io::Error::new(io::ErrorKind::TimedOut, "the connection was idle");
                let (reader, incoming) = timeout(IDLE_MAX, &mut next).await.map_err(idle)??;
                next = Box::pin(read(reader));
                incoming
            }
        };
        if !runs_concurrently(&request) {
            let mut answer = std::pin::pin!(handler.answer(from, request));
            let response = tokio::select! {
                biased;
                response = &mut answer => response,
                // Usually this is the end of the connection, because the caller sends nothing
                // before it has the response. The end cancels the call.
                read_on = &mut next => {
                    let (reader, incoming) = read_on?;
                    next.set(read(reader));
                    early = Some(incoming);
                    answer.await
                }
            };
            drop(taken);
            respond(&writer, number, &response).await?;
            continue;
        }
        let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (handler, writer) = (handler.clone(), writer.clone());
        tokio::spawn(async move {
            let response = handler.answer(from, request).await;
            drop(taken);
            if let Err(error) = respond(&writer, number, &response).await {
                tracing::debug!(%error, "cannot send a response to another node");
            }
            drop(slot);
        });
    }
}

type Reader = ReadHalf<Box<dyn Connection>>;

struct Incoming {
    number: u64,
    request: Request,
    /// Held for a large frame of a sender that is not a member, from before its body is read until
    /// its request has been answered.
    room: Option<OwnedSemaphorePermit>,
}

async fn read(
    mut reader: Reader,
    from: Caller,
    handler: impl Handler,
    room: Arc<Semaphore>,
) -> io::Result<(Reader, Incoming)> {
    let header = frame::read_header(&mut reader, FRAME_BYTES_MAX).await?;
    let room = match header.length > SMALL_FRAME_BYTES_MAX && !handler.knows(from) {
        true => {
            let late = |_| io::Error::from(io::ErrorKind::TimedOut);
            let place = timeout_at(header.deadline, room.acquire_owned()).await.map_err(late)?;
            Some(place.expect("the semaphore is never closed"))
        }
        false => None,
    };
    let (number, request) = frame::read_body::<Request>(&mut reader, &header).await?;
    Ok((reader, Incoming { number, request, room }))
}

/// Whether the request may have to wait for other nodes; later requests on the connection then do
/// not wait for it.
fn runs_concurrently(request: &Request) -> bool {
    matches!(request, Request::Propose { .. } | Request::ReadPoint { .. } | Request::Change(_))
}

async fn respond(
    writer: &Mutex<impl AsyncWrite + Unpin>,
    number: u64,
    response: &Response,
) -> io::Result<()> {
    frame::write(&mut *writer.lock().await, number, response).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::env::{Net, RealNet};
    use crate::peer::Append;
    use crate::peer::StoredVote;
    use crate::peer::Target;
    use crate::storage::Identity;
    use tokio::io::{AsyncWriteExt, DuplexStream, duplex};

    /// A handler that never answers, like a node whose disk hangs.
    #[derive(Clone)]
    struct Silent;

    impl Handler for Silent {
        fn knows(&self, _from: Caller) -> bool {
            true
        }

        async fn answer(&self, _from: Caller, _request: Request) -> Response {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn an_abandoned_call_frees_its_connection() {
        let acceptor = RealNet.bind("127.0.0.1:0").await.expect("a port is free");
        let address = acceptor.address().to_string();
        let endpoint = |node| {
            let identity = Identity { node, cluster: "blue".to_string(), incarnation: node };
            Arc::new(Endpoint::new(identity, 0, RealNet::shared()))
        };
        let target = Target { id: 2, address: &address, incarnation: Some(2) };
        let serving = tokio::spawn(serve(acceptor, endpoint(2), Silent));
        let client = endpoint(1);
        let mut refused = 0;
        for _ in 0..CONNECTIONS_MAX + 100 {
            // A connection that is refused because all slots are taken is tried again until one is
            // free.
            let mut stream = loop {
                match client.connect(target).await {
                    Ok(stream) => break stream,
                    Err(error) => {
                        refused += 1;
                        assert!(refused < 1000, "an abandoned call frees its slot: {error}");
                    }
                }
            };
            let vote = StoredVote { term: 1, node_id: 1, committed: true };
            let append = Append { vote, previous: None, entries: Vec::new(), commit: None, time_ms: 0 };
            frame::write(&mut stream, 1, &Request::Append(append)).await.expect("the connection is open");
        }
        serving.abort();
    }

    /// A handler that answers at once and knows only one node as a member.
    #[derive(Clone)]
    struct Prompt;

    const KNOWN: u64 = 1;

    impl Handler for Prompt {
        fn knows(&self, from: Caller) -> bool {
            from.id == KNOWN
        }

        async fn answer(&self, _from: Caller, _request: Request) -> Response {
            Response::Received
        }
    }

    fn endpoint_of(node: u64) -> Endpoint {
        let identity = Identity { node, cluster: "blue".to_string(), incarnation: node };
        Endpoint::new(identity, 0, RealNet::shared())
    }

    type Serving = tokio::task::JoinHandle<io::Result<()>>;

    /// A connection to this node after its handshake.
    async fn served(from: u64, room: &Arc<Semaphore>) -> (DuplexStream, Serving) {
        let (mut stream, other) = duplex(4 << 20);
        let room = room.clone();
        let serving =
            tokio::spawn(async move { serve_one(Box::new(other), &endpoint_of(9), Prompt, room).await });
        let target = Target { id: 9, address: "", incarnation: Some(9) };
        endpoint_of(from).shake_hands(&mut stream, target).await.expect("the handshake succeeds");
        (stream, serving)
    }

    fn large() -> Request {
        Request::SnapshotChunk { offset: 0, bytes: vec![7; 2 * SMALL_FRAME_BYTES_MAX].into() }
    }

    async fn is_answered(stream: &mut DuplexStream, limit: Duration) -> bool {
        timeout(limit, frame::read::<Response>(stream)).await.is_ok_and(|answer| answer.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_without_requests_is_closed_and_one_in_use_is_not() {
        let (mut stream, serving) = served(KNOWN, &Arc::new(Semaphore::new(1))).await;
        for number in 0..5 {
            tokio::time::sleep(REUSE_MAX).await;
            frame::write(&mut stream, number, &Request::Standing).await.expect("the connection is open");
            assert!(is_answered(&mut stream, Duration::from_secs(1)).await);
        }
        let idle = tokio::time::Instant::now();
        let ended =
            serving.await.expect("the serving task does not panic").expect_err("the connection is closed");
        assert_eq!((ended.kind(), idle.elapsed()), (io::ErrorKind::TimedOut, IDLE_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn one_large_frame_of_strangers_is_taken_in_at_a_time() {
        let room = Arc::new(Semaphore::new(1));
        let mut bytes = Vec::new();
        frame::encode(1, &large(), &mut bytes);
        let (mut half, serving) = served(7, &room).await;
        half.write_all(&bytes[..bytes.len() / 2]).await.expect("the connection is open");
        let (mut stranger, _) = served(8, &room).await;
        frame::write(&mut stranger, 2, &Request::Standing).await.expect("the connection is open");
        assert!(is_answered(&mut stranger, Duration::from_secs(1)).await, "a small frame is read at once");
        frame::write(&mut stranger, 3, &large()).await.expect("the connection is open");
        assert!(
            !is_answered(&mut stranger, Duration::from_secs(1)).await,
            "the other stranger's large frame waits"
        );
        let (mut member, _) = served(KNOWN, &room).await;
        frame::write(&mut member, 4, &large()).await.expect("the connection is open");
        assert!(
            is_answered(&mut member, Duration::from_secs(1)).await,
            "a member's large frame is read at once"
        );
        let ended =
            serving.await.expect("the serving task does not panic").expect_err("the connection is closed");
        assert_eq!(ended.kind(), io::ErrorKind::TimedOut);
        assert!(is_answered(&mut stranger, Duration::from_secs(1)).await, "the permit is free again");
    }
}
