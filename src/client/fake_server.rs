//! A minimal server for the client's tests. It has one thread and serves one connection at a time.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use bytes::BytesMut;

use super::connection::{Connection, Target};
use crate::resp::{Decoder, Limits, Protocol, Reply, Request, encode};

pub(super) struct FakeServer {
    address: SocketAddr,
}

impl FakeServer {
    /// Starts a server on a free port that replies to each request with the result of `answer`,
    /// until the test's process ends.
    pub(super) fn start(answer: impl FnMut(&Request) -> Reply + Send + 'static) -> FakeServer {
        FakeServer::start_and_hang_up_after(usize::MAX, answer)
    }

    /// Like [`start`], but closes the connection after `requests` replies.
    pub(super) fn start_and_hang_up_after(
        requests: usize,
        mut answer: impl FnMut(&Request) -> Reply + Send + 'static,
    ) -> FakeServer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                serve(stream, requests, &mut answer);
            }
        });
        FakeServer { address }
    }

    pub(super) fn target(&self) -> Target {
        Target {
            server: self.address.to_string(),
            login: None,
            connect_timeout: Duration::from_secs(10),
            timeout: Duration::from_secs(10),
        }
    }

    pub(super) fn connect(&self) -> Connection {
        Connection::open(&self.target()).unwrap()
    }
}

fn serve(mut stream: TcpStream, requests: usize, answer: &mut impl FnMut(&Request) -> Reply) {
    let mut decoder = Decoder::new(Limits::DEFAULT);
    let (mut buffer, mut chunk, mut answered) = (BytesMut::new(), [0; 4096], 0);
    loop {
        let Ok(read @ 1..) = stream.read(&mut chunk) else { return };
        buffer.extend_from_slice(&chunk[..read]);
        let mut replies = Vec::new();
        while let Some(request) = decoder.decode(&mut buffer).unwrap() {
            if answered < requests {
                encode(&answer(&request), Protocol::Resp2, &mut replies);
                answered += 1;
            }
        }
        if stream.write_all(&replies).is_err() {
            return;
        }
        if answered >= requests {
            hang_up(stream);
            return;
        }
    }
}

/// Closes the connection in such a way that the client receives the replies: closing with unread
/// input would reset the connection.
fn hang_up(mut stream: TcpStream) {
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut rest = [0; 4096];
    while matches!(stream.read(&mut rest), Ok(1..)) {}
}
