//! The network of a simulation: connections between nodes in one process, with delays, cuts and
//! failures that are not reported.
//!
//! The simulation advances the time ([`Network::advance`]); then the bytes that are due arrive, and
//! their readers are woken.
//!
//! Invariants:
//! * the bytes of a connection arrive in order, even if their delays differ;
//! * bytes held back by a cut arrive after it has healed, as TCP would retransmit them, unless the
//!   connection was broken meanwhile;
//! * the delays depend only on the seed.

mod state;
mod stream;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use jsonvault::env::{Acceptor, Connection, Net};
use jsonvault::random::Random;
use parking_lot::Mutex;
use state::State;
use stream::Stream;

/// The network; clones share it.
#[derive(Clone)]
pub struct Network {
    state: Arc<Mutex<State>>,
}

/// The delays of messages, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Delays {
    pub usual_ms: u64,
    /// One of this many messages takes up to `late_ms`.
    pub late_one_in: u64,
    pub late_ms: u64,
}

impl Network {
    pub fn new(hosts: usize, delays: Delays, seed: u64) -> Network {
        Network { state: Arc::new(Mutex::new(State::new(hosts, delays, Random::seeded(seed)))) }
    }

    /// The address of a host.
    pub fn address(host: usize) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, host as u8 + 1], 7000))
    }

    /// The network as a host sees it.
    pub fn of_host(&self, host: usize) -> Arc<dyn Net> {
        Arc::new(HostNet { network: self.clone(), host })
    }

    /// Advances the time, and delivers the bytes that are due.
    pub fn advance(&self, now_ms: u64) {
        let woken = self.state.lock().advance(now_ms);
        woken.into_iter().for_each(|waker| waker.wake());
    }

    /// Cuts or heals one direction between two hosts.
    pub fn set_cut(&self, from: usize, to: usize, cut: bool) {
        self.state.lock().set_cut(from, to, cut);
    }

    pub fn heal(&self) {
        self.state.lock().heal();
    }

    pub fn set_delays(&self, delays: Delays) {
        self.state.lock().delays = delays;
    }

    /// Breaks every connection between two hosts; both sides get an error.
    pub fn break_connections(&self, one: usize, other: usize) {
        let woken = self.state.lock().break_between(one, other);
        woken.into_iter().for_each(|waker| waker.wake());
    }

    /// Removes a host from the network. If `silent`, the other hosts notice only through their
    /// timeouts, or when the host is back.
    pub fn host_down(&self, host: usize, silent: bool) {
        let woken = self.state.lock().host_down(host, silent);
        woken.into_iter().for_each(|waker| waker.wake());
    }

    /// Brings a host back, and breaks the connections to it that are left.
    pub fn host_up(&self, host: usize) {
        let woken = self.state.lock().host_up(host);
        woken.into_iter().for_each(|waker| waker.wake());
    }
}

struct HostNet {
    network: Network,
    host: usize,
}

impl Net for HostNet {
    fn bind<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Acceptor>>> {
        Box::pin(async move {
            let address = parse(address)?;
            self.network.state.lock().bind(self.host, address)?;
            Ok(Box::new(Port { network: self.network.clone(), address }) as Box<dyn Acceptor>)
        })
    }

    fn connect<'a>(&'a self, address: &'a str) -> BoxFuture<'a, io::Result<Box<dyn Connection>>> {
        Box::pin(async move {
            let address = parse(address)?;
            let number = self.network.state.lock().begin_connect(self.host, address);
            let attempt = Attempt { network: &self.network, number };
            let ends = std::future::poll_fn(|context| {
                attempt.network.state.lock().poll_connect(attempt.number, context)
            });
            let (incoming, outgoing) = ends.await?;
            Ok(Box::new(Stream::new(self.network.clone(), incoming, outgoing)) as Box<dyn Connection>)
        })
    }
}

fn parse(address: &str) -> io::Result<SocketAddr> {
    address.parse().map_err(|_| io::Error::from(io::ErrorKind::InvalidInput))
}

/// An attempt to connect, which is cancelled on drop.
struct Attempt<'a> {
    network: &'a Network,
    number: u64,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.network.state.lock().give_up(self.number);
    }
}

struct Port {
    network: Network,
    address: SocketAddr,
}

impl Acceptor for Port {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn accept(&mut self) -> BoxFuture<'_, io::Result<(Box<dyn Connection>, SocketAddr)>> {
        Box::pin(async move {
            let accepted =
                std::future::poll_fn(|context| self.network.state.lock().poll_accept(self.address, context));
            let (incoming, outgoing, from) = accepted.await?;
            let stream = Stream::new(self.network.clone(), incoming, outgoing);
            Ok((Box::new(stream) as Box<dyn Connection>, Network::address(from)))
        })
    }
}
