//! The hash slots of Redis Cluster.

/// The number of slots.
pub const SLOTS: u16 = 16_384;

/// The slot of a key. If the key has a hash tag, as in `user:{1000}:name`, only the tag is hashed,
/// so that related keys can share a slot.
pub fn of(key: &[u8]) -> u16 {
    crc16(hashed_part(key)) % SLOTS
}

/// The part of a key that is hashed: the text between the first `{` and the next `}`, or the whole
/// key if that text is missing or empty.
fn hashed_part(key: &[u8]) -> &[u8] {
    let position = |bytes: &[u8], mark: u8| bytes.iter().position(|byte| *byte == mark);
    let tag = position(key, b'{').map(|open| &key[open + 1..]);
    match tag.and_then(|tag| position(tag, b'}').map(|close| &tag[..close])) {
        Some(tag) if !tag.is_empty() => tag,
        _ => key,
    }
}

/// CRC-16/XMODEM (polynomial 0x1021, initial value 0). The shifts combine the eight steps for one
/// byte.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc: u16, byte| {
        let mut x = (crc >> 8) ^ u16::from(*byte);
        x ^= x >> 4;
        (crc << 8) ^ (x << 12) ^ (x << 5) ^ x
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_redis_cluster() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        let by_bits = |bytes: &[u8]| {
            bytes.iter().fold(0_u16, |crc, byte| {
                (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
                    (crc << 1) ^ if crc & 0x8000 == 0 { 0 } else { 0x1021 }
                })
            })
        };
        let bytes: Vec<u8> = (0..=u8::MAX).cycle().take(1000).collect();
        for end in 0..bytes.len() {
            assert_eq!(crc16(&bytes[..end]), by_bits(&bytes[..end]), "{end}");
        }
    }

    #[test]
    fn slots_are_those_of_redis() {
        // Expected slots are replies of Redis to CLUSTER KEYSLOT.
        for (key, slot) in [("123456789", 12739), ("foo", 12182), ("bar", 5061), ("hello", 866), ("", 0)] {
            assert_eq!(of(key.as_bytes()), slot, "{key}");
        }
    }

    #[test]
    fn only_the_hash_tag_counts() {
        assert_eq!(of(b"{user1000}.following"), of(b"user1000"));
        assert_eq!(of(b"{user1000}.following"), of(b"{user1000}.followers"));
        for (key, part) in [
            ("foo{}{bar}", "foo{}{bar}"),
            ("foo{{bar}}zap", "{bar"),
            ("foo{bar}{zap}", "bar"),
            ("foo{bar", "foo{bar"),
            ("foo}bar{", "foo}bar{"),
        ] {
            assert_eq!(hashed_part(key.as_bytes()), part.as_bytes(), "{key}");
        }
    }
}
