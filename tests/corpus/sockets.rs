//! A front behind a socket as a subject.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::delivery::{End, Outcome, Slice, Subject, Then};
use super::double::Double;

/// How long a connection may take to say something. What must come comes at once, or with a front's deadline.
const PATIENCE: Duration = Duration::from_secs(5);

/// A front that listens at `address` and serves nobody else.
pub struct Sockets<Front> {
    /// Where it listens.
    pub address: SocketAddr,
    /// The handler behind it.
    pub double: Arc<Double>,
    /// False for a front that cannot say `Connection: close` on every last reply.
    pub says_when_it_closes: bool,
    /// The front, for as long as it is asked.
    #[allow(dead_code)]
    pub front: Front,
}

impl<Front> Subject for Sockets<Front> {
    fn deliver(&mut self, slices: &[Slice<'_>], then: Then) -> Outcome {
        let (late, ran_late) = self.double.take_log();
        assert!(late.is_empty() && ran_late.is_empty(), "asked after the end of a connection: {late:?}");
        let mut connection = Connection::to(self.address);
        connection.send(slices);
        if then == Then::HalfCloses {
            // What has closed already need not be told.
            let _ = connection.stream.shutdown(Shutdown::Write);
        }
        while connection.read() {}
        let (asked, ran) = self.double.take_log();
        Outcome { output: connection.output, end: connection.end, asked, ran }
    }

    fn says_when_it_closes(&self) -> bool {
        self.says_when_it_closes
    }
}

struct Connection {
    stream: TcpStream,
    output: Vec<u8>,
    end: End,
}

impl Connection {
    fn to(address: SocketAddr) -> Connection {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Connection { stream, output: Vec::new(), end: End::StillOpen }
    }

    /// Sends until the other side has ended the connection; how it did is seen by reading.
    fn send(&mut self, slices: &[Slice<'_>]) {
        for slice in slices {
            while self.replies_begun() < slice.replies_before {
                if !self.read() {
                    return;
                }
            }
            if self.stream.write_all(slice.bytes).is_err() {
                return;
            }
        }
    }

    /// Heads that have come whole. The double's bodies have no empty lines.
    fn replies_begun(&self) -> usize {
        self.output.windows(4).filter(|window| window == b"\r\n\r\n").count()
    }

    /// Reads what is there; false at the end, which is noted.
    fn read(&mut self) -> bool {
        let mut buffer = [0; 4096];
        match self.stream.read(&mut buffer) {
            Ok(0) => self.end = End::Closed,
            Ok(read) => {
                self.output.extend(buffer.iter().take(read));
                return true;
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => self.end = End::Reset,
        }
        false
    }
}
