//! Accepting connections of other nodes, and answering what comes on them.
//!
//! Raft's own calls are answered one after the other, as they were sent. What clients gave to another node runs side by
//! side, up to [`CONCURRENT_MAX`] requests of a connection, and is answered as it is ready.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncWrite, WriteHalf};
use tokio::sync::{Mutex, Semaphore};
use tokio::task::JoinSet;

use super::complaints::Complaints;
use super::endpoint::{Asker, Endpoint};
use super::frame;
use super::wire::{Request, Response};
use crate::env::{Acceptor, Connection};

/// Requests of one connection that may be under way; the next are read when one is answered.
const CONCURRENT_MAX: usize = 1024;
/// Connections at a time: some for each purpose of each member that there may be. More are closed at once, so that who
/// floods this port takes neither memory nor the file descriptors that clients need.
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
    let (mut reader, writer) = tokio::io::split(stream);
    let writer: Writer = Arc::new(Mutex::new(writer));
    let places = Arc::new(Semaphore::new(CONCURRENT_MAX));
    loop {
        let (number, request) = frame::read::<Request>(&mut reader).await?;
        if !runs_aside(&request) {
            let response = handler.answer(from, request).await;
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
