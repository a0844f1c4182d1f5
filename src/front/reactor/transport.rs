//! The socket of a connection, whichever kind it is.
//!
//! Invariant: nothing here blocks. It does not know what is carried.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::event::Source;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};
use rustix::net::{RecvFlags, SendFlags, recv, send};
use socket2::SockRef;

use super::tls::{Handshake, TlsStream};

/// A connected socket that does not block.
pub(super) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
    /// Boxed, or every connection would be as large.
    Tls(Box<TlsStream>),
}

/// What a read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Came {
    /// So many bytes, perhaps none. With `is_all` nothing more was there; behind some bytes the end may be.
    Bytes { count: usize, is_all: bool },
    /// The peer sends nothing more.
    End,
}

impl Transport {
    /// Has `registry` report, once each time it changes, that it can be read or written.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.source().register(registry, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Does what must be done before anything can be carried.
    ///
    /// # Errors
    /// `InvalidData` when the peer has broken the transport's protocol, else the operating system's.
    pub(super) fn shake_hands(&mut self) -> io::Result<Handshake> {
        match self {
            Transport::Tcp(_) | Transport::Unix(_) => Ok(Handshake::Done),
            Transport::Tls(stream) => stream.shake_hands(),
        }
    }

    /// True for one that begins with a handshake.
    pub(super) fn has_handshake(&self) -> bool {
        matches!(self, Transport::Tls(_))
    }

    /// Reads what is there.
    ///
    /// # Errors
    /// `InvalidData` when the peer has broken the transport's protocol, else the operating system's.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<Came> {
        let read = match self {
            Transport::Tcp(stream) => receive(stream, into),
            Transport::Unix(stream) => stream.read(into),
            Transport::Tls(stream) => return stream.read(into),
        };
        came(read, into.len())
    }

    /// Reads what is there, to be thrown away: behind the last reply, when `finish` has been called.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn discard(&mut self, scratch: &mut [u8]) -> io::Result<Came> {
        let read = match self {
            Transport::Tcp(stream) => stream.read(scratch),
            Transport::Unix(stream) => stream.read(scratch),
            Transport::Tls(stream) => stream.socket().read(scratch),
        };
        came(read, scratch.len())
    }

    /// Writes what is taken of `slices`.
    ///
    /// # Errors
    /// The operating system's; `WouldBlock` when nothing is taken.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match (self, slices) {
            (Transport::Tcp(stream), [only]) => Ok(send(stream, only, SendFlags::NOSIGNAL)?),
            (Transport::Tcp(stream), slices) => stream.write_vectored(slices),
            (Transport::Unix(stream), slices) => stream.write_vectored(slices),
            (Transport::Tls(stream), slices) => stream.write(slices),
        }
    }

    /// Sends what the kernel takes of what the transport itself holds; gives how much.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn flush(&mut self) -> io::Result<usize> {
        match self {
            Transport::Tcp(_) | Transport::Unix(_) => Ok(0),
            Transport::Tls(stream) => stream.flush(),
        }
    }

    /// True while the transport itself holds something that is not sent.
    pub(super) fn has_unsent(&self) -> bool {
        match self {
            Transport::Tcp(_) | Transport::Unix(_) => false,
            Transport::Tls(stream) => stream.has_unsent(),
        }
    }

    /// Says that nothing more will be written.
    ///
    /// # Errors
    /// `WouldBlock` when that cannot be said yet; else the operating system's, when the peer has gone.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        match self {
            Transport::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Transport::Unix(stream) => stream.shutdown(Shutdown::Write),
            Transport::Tls(stream) => stream.finish(),
        }
    }

    /// Has the kernel forget, when the socket is closed, what the peer has not taken. It is told with a reset.
    pub(super) fn abandon(&self) {
        match self {
            // When that fails the kernel keeps the bytes for as long as it likes, as it would have anyway.
            Transport::Tcp(stream) => drop(SockRef::from(stream).set_linger(Some(Duration::ZERO))),
            Transport::Tls(stream) => stream.abandon(),
            // Nothing lies between the two ends of a Unix socket but what the peer has received.
            Transport::Unix(_) => {}
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Transport::Tcp(stream) => stream,
            Transport::Unix(stream) => stream,
            Transport::Tls(stream) => stream.socket(),
        }
    }
}

/// The system call by itself: the C library makes it a point at which a thread can be cancelled, on the way in and out.
fn receive(stream: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
    let (_, count) = recv(stream, into, RecvFlags::empty())?;
    Ok(count)
}

/// What a socket's answer to a read for `asked` bytes means.
fn came(read: io::Result<usize>, asked: usize) -> io::Result<Came> {
    match read {
        Ok(0) => Ok(Came::End),
        Ok(count) => Ok(Came::Bytes { count, is_all: count < asked }),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock => Ok(Came::Bytes { count: 0, is_all: true }),
            ErrorKind::Interrupted => Ok(Came::Bytes { count: 0, is_all: false }),
            _ => Err(error),
        },
    }
}
