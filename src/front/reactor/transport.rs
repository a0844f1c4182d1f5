//! The socket of a connection, whichever kind it is.
//!
//! Invariant: nothing here blocks. It does not know what is carried.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::SockRef;

/// A connected socket that does not block.
pub(super) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Transport {
    /// Has `registry` report, once each time it changes, that it can be read or written.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source().register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Reads what is there. 0 is the end.
    ///
    /// # Errors
    /// The operating system's; `WouldBlock` when nothing is there.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Transport::Tcp(stream) => stream.read(into),
            Transport::Unix(stream) => stream.read(into),
        }
    }

    /// Writes what the kernel takes of `slices`.
    ///
    /// # Errors
    /// The operating system's; `WouldBlock` when it takes nothing.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match (self, slices) {
            (Transport::Tcp(stream), [only]) => stream.write(only),
            (Transport::Tcp(stream), slices) => stream.write_vectored(slices),
            (Transport::Unix(stream), slices) => stream.write_vectored(slices),
        }
    }

    /// Says that nothing more will be written.
    ///
    /// # Errors
    /// The operating system's, when the peer has gone.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self {
            Transport::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Transport::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    /// Has the kernel forget, when the socket is closed, what the peer has not taken. It is told with a reset.
    pub(super) fn abandon(&self) {
        match self {
            // When that fails the kernel keeps the bytes for as long as it likes, as it would have anyway.
            Transport::Tcp(stream) => drop(SockRef::from(stream).set_linger(Some(Duration::ZERO))),
            // Nothing lies between the two ends of a Unix socket but what the peer has received.
            Transport::Unix(_) => {}
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Transport::Tcp(stream) => stream,
            Transport::Unix(stream) => stream,
        }
    }
}
