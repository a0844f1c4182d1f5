//! An answer that is bytes, read while it comes: memory is one buffer, however much follows.
//!
//! Invariant: the end of the answer is given only when the server has said that it is the end.

use std::io::{self, Read};

use ureq::BodyReader;

use super::Client;
use super::error::ClientError;
use super::message::{Reply, Request};

/// What a server says when it is asked for bytes.
pub enum Download {
    /// The bytes.
    Bytes(Bytes),
    /// No, or something else.
    Refused(Reply),
}

/// The bytes of an answer.
pub struct Bytes {
    /// The head of the answer.
    pub head: Reply,
    body: BodyReader<'static>,
    /// What was asked for.
    url: String,
}

impl Client {
    /// Sends `request`, for an answer that is read as it comes.
    ///
    /// # Errors
    /// `Unsendable`, `Unreachable`.
    pub fn download(&self, request: &Request<'_>) -> Result<Download, ClientError> {
        let answer = self.begin(request)?;
        if answer.status() != 200 {
            return self.reply(request, answer).map(Download::Refused);
        }
        let (head, body) = answer.into_parts();
        let head = Reply { status: head.status.as_u16(), fields: Box::new(head.headers), body: Vec::new() };
        Ok(Download::Bytes(Bytes { head, body: body.into_reader(), url: self.origin.clone() + request.path }))
    }
}

impl Bytes {
    /// Reads the next bytes into `into` and says how many there were; 0 behind the last. Waits for them.
    ///
    /// # Errors
    /// `Unreachable`, when the answer is cut off.
    pub fn read(&mut self, into: &mut [u8]) -> Result<usize, ClientError> {
        loop {
            match self.body.read(into) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map_err(|cause| ClientError::Unreachable { url: self.url.clone(), cause }),
            }
        }
    }
}
