//! The part of the Redis protocol that this program needs: requests, and replies that are a line or
//! a text.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: &str) -> io::Result<Connection> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Connection { stream, request: Vec::new(), answer: Vec::new() })
    }

    /// Sends a request and returns the text of its reply.
    ///
    /// # Errors
    /// Errors of the connection, and error replies.
    pub async fn call(&mut self, words: &[&str]) -> io::Result<&[u8]> {
        self.request.clear();
        self.request.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
        for word in words {
            self.request.extend_from_slice(format!("${}\r\n{word}\r\n", word.len()).as_bytes());
        }
        self.stream.write_all(&self.request).await?;
        self.answer.clear();
        loop {
            if let Some((begin, end)) = whole(&self.answer)? {
                return Ok(&self.answer[begin..end]);
            }
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }
}

/// The range of the text in a complete reply; `None` while the reply is incomplete.
fn whole(answer: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(line) = answer.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(&answer[1..line]);
    match answer[0] {
        b'+' => Ok(Some((1, line))),
        b'$' => {
            let length: usize = text.parse().map_err(|_| io::Error::other("the key does not exist"))?;
            let begin = line + 2;
            Ok((answer.len() >= begin + length + 2).then_some((begin, begin + length)))
        }
        _ => Err(io::Error::other(text.into_owned())),
    }
}
