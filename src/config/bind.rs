//! The settings `bind` and `port`, and `address`, which sets both.
//!
//! The three settings share two fields: `address` (host:port), and the further hosts of `bind`,
//! which use the same port. `bind` changes the hosts, `port` the port, and `address` sets a single
//! host and the port.

use super::Config;

/// Maximum number of addresses of one node, as in Redis.
const HOSTS_MAX: usize = 16;

/// An address to bind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BindAddr {
    /// The address as host:port.
    pub address: String,
    /// Whether the node starts even if it cannot bind this address. In redis.conf, a `-` before the
    /// host marks such an address.
    pub optional: bool,
}

/// The host, without the brackets of IPv6, and the port.
pub fn split(address: &str) -> Option<(&str, u16)> {
    let (host, port) = address.rsplit_once(':')?;
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    Some((bare, port.parse().ok()?)).filter(|(host, _)| !host.is_empty())
}

pub fn join(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// Removes the brackets of a host, and replaces redis.conf's wildcards by the address of all
/// interfaces.
fn bare_host(host: &str) -> String {
    match host {
        "*" => "0.0.0.0".to_string(),
        "::*" => "::".to_string(),
        host => host.trim_matches(['[', ']']).to_string(),
    }
}

impl Config {
    /// The host and the port of `address`.
    pub(super) fn host_and_port(&self) -> (&str, u16) {
        split(&self.address).expect("the address was checked when it was set")
    }

    /// The addresses to bind for clients: `address`, and the further hosts of `bind`.
    pub fn bind_addrs(&self) -> Vec<BindAddr> {
        let port = self.host_and_port().1;
        let further = self.further_hosts.iter().map(|host| {
            let bare = host.strip_prefix('-');
            BindAddr { address: join(bare.unwrap_or(host), port), optional: bare.is_some() }
        });
        std::iter::once(BindAddr { address: self.address.clone(), optional: false }).chain(further).collect()
    }

    pub(super) fn bind(&self) -> String {
        let first = std::iter::once(self.host_and_port().0);
        first.chain(self.further_hosts.iter().map(String::as_str)).collect::<Vec<_>>().join(" ")
    }

    pub(super) fn set_bind(&mut self, text: &str) -> Result<(), String> {
        let mut hosts: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            let (mark, host) = if word.starts_with('-') { word.split_at(1) } else { ("", word) };
            let host = format!("{mark}{}", bare_host(host));
            if !hosts.contains(&host) {
                hosts.push(host);
            }
        }
        if hosts.len() > HOSTS_MAX {
            return Err(format!("at most {HOSTS_MAX} addresses are allowed"));
        }
        // `address` gets the first host that is not optional, or the first if all are optional.
        let main = hosts.iter().position(|host| !host.starts_with('-')).unwrap_or(0);
        if hosts.is_empty() {
            return Err("at least one address is needed".to_string());
        }
        let first = hosts.remove(main);
        let first = first.strip_prefix('-').unwrap_or(&first);
        if first.is_empty() || hosts.iter().any(|host| host == "-") {
            return Err("an address is missing after the '-'".to_string());
        }
        self.address = join(first, self.host_and_port().1);
        self.further_hosts = hosts;
        Ok(())
    }

    pub(super) fn set_port(&mut self, port: u16) {
        self.address = join(self.host_and_port().0, port);
    }

    pub(super) fn set_address(&mut self, text: &str) -> Result<(), String> {
        let (host, port) = split(text).ok_or_else(|| format!("{text:?} is not host:port"))?;
        self.address = join(&bare_host(host), port);
        self.further_hosts.clear();
        Ok(())
    }

    /// Replaces the configured address by the bound one, whose port is not 0.
    pub fn bound_at(mut self, address: std::net::SocketAddr) -> Config {
        let configured = std::mem::replace(&mut self.address, address.to_string());
        self.configured_address.get_or_insert(configured);
        self
    }

    /// Lowers `maxclients` to what the system allows.
    pub fn with_clients(mut self, maxclients: usize) -> Config {
        let configured = std::mem::replace(&mut self.maxclients, maxclients);
        self.configured_maxclients.get_or_insert(configured);
        self
    }

    /// Undoes [`Config::bound_at`] and [`Config::with_clients`].
    pub(super) fn as_configured(&self) -> Config {
        let address = self.configured_address.clone().unwrap_or_else(|| self.address.clone());
        let maxclients = self.configured_maxclients.unwrap_or(self.maxclients);
        Config { address, maxclients, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_settings_share_one_state() {
        let mut config = Config::default();
        config.set_port(7000);
        assert_eq!(config.address, "127.0.0.1:7000");
        config.set_bind("* -::* ::1 *").unwrap();
        assert_eq!((config.bind().as_str(), config.address.as_str()), ("0.0.0.0 -:: ::1", "0.0.0.0:7000"));
        let bound: Vec<(String, bool)> =
            config.bind_addrs().into_iter().map(|bound| (bound.address, bound.optional)).collect();
        let expected = [("0.0.0.0:7000", false), ("[::]:7000", true), ("[::1]:7000", false)];
        assert_eq!(bound, expected.map(|(address, optional)| (address.to_string(), optional)));
        config.set_address("[::1]:7001").unwrap();
        assert_eq!((config.bind().as_str(), config.host_and_port().1), ("::1", 7001));
    }

    #[test]
    fn the_main_address_is_not_optional() {
        let mut config = Config::default();
        config.set_bind("-::1 127.0.0.1").unwrap();
        assert_eq!(config.bind(), "127.0.0.1 -::1");
        for wrong in ["", " ", "-", "127.0.0.1 -"] {
            assert!(config.set_bind(wrong).is_err(), "{wrong:?}");
        }
        for wrong in ["nowhere", "nowhere:", ":1", "a:65536"] {
            assert!(config.set_address(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_bound_port_does_not_replace_the_configured_one() {
        let config = Config { address: "127.0.0.1:0".to_string(), ..Config::default() };
        let bound = config.bound_at("127.0.0.1:7777".parse().unwrap());
        assert_eq!(bound.address, "127.0.0.1:7777");
        assert_eq!(bound.bound_at("127.0.0.1:7777".parse().unwrap()).as_configured().address, "127.0.0.1:0");
    }
}
