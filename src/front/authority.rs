//! Where a request is meant to go: a host with an optional port (RFC 3986 §3.2.2, §3.2.3).
//!
//! Only the syntax is checked; which host this server is, nobody here knows.

use std::net::Ipv6Addr;

use super::octets;

/// True for a host, possibly empty, with an optional port, possibly empty. A comma, which RFC 3986 allows, is not: it is
/// how somebody would join two hosts.
pub fn is_host_and_port(text: &[u8]) -> bool {
    // Most are plain: one pass, octet by octet, tells.
    let plain = text.iter().position(|octet| !octets::HOST_NAME.has(*octet)).unwrap_or(text.len());
    match text.get(plain..) {
        Some([]) => return true,
        Some([b':', port @ ..]) => return is_port(port),
        _ => {}
    }
    match text.strip_prefix(b"[") {
        Some(literal) => {
            let Some((address, port)) = split_at(literal, b']') else { return false };
            is_address(address) && (port.is_empty() || port.strip_prefix(b":").is_some_and(is_port))
        }
        None => match split_at(text, b':') {
            Some((name, port)) => is_name(name) && is_port(port),
            None => is_name(text),
        },
    }
}

/// What stands before and behind the first `mark`.
fn split_at(text: &[u8], mark: u8) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == mark)?;
    let (before, behind) = text.split_at_checked(at)?;
    Some((before, behind.strip_prefix(&[mark])?))
}

fn is_port(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
}

/// An address of IPv6; what may come after it (`v7.…`) has not come.
fn is_address(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// A registered name or an address of IPv4.
fn is_name(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(byte) = bytes.next() {
        let is_sound = match byte {
            b'%' => {
                let mut is_digit = || bytes.next().is_some_and(u8::is_ascii_hexdigit);
                is_digit() && is_digit()
            }
            _ => octets::HOST_NAME.has(*byte),
        };
        if !is_sound {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_what_is_none() {
        for host in
            ["", "x", "x:80", "x:", ":80", "127.0.0.1:8080", "[::1]", "[::1]:80", "[::ffff:1.2.3.4]:", "a_b~%2f"]
        {
            assert!(is_host_and_port(host.as_bytes()), "{host}");
        }
        for wrong in [
            "a b",
            "a/b",
            "a@b",
            "a,b",
            "a?b",
            "a#b",
            "a\\b",
            "clé",
            "a:b",
            "a:80:81",
            "::1",
            "[::1",
            "::1]",
            "[x]",
            "[]",
            "[::1]x",
            "[::1]:x",
            "[::1]80",
            "a%",
            "a%2",
            "a%2g",
            "[::1%25lo]",
        ] {
            assert!(!is_host_and_port(wrong.as_bytes()), "{wrong}");
        }
    }
}
