//! An answer that is lines, read while it comes: memory is one line, however much follows.
//!
//! Invariant: a line is given only when its end has come, and the end of the answer only when the server has said that it
//! is the end: what is cut off on the way is an error, never a shorter answer.

use std::io::{self, BufRead, BufReader, Read};

use ureq::BodyReader;

use super::Client;
use super::error::ClientError;
use super::message::{Reply, Request};
use crate::base::limits::ANSWER_LINE_BYTES_MAX;

/// Bytes that are read at once.
const BUFFER_BYTES: usize = 256 << 10;

/// What a server says when it is asked for lines.
pub enum Answer {
    /// The lines.
    Lines(Lines),
    /// No, or something that is no lines.
    Refused(Reply),
}

/// The lines of an answer.
pub struct Lines {
    body: BufReader<BodyReader<'static>>,
    line: Vec<u8>,
    /// What was asked for.
    url: String,
}

impl Client {
    /// Sends `request`, for an answer that is read as it comes.
    ///
    /// # Errors
    /// `Unsendable`, `Unreachable`.
    pub fn lines(&self, request: &Request<'_>) -> Result<Answer, ClientError> {
        let answer = self.begin(request)?;
        if answer.status() != 200 {
            return self.reply(request, answer).map(Answer::Refused);
        }
        let body = BufReader::with_capacity(BUFFER_BYTES, answer.into_body().into_reader());
        Ok(Answer::Lines(Lines { body, line: Vec::new(), url: self.origin.clone() + request.path }))
    }
}

impl Lines {
    /// The next line, without its end; `None` behind the last one. Waits for it.
    ///
    /// # Errors
    /// `Unreachable`, when the answer is cut off, or a line is longer than any can be.
    pub fn read(&mut self) -> Result<Option<&[u8]>, ClientError> {
        self.line.clear();
        let read = self.body.by_ref().take(ANSWER_LINE_BYTES_MAX).read_until(b'\n', &mut self.line);
        let cut_off = |cause| ClientError::Unreachable { url: self.url.clone(), cause };
        match (read, self.line.pop()) {
            (Err(cause), _) => Err(cut_off(cause)),
            (Ok(_), None) => Ok(None),
            (Ok(_), Some(b'\n')) => Ok(Some(&self.line)),
            (Ok(_), Some(_)) => {
                let bytes = self.line.len() + 1;
                Err(cut_off(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("a line has no end after {bytes} bytes"),
                )))
            }
        }
    }
}
