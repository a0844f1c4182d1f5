//! Certificates made while a test runs, and a client that trusts exactly one of them.
#![allow(dead_code)]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};

/// How long a test waits for what must happen.
const PATIENCE: Duration = Duration::from_secs(60);

/// A certificate for localhost and its key, in PEM.
pub struct Pair {
    pub chain: String,
    pub key: String,
}

impl Pair {
    /// One that is good for years.
    pub fn new() -> Pair {
        Pair::with(|_| {})
    }

    /// One whose last day was long ago.
    pub fn expired() -> Pair {
        Pair::with(|params| {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        })
    }

    /// One that nobody may use yet.
    pub fn of_the_future() -> Pair {
        Pair::with(|params| params.not_before = date_time_ymd(3000, 1, 1))
    }

    fn with(change: impl FnOnce(&mut CertificateParams)) -> Pair {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        change(&mut params);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Pair { chain: certificate.pem(), key: key.serialize_pem() }
    }

    /// The certificate itself.
    pub fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).expect("a certificate")
    }

    /// A client that trusts this certificate and nothing else, and speaks `versions`.
    pub fn client(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.der()).expect("a root");
        ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(versions)
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    /// A connection over TCP to `address`, that will shake hands when it is used first.
    pub fn connect(&self, address: SocketAddr) -> TlsClient {
        TlsClient::over(stream(address), self.client(rustls::ALL_VERSIONS))
    }
}

/// A connection to `address`, every wait on which has an end.
pub fn stream(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect_timeout(&address, PATIENCE).expect("a connection");
    stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
    stream.set_nodelay(true).expect("no delay");
    stream
}

/// One connection over TLS.
pub struct TlsClient {
    pub stream: StreamOwned<ClientConnection, TcpStream>,
    read: Vec<u8>,
}

impl TlsClient {
    /// A connection over `stream`.
    pub fn over(stream: TcpStream, config: ClientConfig) -> TlsClient {
        let name = ServerName::try_from("localhost").expect("a name");
        let session = ClientConnection::new(Arc::new(config), name).expect("a configuration");
        TlsClient { stream: StreamOwned::new(session, stream), read: Vec::new() }
    }

    /// Shakes hands.
    ///
    /// # Errors
    /// The connection's, or what the certificate or the protocol lacks.
    pub fn shake_hands(&mut self) -> io::Result<()> {
        while self.stream.conn.is_handshaking() {
            self.stream.conn.complete_io(&mut self.stream.sock)?;
        }
        Ok(())
    }

    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).expect("it is taken");
        self.stream.flush().expect("it is taken");
    }

    /// The status and the body of the next reply, which has a length.
    #[track_caller]
    pub fn reply(&mut self) -> (u16, Vec<u8>) {
        self.try_reply().expect("a reply")
    }

    /// The same, or how the connection ended before it.
    ///
    /// # Errors
    /// The connection's; `UnexpectedEof` when it ended.
    pub fn try_reply(&mut self) -> io::Result<(u16, Vec<u8>)> {
        let end = loop {
            if let Some(at) = self.read.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            self.more()?;
        };
        let head = String::from_utf8(self.read.drain(..end).collect()).map_err(io::Error::other)?;
        let status = head[9..12].parse().map_err(io::Error::other)?;
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        let length: usize = length.expect("a length").parse().map_err(io::Error::other)?;
        while self.read.len() < length {
            self.more()?;
        }
        Ok((status, self.read.drain(..length).collect()))
    }

    /// The connection ends here, and says so before it does.
    #[track_caller]
    pub fn check_ends_with_close_notify(&mut self) {
        assert_eq!(self.read, b"");
        // Without close_notify this would be an error.
        assert_eq!(self.stream.read(&mut [0; 64]).expect("an end that is announced"), 0);
    }

    fn more(&mut self) -> io::Result<()> {
        let mut buffer = [0; 16 << 10];
        match self.stream.read(&mut buffer)? {
            0 => Err(ErrorKind::UnexpectedEof.into()),
            count => {
                self.read.extend_from_slice(&buffer[..count]);
                Ok(())
            }
        }
    }
}
