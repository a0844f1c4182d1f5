//! A small HTTP/1.1 client for tests: one connection at a time, over TCP or a Unix socket, every wait bounded.

use std::io::{self, BufRead, BufReader, Error, ErrorKind, Read};
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use memory_tools::front::Endpoint;

use super::delivery::{Delivery, Socket};

/// No answer takes longer than this in a test that passes.
const PATIENCE: Duration = Duration::from_secs(60);

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
    endpoint: Endpoint,
    delivery: Delivery,
    stream: BufReader<Socket>,
}

impl Client {
    /// Connects.
    pub fn connect(address: SocketAddr) -> Client {
        Client::try_connect(address).expect("connect")
    }

    /// As `connect`, to a server that may be gone.
    ///
    /// # Errors
    /// The operating system's.
    pub fn try_connect(address: SocketAddr) -> io::Result<Client> {
        Client::to(Endpoint::Tcp(address), Delivery::Whole)
    }

    /// Connects to `endpoint`; what is sent there is delivered so.
    ///
    /// # Errors
    /// The operating system's.
    pub fn to(endpoint: Endpoint, delivery: Delivery) -> io::Result<Client> {
        let stream = BufReader::new(Socket::connect(&endpoint, PATIENCE)?);
        Ok(Client { endpoint, delivery, stream })
    }

    /// Another connection to the same server.
    pub fn again(&self) -> Client {
        self.try_again().expect("connect")
    }

    fn try_again(&self) -> io::Result<Client> {
        Client::to(self.endpoint.clone(), self.delivery.clone())
    }

    /// Sends a request and reads its answer; connects anew when the server closed the connection after the last one.
    pub fn send(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        self.try_send(method, target, headers, body).unwrap_or_else(|error| panic!("{method} {target}: {error}"))
    }

    /// As `send`, for a server that may go away.
    ///
    /// # Errors
    /// The connection's; whether the request was carried out is then unknown.
    pub fn try_send(
        &mut self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Answer> {
        self.begin(method, target, headers, body.len())?;
        self.write(body)?;
        let answer = read_answer(&mut self.stream, method == "HEAD")?;
        if answer.is_last() {
            *self = self.try_again()?;
        }
        Ok(answer)
    }

    /// Sends all `requests` before it reads the first answer, and those behind an answer that ended the connection
    /// once more over another one. Gives the answers in order.
    ///
    /// # Errors
    /// The connection's.
    pub fn send_pipelined(&mut self, requests: &[Sent<'_>]) -> io::Result<Vec<Answer>> {
        let mut answers = Vec::new();
        while let Some(left) = requests.get(answers.len()..).filter(|left| !left.is_empty()) {
            let mut bytes = Vec::new();
            for request in left {
                bytes.extend_from_slice(
                    head(request.method, request.target, request.headers, request.body.len()).as_bytes(),
                );
                bytes.extend_from_slice(request.body);
            }
            let (mut writer, mut delivery) = (self.stream.get_ref().try_clone()?, self.delivery.split());
            let is_over = std::thread::scope(|scope| {
                // A server that ended the connection takes no more, and one with many answers to send none for now.
                scope.spawn(move || delivery.deliver(&mut writer, &bytes));
                for request in left {
                    let answer = read_answer(&mut self.stream, request.method == "HEAD")?;
                    answers.push(answer);
                    if answers.last().is_some_and(Answer::is_last) {
                        return Ok(true);
                    }
                }
                Ok::<bool, io::Error>(false)
            })?;
            if is_over {
                let mut rest = Vec::new();
                self.stream.read_to_end(&mut rest)?;
                assert!(rest.is_empty(), "behind the last answer: {:?}", String::from_utf8_lossy(&rest));
                *self = self.try_again()?;
            }
        }
        Ok(answers)
    }

    /// Sends the head of a request whose body of `body_bytes` the test sends itself.
    ///
    /// # Errors
    /// The connection's.
    pub fn begin(&mut self, method: &str, target: &str, headers: &[(&str, &str)], body_bytes: usize) -> io::Result<()> {
        self.write(head(method, target, headers, body_bytes).as_bytes())
    }

    /// Sends `bytes` as they are.
    ///
    /// # Errors
    /// The connection's.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.delivery.deliver(self.stream.get_mut(), bytes)
    }

    /// Says that nothing more will be sent.
    ///
    /// # Errors
    /// The connection's.
    pub fn half_close(&mut self) -> io::Result<()> {
        self.stream.get_ref().shutdown(Shutdown::Write)
    }

    /// Reads one answer to what was written.
    ///
    /// # Errors
    /// The connection's.
    pub fn answer(&mut self) -> io::Result<Answer> {
        read_answer(&mut self.stream, false)
    }
}

/// A request, as it is sent.
#[derive(Clone, Copy, Debug)]
pub struct Sent<'a> {
    /// The method's name.
    pub method: &'a str,
    /// The target.
    pub target: &'a str,
    /// Header fields beside those that every request has.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body.
    pub body: &'a [u8],
}

