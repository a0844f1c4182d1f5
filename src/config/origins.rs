//! The origins of web pages, as browsers write them into the field `Origin`: the option `cors_origins`.
//!
//! Invariant: what is kept is the one spelling that a browser sends, so that octets are compared and nothing else.

use crate::base::limits::ORIGINS_MAX;

/// Every origin there is, as the option writes it.
pub const ANY: &str = "*";

/// Ports that browsers leave out.
const DEFAULT_PORTS: [(&str, u16); 2] = [("http", 80), ("https", 443)];

/// Why a text names no origins.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OriginFault {
    /// It has no scheme.
    #[error("{0:?} has no scheme, an origin is written as in \"https://app.example\"")]
    NoScheme(String),
    /// Something follows the port.
    #[error("{0:?} goes on behind the host and port; an origin has neither a path nor a \"/\" at its end")]
    Path(String),
    /// No host is written like that.
    #[error(
        "{0:?}: the host is no name, as in \"https://app.example\" or \"http://[::1]:3000\"; other letters than a to z \
             are written as xn--"
    )]
    BadHost(String),
    /// No port is written like that.
    #[error("{0:?}: behind the \":\" stands a port, 1 to 65535")]
    BadPort(String),
    /// Every origin and some.
    #[error("\"*\" stands for every origin, and stands alone")]
    AnyAndOthers,
    /// A comma within an element: no origin has one.
    #[error("{0:?} has a comma in it, write two elements")]
    Comma(String),
    /// The same once more.
    #[error("{0} stands there twice")]
    Twice(String),
    /// More than are looked through for each request.
    #[error("{0} elements, at most {ORIGINS_MAX} are looked through")]
    TooMany(usize),
}

/// Reads origins with commas between them, each into the spelling of browsers; an empty text has none.
///
/// # Errors
/// What is wrong with the first that is wrong.
pub fn parse_list(text: &str) -> Result<Vec<String>, OriginFault> {
    let mut origins: Vec<String> = Vec::new();
    if text.trim().is_empty() {
        return Ok(origins);
    }
    let count = text.split(',').count();
    if count > ORIGINS_MAX {
        return Err(OriginFault::TooMany(count));
    }
    for text in text.split(',').map(str::trim) {
        let origin = if text == ANY { ANY.to_owned() } else { parse(text)? };
        if origins.contains(&origin) {
            return Err(OriginFault::Twice(origin));
        }
        origins.push(origin);
    }
    if origins.len() > 1 && origins.iter().any(|origin| origin == ANY) {
        return Err(OriginFault::AnyAndOthers);
    }
    Ok(origins)
}

/// The origins `texts`, which came one by one, as `parse_list` takes them.
///
/// # Errors
/// One that would not stay one.
pub fn join(texts: &[String]) -> Result<String, OriginFault> {
    match texts.iter().find(|text| text.contains(',')) {
        Some(text) => Err(OriginFault::Comma(text.clone())),
        None => Ok(texts.join(",")),
    }
}

/// The ASCII serialization of an origin (HTML Standard, "origin"): lower case, no port that goes without saying.
fn parse(text: &str) -> Result<String, OriginFault> {
    let owned = || text.to_owned();
    let (scheme, place) = text.split_once("://").ok_or_else(|| OriginFault::NoScheme(owned()))?;
    let is_scheme = scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char));
    if !is_scheme {
        return Err(OriginFault::NoScheme(owned()));
    }
    if place.contains(['/', '?', '#']) {
        return Err(OriginFault::Path(owned()));
    }
    let behind_host = place.find(']').unwrap_or(0);
    let (host, port) = match place.get(behind_host..).and_then(|rest| rest.find(':')) {
        Some(colon) => place.split_at_checked(behind_host + colon).unwrap_or((place, "")),
        None => (place, ""),
    };
    let is_host = match host.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok()),
        None => !host.is_empty() && host.chars().all(|char| char.is_ascii_alphanumeric() || "-._".contains(char)),
    };
    if !is_host {
        return Err(OriginFault::BadHost(owned()));
    }
    let (scheme, host) = (scheme.to_ascii_lowercase(), host.to_ascii_lowercase());
    let Some(digits) = port.strip_prefix(':') else { return Ok(format!("{scheme}://{host}")) };
    let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port: u16 =
        digits.parse().ok().filter(|port| is_number && *port > 0).ok_or_else(|| OriginFault::BadPort(owned()))?;
    match DEFAULT_PORTS.contains(&(scheme.as_str(), port)) {
        true => Ok(format!("{scheme}://{host}")),
        false => Ok(format!("{scheme}://{host}:{port}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_send_it() {
        for (text, origins) in [
            ("", &[][..]),
            ("*", &["*"]),
            ("https://app.example", &["https://app.example"]),
            ("HTTPS://App.Example:443", &["https://app.example"]),
            ("http://app.example:80", &["http://app.example"]),
            ("http://app.example:443", &["http://app.example:443"]),
            ("http://localhost:3000, http://[::1]:03000", &["http://localhost:3000", "http://[::1]:3000"]),
            ("http://[::1]", &["http://[::1]"]),
            ("chrome-extension://abcdef", &["chrome-extension://abcdef"]),
            ("https://xn--bcher-kva.example", &["https://xn--bcher-kva.example"]),
        ] {
            assert_eq!(parse_list(text).unwrap(), origins, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_origin_is_named() {
        let owned = str::to_owned;
        let many = vec!["http://a"; ORIGINS_MAX + 1].join(",");
        for (text, fault) in [
            ("app.example", OriginFault::NoScheme(owned("app.example"))),
            ("null", OriginFault::NoScheme(owned("null"))),
            ("://app.example", OriginFault::NoScheme(owned("://app.example"))),
            ("https://a,", OriginFault::NoScheme(String::new())),
            ("https://a/", OriginFault::Path(owned("https://a/"))),
            ("https://a/app", OriginFault::Path(owned("https://a/app"))),
            ("https://a?b", OriginFault::Path(owned("https://a?b"))),
            ("https://", OriginFault::BadHost(owned("https://"))),
            ("https://:80", OriginFault::BadHost(owned("https://:80"))),
            ("https://*.example", OriginFault::BadHost(owned("https://*.example"))),
            ("https://bücher.example", OriginFault::BadHost(owned("https://bücher.example"))),
            ("https://me@a", OriginFault::BadHost(owned("https://me@a"))),
            ("https://[::1", OriginFault::BadHost(owned("https://[::1"))),
            ("https://[::1]x:80", OriginFault::BadHost(owned("https://[::1]x:80"))),
            ("https://a:", OriginFault::BadPort(owned("https://a:"))),
            ("https://a:0", OriginFault::BadPort(owned("https://a:0"))),
            ("https://a:+80", OriginFault::BadPort(owned("https://a:+80"))),
            ("https://a:65536", OriginFault::BadPort(owned("https://a:65536"))),
            ("https://a,*", OriginFault::AnyAndOthers),
            ("https://a,https://A:443", OriginFault::Twice(owned("https://a"))),
            (many.as_str(), OriginFault::TooMany(ORIGINS_MAX + 1)),
        ] {
            assert_eq!(parse_list(text), Err(fault), "{text}");
        }
        assert_eq!(join(&[owned("a,b")]), Err(OriginFault::Comma(owned("a,b"))));
    }
}
