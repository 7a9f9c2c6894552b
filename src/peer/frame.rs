//! Frames on a connection between nodes.
//!
//! ```text
//! frame = length of the body u32 | crc32c of number and body u32 | number u64 | body
//! ```
//! Numbers are little-endian. A response has the number of its request; the body is encoded with
//! postcard.
//!
//! Invariants:
//! * an unverified length prefix allocates at most 64 KiB: the buffer for a larger body grows as
//!   the bytes arrive, up to [`FRAME_BYTES_MAX`];
//! * a frame with a wrong checksum is an error, and its connection is closed;
//! * a frame is complete within [`FRAME_TIME_MAX`] of its first byte, or its connection is closed.

use std::io;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout_at};

/// Maximum size of a body. An append holds at least one entry of any size; an assertion in
/// `raft::proposer` ensures that the largest entry fits.
pub const FRAME_BYTES_MAX: usize = 1 << 30;
/// Maximum size of a handshake's body, because unauthenticated peers may also send one.
pub const HANDSHAKE_BYTES_MAX: usize = 4096;
/// Maximum time from a frame's first bytes to its last. A sender of entries, or of a snapshot's
/// chunk, gives up earlier, after at most 10 s.
pub const FRAME_TIME_MAX: Duration = Duration::from_secs(30);
const HEADER_BYTES: usize = 16;

const _: () = assert!(HANDSHAKE_BYTES_MAX < FRAME_BYTES_MAX);

/// The error for bytes that are not a frame of this protocol version.
fn malformed(reason: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, reason)
}

fn checksum(number: u64, body: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&number.to_le_bytes()), body)
}

/// Appends a frame to `out`.
///
/// # Panics
/// If the encoded message exceeds [`FRAME_BYTES_MAX`], which callers have to prevent.
pub fn encode(number: u64, message: &impl Serialize, out: &mut Vec<u8>) {
    let begin = out.len();
    out.extend_from_slice(&[0; HEADER_BYTES]);
    *out = postcard::to_io(message, std::mem::take(out)).expect("encoding into memory succeeds");
    let body = &out[begin + HEADER_BYTES..];
    assert!(body.len() <= FRAME_BYTES_MAX, "a frame has at most {FRAME_BYTES_MAX} bytes, not {}", body.len());
    let (length, crc) = (body.len() as u32, checksum(number, body));
    out[begin..begin + 4].copy_from_slice(&length.to_le_bytes());
    out[begin + 4..begin + 8].copy_from_slice(&crc.to_le_bytes());
    out[begin + 8..begin + 16].copy_from_slice(&number.to_le_bytes());
}

/// Writes one frame and flushes it.
pub async fn write(
    stream: &mut (impl AsyncWrite + Unpin + ?Sized),
    number: u64,
    message: &impl Serialize,
) -> io::Result<()> {
    let mut out = Vec::new();
    encode(number, message, &mut out);
    stream.write_all(&out).await?;
    stream.flush().await
}

/// Reads one frame: its number and its message.
///
/// # Errors
/// `UnexpectedEof` if the other side has closed the connection; `InvalidData` if the bytes are not
/// a valid frame; `TimedOut` if the frame is not complete within [`FRAME_TIME_MAX`]; other errors
/// of the network.
pub async fn read<M: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin + ?Sized),
) -> io::Result<(u64, M)> {
    read_at_most(stream, FRAME_BYTES_MAX).await
}

/// Like [`read`], for a body of at most `bytes_max` bytes.
async fn read_at_most<M: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin + ?Sized),
    bytes_max: usize,
) -> io::Result<(u64, M)> {
    let header = read_header(stream, bytes_max).await?;
    read_body(stream, &header).await
}

/// Writes a frame of the handshake: a message, and what was added behind it after the first
/// release.
pub async fn write_handshake(
    stream: &mut (impl AsyncWrite + Unpin + ?Sized),
    message: &impl Serialize,
    added: &impl Serialize,
) -> io::Result<()> {
    write(stream, 0, &(message, added)).await
}

