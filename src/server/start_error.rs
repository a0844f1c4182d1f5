//! What can stand in the way of a start, each in one line that says what to do.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::base::proc;
use crate::front::{BindError, Endpoint};
use crate::model::Refusal;
use crate::persist;

use super::certificate::CertificateError;
use super::tokens::TokensError;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens on the port.
    #[error("{address} is taken{}; stop that process or choose another port, as in --{option} {}",
        by(holder), SocketAddr::new(address.ip(), address.port().wrapping_add(1)))]
    PortTaken {
        /// The address.
        address: SocketAddr,
        /// Who, where /proc tells.
        holder: Option<String>,
        /// The option that named it.
        option: &'static str,
    },
    /// Somebody else listens on the Unix socket.
    #[error("unix:{} is taken{}; stop that process or choose another path", path.display(), by(holder))]
    SocketTaken {
        /// Its path.
        path: PathBuf,
        /// Who, where /proc tells.
        holder: Option<String>,
    },
    /// The endpoint cannot be listened on.
    #[error("{error}; look at the option {option}")]
    Bind {
        /// The endpoint, and what is wrong with it.
        error: BindError,
        /// The option that named it.
        option: &'static str,
    },
    /// The host has no address.
    #[error("{address} names no address to listen on: {cause}; look at the option {option}")]
    Resolve {
        /// The option's value.
        address: String,
        /// The resolver's answer.
        cause: io::Error,
        /// The option.
        option: &'static str,
    },
    /// The certificate for TLS.
    #[error(transparent)]
    Certificate(#[from] CertificateError),
    /// The tokens.
    #[error(transparent)]
    Tokens(#[from] TokensError),
    /// The data folder.
    #[error("{}{}", .0, to_do(.0))]
    Folder(#[from] persist::Error),
    /// LSNs cannot be issued.
    #[error("{0}; look at the disk and the rights of the data folder")]
    Sequence(Refusal),
    /// Too few descriptors.
    #[error("{descriptors} descriptors are too few, at least {needed} are needed (ulimit -n, LimitNOFILE=)")]
    Descriptors {
        /// The limit.
        descriptors: u64,
        /// What is needed.
        needed: u64,
    },
    /// No thread to be had.
    #[error("a thread cannot be started: {0}; look at the limit on processes (ulimit -u, TasksMax=)")]
    Thread(io::Error),
}

impl StartError {
    /// The words for an endpoint, named by `option`, that a front could not have.
    pub(super) fn of_bind(error: BindError, option: &'static str) -> StartError {
        match (error.cause.kind(), error.endpoint) {
            (io::ErrorKind::AddrInUse, Endpoint::Tcp(address)) => {
                StartError::PortTaken { address, holder: proc::listener_on(address.port()), option }
            }
            (io::ErrorKind::AddrInUse, Endpoint::Unix(path)) => {
                let holder = proc::listener_at(&path);
                StartError::SocketTaken { path, holder }
            }
            (_, endpoint) => StartError::Bind { error: BindError { endpoint, cause: error.cause }, option },
        }
    }

    /// True when data on the disk is damaged: the exit code says so.
    pub fn is_damage(&self) -> bool {
        matches!(self, StartError::Folder(error) if error.is_damage())
    }
}

/// What to do about an answer of the operating system; every other error of the folder says it by itself.
fn to_do(error: &persist::Error) -> &'static str {
    match error {
        persist::Error::Io { .. } => "; look at the disk and the rights of the data folder, or choose another data_dir",
        _ => "",
    }
}

fn by(holder: &Option<String>) -> String {
    holder.as_ref().map_or_else(String::new, |holder| format!(" by {holder}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Listen;
    use crate::front::unix;

    #[test]
    fn the_port_that_is_advised_can_be_given() {
        for (address, advised) in [("127.0.0.1:8080", "127.0.0.1:8081"), ("[::]:8080", "[::]:8081")] {
            for option in ["port", "listen"] {
                let line =
                    StartError::PortTaken { address: address.parse().unwrap(), holder: None, option }.to_string();
                assert!(line.ends_with(&format!("as in --{option} {advised}")), "{line}");
            }
            assert!(Listen::parse(advised).is_ok());
        }
    }

    #[test]
    fn a_socket_is_taken_by_its_holder_and_a_file_in_its_place_is_not_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mt.sock");
        let line = |path: PathBuf| {
            let cause = unix::bind(&path, 0o600).unwrap_err();
            StartError::of_bind(BindError { endpoint: Endpoint::Unix(path), cause }, "listen").to_string()
        };
        let _listening = unix::bind(&path, 0o600).unwrap();
        let (place, pid) = (path.display(), std::process::id());
        let taken = line(path.clone());
        assert!(taken.starts_with(&format!("unix:{place} is taken by ")), "{taken}");
        assert!(taken.ends_with(&format!("(pid {pid}); stop that process or choose another path")), "{taken}");
        assert_eq!(
            line(folder.path().to_owned()),
            format!(
                "cannot listen on unix:{}: there is something else than a socket, which is not removed; look at the \
                 option listen",
                folder.path().display()
            )
        );
    }
}
