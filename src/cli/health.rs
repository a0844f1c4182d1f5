//! `health`: asks the server at the first configured endpoint whether it is ready; what a container's HEALTHCHECK runs.
//! Where TCP means TLS, a Unix socket is asked first.
//!
//! A client of a few lines over a socket: it needs nothing of a response but its first line. Invariants: it ends within
//! its timeout, whatever is at the other end; over TLS only the configured certificate is believed.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use socket2::{Domain, SockAddr, Socket, Type};

use rustls::pki_types::{CertificateDer, ServerName};

use crate::base::disk::Disk;
use crate::config::{Config, ConfigError, Listen, ListenOn, Settings};
use crate::server::{CertificateError, Endpoint, Scheme, own_certificate};

use super::exit::{Exit, Finished};
use super::pinned;

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
    /// The configured certificate, without which nobody can be recognised.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// Somebody answers there who shows another certificate.
    #[error(
        "{endpoint} does not show the certificate of tls_cert: it is another server, or one that has not read the file \
         since it was changed (send SIGHUP)"
    )]
    OtherCertificate {
        /// Who.
        endpoint: Endpoint,
    },
    /// The configured host has no address.
    #[error("{listen} has no address: {cause}")]
    Unresolved {
        /// What is configured.
        listen: Listen,
        /// The resolver's answer.
        cause: String,
    },
    /// Nobody answers there.
    #[error("no answer from {endpoint}: {cause}")]
    Unreachable {
        /// The endpoint that was tried last.
        endpoint: Endpoint,
        /// The operating system's answer.
        cause: io::Error,
    },
    /// Something answers, but not "200".
    #[error("not ready: {endpoint} answers {status_line:?}")]
    NotReady {
        /// Who answered.
        endpoint: Endpoint,
        /// Its first line.
        status_line: String,
    },
}

/// `health`, for the configuration that was loaded.
pub fn health(loaded: &Result<Settings, Vec<ConfigError>>, disk: &dyn Disk) -> Finished {
    let settings = match loaded {
        Ok(settings) => settings,
        Err(errors) => return Finished::because(Exit::Usage, errors),
    };
    match ask_server(&settings.config, disk) {
        Ok(endpoint) => Finished::done(format!("ready: {endpoint}\n")),
        Err(fault) => Finished::because(Exit::Failed, [fault]),
    }
}

/// Asks the server that runs with `config`.
fn ask_server(config: &Config, disk: &dyn Disk) -> Result<Endpoint, HealthFault> {
    let endpoints = config.endpoints();
    let unix = endpoints.iter().find(|endpoint| matches!(endpoint, ListenOn::Unix { .. }));
    let place = match Scheme::of(config) {
        Scheme::Http => None,
        Scheme::Https => unix,
    };
    let place = place.or(endpoints.first()).expect("a configuration names at least one place to listen");
    let certificate = match place {
        ListenOn::Unix { .. } => None,
        ListenOn::Tcp(_) => own_certificate(config, disk)?,
    };
    ask_readiness(place, certificate.as_ref(), TIMEOUT)
}

/// Asks the server that listens on `place` for `/readyz`, within `timeout`; over TLS, where it has to show
/// `certificate`. Returns who said that it is ready.
///
/// # Errors
/// Why it is not known to be ready.
pub fn ask_readiness(
    place: &ListenOn,
    certificate: Option<&CertificateDer<'static>>,
    timeout: Duration,
) -> Result<Endpoint, HealthFault> {
    let deadline = Instant::now() + timeout;
    match place {
        ListenOn::Unix { path, .. } => ask(Endpoint::Unix(path.clone()), None, deadline),
        ListenOn::Tcp(listen) if listen.port == 0 => Err(HealthFault::UnknownPort),
        ListenOn::Tcp(listen) => {
            let unresolved = |cause: String| HealthFault::Unresolved { listen: listen.clone(), cause };
            let addresses = listen.reachable_at().map_err(|error| unresolved(error.to_string()))?;
            let mut last = unresolved("the name stands for no address".to_owned());
            for address in addresses {
                match ask(Endpoint::Tcp(address), certificate, deadline) {
                    Ok(endpoint) => return Ok(endpoint),
                    Err(fault) => last = fault,
                }
            }
            Err(last)
        }
    }
}

fn ask(
    endpoint: Endpoint,
    certificate: Option<&CertificateDer<'static>>,
    deadline: Instant,
) -> Result<Endpoint, HealthFault> {
    match status_line(&endpoint, certificate, deadline) {
        Ok(status_line) if is_ready(&status_line) => Ok(endpoint),
        Ok(status_line) => Err(HealthFault::NotReady { endpoint, status_line }),
        Err(cause) if is_other_certificate(&cause) => Err(HealthFault::OtherCertificate { endpoint }),
        Err(cause) => Err(HealthFault::Unreachable { endpoint, cause }),
    }
}

fn is_other_certificate(cause: &io::Error) -> bool {
    let fault = cause.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    fault == Some(&pinned::OTHER_CERTIFICATE)
}

fn is_ready(status_line: &str) -> bool {
    status_line.starts_with("HTTP/1.") && status_line.split(' ').nth(1) == Some("200")
}

