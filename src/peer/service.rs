//! Accepts connections of other nodes, and answers their requests.
//!
//! Raft's own calls are answered one after the other, in the order sent. Forwarded requests of
//! clients run concurrently, up to [`CONCURRENT_MAX`] for a connection, and each is answered when
//! it is ready.
//!
//! A Raft call is cancelled when its connection ends. A caller that gives up on a response closes
//! the connection and uses another; abandoned calls would otherwise pile up behind a disk that
//! accepts nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, ReadHalf, WriteHalf};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

use super::endpoint::{Caller, Endpoint};
use super::frame;
use super::log_throttle::LogThrottle;
use super::wire::{Request, Response};
use crate::env::{Acceptor, Connection};

/// Maximum number of requests in progress for one connection; the next is read when one is
/// answered.
const CONCURRENT_MAX: usize = 1024;
/// Maximum number of connections: some for each purpose of each possible member. Further ones are
/// closed at once, so that a flood of this port takes neither memory nor the file descriptors that
/// clients need.
const CONNECTIONS_MAX: usize = 512;
/// Pause after the system refused a connection: an immediate retry would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Answers requests.
pub trait Handler: Clone + Send + Sync + 'static {
    fn answer(&self, from: Caller, request: Request) -> impl Future<Output = Response> + Send;
}

/// Serves other nodes for as long as it is polled. Dropping it closes every connection.
pub async fn serve(mut acceptor: Box<dyn Acceptor>, endpoint: Arc<Endpoint>, handler: impl Handler) {
    let mut connections = JoinSet::new();
    let throttle = Arc::new(LogThrottle::default());
    loop {
        tokio::select! {
            biased;
            Some(_) = connections.join_next() => {}
            accepted = acceptor.accept() => match accepted {
                Ok((_, from)) if connections.len() >= CONNECTIONS_MAX => {
                    refused(&throttle, from, "there are too many connections of other nodes");
                }
                Ok((stream, from)) => {
                    let throttle = throttle.clone();
                    let (endpoint, handler) = (endpoint.clone(), handler.clone());
                    connections.spawn(async move {
                        if let Err(error) = serve_one(stream, &endpoint, handler).await
                            && error.kind() != io::ErrorKind::UnexpectedEof
                        {
                            match error.kind() {
                                io::ErrorKind::InvalidData | io::ErrorKind::PermissionDenied => {
                                    refused(&throttle, from, &error.to_string());
                                }
                                _ => tracing::debug!(%from, %error, "a connection of another node ended"),
                            }
                        }
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection of another node");
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
) -> io::Result<()> {
    let Some(from) = endpoint.welcome(&mut stream).await? else { return Ok(()) };
    let (reader, writer) = tokio::io::split(stream);
    let writer: Writer = Arc::new(Mutex::new(writer));
    let slots = Arc::new(Semaphore::new(CONCURRENT_MAX));
    let mut next = Box::pin(read(reader));
    let mut early = None;
    loop {
        let (number, request) = match early.take() {
            Some(request) => request,
            None => {
                let (reader, number, request) = next.await?;
                next = Box::pin(read(reader));
                (number, request)
            }
        };
        if !runs_concurrently(&request) {
            let mut answer = std::pin::pin!(handler.answer(from, request));
            let response = tokio::select! {
                biased;
                response = &mut answer => response,
                // Usually the end of the connection: a caller sends nothing before it has the
                // response.
                read_on = &mut next => {
                    let (reader, number, request) = read_on?;
                    next.set(read(reader));
                    early = Some((number, request));
                    answer.await
                }
            };
            respond(&writer, number, &response).await?;
            continue;
        }
        let slot = slots.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (handler, writer) = (handler.clone(), writer.clone());
        tokio::spawn(async move {
            let response = handler.answer(from, request).await;
            if let Err(error) = respond(&writer, number, &response).await {
                tracing::debug!(%error, "an answer did not reach another node");
            }
            drop(slot);
        });
    }
}

type Reader = ReadHalf<Box<dyn Connection>>;

async fn read(mut reader: Reader) -> io::Result<(Reader, u64, Request)> {
    let (number, request) = frame::read::<Request>(&mut reader).await?;
    Ok((reader, number, request))
}

/// Whether the request waits for other nodes, so that later requests must not wait for it.
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

    /// Never answers, like a node whose disk accepts nothing.
    #[derive(Clone)]
    struct Silent;

    impl Handler for Silent {
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
            // A connection that is refused for want of a slot finds one a moment later.
            let mut stream = loop {
                match client.connect(target).await {
                    Ok(stream) => break stream,
                    Err(error) => {
                        refused += 1;
                        assert!(refused < 1000, "the slots stay taken: {error}");
                    }
                }
            };
            let vote = StoredVote { term: 1, node_id: 1, committed: true };
            let append = Append { vote, previous: None, entries: Vec::new(), commit: None, time_ms: 0 };
            frame::write(&mut stream, 1, &Request::Append(append)).await.expect("it is open");
        }
        serving.abort();
    }
}
