//! The constant answers: fields and sizes of those that the server gives to a GET and to a PUT that replaces.
//!
//! Invariant: nothing that is asked is looked at but the method, and nothing is kept. A body is gathered, since that is
//! the front's work and not the server's.

use memory_tools::api::Handle;
use memory_tools::api::message::{Answer, Field, Method, Piece, Request, RequestBody, Response};
use memory_tools::base::limits::DOCUMENT_BYTES_CEILING;

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
    fn handle(&self, request: Request<'_>) -> Answer {
        match request.body {
            RequestBody::Bytes(_) => {}
            RequestBody::Awaited { .. } => return Answer::Gather { bytes_max: DOCUMENT_BYTES_CEILING },
            RequestBody::Failed(_) => return Answer::Reply(Response::new(400)),
        }
        let response = Response::new(200).with_field(Field::Json).with_field(Field::EntityTag(VERSION));
        Answer::Reply(match request.method {
            Method::Put => response.with_piece(Piece::Static(WRITTEN)),
            _ => response.with_field(Field::NoCache).with_piece(Piece::Static(self.document)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use memory_tools::api::message::{BodyFault, Headers, ResponseBody};

    struct NoHeaders;

    impl Headers for NoHeaders {
        fn each(&self, _: &str, _: &mut dyn FnMut(&str)) {}
    }

    fn ask(method: Method, body: RequestBody<'_>) -> Answer {
        let constant = Constant::new(b"{\"id\":\"key:00000000\"}".to_vec());
        constant.handle(Request { method, target: "/v1/docs/key:00000007", headers: &NoHeaders, body })
    }

    fn reply(method: Method, body: RequestBody<'_>) -> Response {
        let Answer::Reply(response) = ask(method, body) else { panic!("a constant is there at once") };
        response
    }

    fn body_of(response: &Response) -> Vec<u8> {
        match &response.body {
            ResponseBody::Pieces(pieces) => pieces.iter().flat_map(|piece| piece.bytes().to_vec()).collect(),
            ResponseBody::Stream(_) => panic!("a constant is not a stream"),
        }
    }

    #[test]
    fn a_get_of_any_key_is_answered_with_the_document() {
        let response = reply(Method::Get, RequestBody::Bytes(b""));
        assert_eq!(response.status, 200);
        assert_eq!(body_of(&response), b"{\"id\":\"key:00000000\"}");
    }

    #[test]
    fn a_put_is_gathered_and_answered_as_a_replacement() {
        let answer = ask(Method::Put, RequestBody::Awaited { length: Some(20_000) });
        assert!(matches!(answer, Answer::Gather { bytes_max } if bytes_max >= 20_000));
        let response = reply(Method::Put, RequestBody::Bytes(b"1"));
        assert_eq!(response.status, 200);
        assert_eq!(body_of(&response), WRITTEN);
    }

    #[test]
    fn a_body_that_ends_early_is_no_replacement() {
        let fault = BodyFault::Incomplete { bytes: 2, length: Some(3) };
        assert_eq!(reply(Method::Put, RequestBody::Failed(fault)).status, 400);
    }
}
