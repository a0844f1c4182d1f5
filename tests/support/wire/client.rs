//! A raw HTTP client: what it sends is what the test says, and every wait is bounded.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};

use socket2::{Domain, SockRef, Socket, Type};

use super::PATIENCE;

/// A reply, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// The value of the field `name`.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// One connection.
pub struct Client {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Client {
    pub fn to(address: SocketAddr) -> Client {
        Client::over(TcpStream::connect_timeout(&address, PATIENCE).unwrap())
    }

    /// From the address `own` of this machine.
    pub fn from_to(own: IpAddr, address: SocketAddr) -> Client {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::new(own, 0).into()).unwrap();
        socket.connect_timeout(&address.into(), PATIENCE).unwrap();
        Client::over(socket.into())
    }

    fn over(stream: TcpStream) -> Client {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { stream, read: Vec::new() }
    }

    pub fn send(&mut self, text: &str) {
        self.send_bytes(text.as_bytes()).unwrap();
    }

    pub fn send_bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// What sends over the connection, for another thread.
    pub fn writer(&self) -> TcpStream {
        self.stream.try_clone().unwrap()
    }

    /// Sends no more; nothing, where the other side has closed already.
    pub fn half_close(&mut self) {
        if let Err(error) = self.stream.shutdown(Shutdown::Write) {
            assert_eq!(error.kind(), ErrorKind::NotConnected);
        }
    }

    /// The next reply, which must come.
    #[track_caller]
    pub fn reply(&mut self) -> Reply {
        self.reply_to("GET").expect("a reply")
    }

    /// The next reply to a HEAD.
    #[track_caller]
    pub fn head_reply(&mut self) -> Reply {
        self.reply_to("HEAD").expect("a reply")
    }

    /// The next reply, or how the connection ended before it.
    pub fn try_reply(&mut self) -> io::Result<Reply> {
        self.reply_to("GET")
    }

    fn reply_to(&mut self, method: &str) -> io::Result<Reply> {
        let end = self.find(b"\r\n\r\n")?;
        let head: Vec<u8> = self.read.drain(..end + 4).collect();
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        let status =
            head.get(9..12).and_then(|digits| digits.parse().ok()).ok_or_else(|| io::Error::other(head.clone()))?;
        let mut reply = Reply { status, head, body: Vec::new() };
        if method == "HEAD" || status < 200 || status == 204 || status == 304 {
            return Ok(reply);
        }
        if let Some(length) = reply.field("Content-Length") {
            let length = length.parse().map_err(io::Error::other)?;
            self.fill(length)?;
            reply.body = self.read.drain(..length).collect();
        } else if reply.field("Transfer-Encoding") == Some("chunked") {
            loop {
                let end = self.find(b"\r\n")?;
                let line: Vec<u8> = self.read.drain(..end + 2).collect();
                let length =
                    usize::from_str_radix(String::from_utf8_lossy(&line).trim(), 16).map_err(io::Error::other)?;
                self.fill(length + 2)?;
                reply.body.extend(self.read.drain(..length));
                assert_eq!(self.read.drain(..2).collect::<Vec<u8>>(), b"\r\n");
                if length == 0 {
                    break;
                }
            }
        } else {
            while self.more()? {}
            reply.body = std::mem::take(&mut self.read);
        }
        Ok(reply)
    }

    /// Everything that still comes, up to the end of the connection; a reset is an end.
    #[track_caller]
    pub fn rest(&mut self) -> String {
        loop {
            match self.more() {
                Ok(true) => {}
                Ok(false) => break,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("the connection is still open: {error}"),
            }
        }
        String::from_utf8_lossy(&std::mem::take(&mut self.read)).into_owned()
    }

    /// Reads to the end of the connection, which must come as one.
    #[track_caller]
    pub fn check_ends_without_reset(&mut self) {
        while self.more().expect("no reset") {}
        assert_eq!(self.read, b"");
    }

    /// True once the other side has closed; does not wait.
    pub fn is_closed(&mut self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let closed = loop {
            match self.more() {
                Ok(true) => {}
                Ok(false) => break true,
                Err(error) => break error.kind() != ErrorKind::WouldBlock,
            }
        };
        self.stream.set_nonblocking(false).unwrap();
        closed
    }

    /// Reads once and drops what came; gives its length.
    pub fn skim(&mut self, bytes: usize) -> usize {
        let mut buffer = vec![0; bytes];
        self.stream.read(&mut buffer).unwrap()
    }

    /// What one read gives.
    pub fn read_once(&mut self) -> Vec<u8> {
        let mut buffer = vec![0; 64 << 10];
        let read = self.stream.read(&mut buffer).unwrap();
        buffer.truncate(read);
        buffer
    }

    /// Closes with a reset instead of an end.
    pub fn reset(self) {
        let socket = SockRef::from(&self.stream);
        socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
    }

    /// True when something has come; does not wait.
    pub fn is_readable(&self) -> bool {
        self.stream.set_nonblocking(true).unwrap();
        let readable = self.stream.peek(&mut [0]).is_ok();
        self.stream.set_nonblocking(false).unwrap();
        readable
    }

    fn find(&mut self, pattern: &[u8]) -> io::Result<usize> {
        loop {
            if let Some(at) = self.read.windows(pattern.len()).position(|window| window == pattern) {
                return Ok(at);
            }
            if !self.more()? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
    }

    fn fill(&mut self, length: usize) -> io::Result<()> {
        while self.read.len() < length {
            if !self.more()? {
                return Err(ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    fn more(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 16 << 10];
        let read = self.stream.read(&mut buffer)?;
        self.read.extend_from_slice(&buffer[..read]);
        Ok(read > 0)
    }
}
