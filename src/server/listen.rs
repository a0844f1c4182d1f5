//! From the configuration to a front that listens, and to the words for an endpoint that cannot be had.

use std::io;
use std::net::SocketAddr;
use std::num::NonZero;

use crate::base::limits::{ENVELOPE_BYTES_MAX, TARGET_BYTES_MAX, TARGET_ROOM_IN_HEAD};
use crate::config::{self, Config, Listen, ListenOn};
use crate::front::framing::HeadLimits;
use crate::front::pool::{self, PoolOptions};
use crate::front::reactor::context::Rules;
use crate::front::reactor::{self, Listening, ReactorOptions};
use crate::front::{BindError, Endpoint, Front, Seams, Tls, tcp};

use super::StartError;
use super::descriptors::{self, Demand};

/// Descriptors that are needed beside those of the front: files, standard streams, whoever is being turned away.
const DESCRIPTORS_KEPT: u64 = 64;

/// Descriptors of a thread of the reactor: its poll, its waker, and those whom it is turning away.
const DESCRIPTORS_PER_REACTOR_THREAD: u64 = 2 + reactor::REFUSED_MAX as u64;

/// Descriptors that a thread of the reactor has for each endpoint: its listener, and the one that it keeps in reserve.
const DESCRIPTORS_PER_DOOR: u64 = 2;

/// Descriptors of one connection in the pool front: the library clones the socket.
const DESCRIPTORS_PER_POOL_CONNECTION: u64 = 2;

/// Stack of a thread that serves connections. Handlers are shallow, and nothing recurses.
const FRONT_STACK_BYTES: usize = 256 * 1024;

/// A front that listens and does not serve yet: connections wait in the backlog.
pub struct Bound {
    /// Where it listens, at least one place, with the ports that the kernel chose for port 0.
    pub endpoints: Vec<Endpoint>,
    /// Begins to serve, on threads of its own.
    pub serve: Serve,
}

/// Begins to serve what arrives. Errors are the operating system's, when it has no thread to give.
pub type Serve = Box<dyn FnOnce(Seams) -> io::Result<Box<dyn Front>>>;

/// Has the chosen front listen where the configuration says, and speak `tls` over TCP where there is any.
///
/// # Errors
/// An endpoint is taken (and by whom), or is none.
pub fn bind(config: &Config, tls: Option<Tls>) -> Result<Bound, StartError> {
    match config.front {
        config::Front::Reactor => bind_reactor(config, tls),
        config::Front::Pool => bind_pool(config),
    }
}

/// What a server that runs with a configuration asks of its machine.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// The option that bounds the connections.
    pub connections_option: &'static str,
    /// How many that are.
    pub connections: usize,
    /// Descriptors for all of them and everything else.
    pub descriptors: u64,
    /// Descriptors for one connection and everything else; with fewer there is no start.
    pub descriptors_min: u64,
    /// Connections that may wait to be accepted on one listening socket.
    pub backlog: u64,
}

impl Needs {
    /// The needs of a server that runs with `config`.
    pub fn of(config: &Config) -> Needs {
        let Demand { connections, option, per_connection, kept } = demand(config);
        Needs {
            connections_option: option,
            connections,
            descriptors: (connections as u64).saturating_mul(per_connection).saturating_add(kept),
            descriptors_min: kept + per_connection,
            backlog: u64::from(tcp::BACKLOG.unsigned_abs()),
        }
    }
}

/// What the connections of the chosen front ask of the limit on descriptors.
fn demand(config: &Config) -> Demand {
    let (option, connections) = config.connections();
    let (per_connection, of_front) = match config.front {
        config::Front::Reactor => {
            let per_thread = DESCRIPTORS_PER_REACTOR_THREAD + DESCRIPTORS_PER_DOOR * config.endpoints().len() as u64;
            (1, per_thread * reactor_threads(config) as u64)
        }
        config::Front::Pool => (DESCRIPTORS_PER_POOL_CONNECTION, 0),
    };
    Demand { connections, option, per_connection, kept: DESCRIPTORS_KEPT + of_front }
}

fn reactor_threads(config: &Config) -> usize {
    match config.reactor_threads {
        0 => std::thread::available_parallelism().map_or(1, NonZero::get),
        threads => threads,
    }
}

fn bind_reactor(config: &Config, tls: Option<Tls>) -> Result<Bound, StartError> {
    let threads = reactor_threads(config);
    let endpoints = config.endpoints();
    let connections_max = descriptors::raise(demand(config))?;
    let option = config.endpoints_option();
    let mut listening = Vec::new();
    for endpoint in endpoints {
        listening.push(match endpoint {
            ListenOn::Tcp(listen) => {
                let plain = on_first_candidate(&listen, option, |address| Listening::tcp(address, threads))?;
                tls.iter().cloned().fold(plain, Listening::with_tls)
            }
            ListenOn::Unix { path, mode } => {
                Listening::unix(&path, mode, threads).map_err(|error| StartError::of_bind(error, option))?
            }
        });
    }
    let options = ReactorOptions {
        threads,
        connections_max,
        connections_per_address_max: config.connections_per_address_max,
        rules: Rules {
            head: head_limits(config),
            read_timeout: config.read_timeout,
            write_timeout: config.write_timeout,
            idle_timeout: config.idle_timeout,
            transfer_bytes_per_second_min: config.transfer_bytes_per_second_min as u64,
            pipelined_requests_max: config.pipelined_requests_max,
            unsent_bytes_max: config.unsent_bytes_max,
            stream_buffer_bytes: config.stream_buffer_bytes,
            // A share for each thread, and room for one body at least.
            bodies_bytes_max: (config.bodies_bytes_max / threads).max(config.document_bytes_max + ENVELOPE_BYTES_MAX),
        },
        stack_bytes: FRONT_STACK_BYTES,
    };
    Ok(Bound {
        endpoints: listening.iter().map(|listening| listening.endpoint().clone()).collect(),
        serve: Box::new(|seams| Ok(Box::new(reactor::serve(options, listening, seams)?))),
    })
}