/// The head of a request with a body of `body_bytes`.
pub fn head(method: &str, target: &str, headers: &[(&str, &str)], body_bytes: usize) -> String {
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let is_chunked = headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Transfer-Encoding"));
    if !is_chunked && (body_bytes > 0 || matches!(method, "PUT" | "POST" | "PATCH")) {
        head.push_str(&format!("Content-Length: {body_bytes}\r\n"));
    }
    head.push_str("\r\n");
    head
}

impl Answer {
    /// True when the connection ends behind it.
    pub fn is_last(&self) -> bool {
        self.header("Connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }

    /// The value of the field `name`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("a body in UTF-8")
    }

    /// The body as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The version in the ETag.
    pub fn version(&self) -> u64 {
        let tag = self.header("ETag").and_then(|tag| tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
        tag.unwrap_or_else(|| panic!("no ETag with a version: {self:?}"))
    }
}

/// Reads one answer. An answer that breaks the rules of HTTP fails the test; a connection that ends is an error.
///
/// # Errors
/// The connection's.
pub fn read_answer(stream: &mut impl BufRead, is_head: bool) -> io::Result<Answer> {
    let status_line = read_line(stream)?;
    let status = status_line.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status: u16 = status.unwrap_or_else(|| panic!("no status line: {status_line:?}"));
    let mut answer = Answer { status, headers: Vec::new(), body: Vec::new() };
    loop {
        let line = read_line(stream)?;
        let Some((name, value)) = line.split_once(':') else { break };
        answer.headers.push((name.to_owned(), value.trim().to_owned()));
    }
    if is_head || matches!(status, 100 | 204 | 304) {
    } else if answer.header("Transfer-Encoding") == Some("chunked") {
        while read_chunk(stream, &mut answer.body)? {}
    } else {
        let length = answer.header("Content-Length").expect("a length").parse().expect("a number");
        answer.body.resize(length, 0);
        stream.read_exact(&mut answer.body)?;
    }
    Ok(answer)
}

fn read_chunk(stream: &mut impl BufRead, body: &mut Vec<u8>) -> io::Result<bool> {
    let size = usize::from_str_radix(&read_line(stream)?, 16).expect("a chunk size");
    let start = body.len();
    body.resize(start + size, 0);
    stream.read_exact(&mut body[start..])?;
    assert_eq!(read_line(stream)?, "", "a chunk ends with CRLF");
    Ok(size > 0)
}

fn read_line(stream: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    stream.take(64 * 1024).read_until(b'\n', &mut line)?;
    if !line.ends_with(b"\n") {
        return Err(Error::new(ErrorKind::UnexpectedEof, "the connection ended within a head"));
    }
    let line = String::from_utf8(line).expect("a head in UTF-8");
    Ok(line.strip_suffix("\r\n").unwrap_or_else(|| panic!("a line ends with CRLF: {line:?}")).to_owned())
}
