//! A blocking connection with pipelining.
//!
//! Invariants:
//! * `in_flight` is the number of requests that were queued or sent and have no reply yet;
//! * after an error of the stream, nothing more is sent, but replies that have already arrived can
//!   be received.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use bytes::BytesMut;

use crate::resp::{Limits, ReplyDecoder, Value, encode_request};

/// Size of one read: the replies to a window of small requests.
const READ_BYTES: usize = 64 << 10;

/// The server to connect to, its credentials, and timeouts.
#[derive(Clone, Debug)]
pub struct Target {
    /// `host:port`.
    pub server: String,
    /// The password, and the user if it is not the default one.
    pub login: Option<(Option<String>, String)>,
    pub connect_timeout: Duration,
    pub timeout: Duration,
}

#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    #[error("can't connect to {server}: {reason}")]
    Connect { server: String, reason: String },
    #[error("the connection was lost ({0}); unanswered requests may or may not have been applied")]
    Lost(String),
    /// The server refused to authenticate the client.
    #[error("{0}")]
    Refused(String),
}

pub struct Connection {
    stream: TcpStream,
    decoder: ReplyDecoder,
    incoming: BytesMut,
    outgoing: Vec<u8>,
    in_flight: usize,
}

impl Connection {
    /// Connects to the first of the server's addresses that answers, and authenticates if there is
    /// a password.
    ///
    /// # Errors
    /// [`ConnectionError::Connect`] with the address, or [`ConnectionError::Refused`] with the
    /// server's error.
    pub fn open(target: &Target) -> Result<Connection, ConnectionError> {
        let fail = |reason: String| ConnectionError::Connect { server: target.server.clone(), reason };
        let addresses = target.server.to_socket_addrs().map_err(|error| fail(error.to_string()))?;
        let mut last = "the host name has no address".to_owned();
        for address in addresses {
            match TcpStream::connect_timeout(&address, target.connect_timeout) {
                Ok(stream) => {
                    return Connection::over(stream, target).map_err(|error| match error {
                        ConnectionError::Lost(reason) => fail(reason),
                        other => other,
                    });
                }
                Err(error) => last = error.to_string(),
            }
        }
        Err(fail(last))
    }

    fn over(stream: TcpStream, target: &Target) -> Result<Connection, ConnectionError> {
        stream.set_nodelay(true).map_err(lost)?;
        stream.set_read_timeout(Some(target.timeout)).map_err(lost)?;
        stream.set_write_timeout(Some(target.timeout)).map_err(lost)?;
        let mut connection = Connection {
            stream,
            decoder: ReplyDecoder::new(Limits::DEFAULT),
            incoming: BytesMut::new(),
            outgoing: Vec::new(),
            in_flight: 0,
        };
        if let Some((user, password)) = &target.login {
            let words: Vec<&str> =
                ["AUTH"].into_iter().chain(user.as_deref()).chain([password.as_str()]).collect();
            if let Value::Error(line) = connection.call(&words)? {
                return Err(ConnectionError::Refused(line));
            }
        }
        Ok(connection)
    }

    /// Sends one command and waits for its reply, which may be an error reply.
    pub fn call(&mut self, words: &[impl AsRef<[u8]>]) -> Result<Value, ConnectionError> {
        assert_eq!(self.in_flight, 0, "no other request is in flight");
        self.queue(words);
        self.flush()?;
        self.receive()
    }

    /// Adds a request for the next [`Connection::flush`].
    pub fn queue(&mut self, words: &[impl AsRef<[u8]>]) {
        encode_request(words, &mut self.outgoing);
        self.in_flight += 1;
    }

    /// How many bytes wait to be sent.
    pub fn queued_bytes(&self) -> usize {
        self.outgoing.len()
    }

    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub fn flush(&mut self) -> Result<(), ConnectionError> {
        let sent = self.stream.write_all(&self.outgoing).map_err(lost);
        self.outgoing.clear();
        sent
    }

    /// Waits for the reply to the oldest request in flight. Push messages are dropped.
    ///
    /// # Panics
    /// If no request is in flight, because no reply would arrive.
    pub fn receive(&mut self) -> Result<Value, ConnectionError> {
        assert!(self.in_flight > 0, "a request is in flight");
        loop {
            match self.decoder.decode(&mut self.incoming) {
                Ok(Some(Value::Push(_))) => {}
                Ok(Some(value)) => {
                    self.in_flight -= 1;
                    return Ok(value);
                }
                Ok(None) => self.fill()?,
                Err(error) => return Err(ConnectionError::Lost(error.to_string())),
            }
        }
    }

    fn fill(&mut self) -> Result<(), ConnectionError> {
        let start = self.incoming.len();
        self.incoming.resize(start + READ_BYTES, 0);
        let read = loop {
            match self.stream.read(&mut self.incoming[start..]) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                other => break other,
            }
        };
        self.incoming.truncate(start + *read.as_ref().unwrap_or(&0));
        match read {
            Ok(0) => Err(ConnectionError::Lost("the server closed the connection".to_owned())),
            Ok(_) => Ok(()),
            Err(error) => Err(lost(error)),
        }
    }
}

fn lost(error: std::io::Error) -> ConnectionError {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            ConnectionError::Lost("no reply arrived in time".to_owned())
        }
        _ => ConnectionError::Lost(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fake_server::FakeServer;
    use super::*;
    use crate::resp::Reply;

    #[test]
    fn replies_come_in_the_order_of_their_requests() {
        let server = FakeServer::start(|request| Reply::Bulk(request.args()[0].clone()));
        let mut connection = server.connect();
        (0..100).for_each(|number| connection.queue(&["ECHO".to_owned(), number.to_string()]));
        connection.flush().unwrap();
        for number in 0..100 {
            assert_eq!(connection.receive().unwrap(), Value::Bulk(number.to_string().into()));
        }
        assert_eq!(connection.in_flight(), 0);
    }

    #[test]
    fn a_refused_login_has_the_servers_error() {
        let server = FakeServer::start(|_| crate::error::CommandError::fixed("WRONGPASS no").into());
        let target = Target { login: Some((None, "x".to_owned())), ..server.target() };
        match Connection::open(&target).err() {
            Some(ConnectionError::Refused(line)) => assert_eq!(line, "WRONGPASS no"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_error_names_an_unreachable_server() {
        // The listener is dropped at once, so that the port is closed.
        let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let server = FakeServer::start(|_| Reply::OK);
        let target = Target { server: address.to_string(), ..server.target() };
        let error = Connection::open(&target).err().unwrap();
        assert!(error.to_string().starts_with(&format!("can't connect to {address}: ")), "{error}");
    }

    #[test]
    fn a_connection_that_ends_between_replies_is_lost() {
        let server = FakeServer::start_and_hang_up_after(1, |_| Reply::OK);
        let mut connection = server.connect();
        connection.queue(&["PING"]);
        connection.queue(&["PING"]);
        connection.flush().unwrap();
        assert_eq!(connection.receive().unwrap(), Value::Simple("OK".into()));
        assert!(matches!(connection.receive(), Err(ConnectionError::Lost(_))));
        assert_eq!(connection.in_flight(), 1);
    }
}
