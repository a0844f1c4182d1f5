//! The listening sockets: of each address one for every thread, so that the kernel spreads connections over them.
//!
//! A Unix socket is one for all, since there is no such spreading: all threads are woken, and one accepts.
//! Invariant: the first socket of an address is bound alone, without SO_REUSEPORT, so that an address that anybody else listens on is an
//! error and never shared with them. It does not accept.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::path::Path;

use socket2::Socket;

use crate::base::socket_file::SocketFile;
use crate::front::{BindError, Endpoint, Tls, tcp, unix};

/// Bytes that the kernel takes of a reply beyond what is on its way to the peer. Without this it buffers up to
/// net.ipv4.tcp_wmem, 4 MiB, for each peer that does not read.
const UNSENT_IN_KERNEL_BYTES: u32 = 128 << 10;

/// An endpoint that is listened on.
#[derive(Debug)]
pub struct Listening {
    /// With the port that the kernel chose for port 0.
    pub(super) endpoint: Endpoint,
    /// The file of a Unix socket. It stands before the sockets, and so is dropped before they are closed; else another
    /// server's file, which may have been given the same number meanwhile, could be removed.
    pub(super) file: Option<SocketFile>,
    /// One per thread.
    pub(super) sockets: Sockets,
    /// What connections speak below HTTP, if anything.
    pub(super) tls: Option<Tls>,
}

#[derive(Debug)]
pub(super) enum Sockets {
    Tcp(Vec<TcpListener>),
    Unix(Vec<UnixListener>),
}

impl Listening {
    /// Listens on `address` for `threads` threads. Connections wait until they are served.
    ///
    /// # Errors
    /// Names the address and what the operating system says; `AddrInUse` when somebody else listens there.
    pub fn tcp(address: SocketAddr, threads: usize) -> Result<Listening, BindError> {
        let listen = || {
            let sockets = listen(address, threads)?;
            let address = sockets.first().map_or(Ok(address), TcpListener::local_addr)?;
            Ok(Listening { endpoint: Endpoint::Tcp(address), sockets: Sockets::Tcp(sockets), file: None, tls: None })
        };
        listen().map_err(|cause| BindError { endpoint: Endpoint::Tcp(address), cause })
    }

    /// Listens at `path`, whose file gets the permission bits `mode`, for `threads` threads.
    ///
    /// # Errors
    /// Those of `front::unix::bind`, with the path.
    pub fn unix(path: &Path, mode: u32, threads: usize) -> Result<Listening, BindError> {
        let endpoint = Endpoint::Unix(path.to_owned());
        let listen = || {
            let (socket, file) = unix::bind(path, mode)?;
            let mut sockets = Vec::new();
            for _ in 1..threads {
                sockets.push(socket.try_clone()?);
            }
            sockets.push(socket);
            Ok((Sockets::Unix(sockets), file))
        };
        match listen() {
            Ok((sockets, file)) => Ok(Listening { endpoint, sockets, file: Some(file), tls: None }),
            Err(cause) => Err(BindError { endpoint, cause }),
        }
    }

    /// Has every connection begin with a TLS handshake.
    pub fn with_tls(self, tls: Tls) -> Listening {
        Listening { tls: Some(tls), ..self }
    }

    /// Where it listens.
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }
}

/// Listens on `address`, `count` times.
fn listen(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let first = open(address, false)?;
    let address = first.local_addr()?.as_socket().ok_or(io::ErrorKind::InvalidData)?;
    // The others may join, now that the address is ours. They bind before anybody listens, so that nobody else can.
    first.set_reuse_port(true)?;
    let mut sockets = vec![first];
    for _ in 1..count {
        sockets.push(open(address, true)?);
    }
    for socket in &sockets {
        socket.listen(tcp::BACKLOG)?;
    }
    Ok(sockets.into_iter().map(TcpListener::from).collect())
}

fn open(address: SocketAddr, is_shared: bool) -> io::Result<Socket> {
    let socket = tcp::socket(address)?;
    socket.set_reuse_port(is_shared)?;
    socket.set_tcp_notsent_lowat(UNSENT_IN_KERNEL_BYTES)?;
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
