//! Accepting connections of other nodes, and answering what comes on them.
//!
//! Raft's own calls are answered one after the other, as they were sent. What clients gave to
//! another node runs side by side, up to [`CONCURRENT_MAX`] requests of a connection, and is
//! answered as it is ready.
//!
//! A call ends with its connection: who gave up on an answer closes it and asks on another, and
//! calls that nobody waits for any more would pile up behind a disk that takes nothing.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, ReadHalf, WriteHalf};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

use super::complaints::Complaints;
use super::endpoint::{Asker, Endpoint};
use super::frame;
use super::wire::{Request, Response};
use crate::env::{Acceptor, Connection};

/// Requests of one connection that may be under way; the next are read when one is answered.
const CONCURRENT_MAX: usize = 1024;
/// Connections at a time: some for each purpose of each member that there may be. More are closed
/// at once, so that who floods this port takes neither memory nor the file descriptors that clients
/// need.
const CONNECTIONS_MAX: usize = 512;
/// After the system refused a connection, trying again at once would only burn the processor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What answers requests.
pub trait Handler: Clone + Send + Sync + 'static {
    fn answer(&self, from: Asker, request: Request) -> impl Future<Output = Response> + Send;
}

/// Serves other nodes for as long as it is polled. Dropped, it closes every connection.
pub async fn serve(mut acceptor: Box<dyn Acceptor>, endpoint: Arc<Endpoint>, handler: impl Handler) {
    let mut connections = JoinSet::new();
    let complaints = Arc::new(Complaints::default());
    loop {
        tokio::select! {
            biased;
            Some(_) = connections.join_next() => {}
            accepted = acceptor.accept() => match accepted {
                Ok((_, from)) if connections.len() >= CONNECTIONS_MAX => {
                    refused(&complaints, from, "there are too many connections of other nodes");
                }
                Ok((stream, from)) => {
                    let complaints = complaints.clone();
                    let (endpoint, handler) = (endpoint.clone(), handler.clone());
                    connections.spawn(async move {
                        if let Err(error) = serve_one(stream, &endpoint, handler).await
                            && error.kind() != io::ErrorKind::UnexpectedEof
                        {
                            match error.kind() {
                                io::ErrorKind::InvalidData | io::ErrorKind::PermissionDenied => {
                                    refused(&complaints, from, &error.to_string());
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

fn refused(complaints: &Complaints, from: SocketAddr, reason: &str) {
    if let Some(since) = complaints.may_tell() {
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
    let places = Arc::new(Semaphore::new(CONCURRENT_MAX));
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
        if !runs_aside(&request) {
            let mut answer = std::pin::pin!(handler.answer(from, request));
            let response = tokio::select! {
                biased;
                response = &mut answer => response,
                // The end of the connection, as a rule: the other side sends nothing before it has
                // its answer.
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
        let place = places.clone().acquire_owned().await.expect("the semaphore is never closed");
        let (handler, writer) = (handler.clone(), writer.clone());
        tokio::spawn(async move {
            let response = handler.answer(from, request).await;
            if let Err(error) = respond(&writer, number, &response).await {
                tracing::debug!(%error, "an answer did not reach another node");
            }
            drop(place);
        });
    }
}

type Reader = ReadHalf<Box<dyn Connection>>;

async fn read(mut reader: Reader) -> io::Result<(Reader, u64, Request)> {
    let (number, request) = frame::read::<Request>(&mut reader).await?;
    Ok((reader, number, request))
}

/// Whether the request waits for other nodes, so that those behind it must not wait for it.
fn runs_aside(request: &Request) -> bool {
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

    /// Has no answer to what Raft asks, as beside a disk that takes nothing.
    #[derive(Clone)]
    struct Silent;

    impl Handler for Silent {
        async fn answer(&self, _from: Asker, _request: Request) -> Response {
            std::future::pending().await
        }
    }

    #[tokio::test]
    async fn a_call_that_nobody_waits_for_takes_no_place() {
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
            // One that is refused for want of a place finds one a moment later.
            let mut stream = loop {
                match client.connect(target).await {
                    Ok(stream) => break stream,
                    Err(error) => {
                        refused += 1;
                        assert!(refused < 1000, "the places are taken for good: {error}");
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
