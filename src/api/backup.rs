//! `GET /v1/admin/backup`: a copy of everything as it was at one moment, as a file of our own.
//!
//! The copy is whole before the first byte of it leaves; how it is made, and where it lies meanwhile, is not known here.
//! A file that is cut short on the way has no end mark, and nothing takes it for a whole one.

use std::sync::Arc;

use super::Api;
use super::call::{Call, Otherwise};
use super::message::{BodyStream, Method, Part, Pulled, Response, ResponseBody, Value};
use super::problem::{Kind, Problem};
use crate::base::log::{self, Level};
use crate::model::{BackupAnswer, ReadBackup};

/// Bytes that are read and handed on at once.
const PART_BYTES: usize = 64 << 10;

/// `GET /v1/admin/backup`
///
/// # Errors
/// 409 while another is being written or read, 500 when it fails, 503 while stopping.
pub fn get(api: &Api, call: &Call<'_>) -> Result<Response, Otherwise> {
    call.parameters()?;
    if call.method == Method::Head {
        return Ok(head().unmeasured());
    }
    let operate = Arc::clone(&api.operate);
    Err(Otherwise::Later(Box::new(move |deliver| {
        operate.backup(Box::new(|answer| deliver(reply(answer).unwrap_or_else(Problem::into_response))));
    })))
}

fn head() -> Response {
    Response::new(200)
        .with("Content-Type", Value::Static("application/octet-stream"))
        .with("Cache-Control", Value::Static("no-store"))
}

fn reply(answer: BackupAnswer) -> Result<Response, Problem> {
    match answer {
        BackupAnswer::Ready { report, content } => {
            let mut response = head()
                .with("MT-LSN", Value::Number(report.capture_end.0))
                .with("MT-Documents", Value::Number(report.documents))
                .with("MT-Bytes", Value::Number(report.bytes));
            response.body = ResponseBody::Stream(Box::new(Backup { content, bytes: Vec::new() }));
            Ok(response)
        }
        BackupAnswer::AlreadyRunning => {
            Err(Problem::new(Kind::BackupRunning, "another backup is being written or read")
                .hint("try again when it is done"))
        }
        BackupAnswer::Failed(cause) => Err(Problem::new(Kind::BackupFailed, cause)
            .hint("nothing is left of it; it takes as much of the data folder's disk as a snapshot while it is read")),
        BackupAnswer::Stopping => Err(Problem::new(Kind::Stopping, "the server is stopping")),
    }
}

/// A copy that is being sent.
struct Backup {
    content: Box<dyn ReadBackup>,
    bytes: Vec<u8>,
}

impl BodyStream for Backup {
    fn pull(&mut self, part: &mut Part) -> Pulled {
        self.bytes.clear();
        if let Err(error) = self.content.read(PART_BYTES, &mut self.bytes) {
            // The status has been sent; what has come has no end mark, and is refused by whoever reads it.
            let text = format_args!("a backup is cut short, because it cannot be read: {error}");
            log::event(Level::Error, "backup_cut_short", text, &[]);
            return Pulled::Ended;
        }
        part.push_bytes(&self.bytes);
        if self.bytes.is_empty() { Pulled::Ended } else { Pulled::More }
    }
}
