//! What the log says besides entries. Each segment begins with all of it, so that older ones can go.

use serde::{Deserialize, Serialize};

use super::types::{LogPosition, STATE_BYTES_MAX};

/// The vote, the commit record and the two ends of the log at some point of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub vote: Option<Vec<u8>>,
    pub committed: Option<Vec<u8>>,
    pub purged: Option<LogPosition>,
    /// The last entry, or what was purged last if nothing follows it.
    pub last: Option<LogPosition>,
}

/// The most an encoded head may take: two states, two places of two integers, and the tags and lengths.
pub(crate) const HEAD_BYTES_MAX: usize = 2 * (STATE_BYTES_MAX + 4) + 2 * (1 + 2 * 10);

impl Head {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let bytes = postcard::to_stdvec(self).expect("plain values always encode");
        assert!(bytes.len() <= HEAD_BYTES_MAX, "a head of {} bytes", bytes.len());
        bytes
    }

    pub(crate) fn decode(bytes: &[u8]) -> Option<Head> {
        postcard::from_bytes(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_head_fits() {
        let state = Some(vec![7; STATE_BYTES_MAX]);
        let position = Some((u64::MAX, u64::MAX));
        let head = Head { vote: state.clone(), committed: state, purged: position, last: position };
        assert_eq!(Head::decode(&head.encode()), Some(head));
    }
}
