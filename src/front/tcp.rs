//! A socket that is to listen on an address of TCP, with what holds for each connection of either front.
//!
//! Invariant: options are set before listen(2), because accepted sockets inherit them at the handshake; options set later
//! were missing on early connections. It neither binds nor listens.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// Connections that may wait to be accepted; the kernel lowers it to net.core.somaxconn.
pub const BACKLOG: i32 = 4096;

/// How long a connection is silent before the kernel asks whether its peer is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// A socket for `address` that is not bound yet. It does not block; an unspecified IPv6 address takes IPv4 as well.
///
/// # Errors
/// The operating system's.
pub fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_AFTER))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}
