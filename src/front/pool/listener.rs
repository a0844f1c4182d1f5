//! The listening socket. Binding is apart from serving: connections wait in the backlog while data is loaded.
//!
//! Invariant: every option is set before listen(2), because accepted sockets inherit them at the handshake; options
//! set later were missing on early connections.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use super::acceptor::Acceptor;
use super::{Pool, PoolOptions, Shared};
use crate::front::{BindError, Endpoint, Seams, tcp};

/// A listening socket that nobody serves yet.
#[derive(Debug)]
pub struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    options: PoolOptions,
}

/// Listens on `options.address`. Connections wait until `serve`.
///
/// # Errors
/// Names the address and what the operating system says.
pub fn bind(options: PoolOptions) -> Result<Bound, BindError> {
    let address = options.address;
    let listen = || {
        let listener = open(&options)?;
        let address = listener.local_addr()?;
        Ok((listener, address))
    };
    match listen() {
        Ok((listener, address)) => Ok(Bound { listener, address, options }),
        Err(cause) => Err(BindError { endpoint: Endpoint::Tcp(address), cause }),
    }
}

impl Bound {
    /// Where it listens, with the port that the kernel chose for port 0.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// Serves what arrives, from now on and on threads of its own.
    ///
    /// # Errors
    /// The operating system's, when it has no thread or descriptor for the acceptor.
    pub fn serve(self, seams: Seams) -> io::Result<Pool> {
        let (connections, for_workers) = crossbeam_channel::unbounded();
        let shared = Arc::new(Shared::new(self.options, seams, for_workers)?);
        let acceptor = Acceptor::new(Arc::clone(&shared), connections, self.listener)?;
        Pool::start(shared, self.address, move || acceptor.run())
    }
}

fn open(options: &PoolOptions) -> io::Result<TcpListener> {
    // It does not block, so that accepting does not wait when a connection has gone between poll(2) and accept(2);
    // accepted sockets block.
    let socket = tcp::socket(options.address)?;
    socket.set_read_timeout(Some(options.socket_timeout))?;
    // The library writes what it could not write once more when it drops it: twice half is the whole.
    socket.set_write_timeout(Some(options.socket_timeout.min(options.write_timeout) / 2))?;
    socket.bind(&options.address.into())?;
    socket.listen(tcp::BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_an_error_that_names_the_address() {
        let first = bind(PoolOptions::at("127.0.0.1:0".parse().unwrap())).unwrap();
        let error = bind(PoolOptions::at(first.local_address())).unwrap_err();
        assert_eq!(error.cause.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().starts_with(&format!("cannot listen on {}: ", first.local_address())));
    }
}
