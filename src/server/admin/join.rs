//! Sends requests to another node as its client: to identify the node, and to have it add this node
//! to its cluster.

use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::error::{CommandError, Fatal};
use crate::peer::Member;
use crate::resp::{Limits, ReplyDecoder, Value, encode_request};

/// Number of attempts to join. A cluster may be without a leader for an election or two. Each
/// failed attempt is logged.
const ATTEMPTS: u32 = 20;
const PAUSE: Duration = Duration::from_millis(500);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);
/// Timeout of a probe. An operator waits for it.
const PROBE_TIMEOUT: Duration = Duration::from_secs(3);

enum Failed {
    /// The other node refused; a retry would be refused as well.
    Refused(String),
    Retry(String),
}

/// Asks the node at `address`, its host:port for clients, to add node `id` to its cluster. Returns
/// the cluster's name.
///
/// # Errors
/// [`Fatal::Config`] with the refusal, or with the last failure after [`ATTEMPTS`] attempts.
pub async fn request(address: &str, password: Option<&str>, id: u64, own: &Member) -> Result<String, Fatal> {
    let mut last = String::new();
    for _ in 0..ATTEMPTS {
        match timeout(ATTEMPT_TIMEOUT, request_once(address, password, id, own)).await {
            Ok(Ok(cluster)) => return Ok(cluster),
            Ok(Err(Failed::Refused(reason))) => {
                return Err(Fatal::Config(format!("join: {address} refused: {reason}")));
            }
            Ok(Err(Failed::Retry(reason))) => last = reason,
            Err(_) => last = "no reply arrived in time".to_string(),
        }
        tracing::warn!(address, reason = last, "cannot join yet");
        tokio::time::sleep(PAUSE).await;
    }
    Err(Fatal::Config(format!("join: {address}: {last}")))
}

/// A node's report about itself.
#[derive(Debug, PartialEq, Eq)]
pub struct MemberInfo {
    pub run_id: String,
    /// Whether the node was removed from its cluster, so that it cannot add another.
    pub removed: bool,
    /// Ids and client addresses of the cluster's members.
    pub members: Vec<(u64, String)>,
}

impl MemberInfo {
    /// Parses the output of INFO; `None` if it does not come from a JsonVault node.
    fn read(info: &str) -> Option<MemberInfo> {
        let run_id = info.lines().find_map(|line| line.strip_prefix("run_id:"))?.to_owned();
        let member = |line: &str| {
            let (id, rest) = line.strip_prefix("node")?.split_once(":address=")?;
            Some((id.parse().ok()?, rest.split(',').next()?.to_owned()))
        };
        let removed = info.lines().any(|line| line == "removed:1");
        Some(MemberInfo { run_id, removed, members: info.lines().filter_map(member).collect() })
    }
}

/// Identifies the node at `address`. This also checks that the node can be reached and accepts the
/// password.
///
/// # Errors
/// An error reply for the operator, who may have mistyped the address.
pub async fn probe(address: &str, password: Option<&str>) -> Result<MemberInfo, CommandError> {
    let asked = async {
        let value =
            MemberConnection::begin(address, password).await?.call(&["INFO", "server", "raft"]).await?;
        let text = value.text().map(|text| String::from_utf8_lossy(text).into_owned()).unwrap_or_default();
        MemberInfo::read(&text)
            .ok_or_else(|| Failed::Refused("the reply is not that of a JsonVault node".to_string()))
    };
    let reason = match timeout(PROBE_TIMEOUT, asked).await {
        Ok(Ok(seen)) => return Ok(seen),
        Ok(Err(Failed::Refused(reason))) => format!("answers: {reason}"),
        Ok(Err(Failed::Retry(reason))) => format!("cannot be queried: {reason}"),
        Err(_) => "did not answer in time".to_string(),
    };
    Err(CommandError::new(format!("ERR {address} {reason}")))
}

async fn request_once(
    address: &str,
    password: Option<&str>,
    id: u64,
    own: &Member,
) -> Result<String, Failed> {
    let mut member = MemberConnection::begin(address, password).await?;
    let (id, incarnation) = (id.to_string(), format!("{:016x}", own.incarnation));
    let words = ["RAFT.NODE", "ADD", &id, &own.client_address, &own.raft_address, &incarnation];
    let value = member.call(&words).await?;
    let name = value.text().map(|name| String::from_utf8_lossy(name).into_owned());
    name.ok_or_else(|| Failed::Refused("the reply is not the name of a cluster".to_string()))
}

fn retry(error: std::io::Error) -> Failed {
    Failed::Retry(error.to_string())
}

/// A connection to the other node.
struct MemberConnection {
    stream: TcpStream,
    decoder: ReplyDecoder,
    buffer: BytesMut,
}

impl MemberConnection {
    async fn begin(address: &str, password: Option<&str>) -> Result<MemberConnection, Failed> {
        let mut member = MemberConnection {
            stream: TcpStream::connect(address).await.map_err(retry)?,
            decoder: ReplyDecoder::new(Limits::DEFAULT),
            buffer: BytesMut::new(),
        };
        if let Some(password) = password {
            // Sent with the user's name: in that form, a node without a password accepts any
            // password.
            member.call(&["AUTH", "default", password]).await?;
        }
        Ok(member)
    }

    /// Sends a request and returns its reply. An error reply is returned as an error.
    async fn call(&mut self, words: &[&str]) -> Result<Value, Failed> {
        let mut request = Vec::new();
        encode_request(words, &mut request);
        self.stream.write_all(&request).await.map_err(retry)?;
        loop {
            match self.decoder.decode(&mut self.buffer).map_err(|error| Failed::Refused(error.to_string()))? {
                Some(Value::Error(line)) => {
                    let temporary = ["CLUSTERDOWN", "UNCERTAIN", "TRYAGAIN"];
                    return Err(match temporary.iter().any(|code| line.starts_with(code)) {
                        true => Failed::Retry(line),
                        false => Failed::Refused(line),
                    });
                }
                Some(value) => return Ok(value),
                None if self.stream.read_buf(&mut self.buffer).await.map_err(retry)? == 0 => {
                    return Err(Failed::Retry("the connection was closed".to_string()));
                }
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn info_identifies_a_node_and_its_members() {
        let info = "# Server\r\nrun_id:abc\r\n# Raft\r\nnode_id:1\r\nnode1:address=127.0.0.1:7001,raft_address=x,role=leader,lag=0\r\n";
        let members = vec![(1, "127.0.0.1:7001".to_string())];
        let seen = MemberInfo { run_id: "abc".to_string(), removed: false, members };
        assert_eq!(MemberInfo::read(info), Some(seen));
        assert!(MemberInfo::read("run_id:abc\r\nremoved:1\r\n").is_some_and(|seen| seen.removed));
        assert_eq!(MemberInfo::read("redis_version:7"), None);
    }
}