/// Asks `endpoint` and returns the first line of its answer.
fn status_line(
    endpoint: &Endpoint,
    certificate: Option<&CertificateDer<'static>>,
    deadline: Instant,
) -> io::Result<String> {
    let (domain, address, host) = match endpoint {
        Endpoint::Tcp(address) => (Domain::for_address(*address), SockAddr::from(*address), address.to_string()),
        Endpoint::Unix(path) => (Domain::UNIX, SockAddr::unix(path)?, "localhost".to_owned()),
    };
    let socket = Socket::new(domain, Type::STREAM, None)?;
    socket.connect_timeout(&address, left(deadline)?)?;
    let mut socket = Timed { socket, deadline };
    match (certificate, endpoint) {
        (Some(certificate), Endpoint::Tcp(address)) => {
            let name = ServerName::IpAddress(address.ip().into());
            let mut session = pinned::connect(certificate.clone(), name).map_err(io::Error::other)?;
            first_line(&mut rustls::Stream::new(&mut session, &mut socket), &host)
        }
        _ => first_line(&mut socket, &host),
    }
}

/// Asks over `stream` and returns the first line of the answer.
fn first_line(stream: &mut (impl Read + Write), host: &str) -> io::Result<String> {
    let request = format!("GET /readyz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut line = Vec::new();
    let mut buffer = [0; STATUS_LINE_BYTES_MAX];
    while line.len() < STATUS_LINE_BYTES_MAX {
        let count = stream.read(&mut buffer)?;
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

/// A socket on which nothing is waited for beyond the deadline.
struct Timed {
    socket: Socket,
    deadline: Instant,
}

impl Read for Timed {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left(self.deadline)?))?;
        self.socket.read(into).map_err(timed_out)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(left(self.deadline)?))?;
        self.socket.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What a passed timeout of a socket is called depends on the system; to people it is a timeout.
fn timed_out(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock => io::ErrorKind::TimedOut.into(),
        _ => error,
    }
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
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixListener;

    use super::*;

    /// Answers one connection: reads a request, checks it against `host`, sends `answer`, then closes or stays silent.
    fn serve(mut stream: Socket, host: &str, answer: &[u8], stays: bool) {
        let request = BufReader::new(stream.try_clone().unwrap()).lines().map(Result::unwrap);
        let lines: Vec<String> = request.take_while(|line| !line.is_empty()).collect();
        let _ = stream.write_all(answer);
        if stays {
            // Until the client gives up.
            let _ = stream.read(&mut [0; 1]);
        }
        assert_eq!(lines.first().map(String::as_str), Some("GET /readyz HTTP/1.1"));
        assert!(lines.contains(&format!("Host: {host}")), "{lines:?}");
    }

    /// Asks a server that answers as `serve` does, over TCP and over a Unix socket: what came of either.
    fn ask_both(answer: &'static [u8], stays: bool, timeout: Duration) -> [Result<Endpoint, HealthFault>; 2] {
        let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = tcp.local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mt.sock");
        let unix = UnixListener::bind(&path).unwrap();
        let places = [format!(":{port}"), format!("unix:{}", path.display())];
        let server = std::thread::spawn(move || {
            serve(tcp.accept().unwrap().0.into(), &format!("127.0.0.1:{port}"), answer, stays);
            serve(OwnedFd::from(unix.accept().unwrap().0).into(), "localhost", answer, stays);
        });
        let asked = places.map(|place| ask_readiness(&ListenOn::parse(&place).unwrap(), None, timeout));
        server.join().unwrap();
        asked
    }

    #[test]
    fn only_an_answer_of_200_is_ready() {
        let long = Duration::from_secs(30);
        let [tcp, unix] = ask_both(b"HTTP/1.1 200 OK\r\n\r\n", false, long).map(Result::unwrap);
        assert!(matches!((tcp, unix), (Endpoint::Tcp(_), Endpoint::Unix(_))));
        assert!(ask_both(b"HTTP/1.0 200\r\n", true, long).iter().all(Result::is_ok));
        for answer in
            [&b"HTTP/1.1 503 Service Unavailable\r\n\r\n"[..], b"HTTP/1.1 2000 x\r\n", b"200\n", b"\xff 200\n"]
        {
            for fault in ask_both(answer, false, long).map(Result::unwrap_err) {
                assert!(matches!(fault, HealthFault::NotReady { .. }), "{fault}");
            }
        }
        for fault in ask_both(b"HTTP/1.1 503 Service Unavailable\r\n\r\n", false, long).map(Result::unwrap_err) {
            assert!(fault.to_string().ends_with("answers \"HTTP/1.1 503 Service Unavailable\""), "{fault}");
        }
    }

    #[test]
    fn an_answer_that_is_no_http_is_no_answer() {
        let long = Duration::from_secs(30);
        for answer in [&b""[..], b"HTTP/1.1 200", &[b'x'; STATUS_LINE_BYTES_MAX + 1]] {
            for fault in ask_both(answer, false, long).map(Result::unwrap_err) {
                assert!(matches!(fault, HealthFault::Unreachable { .. }), "{fault}");
            }
        }
    }

    #[test]
    fn a_silent_server_is_given_up_at_the_timeout() {
        for fault in ask_both(b"HTTP/1.1", true, Duration::from_millis(50)).map(Result::unwrap_err) {
            assert!(
                matches!(&fault, HealthFault::Unreachable { cause, .. } if cause.kind() == io::ErrorKind::TimedOut),
                "{fault}"
            );
        }
    }

    #[test]
    fn nobody_there_and_a_port_that_only_the_server_knows_are_named() {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let folder = tempfile::tempdir().unwrap();
        for place in [format!("127.0.0.1:{port}"), format!("unix:{}/mt.sock", folder.path().display())] {
            let fault = ask_readiness(&ListenOn::parse(&place).unwrap(), None, Duration::from_secs(30)).unwrap_err();
            assert!(fault.to_string().starts_with(&format!("no answer from {place}: ")), "{fault}");
        }
        let fault = ask_readiness(&ListenOn::parse(":0").unwrap(), None, Duration::from_secs(30)).unwrap_err();
        assert!(matches!(fault, HealthFault::UnknownPort), "{fault}");
    }
}
