//! Where to listen: ":8080" for every interface, as Go writes it, or an address or a name with its port.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};

/// An address to listen on, as configured. Displays as it is written in config.json.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listen {
    /// Which interfaces.
    pub host: Host,
    /// The TCP port; 0 lets the system choose one.
    pub port: u16,
}

/// The interfaces to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// Every one: nothing before the colon.
    Every,
    /// The one with this address.
    Address(IpAddr),
    /// The one that this name stands for when the server binds.
    Name(String),
}

/// Why a text is not an address to listen on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenFault {
    /// There is no colon between host and port.
    #[error("it has no ':', write \":{0}\" for every interface or \"127.0.0.1:{0}\" for this machine alone")]
    NoColon(String),
    /// The host holds colons without brackets.
    #[error("an IPv6 address stands in brackets, as in \"[::1]:8080\"")]
    NoBrackets,
    /// The host is neither an address nor a name.
    #[error("{0:?} is neither an address nor a name")]
    BadHost(String),
    /// What follows the last colon is no port.
    #[error("{0:?} is not a port, ports are 0 to 65535")]
    BadPort(String),
}

impl Listen {
    /// Reads `:8080`, `127.0.0.1:8080`, `[::1]:8080` or `localhost:8080`.
    ///
    /// # Errors
    /// What is wrong and how it should be written.
    pub fn parse(text: &str) -> Result<Listen, ListenFault> {
        let Some((host, port)) = text.rsplit_once(':') else {
            let port = if is_port(text) { text } else { "8080" };
            return Err(ListenFault::NoColon(port.to_owned()));
        };
        let host = parse_host(host)?;
        if !is_port(port) {
            return Err(ListenFault::BadPort(port.to_owned()));
        }
        let port = port.parse().map_err(|_| ListenFault::BadPort(port.to_owned()))?;
        Ok(Listen { host, port })
    }

    /// True when only this machine can reach it.
    pub fn is_loopback(&self) -> bool {
        match &self.host {
            Host::Every => false,
            Host::Address(address) => address.is_loopback(),
            Host::Name(name) => name.eq_ignore_ascii_case("localhost"),
        }
    }

    /// The addresses to bind, the preferred one first; the first that can be bound is meant, not all of them.
    ///
    /// Every interface is the IPv6 wildcard, which takes IPv4 too, then the IPv4 one for machines without IPv6.
    ///
    /// # Errors
    /// The resolver's, for a name.
    pub fn candidates(&self) -> io::Result<Vec<SocketAddr>> {
        match &self.host {
            Host::Every => Ok([IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)]
                .map(|address| SocketAddr::new(address, self.port))
                .to_vec()),
            Host::Address(address) => Ok(vec![SocketAddr::new(*address, self.port)]),
            Host::Name(name) => (name.as_str(), self.port).to_socket_addrs().map(Iterator::collect),
        }
    }

    /// The addresses under which a client on this machine reaches what listens here.
    ///
    /// # Errors
    /// The resolver's, for a name.
    pub fn reachable_at(&self) -> io::Result<Vec<SocketAddr>> {
        match &self.host {
            Host::Every => Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))]),
            Host::Address(IpAddr::V4(address)) if address.is_unspecified() => {
                Ok(vec![SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))])
            }
            Host::Address(IpAddr::V6(address)) if address.is_unspecified() => {
                Ok(vec![SocketAddr::from((Ipv6Addr::LOCALHOST, self.port))])
            }
            _ => self.candidates(),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Every => write!(f, ":{}", self.port),
            Host::Address(address) => SocketAddr::new(*address, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

fn is_port(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn parse_host(host: &str) -> Result<Host, ListenFault> {
    if host.is_empty() {
        return Ok(Host::Every);
    }
    let bad = || ListenFault::BadHost(host.to_owned());
    if let Some(inner) = host.strip_prefix('[') {
        let inner = inner.strip_suffix(']').ok_or_else(bad)?;
        return inner.parse().map(|address| Host::Address(IpAddr::V6(address))).map_err(|_| bad());
    }
    if host.contains(':') {
        return Err(ListenFault::NoBrackets);
    }
    if let Ok(address) = host.parse::<Ipv4Addr>() {
        return Ok(Host::Address(IpAddr::V4(address)));
    }
    // What is all digits and dots is a mistyped address, never a name.
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'))
        && host.bytes().any(|byte| byte.is_ascii_alphabetic());
    if is_name { Ok(Host::Name(host.to_owned())) } else { Err(bad()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_as_they_are_written() {
        for text in [":8080", "127.0.0.1:0", "0.0.0.0:80", "[::1]:8080", "localhost:65535", "db-1.example:8080"] {
            assert_eq!(Listen::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_bare_port_is_refused_with_both_ways_to_write_it() {
        let fault = Listen::parse("9090").unwrap_err().to_string();
        assert!(fault.contains("\":9090\"") && fault.contains("\"127.0.0.1:9090\""), "{fault}");
    }

    #[test]
    fn what_is_wrong_with_an_address_is_named() {
        for (text, fault) in [
            ("", ListenFault::NoColon("8080".to_owned())),
            ("localhost", ListenFault::NoColon("8080".to_owned())),
            ("::1:8080", ListenFault::NoBrackets),
            ("[::1:8080", ListenFault::BadHost("[::1".to_owned())),
            ("[localhost]:8080", ListenFault::BadHost("[localhost]".to_owned())),
            ("127.0.0:8080", ListenFault::BadHost("127.0.0".to_owned())),
            ("a b:8080", ListenFault::BadHost("a b".to_owned())),
            ("localhost:", ListenFault::BadPort(String::new())),
            ("localhost:http", ListenFault::BadPort("http".to_owned())),
            ("localhost:65536", ListenFault::BadPort("65536".to_owned())),
            ("localhost:+80", ListenFault::BadPort("+80".to_owned())),
        ] {
            assert_eq!(Listen::parse(text), Err(fault), "{text}");
        }
    }

    #[test]
    fn every_interface_is_reached_over_loopback() {
        for (text, is_loopback, first, reachable) in [
            (":80", false, "[::]:80", "127.0.0.1:80"),
            ("0.0.0.0:80", false, "0.0.0.0:80", "127.0.0.1:80"),
            ("[::]:80", false, "[::]:80", "[::1]:80"),
            ("[::1]:80", true, "[::1]:80", "[::1]:80"),
            ("127.0.0.2:80", true, "127.0.0.2:80", "127.0.0.2:80"),
        ] {
            let listen = Listen::parse(text).unwrap();
            assert_eq!(listen.is_loopback(), is_loopback, "{text}");
            assert_eq!(listen.candidates().unwrap()[0].to_string(), first);
            assert_eq!(listen.reachable_at().unwrap()[0].to_string(), reachable);
        }
        assert!(Listen::parse("localhost:80").unwrap().is_loopback());
    }
}
