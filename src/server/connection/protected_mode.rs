//! Protected mode: a node that anybody can reach and that asks nobody for a password serves this
//! machine only.

use std::net::IpAddr;

use crate::config::Config;

/// What a client that is not served is told.
pub const DENIED: &[u8] = b"-DENIED this node is in protected mode: it has no password, so only clients of its own \
machine are served. Set requirepass, or say protected-mode no if everybody who can reach the port may use it.\r\n";

/// Whether a client that comes from this address is turned away.
pub fn turns_away(config: &Config, client: IpAddr) -> bool {
    // A dual-stack socket shows clients of IPv4 as `::ffff:127.0.0.1`.
    config.protected_mode && !config.requirepass.is_set() && !client.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Secret;

    #[test]
    fn without_a_password_only_this_machine_is_served() {
        let open = Config { protected_mode: false, ..Config::default() };
        let locked = Config { requirepass: Secret::new("x").unwrap(), ..Config::default() };
        let from = |config: &Config, client: &str| turns_away(config, client.parse().unwrap());
        for near in ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"] {
            assert!(!from(&Config::default(), near), "{near}");
        }
        for far in ["10.0.0.1", "192.0.2.2", "fe80::1", "::ffff:10.0.0.1", "0.0.0.0"] {
            assert!(from(&Config::default(), far), "{far}");
            assert!(!from(&open, far) && !from(&locked, far), "{far}");
        }
        assert!(DENIED.starts_with(b"-DENIED ") && DENIED.ends_with(b".\r\n"));
    }
}
