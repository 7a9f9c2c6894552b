//! One connection: reads requests, runs them in batches, writes the replies.
//!
//! Invariants:
//! * a batch starts only after the socket has taken every reply of the one before it;
//! * after a protocol error nothing more is read;
//! * a request that has begun to run is answered, unless its client disconnects; once the node
//!   stops, no further batch starts.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tokio::sync::watch;

use super::admission::is_unauthenticated;
use super::dispatch::{self, OUT_BYTES_TARGET};
use super::permit::Permit;
use super::read_ahead::ReadAhead;
use super::signals::stopped;
use super::soft_limit::SoftLimit;
use crate::command::Session;
use crate::command::transactions::TransactionQueue;
use crate::resp::{Decoder, Limits, ProtocolError, Reply, Request, encode};
use crate::server::admin::rights::{admits_everybody, are_known};
use crate::server::pubsub::clients::Client;
use crate::server::pubsub::outbox::Message;
use crate::server::pubsub::socket_writer::{BUFFER_BYTES_KEPT, SocketWriter};
use crate::server::state::ServerState;
use crate::server::stats::counters::{Counters, add};

/// A client that accepts no byte of its replies for this long is disconnected: it is unreachable,
/// or does not read.
pub(in crate::server) const STALL_MAX: Duration = Duration::from_secs(60);

/// How often the waiting output of a client that accepts no byte is compared with its soft limit.
const MEASURE_INTERVAL: Duration = Duration::from_millis(500);

/// When the node stops: how long a client that is still sending has to read its replies and close
/// the connection.
const LINGER: Duration = Duration::from_secs(1);

/// One connection, from accept to close.
pub struct Connection {
    /// The read half; the client's socket writer has the write half.
    socket: OwnedReadHalf,
    state: Arc<ServerState>,
    session: Session,
    client: Arc<Client>,
    queue: TransactionQueue,
    permit: Permit,
    decoder: Decoder,
    limits: Limits,
    soft_limit: SoftLimit,
    read_ahead: ReadAhead,
    input: BytesMut,
    out: Vec<u8>,
}

/// The reason why a connection ends.
enum End {
    Closed,
    /// The node stops, and the client may still be sending.
    Stopped,
    Broken(io::Error),
    /// The client would have this many bytes of replies waiting, which is over its limit.
    OverLimit(usize),
    Protocol(ProtocolError),
}

impl Drop for Connection {
    /// The client is removed from the pub/sub state, however the task ends.
    fn drop(&mut self) {
        self.state.pubsub.left(&self.client);
        self.client.writer.close();
    }
}

impl Connection {
    pub fn new(socket: TcpStream, peer: SocketAddr, state: Arc<ServerState>) -> Connection {
        let limits = state.config.read().limits();
        let local = socket.local_addr().map_or_else(|_| String::new(), |address| address.to_string());
        let session = Session {
            id: state.pubsub.clients.next_id(),
            address: peer.to_string(),
            local_address: local,
            descriptor: socket.as_raw_fd(),
            connected_ms: state.clock.now_ms(),
            // A client that connects while no password is needed stays authenticated when one is
            // set later.
            authenticated: admits_everybody(&state) && are_known(&state),
            ..Session::default()
        };
        // Replies are written whole, so waiting to fill a packet would only delay them.
        let _ = socket.set_nodelay(true);
        let (socket, writer) = socket.into_split();
        let client = state.pubsub.clients.add(session.clone(), SocketWriter::new(writer));
        Connection {
            socket,
            state,
            session,
            client,
            queue: TransactionQueue::default(),
            permit: Permit::default(),
            decoder: Decoder::new(limits.clone()),
            limits,
            soft_limit: SoftLimit::default(),
            read_ahead: ReadAhead::default(),
            input: BytesMut::new(),
            out: Vec::new(),
        }
    }

