//! Why a head is refused, with the status and the stable code of each fault.
//!
//! It does not know who finds them, nor how a refusal is worded on the wire.

/// Why a request is refused before anything runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Neither HTTP/1.0 nor HTTP/1.1.
    #[error("only HTTP/1.0 and HTTP/1.1 are spoken here")]
    Version,
    /// The head did not come in time; found only by fronts that keep the time of heads.
    #[error("the head did not arrive within read_timeout")]
    HeadTimeout,
    /// The peer closed its side within the head; found only by fronts that see that.
    #[error("the connection ended within the head")]
    HeadIncomplete,
    /// The method fills the head; found only by fronts that read heads themselves.
    #[error("the request's method has more than {limit} bytes, as many as head_bytes_max allows for the whole head")]
    MethodTooLong {
        /// `head_bytes_max`.
        limit: usize,
    },
    /// What stands in a version's place is none.
    #[error("the request line does not end in HTTP/1.1")]
    VersionMalformed,
    /// A line that does not end in CR LF.
    #[error("a line of the head does not end in CR LF")]
    LineEnd,
    /// The method is not a token.
    #[error("the method is not a token")]
    Method,
    /// A tunnel is asked for (RFC 9110 §9.3.6).
    #[error("CONNECT is not implemented: this is no proxy")]
    Connect,
    /// The target is neither a path nor an http URL.
    #[error("the request target is neither a path nor an http URL, or holds a control character or a '#'")]
    Target,
    /// The target is too long.
    #[error("the request target has {bytes} bytes, at most {limit} are read")]
    TargetTooLong {
        /// Its size.
        bytes: usize,
        /// `target_bytes_max`.
        limit: usize,
    },
    /// Too many fields.
    #[error("the request has more than {limit} header fields, as many as header_count_max allows")]
    TooManyFields {
        /// `header_count_max`.
        limit: usize,
    },
    /// The head is too large.
    #[error("the request's head has more than {limit} bytes, as many as head_bytes_max allows")]
    HeadTooLarge {
        /// `head_bytes_max`.
        limit: usize,
    },
    /// A field's name is not a token.
    #[error("the name of a header field is not a token")]
    FieldName,
    /// A field's value holds a control character; a folded line is one.
    #[error("the value of a header field holds a control character or a line fold")]
    FieldValue,
    /// A Content-Length that is not one plain number.
    #[error("Content-Length is not one plain decimal number")]
    Length,
    /// More than one Content-Length.
    #[error("Content-Length is given more than once")]
    LengthRepeated,
    /// A Content-Length beyond 64 bits.
    #[error("Content-Length is larger than any body can be")]
    LengthTooLarge,
    /// Both ways of framing at once.
    #[error("Content-Length and Transfer-Encoding exclude each other")]
    LengthAndEncoding,
    /// A Transfer-Encoding that does not end in `chunked`, or has it twice: the body's end cannot be found.
    #[error("Transfer-Encoding does not end in chunked, given once and without parameters")]
    Encoding,
    /// A coding under `chunked` (RFC 9112 §6.1).
    #[error("the only Transfer-Encoding understood is chunked alone")]
    CodingUnknown,
    /// An upgrade is asked for with a chunked body; found only by fronts that cannot ignore the wish.
    #[error("a request that asks for an upgrade has no chunked body")]
    ChunkedUpgrade,
    /// A Transfer-Encoding on HTTP/1.0.
    #[error("HTTP/1.0 knows no Transfer-Encoding")]
    EncodingOnHttp10,
    /// No Host on HTTP/1.1.
    #[error("an HTTP/1.1 request has a Host field")]
    HostMissing,
    /// More than one Host.
    #[error("Host is given more than once")]
    HostRepeated,
    /// A Host that is none.
    #[error("Host is not a host with an optional port")]
    Host,
    /// An expectation other than `100-continue`.
    #[error("the only expectation understood is 100-continue")]
    Expectation,
}

impl Fault {
    /// The status of its answer.
    pub fn status(self) -> u16 {
        match self {
            Fault::Version => 505,
            Fault::TargetTooLong { .. } => 414,
            Fault::TooManyFields { .. } | Fault::HeadTooLarge { .. } => 431,
            Fault::LengthTooLarge => 413,
            Fault::HeadTimeout => 408,
            Fault::Expectation => 417,
            Fault::Connect | Fault::CodingUnknown | Fault::MethodTooLong { .. } => 501,
            Fault::HeadIncomplete
            | Fault::VersionMalformed
            | Fault::LineEnd
            | Fault::Method
            | Fault::Target
            | Fault::FieldName
            | Fault::FieldValue
            | Fault::Length
            | Fault::LengthRepeated
            | Fault::LengthAndEncoding
            | Fault::Encoding
            | Fault::ChunkedUpgrade
            | Fault::EncodingOnHttp10
            | Fault::HostMissing
            | Fault::HostRepeated
            | Fault::Host => 400,
        }
    }

    /// Its stable code.
    pub fn code(self) -> &'static str {
        match self {
            Fault::Version => "http_version_not_supported",
            Fault::HeadTimeout => "head_timeout",
            Fault::HeadIncomplete => "head_incomplete",
            Fault::VersionMalformed => "http_version_malformed",
            Fault::LineEnd => "line_end_malformed",
            Fault::Method => "method_malformed",
            Fault::Connect | Fault::MethodTooLong { .. } => "method_not_implemented",
            Fault::Target => "target_malformed",
            Fault::TargetTooLong { .. } => "target_too_long",
            Fault::TooManyFields { .. } => "too_many_header_fields",
            Fault::HeadTooLarge { .. } => "head_too_large",
            Fault::FieldName | Fault::FieldValue => "header_malformed",
            Fault::Length | Fault::LengthRepeated => "content_length_malformed",
            Fault::LengthTooLarge => "body_too_large",
            Fault::LengthAndEncoding => "framing_ambiguous",
            Fault::CodingUnknown => "transfer_coding_unknown",
            Fault::Encoding | Fault::ChunkedUpgrade | Fault::EncodingOnHttp10 => "transfer_encoding_unsupported",
            Fault::HostMissing | Fault::HostRepeated | Fault::Host => "host_malformed",
            Fault::Expectation => "expectation_unsupported",
        }
    }
}
