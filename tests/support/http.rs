//! A small HTTP/1.1 client for tests: one connection, one request at a time, every wait bounded.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer takes longer than this in a test that passes.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer as it came over the wire, chunked framing taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// Header fields in order.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

/// A keep-alive connection.
pub struct Client {
    address: SocketAddr,
    stream: BufReader<TcpStream>,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Client {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("connect");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client { address, stream: BufReader::new(stream) }
    }

    /// Sends a request and reads its answer; connects anew when the server closed the connection after the last one.
    pub fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut request = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n").into_bytes();
        for (name, value) in headers {
            request.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        if !body.is_empty() || matches!(method, "PUT" | "POST" | "PATCH") {
            request.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request.extend_from_slice(body);
        self.stream.get_mut().write_all(&request).expect("send the request");
        let answer = read_answer(&mut self.stream, method == "HEAD");
        let closes = answer
            .headers
            .iter()
            .any(|(name, value)| name.eq_ignore_ascii_case("connection") && value.eq_ignore_ascii_case("close"));
        if closes {
            *self = Client::connect(self.address);
        }
        answer
    }
}

/// Reads one answer.
pub fn read_answer(stream: &mut impl BufRead, is_head: bool) -> Answer {
    let status_line = read_line(stream);
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status: u16 = status.unwrap_or_else(|| panic!("no status line: {status_line:?}"));
    let mut headers: Vec<(String, String)> = Vec::new();
    loop {
        let line = read_line(stream);
        let Some((name, value)) = line.split_once(':') else { break };
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
    let field = |wanted: &str| {
        headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    };
    let mut body = Vec::new();
    if is_head || matches!(status, 204 | 304) {
    } else if field("transfer-encoding") == Some("chunked") {
        while read_chunk(stream, &mut body) {}
    } else {
        let length = field("content-length").expect("a length").parse().expect("a number");
        body.resize(length, 0);
        stream.read_exact(&mut body).expect("the body");
    }
    Answer { status, headers, body }
}

fn read_chunk(stream: &mut impl BufRead, body: &mut Vec<u8>) -> bool {
    let size = usize::from_str_radix(&read_line(stream), 16).expect("a chunk size");
    let start = body.len();
    body.resize(start + size, 0);
    stream.read_exact(&mut body[start..]).expect("a chunk");
    assert_eq!(read_line(stream), "", "a chunk ends with CRLF");
    size > 0
}

fn read_line(stream: &mut impl BufRead) -> String {
    let mut line = Vec::new();
    stream.take(64 * 1024).read_until(b'\n', &mut line).expect("a line of the head");
    let line = String::from_utf8(line).expect("a head in UTF-8");
    line.strip_suffix("\r\n").unwrap_or_else(|| panic!("a line ends with CRLF: {line:?}")).to_owned()
}
