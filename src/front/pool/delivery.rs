//! The way of a reply through the library to the socket.
//!
//! Invariant: a reply is either sent whole, or an error ends its connection. It does not know what is in it.

use std::io::{self, Cursor, Write};
use std::time::{Duration, Instant};

use tiny_http::{Header, Headers, Request, StatusCode};

use crate::api::message::{BodyStream, Part, Piece, Pulled, Response, ResponseBody};
use crate::front::reply::{self, INLINE_BYTES_MAX, Remaining};
use crate::front::requests::Recorder;

use super::pausing::{has_more, may_leave};
use super::{Shared, panics};

/// Bodies up to this size are read by the library before it hands a request out.
const READ_AHEAD_BYTES: u64 = 1024;

/// True when the library would read on before it gives up its writer, because `taken` bytes are less than what it
/// takes for the body's length.
pub(super) fn would_drain(request: &Request, taken: u64) -> bool {
    request.body_length().is_some_and(|length| {
        let length = length as u64;
        let is_read_ahead = length <= READ_AHEAD_BYTES && request.headers().get("Expect").is_none();
        taken < length && !is_read_ahead && !is_upgrade(request)
    })
}

/// True when the library takes the request for an upgrade, and hands out its bytes as they are.
pub(super) fn is_upgrade(request: &Request) -> bool {
    request.headers().get("Connection").is_some_and(|value| value.as_str().to_ascii_lowercase().contains("upgrade"))
}

/// Answers a request whose body was not read; never with a stream. The library words the head in its own way and
/// cannot say that the connection ends; it does end.
pub(super) fn respond(request: Request, response: &Response) {
    let mut body = Vec::new();
    if let ResponseBody::Pieces(pieces) = &response.body {
        for piece in pieces {
            body.extend_from_slice(piece.bytes());
        }
    }
    let length = body.len();
    let mut worded =
        tiny_http::Response::new(StatusCode(response.status), Headers::new(), Cursor::new(body), Some(length), None)
            .with_chunked_threshold(usize::MAX);
    let mut lines = Vec::new();
    response.headers.iter().for_each(|field| reply::push_field(&mut lines, field));
    let lines = String::from_utf8_lossy(&lines);
    for (name, value) in lines.lines().filter_map(|line| line.split_once(": ")) {
        if let Ok(header) = Header::from_bytes(name, value) {
            worded.add_header(header);
        }
    }
    // The connection is closed whatever comes of it.
    let _ = panics::librarys(|| request.respond(worded));
}

/// Sends what `out` holds, and then what remains of the response. What a peer may take for one buffer or piece is bounded
/// by `write_timeout`, checked between writes. A stream that waits ends when the pool stops.
///
/// # Errors
/// The socket's, `TimedOut` when the peer takes too long, `ConnectionAborted` when a part may never leave.
pub(super) fn send(
    shared: &Shared,
    recorder: &Recorder,
    request: Request,
    response: Response,
    remaining: Remaining,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let mut writer = panics::librarys(|| request.into_writer()).ok_or_else(failed)?;
    let mut outgoing = Outgoing { shared, recorder, writer: writer.as_mut(), out };
    match (remaining, response.body) {
        (Remaining::Nothing, _) => {}
        (_, ResponseBody::Pieces(pieces)) => outgoing.push_all(&pieces)?,
        (Remaining::Chunks, ResponseBody::Stream(mut stream)) => {
            outgoing.push_stream(stream.as_mut(), Outgoing::push_chunk)?;
            reply::end_chunks(outgoing.out);
        }
        (_, ResponseBody::Stream(mut stream)) => {
            outgoing.push_stream(stream.as_mut(), |outgoing, part| outgoing.push_all(part.pieces()))?;
        }
    }
    outgoing.flush()?;
    panics::librarys(|| writer.flush()).unwrap_or_else(|| Err(failed()))
}

/// Bytes on their way: small ones are collected, so that a head goes out with what is behind it.
struct Outgoing<'a> {
    shared: &'a Shared,
    recorder: &'a Recorder,
    writer: &'a mut dyn Write,
    out: &'a mut Vec<u8>,
}

impl Outgoing<'_> {
    fn push_stream(
        &mut self,
        stream: &mut dyn BodyStream,
        push: impl Fn(&mut Self, &Part) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut part = Part::new();
        loop {
            let pulled = panics::ours("making a body", || stream.pull(&mut part));
            if !may_leave(self.shared, part.rest()) {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            // The last pull may have left something too.
            push(self, &part)?;
            if pulled == Pulled::Ended {
                return Ok(());
            }
            part.clear();
            // The next part may take its time.
            self.flush()?;
            if pulled == Pulled::Waits {
                panics::librarys(|| self.writer.flush()).unwrap_or_else(|| Err(failed()))?;
                if !has_more(self.shared, stream) {
                    return Ok(());
                }
            }
        }
    }

    fn push_chunk(&mut self, part: &Part) -> io::Result<()> {
        if part.is_empty() {
            return Ok(());
        }
        reply::begin_chunk(self.out, part.len());
        self.push_all(part.pieces())?;
        reply::end_chunk(self.out);
        Ok(())
    }

    fn push_all(&mut self, pieces: &[Piece]) -> io::Result<()> {
        pieces.iter().try_for_each(|piece| self.push(piece.bytes()))
    }

    fn push(&mut self, bytes: &[u8]) -> io::Result<()> {
        if self.out.len() + bytes.len() <= INLINE_BYTES_MAX {
            self.out.extend_from_slice(bytes);
            return Ok(());
        }
        self.flush()?;
        write_all(self.writer, bytes, self.shared.options.write_timeout)?;
        self.recorder.sent(bytes.len());
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        write_all(self.writer, self.out, self.shared.options.write_timeout)?;
        self.recorder.sent(self.out.len());
        self.out.clear();
        Ok(())
    }
}

fn write_all(writer: &mut dyn Write, bytes: &[u8], patience: Duration) -> io::Result<()> {
    let mut rest = bytes;
    let mut since = None;
    while !rest.is_empty() {
        let written = match panics::librarys(|| writer.write(rest)).unwrap_or_else(|| Err(failed())) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        rest = rest.get(written..).unwrap_or_default();
        // Most replies go out with one write, and never ask for the time.
        if !rest.is_empty() && since.get_or_insert_with(Instant::now).elapsed() > patience {
            return Err(io::ErrorKind::TimedOut.into());
        }
    }
    Ok(())
}

fn failed() -> io::Error {
    io::Error::other("the HTTP library failed")
}
