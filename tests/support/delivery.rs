//! How a client's bytes reach the server: the socket, and the pieces in which they are handed to it.
//!
//! Every piece is a write of its own over a connection that waits for nothing (TCP_NODELAY). The kernel may still
//! hand several to a server that is slower than its client.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use memory_tools::front::Endpoint;

use super::dice::Dice;

/// Bytes of the largest random piece but the few that take all the rest.
const PIECE_BYTES_MAX: u64 = 40;

/// In which pieces bytes are sent.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// All at once.
    Whole,
    /// Each byte for itself.
    ByteByByte,
    /// In pieces of random sizes, mostly small.
    InSplits(Dice),
}

impl Delivery {
    /// Sends `bytes`.
    ///
    /// # Errors
    /// The connection's.
    pub fn deliver(&mut self, socket: &mut Socket, bytes: &[u8]) -> io::Result<()> {
        let mut rest = bytes;
        while !rest.is_empty() {
            let size = match self {
                Delivery::Whole => rest.len(),
                Delivery::ByteByByte => 1,
                Delivery::InSplits(dice) => match dice.below(20) {
                    0 => rest.len(),
                    _ => 1 + dice.below(PIECE_BYTES_MAX) as usize,
                },
            };
            let (piece, behind) = rest.split_at(size.min(rest.len()));
            socket.write_all(piece)?;
            rest = behind;
            if !rest.is_empty() {
                // The server's turn, that it may read the piece for itself.
                std::thread::yield_now();
            }
        }
        Ok(())
    }

    /// The same for another thread; random sizes become others.
    pub fn split(&mut self) -> Delivery {
        match self {
            Delivery::InSplits(dice) => Delivery::InSplits(dice.split()),
            other => other.clone(),
        }
    }
}

/// A connected socket.
#[derive(Debug)]
pub enum Socket {
    /// Over TCP.
    Tcp(TcpStream),
    /// Over a Unix socket.
    Unix(UnixStream),
}

impl Socket {
    /// Connects; reading and writing wait for `patience` at most.
    ///
    /// # Errors
    /// The operating system's.
    pub fn connect(endpoint: &Endpoint, patience: Duration) -> io::Result<Socket> {
        match endpoint {
            Endpoint::Tcp(address) => {
                let stream = TcpStream::connect_timeout(address, patience)?;
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                stream.set_nodelay(true)?;
                Ok(Socket::Tcp(stream))
            }
            Endpoint::Unix(path) => {
                let stream = UnixStream::connect(path)?;
                stream.set_read_timeout(Some(patience))?;
                stream.set_write_timeout(Some(patience))?;
                Ok(Socket::Unix(stream))
            }
        }
    }

    /// Another handle of it.
    ///
    /// # Errors
    /// The operating system's.
    pub fn try_clone(&self) -> io::Result<Socket> {
        match self {
            Socket::Tcp(stream) => stream.try_clone().map(Socket::Tcp),
            Socket::Unix(stream) => stream.try_clone().map(Socket::Unix),
        }
    }

    /// Ends one side of it, or both.
    ///
    /// # Errors
    /// The operating system's.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.shutdown(how),
            Socket::Unix(stream) => stream.shutdown(how),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.read(into),
            Socket::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Socket::Tcp(stream) => stream.write(bytes),
            Socket::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
