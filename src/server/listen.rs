//! From the configuration to a listening socket, and to the words for one that cannot be had.

use std::io;
use std::net::SocketAddr;

use crate::base::limits::{TARGET_BYTES_MAX, TARGET_ROOM_IN_HEAD};
use crate::base::proc;
use crate::config::Config;
use crate::front::framing::HeadLimits;
use crate::front::pool::{self, Bound, PoolOptions};

use super::{StartError, threads};

/// Descriptors that are needed beside those of connections: files, the listener, standard streams.
const DESCRIPTORS_KEPT: u64 = 64;

/// Stack of a thread that serves connections. Handlers are shallow, and nothing recurses.
const FRONT_STACK_BYTES: usize = 256 * 1024;

/// Listens where the configuration says, on the first candidate that can be had.
///
/// # Errors
/// The port is taken (and by whom), or the address is none.
pub fn bind(config: &Config) -> Result<Bound, StartError> {
    let threads = threads::raise_descriptors(config.pool_threads, DESCRIPTORS_KEPT)?;
    let resolve = |cause| StartError::Resolve { address: config.port.to_string(), cause };
    let mut failure = None;
    for address in config.port.candidates().map_err(resolve)? {
        let bound = pool::bind(PoolOptions {
            address,
            threads,
            socket_timeout: config.pool_receive_timeout(),
            read_timeout: config.read_timeout,
            write_timeout: config.pool_send_timeout(),
            limits: HeadLimits {
                target_bytes_max: TARGET_BYTES_MAX.min(config.head_bytes_max.saturating_sub(TARGET_ROOM_IN_HEAD)),
                head_bytes_max: config.head_bytes_max,
                header_count_max: config.header_count_max,
            },
            lost_threads_max: config.pool_lost_threads_max,
            descriptors_kept: DESCRIPTORS_KEPT,
            stack_bytes: FRONT_STACK_BYTES,
        });
        match bound {
            Ok(bound) => return Ok(bound),
            // A taken port says more than a family of addresses that this machine lacks.
            Err(error) if error.cause.kind() == io::ErrorKind::AddrInUse => {
                let holder = proc::listener_on(address.port());
                return Err(StartError::PortTaken { address, holder });
            }
            Err(error) => failure = Some(error),
        }
    }
    Err(match failure {
        Some(error) => StartError::Bind(error),
        None => resolve(io::Error::from(io::ErrorKind::NotFound)),
    })
}

/// How a server that listens on `address` is reached from its own machine.
pub fn url_of(address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        return format!("http://127.0.0.1:{}", address.port());
    }
    format!("http://{address}")
}
