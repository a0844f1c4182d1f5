//! The header fields of a request of the library, all of them.
//!
//! The library finds the first field of a name and nothing else: no iterator, no count. What stands in the other
//! fields decides where a message ends (two lengths that disagree), so that they must be seen.

use std::cell::RefCell;

use tiny_http::{Header, Headers, Request};

use crate::api::message;

/// Every field, in order of arrival.
#[expect(unsafe_code, reason = "the library has no safe way to its fields, see the proof below")]
pub(super) fn all(headers: &Headers) -> &[Header] {
    const { assert!(size_of::<Headers>() == size_of::<Vec<Header>>()) };
    const { assert!(align_of::<Headers>() == align_of::<Vec<Header>>()) };
    let headers: *const Headers = headers;
    // SAFETY: `tiny_http::Headers` is declared `#[repr(transparent)] pub struct Headers(pub(crate) Vec<Header>)` in
    // the one version that Cargo.toml pins (tiny_http_fork =0.12.17, src/common.rs), so that it has the layout of its
    // only field by that attribute, and the cast names the same type. The result borrows from `headers`, shared and
    // for its lifetime. The only safe way, its `Debug` text parsed back, costs more than the rest of a GET's head.
    // `every_field_is_seen_in_order` is the test to run when the version changes.
    let fields: &Vec<Header> = unsafe { &*headers.cast::<Vec<Header>>() };
    fields
}

/// Name and value of each field, as framing wants them.
pub(super) fn pairs(headers: &Headers) -> impl Iterator<Item = (&str, &[u8])> {
    all(headers).iter().map(|header| (header.field.as_str().as_str(), header.value.as_str().as_bytes()))
}

/// Field lookup for the api. The cell is shared with the request's body and never borrowed by both at once: a body is
/// not read from within a lookup.
pub(super) struct Lookup<'a>(pub(super) &'a RefCell<Request>);

impl message::Headers for Lookup<'_> {
    fn each(&self, name: &str, each: &mut dyn FnMut(&str)) {
        let request = self.0.borrow();
        for header in all(request.headers()).iter().filter(|header| header.field.equiv(name)) {
            each(header.value.as_str());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::message::Headers as _;

    fn request() -> Request {
        let mut request = tiny_http::TestRequest::new();
        for (name, value) in [("Host", "x"), ("If-Match", "\"1\""), ("X-Clé", ""), ("if-match", "\"2\"")] {
            if let Ok(header) = Header::from_str(name, value) {
                request = request.with_header(header);
            }
        }
        request.into()
    }

    #[test]
    fn every_field_is_seen_in_order() {
        let request = request();
        let seen: Vec<(&str, &[u8])> = pairs(request.headers()).collect();
        // The library adds the length to requests that are made for tests.
        let expected = [("Host", &b"x"[..]), ("If-Match", b"\"1\""), ("if-match", b"\"2\""), ("Content-Length", b"0")];
        assert_eq!(seen, expected);
        assert!(all(&Headers::new()).is_empty());
    }

    #[test]
    fn a_lookup_finds_every_field_of_a_name_without_regard_to_case() {
        let request = RefCell::new(request());
        let mut values = Vec::new();
        Lookup(&request).each("IF-MATCH", &mut |value| values.push(value.to_owned()));
        assert_eq!(values, ["\"1\"", "\"2\""]);
    }
}
