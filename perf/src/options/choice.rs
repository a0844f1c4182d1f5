//! The words that an option takes, and the address in a URL.

use std::net::{SocketAddr, ToSocketAddrs};

use anyhow::{Context, Result};

/// Which front of the server is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// A thread for each connection.
    Pool,
    /// An event loop on each thread.
    Reactor,
}

impl Front {
    /// All of them.
    pub const ALL: &[Front] = &[Front::Reactor, Front::Pool];

    /// Its name on the server's command line.
    pub fn name(self) -> &'static str {
        match self {
            Front::Pool => "pool",
            Front::Reactor => "reactor",
        }
    }
}

/// What the server promises of a write that it has acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Journal {
    /// Nothing.
    Off,
    /// It survives the end of the process.
    Os,
    /// It survives a loss of power, but for the last second.
    Everysec,
    /// It survives a loss of power.
    Always,
}

impl Journal {
    /// All of them.
    pub const ALL: &[Journal] = &[Journal::Off, Journal::Os, Journal::Everysec, Journal::Always];

    /// Its name on the server's command line.
    pub fn name(self) -> &'static str {
        match self {
            Journal::Off => "off",
            Journal::Os => "os",
            Journal::Everysec => "everysec",
            Journal::Always => "always",
        }
    }
}

/// A part of the measurements of `make bench`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Mixes of requests at saturation and at a constant rate.
    Mixes,
    /// CPU per request of the server beside that of its front alone.
    Front,
    /// From the start of the process to the first 200 on `/readyz`.
    Ready,
    /// Resident memory of many small documents.
    Memory,
}

impl Part {
    /// All of them.
    pub const ALL: &[Part] = &[Part::Mixes, Part::Front, Part::Ready, Part::Memory];

    /// Its name on our command line.
    pub fn name(self) -> &'static str {
        match self {
            Part::Mixes => "mixes",
            Part::Front => "front",
            Part::Ready => "ready",
            Part::Memory => "memory",
        }
    }
}

/// How often each key is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// As often as any other.
    Uniform,
    /// A few of them much oftener.
    Zipf,
}

impl Distribution {
    /// All of them.
    pub const ALL: &[Distribution] = &[Distribution::Uniform, Distribution::Zipf];

    /// Its name on our command line.
    pub fn name(self) -> &'static str {
        match self {
            Distribution::Uniform => "uniform",
            Distribution::Zipf => "zipf",
        }
    }
}

/// That of `all` whose name is `word`.
///
/// # Errors
/// There is none; the message names `option` and those that there are.
pub fn chosen<T: Copy>(option: &str, word: &str, all: &[T], name: impl Fn(T) -> &'static str) -> Result<T> {
    let found = all.iter().copied().find(|one| name(*one) == word);
    found.with_context(|| {
        let names: Vec<_> = all.iter().map(|one| name(*one)).collect();
        format!("--{option} knows {}, not {word:?}", names.join(", "))
    })
}

/// The address of `http://HOST:PORT`, where nothing else than `/` may follow; `http://` may be left out.
///
/// # Errors
/// It is another kind of URL, or the host has no address.
pub fn address(url: &str) -> Result<SocketAddr> {
    let host = url.strip_prefix("http://").unwrap_or(url);
    let host = host.strip_suffix('/').unwrap_or(host);
    let mut addresses =
        host.to_socket_addrs().with_context(|| format!("--url must be http://HOST:PORT, not {url:?}"))?;
    addresses.next().with_context(|| format!("{host} has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_host_and_a_port() {
        let expected = SocketAddr::from(([127, 0, 0, 1], 8080));
        for url in ["http://127.0.0.1:8080", "http://127.0.0.1:8080/", "127.0.0.1:8080"] {
            assert_eq!(address(url).unwrap(), expected, "{url}");
        }
        for url in ["https://127.0.0.1:8080", "http://127.0.0.1", "http://127.0.0.1:8080/v1"] {
            let error = address(url).unwrap_err().to_string();
            assert_eq!(error, format!("--url must be http://HOST:PORT, not {url:?}"));
        }
    }

    #[test]
    fn words_have_the_names_that_they_are_found_by() {
        for &front in Front::ALL {
            assert_eq!(chosen("front", front.name(), Front::ALL, Front::name).unwrap(), front);
        }
        for &journal in Journal::ALL {
            assert_eq!(chosen("journal", journal.name(), Journal::ALL, Journal::name).unwrap(), journal);
        }
    }
}
