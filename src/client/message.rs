//! What is sent, and what comes back.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::http::HeaderMap;

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// The method's name.
    pub method: &'static str,
    /// The path, encoded.
    pub path: &'a str,
    /// Parameters of the query, not encoded.
    pub query: Vec<(&'static str, &'a str)>,
    /// Header fields.
    pub fields: Vec<(&'static str, &'a str)>,
    /// The body, where there is one.
    pub body: Option<&'a [u8]>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// The header fields, boxed: a fault carries a reply.
    pub(super) fields: Box<HeaderMap>,
    /// The body.
    pub body: Vec<u8>,
}

impl<'a> Request<'a> {
    /// A GET of `path` with these parameters.
    pub fn get(path: &'a str, query: Vec<(&'static str, &'a str)>) -> Request<'a> {
        Request { method: "GET", path, query, fields: Vec::new(), body: None }
    }

    /// The path with the query behind it, as it is sent.
    pub(super) fn target(&self) -> String {
        let mut target = self.path.to_owned();
        for (number, (name, value)) in self.query.iter().enumerate() {
            target.push(if number == 0 { '?' } else { '&' });
            target.extend([name, "="]);
            target.extend(utf8_percent_encode(value, NON_ALPHANUMERIC));
        }
        target
    }
}

impl Reply {
    /// Whether the server says yes.
    pub fn is_yes(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The header field `name`, if there is one and it is a text.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.to_str().ok()
    }
}

/// The path of the documents of `collection`, or of the main store: `{base}` in the contract.
pub fn documents(collection: Option<&str>) -> String {
    match collection {
        Some(name) => format!("/v1/collections/{}/docs", utf8_percent_encode(name, NON_ALPHANUMERIC)),
        None => "/v1/docs".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_a_value_are_escaped_whatever_is_in_them() {
        let path = documents(Some("a b/.."));
        assert_eq!(path, "/v1/collections/a%20b%2F%2E%2E/docs");
        let request = Request::get(&path, vec![("key", "a/../b"), ("ptr", "/é&")]);
        assert_eq!(request.target(), format!("{path}?key=a%2F%2E%2E%2Fb&ptr=%2F%C3%A9%26"));
    }
}
