//! A connection over TLS: the session of rustls and the socket below it.
//!
//! ```text
//!   socket ─► read_tls ─► process_new_packets ─► reader ─► Session
//!   socket ◄─ write_tls ◄─ ciphertext, bounded ◄─ writer ◄─ Outbox
//! ```
//!
//! Invariants: nothing here blocks; no plaintext is left behind when `read` says that nothing more is there, since the
//! socket may never be readable again; of what was encrypted and not sent at most `UNSENT_BYTES_MAX` and the records'
//! own bytes are held; a peer that breaks the protocol is told so by an alert, and nothing that it sends is looked at
//! any more. An end without close_notify is an end like any other: HTTP's own framing tells what was cut off.
//! An idle connection is about 8 KiB, where a plain one is 1 KiB: half of it is the buffer that rustls reads into.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use mio::net::TcpStream;
use rustls::ServerConnection;
use socket2::SockRef;

use crate::front::Tls;

use super::transport::Came;

/// Bytes that are encrypted ahead of what the socket takes.
const UNSENT_BYTES_MAX: usize = 64 << 10;

/// Bytes that one call takes from the socket, whether or not they hold anything for the session.
const READ_BYTES_MAX: usize = 64 << 10;

/// How a handshake stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Handshake {
    /// It waits for its peer.
    Waits,
    /// It is done.
    Done,
}

/// A connection over TLS, the server's side.
pub(super) struct TlsStream {
    socket: TcpStream,
    session: ServerConnection,
    /// True once the peer has broken the protocol.
    is_broken: bool,
}

/// A socket that remembers whether it gave less than it was asked for: it is empty then.
struct Source<'s> {
    socket: &'s mut TcpStream,
    is_drained: bool,
}

impl Read for Source<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(into)?;
        self.is_drained = count < into.len();
        Ok(count)
    }
}

impl TlsStream {
    /// Expects a handshake over `socket`.
    ///
    /// # Errors
    /// Those of rustls, which has none for a configuration that it has taken.
    pub(super) fn accept(socket: TcpStream, tls: &Tls) -> io::Result<TlsStream> {
        let mut session = tls.begin().map_err(io::Error::other)?;
        session.set_buffer_limit(Some(UNSENT_BYTES_MAX));
        Ok(TlsStream { socket, session, is_broken: false })
    }

    pub(super) fn socket(&mut self) -> &mut TcpStream {
        &mut self.socket
    }

    /// Takes the handshake as far as both sides allow.
    ///
    /// # Errors
    /// `InvalidData` when the peer has broken the protocol, `UnexpectedEof` when it has gone, else the system's.
    pub(super) fn shake_hands(&mut self) -> io::Result<Handshake> {
        loop {
            self.flush()?;
            if !self.session.is_handshaking() {
                return Ok(Handshake::Done);
            }
            match self.take()? {
                Taken::Nothing => return Ok(Handshake::Waits),
                Taken::End => return Err(ErrorKind::UnexpectedEof.into()),
                Taken::Bytes { .. } => {}
            }
        }
    }

    /// Reads what was sent, decrypted.
    ///
    /// # Errors
    /// `InvalidData` when the peer has broken the protocol, else the system's.
    pub(super) fn read(&mut self, into: &mut [u8]) -> io::Result<Came> {
        let (mut count, mut taken) = (0, 0);
        let mut is_drained = false;
        loop {
            match self.session.reader().read(into.get_mut(count..).unwrap_or_default()) {
                Ok(more) if more > 0 => {
                    count += more;
                    if count == into.len() {
                        return Ok(Came::Bytes { count, is_all: false });
                    }
                    continue;
                }
                // The peer has said that this is the end, or has closed the connection without saying so.
                Ok(_) => return Ok(if count > 0 { Came::Bytes { count, is_all: false } } else { Came::End }),
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    return Ok(if count > 0 { Came::Bytes { count, is_all: false } } else { Came::End });
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            // A socket that gave less than it was asked for is not asked again, unless that came to nothing: then the
            // end may be behind it, and nobody would look.
            if taken >= READ_BYTES_MAX || (is_drained && count > 0) {
                return Ok(Came::Bytes { count, is_all: is_drained });
            }
            match self.take() {
                Ok(Taken::Bytes { bytes, is_all }) => (taken, is_drained) = (taken + bytes, is_all),
                // The reader knows what end it is.
                Ok(Taken::End) => {}
                Ok(Taken::Nothing) => return Ok(Came::Bytes { count, is_all: true }),
                // What came before it is good; the next call meets the error again.
                Err(error) if error.kind() == ErrorKind::InvalidData && count > 0 => {
                    return Ok(Came::Bytes { count, is_all: false });
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Encrypts as much of `slices` as there is room for, and sends what the socket takes. Gives how much was encrypted.
    ///
    /// # Errors
    /// `WouldBlock` when there is no room, else the system's.
    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        self.flush()?;
        if self.session.wants_write() {
            return Err(ErrorKind::WouldBlock.into());
        }
        let count = self.session.writer().write_vectored(slices)?;
        self.flush()?;
        Ok(count)
    }

    /// Sends what the socket takes of what was encrypted; gives how much.
    ///
    /// # Errors
    /// The system's.
    pub(super) fn flush(&mut self) -> io::Result<usize> {
        let mut sent = 0;
        while self.session.wants_write() {
            match self.session.write_tls(&mut self.socket) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => sent += count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(sent)
    }

    /// True while something is encrypted and not sent.
    pub(super) fn has_unsent(&self) -> bool {
        self.session.wants_write()
    }

    /// Says that nothing more will come, by close_notify and by closing this side of the socket.
    ///
    /// # Errors
    /// `WouldBlock` when the socket does not take all that stands before; else the system's.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        // Sent once, and not behind an alert that has said more.
        self.session.send_close_notify();
        self.flush()?;
        if self.session.wants_write() {
            return Err(ErrorKind::WouldBlock.into());
        }
        self.socket.shutdown(Shutdown::Write)
    }

    /// Has the kernel forget, when the socket is closed, what the peer has not taken. It is told with a reset.
    pub(super) fn abandon(&self) {
        // When that fails the kernel keeps the bytes for as long as it likes, as it would have anyway.
        drop(SockRef::from(&self.socket).set_linger(Some(Duration::ZERO)));
    }

    /// Takes once from the socket, and decrypts what is whole.
    fn take(&mut self) -> io::Result<Taken> {
        if self.is_broken {
            return Err(ErrorKind::InvalidData.into());
        }
        let mut source = Source { socket: &mut self.socket, is_drained: false };
        let bytes = match self.session.read_tls(&mut source) {
            Ok(0) => return Ok(Taken::End),
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(Taken::Nothing),
            Err(error) if error.kind() == ErrorKind::Interrupted => 0,
            Err(error) => return Err(error),
        };
        let is_all = source.is_drained;
        if let Err(fault) = self.session.process_new_packets() {
            self.is_broken = true;
            // The alert that says so, as far as the socket takes it.
            self.flush()?;
            return Err(io::Error::new(ErrorKind::InvalidData, fault));
        }
        Ok(Taken::Bytes { bytes, is_all })
    }
}

/// What the socket gave.
enum Taken {
    /// So many bytes; `is_all` when there were no more.
    Bytes { bytes: usize, is_all: bool },
    /// Nothing is there.
    Nothing,
    /// The end of the connection, or of what the peer says over it.
    End,
}
