//! What this server shows of itself over TLS, and what it agrees to speak.
//!
//! Invariants: a certificate that is shown fits its key; exchanging it touches no connection that has shaken hands,
//! and takes a lock that only a handshake takes too. TLS 1.2 and 1.3, as rustls has them; within them HTTP/1.1 and
//! nothing else; no certificate is asked of a client. It reads no files, and does not know sockets.

use std::fmt;
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, RootCertStore, ServerConfig, ServerConnection};

use crate::base::clock::UnixMillis;

/// The one protocol that is offered within TLS. A client that offers others, and not this one, is refused.
const ALPN: &[u8] = b"http/1.1";

/// A certificate with its chain, and the private key that fits it.
#[derive(Clone, Debug)]
pub struct Certificate(Arc<CertifiedKey>);

/// Why two texts are no certificate with its key.
#[derive(Debug, thiserror::Error)]
pub enum CertificateFault {
    /// The chain's text is broken, or what is in it is no certificate.
    #[error("not a certificate in PEM: {0}")]
    BadChain(String),
    /// The chain's text has none.
    #[error("no certificate in it: expected PEM that begins with -----BEGIN CERTIFICATE-----")]
    NoCertificate,
    /// The key's text is broken, or of a kind that is not known.
    #[error("not a private key in PEM that can be used: {0}")]
    BadKey(String),
    /// The key's text has none.
    #[error(
        "no private key in it: expected PEM that begins with -----BEGIN PRIVATE KEY-----, -----BEGIN RSA PRIVATE \
         KEY----- or -----BEGIN EC PRIVATE KEY-----, without a password"
    )]
    NoKey,
    /// Each is sound, and they are not of one another.
    #[error("it is not the key of the first certificate; look for the pair that was issued together")]
    Mismatch,
}

impl CertificateFault {
    /// True when it is the key, and not the chain, that has to be looked at.
    pub fn is_of_key(&self) -> bool {
        match self {
            CertificateFault::BadChain(_) | CertificateFault::NoCertificate => false,
            CertificateFault::BadKey(_) | CertificateFault::NoKey | CertificateFault::Mismatch => true,
        }
    }
}

/// Whether a certificate is good at some moment, as far as its own dates say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// It is.
    Valid,
    /// It was until then.
    Expired(UnixMillis),
    /// It will be from then on.
    NotYet(UnixMillis),
}

impl Certificate {
    /// The certificate and key that `chain` and `key` hold, each in PEM. The first certificate is the server's own,
    /// those behind it are what clients may need to trust it. The key is PKCS#8, PKCS#1 or SEC1.
    ///
    /// # Errors
    /// Which of the two cannot be used, and why.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Certificate, CertificateFault> {
        let chain = chain_from_pem(chain)?;
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| match error {
            rustls::pki_types::pem::Error::NoItemsFound => CertificateFault::NoKey,
            error => CertificateFault::BadKey(error.to_string()),
        })?;
        let key = ring::sign::any_supported_type(&key).map_err(|error| CertificateFault::BadKey(error.to_string()))?;
        let certified = CertifiedKey::new(chain, key);
        match certified.keys_match() {
            Ok(()) => Ok(Certificate(Arc::new(certified))),
            Err(rustls::Error::InconsistentKeys(_)) => Err(CertificateFault::Mismatch),
            Err(error) => Err(CertificateFault::BadChain(error.to_string())),
        }
    }

    /// Whether it is good at `now`. Its issuers' dates are not looked at.
    pub fn validity(&self, now: UnixMillis) -> Validity {
        let Some(Ok(parsed)) = self.0.cert.first().map(ParsedCertificate::try_from) else { return Validity::Valid };
        let millis = |moment: UnixTime| UnixMillis(moment.as_secs().saturating_mul(1000));
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_millis(now.0));
        // Dates are looked at first. That nobody vouches for it is then all that is left to say, for there is nobody.
        let algorithms = ring::default_provider().signature_verification_algorithms.all;
        let nobody = RootCertStore::empty();
        match rustls::client::verify_server_cert_signed_by_trust_anchor(&parsed, &nobody, &[], now, algorithms) {
            Err(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext { not_after, .. })) => {
                Validity::Expired(millis(not_after))
            }
            Err(rustls::Error::InvalidCertificate(CertificateError::NotValidYetContext { not_before, .. })) => {
                Validity::NotYet(millis(not_before))
            }
            _ => Validity::Valid,
        }
    }
}

/// The certificates that `text` holds in PEM, the server's own first; at least one.
///
/// # Errors
/// There is none, or the text is broken.
pub fn chain_from_pem(text: &[u8]) -> Result<Vec<CertificateDer<'static>>, CertificateFault> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let chain = chain.map_err(|error| CertificateFault::BadChain(error.to_string()))?;
    if chain.is_empty() { Err(CertificateFault::NoCertificate) } else { Ok(chain) }
}

/// What TLS is spoken with. Clones are the same.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    shown: Arc<Shown>,
}

impl Tls {
    /// TLS that shows `certificate`.
    pub fn new(certificate: Certificate) -> Tls {
        let shown = Arc::new(Shown(RwLock::new(certificate)));
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("the provider has suites for TLS 1.2 and 1.3");
        let mut config = config.with_no_client_auth().with_cert_resolver(shown.clone());
        config.alpn_protocols = vec![ALPN.to_vec()];
        Tls { config: Arc::new(config), shown }
    }

    /// Shows `certificate` to whoever shakes hands from now on.
    pub fn show(&self, certificate: Certificate) {
        *self.shown.0.write() = certificate;
    }

    /// The server's side of one connection.
    ///
    /// # Errors
    /// None that a configuration made by `new` has.
    pub(super) fn begin(&self) -> Result<ServerConnection, rustls::Error> {
        ServerConnection::new(Arc::clone(&self.config))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").finish_non_exhaustive()
    }
}

/// The certificate that is shown now.
#[derive(Debug)]
struct Shown(RwLock<Certificate>);

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read().0))
    }
}