/// Reads a frame of the handshake. The addition is `None` if the sender is of the first release.
/// Whatever follows the addition belongs to later releases.
pub async fn read_handshake<M: DeserializeOwned, A: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin + ?Sized),
) -> io::Result<(M, Option<A>)> {
    let header = read_header(stream, HANDSHAKE_BYTES_MAX).await?;
    let body = read_bytes(stream, &header).await?;
    let (message, rest) = postcard::take_from_bytes(&body).map_err(undecodable)?;
    let added = (!rest.is_empty()).then(|| postcard::from_bytes(rest)).transpose().map_err(undecodable)?;
    Ok((message, added))
}

/// The header of a frame.
pub struct Header {
    pub number: u64,
    pub length: usize,
    /// The time by which the frame has to be complete.
    pub deadline: Instant,
    crc: u32,
}

/// Waits for a frame and reads its header. A body longer than `bytes_max` is an error.
pub async fn read_header(
    stream: &mut (impl AsyncRead + Unpin + ?Sized),
    bytes_max: usize,
) -> io::Result<Header> {
    let mut header = [0; HEADER_BYTES];
    let begun = stream.read(&mut header).await?;
    if begun == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let deadline = Instant::now() + FRAME_TIME_MAX;
    in_time(deadline, stream.read_exact(&mut header[begun..])).await?;
    let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes"));
    let (length, crc) = (word(0) as usize, word(4));
    let number = u64::from_le_bytes(header[8..].try_into().expect("eight bytes"));
    if length > bytes_max {
        return Err(malformed("a frame exceeds the maximum size"));
    }
    Ok(Header { number, length, deadline, crc })
}

/// Reads the rest of a frame: its number and its message.
pub async fn read_body<M: DeserializeOwned>(
    stream: &mut (impl AsyncRead + Unpin + ?Sized),
    header: &Header,
) -> io::Result<(u64, M)> {
    let body = read_bytes(stream, header).await?;
    Ok((header.number, postcard::from_bytes(&body).map_err(undecodable)?))
}

fn undecodable(_: postcard::Error) -> io::Error {
    malformed("a frame's body does not decode")
}

/// Reads and checks the body of a frame.
async fn read_bytes(stream: &mut (impl AsyncRead + Unpin + ?Sized), header: &Header) -> io::Result<Vec<u8>> {
    let Header { number, length, deadline, crc } = *header;
    let mut body = Vec::with_capacity(length.min(64 << 10));
    in_time(deadline, stream.take(length as u64).read_to_end(&mut body)).await?;
    if body.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if checksum(number, &body) != crc {
        return Err(malformed("a frame's checksum is wrong"));
    }
    Ok(body)
}

async fn in_time<T>(deadline: Instant, read: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "a frame was not complete in time");
    timeout_at(deadline, read).await.map_err(late)?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_frame_comes_back_as_it_was() {
        let mut bytes = Vec::new();
        encode(7, &("text", 1u64), &mut bytes);
        encode(8, &("more", 2u64), &mut bytes);
        let mut stream = &bytes[..];
        assert_eq!(read::<(String, u64)>(&mut stream).await.unwrap(), (7, ("text".to_string(), 1)));
        assert_eq!(read::<(String, u64)>(&mut stream).await.unwrap(), (8, ("more".to_string(), 2)));
        let end = read::<(String, u64)>(&mut stream).await.unwrap_err();
        assert_eq!(end.kind(), io::ErrorKind::UnexpectedEof);
    }

    #[tokio::test]
    async fn a_flipped_bit_and_a_long_length_are_refused() {
        let mut bytes = Vec::new();
        encode(7, &"some text", &mut bytes);
        for at in 4..bytes.len() {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            let error = read::<String>(&mut &flipped[..]).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData, "byte {at}");
        }
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        let error = read::<String>(&mut &bytes[..]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test(start_paused = true)]
    async fn a_frame_that_is_not_whole_in_time_is_an_error() {
        let mut bytes = Vec::new();
        encode(7, &"some text", &mut bytes);
        for sent in [1, HEADER_BYTES - 1, HEADER_BYTES, bytes.len() - 1] {
            let (mut stream, mut other) = tokio::io::duplex(1024);
            let begun = Instant::now();
            other.write_all(&bytes[..sent]).await.unwrap();
            let error = read::<String>(&mut stream).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{sent} bytes");
            assert_eq!(begun.elapsed(), FRAME_TIME_MAX);
        }
    }
}
