//! A blocking client for requests, replies and raw bytes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};

use bytes::BytesMut;
use jsonvault::resp::{Limits, ReplyDecoder, Value, encode_request, split_words};

use super::wait::PATIENCE;

pub struct Client {
    stream: TcpStream,
    decoder: ReplyDecoder,
    incoming: BytesMut,
}

impl Client {
    pub fn connect(address: &str) -> Client {
        Client::try_connect(address).unwrap_or_else(|error| panic!("{address}: {error}"))
    }

    pub fn try_connect(address: &str) -> io::Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        Ok(Client { stream, decoder: ReplyDecoder::new(Limits::DEFAULT), incoming: BytesMut::new() })
    }

    /// Another handle on the same socket, to send from a second thread.
    pub fn sender(&self) -> TcpStream {
        self.stream.try_clone().unwrap()
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    pub fn send<W: AsRef<[u8]>>(&mut self, words: &[W]) -> io::Result<()> {
        let mut bytes = Vec::new();
        encode_request(words, &mut bytes);
        self.send_bytes(&bytes)
    }

    /// Closes the sending direction of the connection.
    pub fn finish_sending(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Waits for the next reply; the error [`ErrorKind::UnexpectedEof`] if the server closed the
    /// connection instead.
    pub fn receive(&mut self) -> io::Result<Value> {
        loop {
            match self.decoder.decode(&mut self.incoming) {
                Ok(Some(value)) => return Ok(value),
                Ok(None) => {}
                Err(error) => return Err(io::Error::new(ErrorKind::InvalidData, error.to_string())),
            }
            let mut chunk = [0; 16 << 10];
            match self.stream.read(&mut chunk)? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                count => self.incoming.extend_from_slice(&chunk[..count]),
            }
        }
    }

    /// Receives all replies that have already arrived.
    pub fn arrived(&mut self) -> io::Result<Vec<Value>> {
        self.stream.set_nonblocking(true)?;
        let arrived = self.take_arrived();
        self.stream.set_nonblocking(false)?;
        arrived
    }

    fn take_arrived(&mut self) -> io::Result<Vec<Value>> {
        let mut chunk = [0; 16 << 10];
        loop {
            match self.stream.read(&mut chunk) {
                Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
                Ok(count) => self.incoming.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        let mut arrived = Vec::new();
        let invalid =
            |error: &dyn std::fmt::Display| io::Error::new(ErrorKind::InvalidData, error.to_string());
        while let Some(value) = self.decoder.decode(&mut self.incoming).map_err(|error| invalid(&error))? {
            arrived.push(value);
        }
        Ok(arrived)
    }

    /// Receives all bytes until the server closes the connection.
    pub fn receive_to_end(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = self.incoming.split().to_vec();
        self.stream.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Sends a request and returns its reply.
    pub fn call<W: AsRef<[u8]>>(&mut self, words: &[W]) -> Value {
        self.send(words).unwrap();
        self.receive().unwrap()
    }

    /// Like [`Client::call`], for a request in the syntax of redis-cli.
    pub fn ask(&mut self, line: &str) -> Value {
        let words = split_words(line.as_bytes()).unwrap_or_else(|_| panic!("{line}: quotes"));
        self.call(&words)
    }

    /// Sends a request, and returns the text of its reply or error.
    pub fn text(&mut self, line: &str) -> String {
        text_of(&self.ask(line)).unwrap_or_else(|| panic!("{line}: the reply is not a text"))
    }

    pub fn integer(&mut self, line: &str) -> i64 {
        match self.ask(line) {
            Value::Integer(number) => number,
            other => panic!("{line}: {other:?}"),
        }
    }

    /// Sends a request whose reply must be OK.
    pub fn ok(&mut self, line: &str) {
        assert_eq!(self.text(line), "OK", "{line}");
    }

    /// Sends requests in a pipeline and returns their replies.
    pub fn pipeline<W: AsRef<[u8]>>(&mut self, requests: &[Vec<W>]) -> Vec<Value> {
        let mut bytes = Vec::new();
        requests.iter().for_each(|words| encode_request(words, &mut bytes));
        let mut sender = self.sender();
        std::thread::scope(|scope| {
            // Sends from another thread, because a server whose replies are not read stops reading
            // requests.
            scope.spawn(move || sender.write_all(&bytes).unwrap());
            requests.iter().map(|_| self.receive().unwrap()).collect()
        })
    }

    /// The value of a field of INFO.
    pub fn info(&mut self, field: &str) -> Option<String> {
        let text = self.text("INFO everything");
        let found = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        found.map(str::to_owned)
    }

    /// The value of a field of INFO that is a number.
    pub fn info_number(&mut self, field: &str) -> i64 {
        let value = self.info(field).unwrap_or_else(|| panic!("INFO has no {field}"));
        value.parse().unwrap_or_else(|_| panic!("{field}:{value} is not a number"))
    }
}

/// The text of a reply or an error; `None` for other values.
pub fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Error(line) => Some(line.clone()),
        value => value.text().map(|bytes| String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// Formats a reply for a script: one line per element, as in redis-cli but without numbers.
pub fn show(value: &Value) -> String {
    let many = |items: &[Value]| match items {
        [] => "(empty)".to_owned(),
        items => items.iter().map(show).collect::<Vec<_>>().join("\n"),
    };
    match value {
        Value::Simple(text) => String::from_utf8_lossy(text).into_owned(),
        Value::Error(line) => format!("(error) {line}"),
        Value::Integer(number) => format!("(integer) {number}"),
        Value::Double(number) => format!("(double) {number}"),
        Value::Boolean(truth) => format!("({truth})"),
        Value::Bulk(text) | Value::Verbatim(text) | Value::BigNumber(text) => {
            format!("\"{}\"", String::from_utf8_lossy(text))
        }
        Value::Null => "(nil)".to_owned(),
        Value::Array(items) | Value::Set(items) | Value::Push(items) => many(items),
        Value::Map(pairs) => {
            pairs.iter().map(|(k, v)| format!("{} => {}", show(k), show(v))).collect::<Vec<_>>().join("\n")
        }
    }
}
