//! `health`: asks the server at the configured address whether it is ready; what a container's HEALTHCHECK runs.
//!
//! A client of a few lines over a plain socket: it needs nothing of a response but its first line. Invariant: it ends
//! within its timeout, whatever is at the other end.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::config::{ConfigError, Listen, Settings};

use super::exit::{Exit, Finished};

/// How long everything may take together: connecting, asking, the answer's first line. Below the 5 s after which our
/// Dockerfile gives up, so that the reason is still told.
const TIMEOUT: Duration = Duration::from_secs(3);

/// The first line of an answer is never longer; what is longer is no server of ours.
const STATUS_LINE_BYTES_MAX: usize = 512;

/// Why a server is not known to be ready.
#[derive(Debug, thiserror::Error)]
pub enum HealthFault {
    /// The configured port is 0, so only the server knows the real one.
    #[error("port 0 is chosen when the server starts, name the real one with --port")]
    UnknownPort,
    /// The configured host has no address.
    #[error("{listen} has no address: {cause}")]
    Unresolved {
        /// What is configured.
        listen: Listen,
        /// The resolver's answer.
        cause: String,
    },
    /// Nobody answers there.
    #[error("no answer from {address}: {cause}")]
    Unreachable {
        /// The address that was tried last.
        address: SocketAddr,
        /// The operating system's answer.
        cause: io::Error,
    },
    /// Something answers, but not "200".
    #[error("not ready: {address} answers {status_line:?}")]
    NotReady {
        /// Who answered.
        address: SocketAddr,
        /// Its first line.
        status_line: String,
    },
}

/// `health`, for the configuration that was loaded.
pub fn health(loaded: &Result<Settings, Vec<ConfigError>>) -> Finished {
    let settings = match loaded {
        Ok(settings) => settings,
        Err(errors) => return Finished::because(Exit::Usage, errors),
    };
    match ask_readiness(&settings.config.port, TIMEOUT) {
        Ok(address) => Finished::done(format!("ready: {address}\n")),
        Err(fault) => Finished::because(Exit::Failed, [fault]),
    }
}

/// Asks the server that listens at `listen` for `/readyz`, within `timeout`. Returns who said that it is ready.
///
/// # Errors
/// Why it is not known to be ready.
pub fn ask_readiness(listen: &Listen, timeout: Duration) -> Result<SocketAddr, HealthFault> {
    if listen.port == 0 {
        return Err(HealthFault::UnknownPort);
    }
    let deadline = Instant::now() + timeout;
    let unresolved = |cause: String| HealthFault::Unresolved { listen: listen.clone(), cause };
    let addresses = listen.reachable_at().map_err(|error| unresolved(error.to_string()))?;
    let mut last = unresolved("the name stands for no address".to_owned());
    for address in addresses {
        match status_line(address, deadline) {
            Ok(status_line) if is_ready(&status_line) => return Ok(address),
            Ok(status_line) => last = HealthFault::NotReady { address, status_line },
            Err(cause) => last = HealthFault::Unreachable { address, cause },
        }
    }
    Err(last)
}

fn is_ready(status_line: &str) -> bool {
    status_line.starts_with("HTTP/1.") && status_line.split(' ').nth(1) == Some("200")
}

/// Asks `address` and returns the first line of its answer.
fn status_line(address: SocketAddr, deadline: Instant) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut line = Vec::new();
    let mut buffer = [0; STATUS_LINE_BYTES_MAX];
    while line.len() < STATUS_LINE_BYTES_MAX {
        stream.set_read_timeout(Some(left(deadline)?))?;
        let count = stream.read(&mut buffer).map_err(|error| match error.kind() {
            // What a passed SO_RCVTIMEO is called depends on the system; to people it is a timeout.
            io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
            _ => error,
        })?;
        line.extend_from_slice(buffer.get(..count).unwrap_or_default());
        if let Some(end) = line.iter().position(|byte| *byte == b'\n') {
            line.truncate(end);
            return Ok(String::from_utf8_lossy(&line).trim_end().to_owned());
        }
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it does not speak HTTP"))
}

/// The time until `deadline`; a timeout when there is none, since a socket takes no timeout of zero.
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader};
    use std::net::TcpListener;

    use super::*;

    /// Asks a server that reads a request, checks it and answers with `answer`, then closes or stays silent.
    fn ask(answer: &'static [u8], stays: bool, timeout: Duration) -> Result<SocketAddr, HealthFault> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = Vec::new();
            for line in BufReader::new(stream.try_clone().unwrap()).lines() {
                match line.unwrap() {
                    line if line.is_empty() => break,
                    line => lines.push(line),
                }
            }
            let _ = stream.write_all(answer);
            if stays {
                // Until the client gives up.
                let _ = stream.read(&mut [0; 1]);
            }
            lines
        });
        let asked = ask_readiness(&Listen::parse(&format!(":{port}")).unwrap(), timeout);
        let lines = server.join().unwrap();
        assert_eq!(lines.first().map(String::as_str), Some("GET /readyz HTTP/1.1"));
        assert!(lines.contains(&format!("Host: 127.0.0.1:{port}")), "{lines:?}");
        asked
    }

    #[test]
    fn only_an_answer_of_200_is_ready() {
        let long = Duration::from_secs(30);
        assert!(ask(b"HTTP/1.1 200 OK\r\n\r\n", false, long).is_ok());
        assert!(ask(b"HTTP/1.0 200\r\n", true, long).is_ok());
        for answer in
            [&b"HTTP/1.1 503 Service Unavailable\r\n\r\n"[..], b"HTTP/1.1 2000 x\r\n", b"200\n", b"\xff 200\n"]
        {
            let fault = ask(answer, false, long).unwrap_err();
            assert!(matches!(fault, HealthFault::NotReady { .. }), "{fault}");
        }
        let fault = ask(b"HTTP/1.1 503 Service Unavailable\r\n\r\n", false, long).unwrap_err().to_string();
        assert!(fault.ends_with("answers \"HTTP/1.1 503 Service Unavailable\""), "{fault}");
    }

    #[test]
    fn an_answer_that_is_no_http_is_no_answer() {
        let long = Duration::from_secs(30);
        for answer in [&b""[..], b"HTTP/1.1 200", &[b'x'; STATUS_LINE_BYTES_MAX + 1]] {
            let fault = ask(answer, false, long).unwrap_err();
            assert!(matches!(fault, HealthFault::Unreachable { .. }), "{fault}");
        }
    }

    #[test]
    fn a_silent_server_is_given_up_at_the_timeout() {
        let fault = ask(b"HTTP/1.1", true, Duration::from_millis(50)).unwrap_err();
        assert!(
            matches!(&fault, HealthFault::Unreachable { cause, .. } if cause.kind() == io::ErrorKind::TimedOut),
            "{fault}"
        );
    }

    #[test]
    fn nobody_there_and_a_port_that_only_the_server_knows_are_named() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let listen = Listen::parse(&format!("127.0.0.1:{port}")).unwrap();
        let fault = ask_readiness(&listen, Duration::from_secs(30)).unwrap_err();
        assert!(fault.to_string().starts_with(&format!("no answer from 127.0.0.1:{port}: ")), "{fault}");
        let fault = ask_readiness(&Listen::parse(":0").unwrap(), Duration::from_secs(30)).unwrap_err();
        assert!(matches!(fault, HealthFault::UnknownPort), "{fault}");
    }
}
