//! Connections that nobody can serve: told so, half-closed, drained for a moment, closed.
//!
//! Closing a socket with unread bytes makes the kernel reset it, and a reset may overtake the reply. So the sending
//! side is closed first, and what the peer sends is thrown away until it closes too, or for `LINGER`.
//! Invariant: nothing here blocks, and at most `LINGERING_MAX` sockets are held.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// How long a peer that was turned away may take to read why.
const LINGER: Duration = Duration::from_millis(500);

/// Sockets that linger at once; each holds a descriptor while connections are turned away for want of some.
const LINGERING_MAX: usize = 16;

/// Bytes that are thrown away per socket and look, so that a peer that floods does not hold the acceptor.
const DISCARD_BYTES: usize = 16 << 10;

#[derive(Debug, Default)]
pub(super) struct TurnedAway {
    /// Oldest first, each with the moment at which it is closed.
    lingering: VecDeque<(TcpStream, Instant)>,
}

impl TurnedAway {
    /// Sends `reply` over `stream` and closes it, now or soon. Failing to is the peer's loss.
    pub(super) fn tell(&mut self, mut stream: TcpStream, reply: &[u8], now: Instant) {
        // A fresh socket's buffer takes a reply whole.
        let told = stream.set_nonblocking(true).and_then(|()| stream.write_all(reply));
        if told.and_then(|()| stream.shutdown(Shutdown::Write)).is_err() {
            return;
        }
        if self.lingering.len() == LINGERING_MAX {
            self.lingering.pop_front();
        }
        self.lingering.push_back((stream, now + LINGER));
    }

    /// Throws away what has arrived, and closes what is over.
    pub(super) fn sweep(&mut self, now: Instant) {
        self.lingering.retain_mut(|(stream, until)| *until > now && discard(stream));
    }

    /// The sockets that linger, to be polled.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &TcpStream> {
        self.lingering.iter().map(|(stream, _)| stream)
    }

    /// When the next one is to be closed.
    pub(super) fn next_end(&self) -> Option<Instant> {
        self.lingering.front().map(|(_, until)| *until)
    }
}

/// True while the peer may send more.
fn discard(stream: &mut TcpStream) -> bool {
    let mut buffer = [0; 4096];
    for _ in 0..DISCARD_BYTES / buffer.len() {
        match stream.read(&mut buffer) {
            Ok(0) => return false,
            Ok(_) => {}
            Err(error) => return matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Both ends of a connection.
    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener.accept().unwrap().0, client)
    }

    #[test]
    fn a_peer_that_still_sends_is_not_reset_until_its_time_is_over() {
        let start = Instant::now();
        let mut turned_away = TurnedAway::default();
        let (server, mut client) = pair();
        turned_away.tell(server, b"come again", start);
        let mut reply = String::new();
        client.read_to_string(&mut reply).unwrap();
        assert_eq!(reply, "come again");
        for _ in 0..10 {
            client.write_all(b"GET / HTTP/1.1\r\n").unwrap();
            turned_away.sweep(start);
            assert_eq!(turned_away.sockets().count(), 1);
        }
        assert_eq!(turned_away.next_end(), Some(start + LINGER));
        turned_away.sweep(start + LINGER);
        assert_eq!(turned_away.sockets().count(), 0);
    }

    #[test]
    fn a_peer_that_closes_is_let_go() {
        let start = Instant::now();
        let mut turned_away = TurnedAway::default();
        let (server, client) = pair();
        turned_away.tell(server, b"come again", start);
        drop(client);
        while turned_away.sockets().count() > 0 {
            assert!(start.elapsed() < Duration::from_secs(20), "the end of the connection is seen");
            turned_away.sweep(start);
        }
    }

    #[test]
    fn the_oldest_goes_when_too_many_linger() {
        let start = Instant::now();
        let mut turned_away = TurnedAway::default();
        let mut clients = Vec::new();
        for number in 0..=LINGERING_MAX {
            let (server, client) = pair();
            turned_away.tell(server, b"come again", start + Duration::from_millis(number as u64));
            clients.push(client);
        }
        assert_eq!(turned_away.sockets().count(), LINGERING_MAX);
        assert_eq!(turned_away.next_end(), Some(start + Duration::from_millis(1) + LINGER));
    }
}