    /// Serves the client until it leaves, breaks the protocol, or the node stops.
    pub async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let client = self.client.clone();
        let end = loop {
            if let Err(end) = self.run_buffered_requests(&stopping).await {
                break end;
            }
            if let Err(end) = self.deliver().await {
                break end;
            }
            tokio::select! {
                biased;
                read = self.read() => if let Err(end) = read { break end },
                () = client.outbox.woken() => {}
                () = stopped(&mut stopping) => break End::Closed,
            }
        };
        match end {
            End::Closed => {}
            End::Stopped => self.linger().await,
            End::Broken(error) => tracing::debug!(client = %self.session.address, %error, "connection lost"),
            End::OverLimit(bytes) => {
                let client = &self.session.address;
                tracing::warn!(
                    client,
                    bytes,
                    "disconnecting a client: its replies exceed client-output-buffer-limit"
                );
            }
            End::Protocol(error) => self.refuse(error).await,
        }
    }

    /// Runs all complete requests in the buffer, in batches.
    async fn run_buffered_requests(&mut self, stopping: &watch::Receiver<bool>) -> Result<(), End> {
        loop {
            let mut requests = Vec::new();
            let failed = self.take_batch(&mut requests).err();
            let none_left = requests.is_empty();
            let mut requests = requests.into_iter();
            while requests.len() > 0 {
                let closing = self.run_batch(&mut requests).await;
                self.write().await?;
                self.deliver().await?;
                // Checked here too, because a client that never stops sending keeps this loop
                // running.
                if *stopping.borrow() {
                    return Err(End::Stopped);
                }
                if closing {
                    return Err(End::Closed);
                }
            }
            match failed {
                Some(error) => return Err(End::Protocol(error)),
                None if none_left => {
                    self.client.gauges.set_input(&self.input);
                    self.client.gauges.set_arguments(0);
                    return Ok(());
                }
                None => {}
            }
        }
    }

    /// Runs a batch. Returns whether the connection is to be closed.
    async fn run_batch(&mut self, requests: &mut std::vec::IntoIter<Request>) -> bool {
        let (state, client) = (&*self.state, &*self.client);
        let (session, queue, out) = (&mut self.session, &mut self.queue, &mut self.out);
        let permit = &mut self.permit;
        let socket = &self.socket;
        let context = dispatch::RequestContext { state, client, socket, session, queue, permit, out };
        dispatch::run(requests, context).await
    }

    /// Writes the messages of the outbox, after all earlier replies. Ends the connection if another
    /// task has asked for that.
    async fn deliver(&mut self) -> Result<(), End> {
        assert!(self.out.is_empty(), "replies are sent before messages");
        while let Some(message) = self.client.outbox.take() {
            match message {
                Message::Reply(reply) => encode(&reply, self.session.protocol, &mut self.out),
                Message::Line(line) => self.out.extend_from_slice(&line),
            }
            // The remaining messages wait, so that the client's requests get their turn.
            if self.out.len() >= OUT_BYTES_TARGET {
                break;
            }
        }
        self.write().await?;
        if self.client.outbox.is_ending() { Err(End::Closed) } else { Ok(()) }
    }

    /// Takes complete requests out of the buffer, within the limits of a batch.
    fn take_batch(&mut self, requests: &mut Vec<Request>) -> Result<(), ProtocolError> {
        let mut bytes = 0;
        // Requests of an unauthenticated client are taken one by one: whether the higher limits
        // apply to the next one depends on whether this one logs the client in.
        let unauthenticated = is_unauthenticated(&self.state, &mut self.session);
        self.decoder.restrict(unauthenticated);
        self.read_ahead.restrict(unauthenticated);
        let most = if unauthenticated { 1 } else { self.limits.batch_requests_max };
        while requests.len() < most && bytes < self.limits.pipeline_bytes_max {
            let Some(request) = self.decoder.decode(&mut self.input)? else { break };
            bytes += request.bytes();
            requests.push(request);
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<(), End> {
        if self.input.is_empty() && !self.decoder.is_midway() && self.input.capacity() > BUFFER_BYTES_KEPT {
            self.input = BytesMut::new();
        }
        self.input.reserve(self.decoder.room_wanted(&self.input).max(self.read_ahead.room()));
        let seconds = self.state.config.read().timeout;
        let read = self.socket.read_buf(&mut self.input);
        // A subscriber has no reason to send anything, so the idle timeout does not apply to it.
        let listens = self.session.subscribed.total() > 0 || self.session.monitors;
        let count = match seconds {
            _ if listens => read.await,
            0 => read.await,
            _ => tokio::time::timeout(Duration::from_secs(seconds), read).await.map_err(|_| End::Closed)?,
        };
        match count {
            Ok(0) => Err(End::Closed),
            Ok(count) => self.read_on(count).map_err(End::Broken),
            Err(error) => Err(End::Broken(error)),
        }
    }

    /// Reads what else has arrived: a pipeline that runs as one batch needs one entry of the log,
    /// and one sync.
    fn read_on(&mut self, mut bytes: usize) -> io::Result<()> {
        let counters = &self.state.stats.counters;
        add(&counters.reads, 1);
        while self.input.len() == self.input.capacity() && self.read_ahead.may_continue(bytes) {
            self.input.reserve(self.read_ahead.room());
            match self.socket.try_read_buf(&mut self.input) {
                // The end recurs at the next read, after the requests before it have run.
                Ok(0) => break,
                Ok(count) => bytes += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
            add(&counters.reads, 1);
        }
        self.read_ahead.adapt(bytes);
        add(&counters.input_bytes, bytes as u64);
        self.client.gauges.set_input(&self.input);
        Counters::raise_peak(&counters.input_buffer_peak, self.input.len());
        Ok(())
    }

    async fn write(&mut self) -> Result<(), End> {
        let kept = if self.client.interleaves_pushes() { self.client.writer.waiting() } else { 0 };
        if self.out.len() + kept > self.limits.output_bytes_max {
            return Err(End::OverLimit(self.out.len() + kept));
        }
        if self.out.is_empty() && kept == 0 {
            return Ok(());
        }
        self.client.gauges.set_output(&self.out);
        Counters::raise_peak(&self.state.stats.counters.output_buffer_peak, self.out.len() + kept);
        add(&self.state.stats.counters.writes, 1);
        let written = self.client.writer.write(&mut self.out).map_err(End::Broken)?;
        if written.waits {
            self.write_slowly().await?;
        } else if self.soft_limit.is_over() {
            self.measure_output()?;
        }
        add(&self.state.stats.counters.output_bytes, written.added as u64);
        self.client.gauges.set_writes(0);
        if self.out.capacity() > BUFFER_BYTES_KEPT {
            self.out = Vec::new();
        }
        assert!(self.out.is_empty(), "the socket has taken every reply");
        Ok(())
    }

    /// Writes the remaining output as fast as the client accepts it.
    async fn write_slowly(&mut self) -> Result<(), End> {
        let mut taken = self.state.clock.elapsed();
        loop {
            self.measure_output()?;
            let writer = &self.client.writer;
            self.client.gauges.set_writes(writer.waiting());
            add(&self.state.stats.counters.writes, 1);
            let writable = tokio::select! {
                biased;
                () = self.client.outbox.ending() => {
                    return Err(End::Broken(io::Error::other("another task asked to close this connection")));
                }
                writable = tokio::time::timeout(MEASURE_INTERVAL, self.socket.as_ref().writable()) => writable,
            };
            match writable {
                Ok(writable) => writable.map_err(End::Broken)?,
                Err(_) if self.state.clock.elapsed().saturating_sub(taken) < STALL_MAX => continue,
                Err(_) => {
                    let (client, waiting) = (&self.session.address, writer.waiting());
                    tracing::warn!(
                        client,
                        waiting,
                        "disconnecting a client that does not accept its replies"
                    );
                    return Err(End::Broken(io::ErrorKind::TimedOut.into()));
                }
            }
            if !writer.write(&mut self.out).map_err(End::Broken)?.waits {
                return Ok(());
            }
            taken = self.state.clock.elapsed();
        }
    }

    /// Compares the client's waiting output, messages included, with the soft limit of its class.
    fn measure_output(&mut self) -> Result<(), End> {
        let waiting = self.client.writer.waiting() + self.client.outbox.waiting().1;
        let limits = self.state.config.read().client_output_buffer_limit;
        let limit = if self.session.subscribed.total() > 0 { limits.pubsub } else { limits.normal };
        match self.soft_limit.is_exceeded(waiting, limit, self.state.clock.elapsed()) {
            true => Err(End::OverLimit(waiting)),
            false => Ok(()),
        }
    }

    /// Closes the write side and discards further input until the client closes. If a socket is
    /// closed with unread input, the system resets the connection, and the client loses replies
    /// that it has not read yet.
    async fn linger(&mut self) {
        self.client.writer.close();
        let rest = async {
            while self.socket.read_buf(&mut self.input).await? > 0 {
                self.input.clear();
            }
            Ok::<(), io::Error>(())
        };
        // The connection ends in any case, so the result does not matter.
        let _ = tokio::time::timeout(LINGER, rest).await;
    }

    async fn refuse(&mut self, error: ProtocolError) {
        add(&self.state.stats.counters.protocol_errors, 1);
        tracing::debug!(client = %self.session.address, %error, "protocol error");
        let reply = Reply::Error(error.command_error());
        self.state.stats.counters.count_error(&reply);
        encode(&reply, self.session.protocol, &mut self.out);
        let _ = self.write().await;
    }
}
