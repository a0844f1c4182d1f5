//! A listening socket as one thread has it: who is let in, who is told to come again, and what when the operating
//! system has nothing to give.
//!
//! Invariants: no error ends accepting, it is logged once per burst and tried again after a pause; one descriptor is
//! kept in reserve, so that a client can be told that there are none left. It does not know what happens inside.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::os::fd::OwnedFd;

use mio::net::{TcpListener, UnixListener};
use mio::{Interest, Registry, Token};
use rustix::event::{EventfdFlags, eventfd};

use crate::front::Tls;

use super::context::Millis;
use super::tls::TlsStream;
use super::transport::Transport;

/// The first pause after an error; doubles up to the last.
const PAUSE_MIN_MS: Millis = 10;

/// The longest pause.
const PAUSE_MAX_MS: Millis = 500;

/// A listening socket that does not block.
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl From<std::net::TcpListener> for Listener {
    fn from(socket: std::net::TcpListener) -> Listener {
        Listener::Tcp(TcpListener::from_std(socket))
    }
}

impl From<std::os::unix::net::UnixListener> for Listener {
    fn from(socket: std::os::unix::net::UnixListener) -> Listener {
        Listener::Unix(UnixListener::from_std(socket))
    }
}

/// What came of one attempt to accept.
pub(super) enum Accepted {
    /// A connection, with its peer's address.
    One(Transport, Option<IpAddr>),
    /// A connection for which the last descriptor was used: it is to be told so.
    Last(Transport),
    /// The peer has gone before it was accepted.
    Aborted,
    /// Nobody is waiting.
    Nobody,
    /// The operating system failed; the door pauses.
    Failed(io::Error),
}

/// A listening socket and what keeps it going.
pub(super) struct Door {
    listener: Listener,
    /// What connections over TCP speak, if anything.
    tls: Option<Tls>,
    /// True until nobody is waiting any more.
    pub(super) is_ready: bool,
    reserve: Option<OwnedFd>,
    pause: Millis,
    paused_until: Option<Millis>,
}

impl Door {
    pub(super) fn new(listener: Listener, tls: Option<Tls>) -> Door {
        Door { listener, tls, is_ready: true, reserve: reserve(), pause: PAUSE_MIN_MS, paused_until: None }
    }

    /// Has `registry` report new connections.
    ///
    /// # Errors
    /// The operating system's.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        match &mut self.listener {
            Listener::Tcp(listener) => registry.register(listener, token, Interest::READABLE),
            Listener::Unix(listener) => registry.register(listener, token, Interest::READABLE),
        }
    }

    /// When it accepts again, while it pauses.
    pub(super) fn opens_at(&self) -> Option<Millis> {
        self.paused_until
    }

    /// True when there may be somebody to accept.
    pub(super) fn is_open(&mut self, now: Millis) -> bool {
        if self.paused_until.is_some_and(|until| until <= now) {
            self.paused_until = None;
        }
        self.is_ready && self.paused_until.is_none()
    }

    /// Accepts one connection.
    pub(super) fn accept(&mut self, now: Millis) -> Accepted {
        match self.try_accept() {
            Ok((transport, peer)) => {
                self.pause = PAUSE_MIN_MS;
                self.reserve = self.reserve.take().or_else(reserve);
                // Whoever got the descriptor that would be the reserve cannot stay, or nobody could be told any more.
                match self.reserve {
                    Some(_) => Accepted::One(transport, peer),
                    None => Accepted::Last(transport),
                }
            }
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock => {
                    self.is_ready = false;
                    Accepted::Nobody
                }
                ErrorKind::ConnectionAborted | ErrorKind::Interrupted => Accepted::Aborted,
                _ if is_exhaustion(&error) && self.reserve.take().is_some() => match self.try_accept() {
                    Ok((transport, _)) => Accepted::Last(transport),
                    Err(_) => self.fail(error, now),
                },
                _ => self.fail(error, now),
            },
        }
    }

    /// Takes a descriptor back into reserve, if there is one, and pauses: shortly, since somebody could be told.
    pub(super) fn rest(&mut self, now: Millis) {
        self.reserve = reserve();
        self.pause = PAUSE_MIN_MS;
        self.pause_from(now);
    }

    fn fail(&mut self, error: io::Error, now: Millis) -> Accepted {
        if self.reserve.is_none() {
            self.reserve = reserve();
        }
        self.pause_from(now);
        Accepted::Failed(error)
    }

    fn pause_from(&mut self, now: Millis) {
        self.paused_until = Some(now + self.pause);
        self.pause = (self.pause * 2).min(PAUSE_MAX_MS);
    }

    fn try_accept(&self) -> io::Result<(Transport, Option<IpAddr>)> {
        match &self.listener {
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                let transport = match &self.tls {
                    Some(tls) => Transport::Tls(Box::new(TlsStream::accept(stream, tls)?)),
                    None => Transport::Tcp(stream),
                };
                Ok((transport, Some(peer.ip().to_canonical())))
            }
            Listener::Unix(listener) => listener.accept().map(|(stream, _)| (Transport::Unix(stream), None)),
        }
    }
}

/// A descriptor that is good for nothing but to be given up.
fn reserve() -> Option<OwnedFd> {
    eventfd(0, EventfdFlags::CLOEXEC).ok()
}

fn is_exhaustion(error: &io::Error) -> bool {
    let number = error.raw_os_error().map(rustix::io::Errno::from_raw_os_error);
    matches!(number, Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE))
}