fn bind_pool(config: &Config) -> Result<Bound, StartError> {
    let threads = descriptors::raise(demand(config))?;
    let tcp = config.endpoints().into_iter().find_map(|endpoint| match endpoint {
        ListenOn::Tcp(listen) => Some(listen),
        ListenOn::Unix { .. } => None,
    });
    let listen = tcp.expect("a configuration that gives the pool front anything but one TCP address does not load");
    let bound = on_first_candidate(&listen, config.endpoints_option(), |address| {
        pool::bind(PoolOptions {
            address,
            threads,
            socket_timeout: config.pool_receive_timeout(),
            read_timeout: config.read_timeout,
            write_timeout: config.pool_send_timeout(),
            limits: head_limits(config),
            lost_threads_max: config.pool_lost_threads_max,
            descriptors_kept: DESCRIPTORS_KEPT,
            stack_bytes: FRONT_STACK_BYTES,
        })
    })?;
    Ok(Bound {
        endpoints: vec![Endpoint::Tcp(bound.local_address())],
        serve: Box::new(|seams| Ok(Box::new(bound.serve(seams)?))),
    })
}

/// How large a head may be, whatever the front.
fn head_limits(config: &Config) -> HeadLimits {
    HeadLimits {
        target_bytes_max: TARGET_BYTES_MAX.min(config.head_bytes_max.saturating_sub(TARGET_ROOM_IN_HEAD)),
        head_bytes_max: config.head_bytes_max,
        header_count_max: config.header_count_max,
    }
}

/// Binds the first address that `listen` stands for and that can be had; `option` is where it was configured.
fn on_first_candidate<T>(
    listen: &Listen,
    option: &'static str,
    mut bind: impl FnMut(SocketAddr) -> Result<T, BindError>,
) -> Result<T, StartError> {
    let resolve = |cause| StartError::Resolve { address: listen.to_string(), cause, option };
    let mut failure = resolve(io::Error::from(io::ErrorKind::NotFound));
    for address in listen.candidates().map_err(resolve)? {
        match bind(address) {
            Ok(bound) => return Ok(bound),
            // A taken port says more than a family of addresses that this machine lacks.
            Err(error) if error.cause.kind() == io::ErrorKind::AddrInUse => {
                return Err(StartError::of_bind(error, option));
            }
            Err(error) => failure = StartError::of_bind(error, option),
        }
    }
    Err(failure)
}

/// What is spoken over TCP. Over a Unix socket it is always plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP.
    Http,
    /// HTTP within TLS.
    Https,
}

impl Scheme {
    /// What a server speaks that runs with `config`.
    pub fn of(config: &Config) -> Scheme {
        if config.tls_cert.is_some() { Scheme::Https } else { Scheme::Http }
    }

    fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }
}

/// How a client on this machine spells the server that listens on `endpoint`. Over a Unix socket every name is right.
pub fn url_of(endpoint: &Endpoint, scheme: Scheme) -> String {
    let scheme = scheme.name();
    match endpoint {
        Endpoint::Tcp(address) if address.ip().is_unspecified() => format!("{scheme}://127.0.0.1:{}", address.port()),
        Endpoint::Tcp(address) => format!("{scheme}://{address}"),
        Endpoint::Unix(_) => "http://localhost".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: SocketAddr, kind: io::ErrorKind) -> Result<(), BindError> {
        Err(BindError { endpoint: Endpoint::Tcp(address), cause: kind.into() })
    }

    #[test]
    fn the_second_candidate_is_tried_unless_the_first_is_taken() {
        let every = Listen::parse(":80").unwrap();
        let mut tried = Vec::new();
        let bound = on_first_candidate(&every, "port", |address| {
            tried.push(address);
            if address.is_ipv6() { refused(address, io::ErrorKind::Unsupported) } else { Ok(()) }
        });
        assert!(bound.is_ok());
        assert_eq!(tried, every.candidates().unwrap());

        let taken = on_first_candidate(&every, "port", |address| refused(address, io::ErrorKind::AddrInUse));
        assert!(matches!(taken, Err(StartError::PortTaken { address, .. }) if address.is_ipv6()), "{taken:?}");
        let none = on_first_candidate(&every, "listen", |address| refused(address, io::ErrorKind::Unsupported));
        let line = none.unwrap_err().to_string();
        assert!(
            line.starts_with("cannot listen on 0.0.0.0:80: ") && line.ends_with("look at the option listen"),
            "{line}"
        );
    }

    #[test]
    fn an_endpoint_is_reached_over_loopback_or_by_any_name() {
        let tcp = |address: &str| Endpoint::Tcp(address.parse().unwrap());
        let unix = || Endpoint::Unix("/run/mt.sock".into());
        for (endpoint, scheme, url) in [
            (tcp("[::]:80"), Scheme::Http, "http://127.0.0.1:80"),
            (tcp("0.0.0.0:80"), Scheme::Https, "https://127.0.0.1:80"),
            (tcp("[::1]:80"), Scheme::Http, "http://[::1]:80"),
            (tcp("[::1]:80"), Scheme::Https, "https://[::1]:80"),
            (unix(), Scheme::Http, "http://localhost"),
            (unix(), Scheme::Https, "http://localhost"),
        ] {
            assert_eq!(url_of(&endpoint, scheme), url);
        }
    }
}
