//! Why there is nothing to show: an exit code and a line for each way it can go wrong.

use std::io;
use std::path::PathBuf;

use serde_json::Value;

use super::super::exit::{Exit, Finished};
use super::top::PageFault;
use crate::client::{ClientError, Reply};
use crate::persist;

/// Why there is nothing to show.
#[derive(Debug)]
pub enum Fault {
    /// No answer, or no request.
    Client(ClientError),
    /// An answer that says no.
    Refused(Reply),
    /// The body cannot be read.
    Body(io::Error),
    /// The file of the token cannot be read.
    Token(PathBuf, io::Error),
    /// What the server sent is not what it was asked for.
    Unexpected(&'static str),
    /// The figures that the server sent cannot be read.
    Figures(PageFault),
    /// What came cannot be written.
    Output(io::Error),
    /// What is in this file is not what an export that was not finished has left.
    NoExport(PathBuf),
    /// There is a file of that name already.
    Exists(PathBuf),
    /// What came as a backup does not hold.
    Backup(persist::Error),
    /// A fault, with what is to be said before and behind it.
    Within {
        /// The fault.
        fault: Box<Fault>,
        /// Where it is.
        before: String,
        /// What to do about it.
        behind: String,
    },
}

impl From<ClientError> for Fault {
    fn from(error: ClientError) -> Fault {
        match error {
            ClientError::Body(error) => Fault::Body(error),
            error => Fault::Client(error),
        }
    }
}

impl Fault {
    /// The exit code.
    pub fn exit(&self) -> Exit {
        match self {
            Fault::Client(ClientError::Unreachable { .. }) => Exit::Unreachable,
            Fault::Client(_) | Fault::Body(_) | Fault::Token(..) => Exit::Usage,
            Fault::Refused(reply) if reply.status == 404 => Exit::NotFound,
            Fault::Refused(_) | Fault::Unexpected(_) | Fault::Figures(_) => Exit::Refused,
            Fault::Output(_) | Fault::NoExport(_) | Fault::Exists(_) => Exit::Failed,
            Fault::Backup(_) => Exit::Damaged,
            Fault::Within { fault, .. } => fault.exit(),
        }
    }

    /// What there is to say, in one line.
    pub fn text(&self) -> String {
        match self {
            Fault::Client(fault) => fault.to_string(),
            Fault::Refused(reply) => reason(reply),
            Fault::Body(error) => format!("the body cannot be read: {error}"),
            Fault::Token(path, error) => format!("--token-file {}: cannot be read: {error}", path.display()),
            Fault::Unexpected(expected) => format!("the server does not answer with {expected}"),
            Fault::Figures(fault) => format!("the server's figures cannot be read: {fault}"),
            Fault::Output(error) => format!("cannot write: {error}"),
            Fault::NoExport(path) => {
                format!("{} is none of an export, leave --continue out to begin anew", path.display())
            }
            Fault::Exists(path) => format!("{} is there already, --force replaces it", path.display()),
            Fault::Backup(persist::Error::Damaged { damage, .. }) => format!("{damage}; it is not kept, try again"),
            Fault::Backup(error) => format!("{error}; it is not kept, try again"),
            Fault::Within { fault, before, behind } => format!("{before}{}{behind}", fault.text()),
        }
    }

    /// Whether it may be over soon: the server is gone, starts, stops, or has too much to do.
    pub fn may_pass(&self) -> bool {
        match self {
            Fault::Client(ClientError::Unreachable { .. }) => true,
            Fault::Refused(reply) => matches!(reply.status, 429 | 503),
            _ => false,
        }
    }

    /// The end of a command that had nothing to show.
    pub fn finished(&self) -> Finished {
        Finished::because(self.exit(), [format!("error: {}", self.text())])
    }
}

/// What a refusal says, in one line: the status, the code and the detail, with what to do where it says so.
fn reason(reply: &Reply) -> String {
    let problem: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let member = |name: &str| problem.get(name).and_then(Value::as_str);
    let status = reply.status;
    match (member("code"), member("detail"), member("hint")) {
        (Some(code), Some(detail), Some(hint)) => format!("{status} {code}: {detail}; {hint}"),
        (Some(code), Some(detail), None) => format!("{status} {code}: {detail}"),
        _ => format!("{status}, without a word that memory-tools would say"),
    }
    .replace(['\r', '\n'], " ")
}
