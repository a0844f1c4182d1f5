//! The constant answers: fields and sizes of those that the server gives to a GET and to a PUT that replaces.
//!
//! Invariant: nothing that is asked is looked at but the method, and nothing is kept. A body is read to its end, since
//! reading it is the front's work and not the server's.

use std::io;

use memory_tools::api::Handle;
use memory_tools::api::message::{Method, Piece, Request, RequestBody, Response, Value};

/// As long as the versions of a server that has run for a while.
const VERSION: u64 = 1_000_000;

/// The reply to a PUT of the first key.
const WRITTEN: &[u8] = b"{\"key\":\"key:00000000\",\"version\":1000000}\n";

/// Answers every request with the same bytes.
pub struct Constant {
    document: &'static [u8],
}

impl Constant {
    /// Answers a GET with `document`, which lives as long as the process.
    pub fn new(document: Vec<u8>) -> Constant {
        Constant { document: document.leak() }
    }
}

impl Handle for Constant {
    fn handle(&self, request: Request<'_>) -> Response {
        let is_read_whole = match request.body {
            RequestBody::Bytes(_) => true,
            RequestBody::Stream { reader, length } => {
                let read = io::copy(reader, &mut io::sink());
                read.is_ok_and(|bytes| length.is_none_or(|announced| bytes == announced))
            }
        };
        if !is_read_whole {
            let mut response = Response::new(400);
            response.close = true;
            return response;
        }
        let response = Response::new(200)
            .with("Content-Type", Value::Static("application/json"))
            .with("ETag", Value::EntityTag(VERSION));
        match request.method {
            Method::Put => response.with_piece(Piece::Static(WRITTEN)),
            _ => response.with("Cache-Control", Value::Static("no-cache")).with_piece(Piece::Static(self.document)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memory_tools::api::message::{Headers, ResponseBody};

    struct NoHeaders;

    impl Headers for NoHeaders {
        fn each(&self, _: &str, _: &mut dyn FnMut(&str)) {}
    }

    fn ask(method: Method, body: RequestBody<'_>) -> Response {
        let constant = Constant::new(b"{\"id\":\"key:00000000\"}".to_vec());
        constant.handle(Request { method, target: "/v1/docs/key:00000007", headers: &NoHeaders, body })
    }

    fn body_of(response: &Response) -> Vec<u8> {
        match &response.body {
            ResponseBody::Pieces(pieces) => pieces.iter().flat_map(|piece| piece.bytes().to_vec()).collect(),
            ResponseBody::Stream(_) => panic!("a constant is not a stream"),
        }
    }

    #[test]
    fn a_get_of_any_key_is_answered_with_the_document() {
        let response = ask(Method::Get, RequestBody::Bytes(b""));
        assert_eq!((response.status, response.close), (200, false));
        assert_eq!(body_of(&response), b"{\"id\":\"key:00000000\"}");
    }

    #[test]
    fn a_put_is_read_to_its_end_and_answered_as_a_replacement() {
        let mut sent: &[u8] = &[b'1'; 20_000];
        let response = ask(Method::Put, RequestBody::Stream { reader: &mut sent, length: Some(20_000) });
        assert!(sent.is_empty());
        assert_eq!((response.status, response.close), (200, false));
        assert_eq!(body_of(&response), WRITTEN);
    }

    #[test]
    fn a_body_that_ends_early_ends_the_connection() {
        let mut sent: &[u8] = b"12";
        let response = ask(Method::Put, RequestBody::Stream { reader: &mut sent, length: Some(3) });
        assert_eq!((response.status, response.close), (400, true));
    }
}
