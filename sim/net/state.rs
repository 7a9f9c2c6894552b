//! The state of the network: ports, connection attempts, and the bytes in flight.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, Waker};

use jsonvault::random::Random;

use super::Delays;

/// Maximum bytes in one direction of a connection; beyond it the writer has to wait.
const PIPE_BYTES_MAX: usize = 256 << 10;

/// One direction of a connection.
pub struct Pipe {
    from: usize,
    to: usize,
    flying: VecDeque<(u64, Vec<u8>)>,
    arrived: VecDeque<u8>,
    bytes: usize,
    /// The time at which the end of the stream arrives.
    end: Option<u64>,
    ended: bool,
    broken: bool,
    /// Whether one of its hosts went down silently, so that nothing more is delivered.
    lost: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

struct Listener {
    host: usize,
    backlog: VecDeque<(u64, u64, usize)>,
    waker: Option<Waker>,
}

struct Connecting {
    from: usize,
    to: SocketAddr,
    due_ms: u64,
    outcome: Option<io::Result<(u64, u64)>>,
    waker: Option<Waker>,
}

pub struct State {
    now_ms: u64,
    pub delays: Delays,
    random: Random,
    cut: Vec<Vec<bool>>,
    down: Vec<bool>,
    listeners: BTreeMap<SocketAddr, Listener>,
    connecting: BTreeMap<u64, Connecting>,
    pipes: BTreeMap<u64, Pipe>,
    numbers: u64,
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl State {
    pub fn new(hosts: usize, delays: Delays, random: Random) -> State {
        State {
            now_ms: 0,
            delays,
            random,
            cut: vec![vec![false; hosts]; hosts],
            down: vec![false; hosts],
            listeners: BTreeMap::new(),
            connecting: BTreeMap::new(),
            pipes: BTreeMap::new(),
            numbers: 0,
        }
    }

    fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    fn delay(&mut self) -> u64 {
        let Delays { usual_ms, late_one_in, late_ms } = self.delays;
        let most = if self.random.one_in(late_one_in) { late_ms } else { usual_ms };
        1 + self.random.below(most.max(1))
    }

    pub fn set_cut(&mut self, from: usize, to: usize, cut: bool) {
        self.cut[from][to] = cut;
    }

    pub fn heal(&mut self) {
        self.cut.iter_mut().flatten().for_each(|cut| *cut = false);
    }

    pub fn bind(&mut self, host: usize, address: SocketAddr) -> io::Result<()> {
        if self.listeners.contains_key(&address) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        self.listeners.insert(address, Listener { host, backlog: VecDeque::new(), waker: None });
        Ok(())
    }

    pub fn begin_connect(&mut self, from: usize, to: SocketAddr) -> u64 {
        let (number, delay) = (self.number(), self.delay());
        let due_ms = self.now_ms + delay;
        self.connecting.insert(number, Connecting { from, to, due_ms, outcome: None, waker: None });
        number
    }

    pub fn poll_connect(&mut self, number: u64, context: &mut Context<'_>) -> Poll<io::Result<(u64, u64)>> {
        let Some(attempt) = self.connecting.get_mut(&number) else { return Poll::Ready(Err(reset())) };
        match attempt.outcome.take() {
            Some(outcome) => Poll::Ready(outcome),
            None => {
                attempt.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    pub fn give_up(&mut self, number: u64) {
        // The connection was made, but its initiator has gone: both directions are closed.
        if let Some(Connecting { outcome: Some(Ok((incoming, outgoing))), .. }) =
            self.connecting.remove(&number)
        {
            self.close(incoming, outgoing);
        }
    }

    pub fn poll_accept(
        &mut self,
        address: SocketAddr,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<(u64, u64, usize)>> {
        let Some(listener) = self.listeners.get_mut(&address) else { return Poll::Ready(Err(reset())) };
        match listener.backlog.pop_front() {
            Some(accepted) => Poll::Ready(Ok(accepted)),
            None => {
                listener.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }

    /// Sets the time to `now_ms`, and returns the wakers of the tasks that can continue.
    pub fn advance(&mut self, now_ms: u64) -> Vec<Waker> {
        assert!(now_ms >= self.now_ms, "time does not go back");
        self.now_ms = now_ms;
        let mut woken = Vec::new();
        for pipe in self.pipes.values_mut() {
            if !pipe.lost && !self.cut[pipe.from][pipe.to] {
                pipe.arrive(now_ms, &mut woken);
            }
        }
        let due: Vec<u64> =
            self.connecting.iter().filter(|(_, one)| one.due_ms <= now_ms).map(|(n, _)| *n).collect();
        for number in due {
            self.connect(number, &mut woken);
        }
        woken
    }

    fn connect(&mut self, number: u64, woken: &mut Vec<Waker>) {
        let Some(attempt) = self.connecting.get(&number) else { return };
        let (from, address, open) = (attempt.from, attempt.to, attempt.outcome.is_none());
        let to = (0..self.down.len()).find(|host| super::Network::address(*host) == address);
        let Some(to) =
            to.filter(|to| open && !self.down[*to] && !self.cut[from][*to] && !self.cut[*to][from])
        else {
            return;
        };
        let outcome = if self.listeners.contains_key(&address) {
            let (there, back) = (self.number(), self.number());
            self.pipes.insert(there, Pipe::new(from, to));
            self.pipes.insert(back, Pipe::new(to, from));
            if let Some(listener) = self.listeners.get_mut(&address) {
                assert_eq!(listener.host, to, "a port belongs to its host");
                listener.backlog.push_back((there, back, from));
                woken.extend(listener.waker.take());
            }
            Ok((back, there))
        } else {
            Err(io::ErrorKind::ConnectionRefused.into())
        };
        if let Some(attempt) = self.connecting.get_mut(&number) {
            attempt.outcome = Some(outcome);
            woken.extend(attempt.waker.take());
        }
    }

    pub fn break_between(&mut self, one: usize, other: usize) -> Vec<Waker> {
        self.break_where(|pipe| (pipe.from, pipe.to) == (one, other) || (pipe.from, pipe.to) == (other, one))
    }

    fn break_where(&mut self, which: impl Fn(&Pipe) -> bool) -> Vec<Waker> {
        let mut woken = Vec::new();
        for pipe in self.pipes.values_mut().filter(|pipe| which(pipe)) {
            pipe.broken = true;
            woken.extend(pipe.reader.take().into_iter().chain(pipe.writer.take()));
        }
        woken
    }

    pub fn host_down(&mut self, host: usize, silent: bool) -> Vec<Waker> {
        self.down[host] = true;
        self.listeners.retain(|_, listener| listener.host != host);
        self.connecting.retain(|_, attempt| attempt.from != host);
        let of_host = |pipe: &Pipe| pipe.from == host || pipe.to == host;
        if !silent {
            return self.break_where(of_host);
        }
        self.pipes.values_mut().filter(|pipe| of_host(pipe)).for_each(|pipe| pipe.lost = true);
        Vec::new()
    }

    pub fn host_up(&mut self, host: usize) -> Vec<Waker> {
        self.down[host] = false;
        let mut woken = self.break_where(|pipe| pipe.lost && pipe.from == host);
        // Removes the pipes whose readers no longer exist.
        self.pipes.retain(|_, pipe| {
            let stays = !(pipe.lost && pipe.to == host);
            if !stays {
                woken.extend(pipe.writer.take());
            }
            stays
        });
        woken
    }

    pub fn poll_read(
        &mut self,
        pipe: u64,
        room: usize,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<Vec<u8>>> {
        let Some(pipe) = self.pipes.get_mut(&pipe) else { return Poll::Ready(Ok(Vec::new())) };
        if pipe.broken {
            return Poll::Ready(Err(reset()));
        }
        if !pipe.arrived.is_empty() {
            let count = room.min(pipe.arrived.len());
            pipe.bytes -= count;
            if let Some(writer) = pipe.writer.take() {
                writer.wake();
            }
            return Poll::Ready(Ok(pipe.arrived.drain(..count).collect()));
        }
        if pipe.ended {
            return Poll::Ready(Ok(Vec::new()));
        }
        pipe.reader = Some(context.waker().clone());
        Poll::Pending
    }

    pub fn poll_write(
        &mut self,
        number: u64,
        bytes: &[u8],
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        let delay = self.delay();
        let arrival = self.now_ms + delay;
        let Some(pipe) = self.pipes.get_mut(&number) else { return Poll::Ready(Err(reset())) };
        if pipe.broken || pipe.ended || pipe.end.is_some() {
            return Poll::Ready(Err(reset()));
        }
        let room = PIPE_BYTES_MAX - pipe.bytes.min(PIPE_BYTES_MAX);
        if room == 0 {
            pipe.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = room.min(bytes.len());
        let arrival = pipe.flying.back().map_or(arrival, |(last, _)| arrival.max(*last));
        pipe.flying.push_back((arrival, bytes[..count].to_vec()));
        pipe.bytes += count;
        Poll::Ready(Ok(count))
    }

    /// Ends the stream in one direction, because its writer has finished.
    pub fn end(&mut self, outgoing: u64) {
        let arrival = self.now_ms + 1;
        if let Some(pipe) = self.pipes.get_mut(&outgoing) {
            let last = pipe.flying.back().map_or(arrival, |(last, _)| arrival.max(*last));
            pipe.end.get_or_insert(last);
        }
    }

    /// Closes both directions of a connection, because one host dropped it.
    pub fn close(&mut self, incoming: u64, outgoing: u64) {
        self.end(outgoing);
        // The bytes of the other side are no longer read, and its writer gets an error, unless a
        // host went down silently: then its peer gets no error either.
        if self.pipes.get(&incoming).is_some_and(|pipe| !pipe.lost)
            && let Some(pipe) = self.pipes.remove(&incoming)
            && let Some(writer) = pipe.writer
        {
            writer.wake();
        }
    }
}

impl Pipe {
    fn new(from: usize, to: usize) -> Pipe {
        Pipe {
            from,
            to,
            flying: VecDeque::new(),
            arrived: VecDeque::new(),
            bytes: 0,
            end: None,
            ended: false,
            broken: false,
            lost: false,
            reader: None,
            writer: None,
        }
    }

    fn arrive(&mut self, now_ms: u64, woken: &mut Vec<Waker>) {
        let before = self.arrived.len();
        while self.flying.front().is_some_and(|(due, _)| *due <= now_ms) {
            self.arrived.extend(self.flying.pop_front().into_iter().flat_map(|(_, bytes)| bytes));
        }
        let ends = !self.ended && self.flying.is_empty() && self.end.is_some_and(|due| due <= now_ms);
        self.ended |= ends;
        if ends || self.arrived.len() > before {
            woken.extend(self.reader.take());
        }
    }
}
