//! Makes one call at a time to one node, on a separate connection.
//!
//! Invariant: after a call that did not complete, its connection is not used again, so that a late
//! response is never taken for the response to a later call.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::endpoint::{Endpoint, Target};
use super::frame;
use super::service::REUSE_MAX;
use super::wire::{Member, Request, Response};
use crate::env::Connection;

pub struct Exchange {
    endpoint: Arc<Endpoint>,
    id: u64,
    member: Member,
    /// The connection, and the time of the last request on it.
    connection: Option<(Box<dyn Connection>, Instant)>,
    number: u64,
}

impl Exchange {
    pub fn new(endpoint: Arc<Endpoint>, id: u64, member: Member) -> Exchange {
        Exchange { endpoint, id, member, connection: None, number: 0 }
    }

    /// The node at the other end.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The incarnation that the node at the other end must have.
    pub fn incarnation(&self) -> u64 {
        self.member.incarnation
    }

    /// Sends a request and waits for its response, connecting first if necessary.
    ///
    /// # Errors
    /// Those of [`Endpoint::connect`]; errors of the connection, such as `UnexpectedEof`;
    /// `TimedOut` if the response takes longer than `limit` on the open connection; `InvalidData`
    /// if the response belongs to another request; `Other` with the other node's reason why it
    /// cannot answer.
    pub async fn call(&mut self, request: &Request, limit: Duration) -> io::Result<Response> {
        let usable = self.connection.take().filter(|(_, used)| used.elapsed() <= REUSE_MAX);
        let mut connection = match usable {
            Some((connection, _)) => connection,
            None => self.endpoint.connect(Target::member(self.id, &self.member)).await?,
        };
        let used = Instant::now();
        self.number += 1;
        let number = self.number;
        let exchange = async {
            frame::write(&mut connection, number, request).await?;
            frame::read::<Response>(&mut connection).await
        };
        let (answered, response) =
            timeout(limit, exchange).await.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        if answered != number {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the response belongs to another request",
            ));
        }
        self.connection = Some((connection, used));
        match response {
            Response::Failed(reason) => Err(io::Error::other(reason)),
            response => Ok(response),
        }
    }
}
