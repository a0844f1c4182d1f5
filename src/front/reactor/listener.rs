//! The listening sockets: of each address one for every thread, so that the kernel spreads connections over them.
//!
//! Invariants: options are set before listen(2), because accepted sockets inherit them at the handshake; the first
//! socket of an address is bound alone, without SO_REUSEPORT, so that an address that anybody else listens on is an
//! error and never shared with them. It does not accept.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// Connections that may wait to be accepted; the kernel lowers it to net.core.somaxconn.
const BACKLOG: i32 = 4096;

/// How long a connection is silent before the kernel asks whether its peer is still there.
const KEEPALIVE_AFTER: Duration = Duration::from_secs(60);

/// Listens on `address`, `count` times.
///
/// # Errors
/// The operating system's; `AddrInUse` when somebody else listens there.
pub(super) fn listen(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let first = open(address, false)?;
    let address = first.local_addr()?.as_socket().ok_or(io::ErrorKind::InvalidData)?;
    // The others may join, now that the address is ours. They bind before anybody listens, so that nobody else can.
    first.set_reuse_port(true)?;
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(open(address, true)?);
    }
    for socket in &sockets {
        socket.listen(BACKLOG)?;
    }
    Ok(sockets.into_iter().map(TcpListener::from).collect())
}

fn open(address: SocketAddr, is_shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(!address.ip().is_unspecified())?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(is_shared)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE_AFTER))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: &str = "127.0.0.1:0";

    #[test]
    fn every_thread_has_a_socket_on_the_same_port() {
        let sockets = listen(ANY.parse().unwrap(), 4).unwrap();
        let address = sockets[0].local_addr().unwrap();
        assert_eq!(sockets.len(), 4);
        assert!(sockets.iter().all(|socket| socket.local_addr().unwrap() == address));
    }

    #[test]
    fn an_address_is_never_shared_with_another_process_s_sockets() {
        let ours = listen(ANY.parse().unwrap(), 2).unwrap();
        let address = ours[0].local_addr().unwrap();
        for count in [1, 2] {
            assert_eq!(listen(address, count).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        }
        drop(ours);
        listen(address, 2).unwrap();
    }
}
