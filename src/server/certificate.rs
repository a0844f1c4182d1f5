//! The configured certificate: read from its files, checked, shown, and read again while the server runs.
//!
//! Invariant: what is shown was checked whole before; a pair that is broken takes the place of none. It does not know
//! connections.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;

use crate::api::timestamp;
use crate::base::clock::{Clock, UnixMillis};
use crate::base::disk::{Disk, read_whole};
use crate::base::limits::CERTIFICATE_BYTES_MAX;
use crate::base::log::{self, Level};
use crate::config::Config;
use crate::front::Tls;
use crate::front::tls::{Certificate, CertificateFault, Validity, chain_from_pem};

/// Permission bits that let others than a file's owner and group at it.
const MODE_OF_OTHERS: u32 = 0o007;

/// Why there is no certificate to show.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read.
    #[error("{option} {}: cannot be read: {cause}; look at the path, and whether this user may read it", path.display())]
    Unreadable {
        /// The option that names it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        cause: io::Error,
    },
    /// A file does not hold what it should.
    #[error("{option} {}: {fault}", path.display())]
    Unusable {
        /// The option that names it.
        option: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: CertificateFault,
    },
}

/// A certificate with what an operator should know about it.
pub struct Checked {
    certificate: Certificate,
    /// A line each.
    pub warnings: Vec<String>,
}

/// The files of the certificate that `config` names, read and checked at `now`; `None` where it names none.
///
/// # Errors
/// Which file cannot be used, and why.
pub fn check_certificate(
    config: &Config,
    disk: &dyn Disk,
    now: UnixMillis,
) -> Result<Option<Checked>, CertificateError> {
    Files::of(config).map(|files| files.read(disk, now)).transpose()
}

/// The certificate that a server shows which runs with `config`, by the file; `None` where there is no TLS.
///
/// # Errors
/// The file cannot be used, and why.
pub fn own_certificate(config: &Config, disk: &dyn Disk) -> Result<Option<CertificateDer<'static>>, CertificateError> {
    let Some(Files { cert, .. }) = Files::of(config) else { return Ok(None) };
    let chain = chain_from_pem(&read("tls_cert", &cert, disk)?);
    let unusable = |fault| CertificateError::Unusable { option: "tls_cert", path: cert.clone(), fault };
    Ok(chain.map_err(unusable)?.into_iter().next())
}

/// The certificate as the server has it.
pub(super) struct Shown {
    files: Files,
    disk: Arc<dyn Disk>,
    clock: Arc<dyn Clock>,
    tls: Tls,
}

impl Shown {
    /// Reads the certificate that `config` names; `None` where it names none.
    ///
    /// # Errors
    /// Which file cannot be used, and why.
    pub(super) fn read(
        config: &Config,
        disk: &Arc<dyn Disk>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Option<Shown>, CertificateError> {
        let Some(files) = Files::of(config) else { return Ok(None) };
        let tls = Tls::new(files.read(disk.as_ref(), clock.now())?.warned());
        Ok(Some(Shown { files, disk: Arc::clone(disk), clock: Arc::clone(clock), tls }))
    }

    /// What connections speak.
    pub(super) fn tls(&self) -> Tls {
        self.tls.clone()
    }

    /// Reads the files again, and shows what they hold from now on; gives the certificate's file.
    ///
    /// # Errors
    /// Which file cannot be used, and why; what was shown stays.
    pub(super) fn read_again(&self) -> Result<&Path, CertificateError> {
        let checked = self.files.read(self.disk.as_ref(), self.clock.now())?;
        self.tls.show(checked.warned());
        Ok(&self.files.cert)
    }
}

impl Checked {
    /// The certificate, once its warnings are in the log.
    fn warned(self) -> Certificate {
        let warn = |warning: &String| log::event(Level::Warn, "certificate", format_args!("{warning}"), &[]);
        self.warnings.iter().for_each(warn);
        self.certificate
    }
}

/// Where the two halves are.
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

impl Files {
    fn of(config: &Config) -> Option<Files> {
        Some(Files { cert: config.tls_cert.clone()?, key: config.tls_key.clone()? })
    }

    fn read(&self, disk: &dyn Disk, now: UnixMillis) -> Result<Checked, CertificateError> {
        let chain = read("tls_cert", &self.cert, disk)?;
        let key = read("tls_key", &self.key, disk)?;
        let certificate = Certificate::from_pem(&chain, &key).map_err(|fault| {
            let (option, path) = if fault.is_of_key() { ("tls_key", &self.key) } else { ("tls_cert", &self.cert) };
            CertificateError::Unusable { option, path: path.clone(), fault }
        })?;
        let mut warnings = Vec::new();
        let cert = self.cert.display();
        match certificate.validity(now) {
            Validity::Valid => {}
            Validity::Expired(since) => warnings.push(format!(
                "tls_cert {cert}: expired at {}, clients will refuse it; renew it, and send SIGHUP",
                timestamp::text(since)
            )),
            Validity::NotYet(from) => warnings.push(format!(
                "tls_cert {cert}: not valid before {}, clients will refuse it until then; look at the clock",
                timestamp::text(from)
            )),
        }
        // What cannot be looked at was read all the same.
        if disk.mode(&self.key).is_ok_and(|mode| mode & MODE_OF_OTHERS != 0) {
            let key = self.key.display();
            warnings.push(format!("tls_key {key}: every user of this machine can get at it; chmod o= {key}"));
        }
        Ok(Checked { certificate, warnings })
    }
}

fn read(option: &'static str, path: &Path, disk: &dyn Disk) -> Result<Vec<u8>, CertificateError> {
    let unreadable = |cause| CertificateError::Unreadable { option, path: path.to_owned(), cause };
    read_whole(disk, path, CERTIFICATE_BYTES_MAX).map_err(unreadable)
}
