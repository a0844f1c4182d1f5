//! An answer, however it came.

use memory_tools::api::message::{Field, Response, Value};
use memory_tools::front::reply::push_field;

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status code.
    pub status: u16,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The value of a field.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

/// The header fields of `response`, as a front writes them.
pub fn written(response: &Response) -> Vec<(String, String)> {
    for field in &response.headers {
        if let Field::Named(name, Value::Text(text)) = field {
            assert!(text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()), "{text:?} in {name}");
        }
    }
    let mut lines = Vec::new();
    response.headers.iter().for_each(|field| push_field(&mut lines, field));
    let lines = String::from_utf8(lines).expect("fields are ASCII");
    let split = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    lines.lines().filter_map(split).collect()
}
