//! What can stand in the way of a start, each in one line that says what to do.

use std::io;
use std::net::SocketAddr;

use crate::front::BindError;
use crate::model::Refusal;
use crate::persist;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens on the port.
    #[error("{address} is taken{}; stop that process or choose another port, as in --port {}",
        by(holder), SocketAddr::new(address.ip(), address.port().wrapping_add(1)))]
    PortTaken {
        /// The address.
        address: SocketAddr,
        /// Who, where /proc tells.
        holder: Option<String>,
    },
    /// The address cannot be listened on.
    #[error("{0}; look at the option port")]
    Bind(BindError),
    /// The host has no address.
    #[error("{address} names no address to listen on: {cause}; look at the option port")]
    Resolve {
        /// The option's value.
        address: String,
        /// The resolver's answer.
        cause: io::Error,
    },
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

    #[test]
    fn the_port_that_is_advised_can_be_given() {
        for (address, advised) in [("127.0.0.1:8080", "127.0.0.1:8081"), ("[::]:8080", "[::]:8081")] {
            let line = StartError::PortTaken { address: address.parse().unwrap(), holder: None }.to_string();
            assert!(line.ends_with(&format!("as in --port {advised}")), "{line}");
            assert!(Listen::parse(advised).is_ok());
        }
    }
}
