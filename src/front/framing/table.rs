//! The framing rules as a table: one row per head, with the clause that decides it.

use super::*;

const LIMITS: HeadLimits = HeadLimits { target_bytes_max: 64, head_bytes_max: 512, header_count_max: 8 };

type Verdict = Result<(Announced, bool), Fault>;

/// Reads a head written as lines, as a splitter that does not interpret anything would.
fn read(head: &str) -> Verdict {
    let mut lines = head.split("\r\n");
    let mut words = lines.next().unwrap().split(' ');
    let (method, target) = (words.next().unwrap(), words.next().unwrap());
    let version = match words.next().unwrap() {
        "HTTP/1.1" => (1, 1),
        "HTTP/1.0" => (1, 0),
        "HTTP/2.0" => (2, 0),
        _ => (0, 9),
    };
    let fields = lines.map(|line| {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        (name, value.trim_matches([' ', '\t']).as_bytes())
    });
    let framing = check(&RequestLine { method, target, version }, fields, &LIMITS)?;
    Ok((framing.body, framing.is_persistent))
}

/// A head of HTTP/1.1 with a Host and these further fields.
fn put(fields: &str) -> Verdict {
    read(&format!("PUT /a HTTP/1.1\r\nHost: x\r\n{fields}"))
}

const NOTHING: Verdict = Ok((Announced::Nothing, true));
const CHUNKED: Verdict = Ok((Announced::Chunked, true));

fn bytes(bytes: u64) -> Verdict {
    Ok((Announced::Bytes(bytes), true))
}

#[test]
fn lengths_and_encodings_have_one_reading_or_none() {
    let rows = [
        ("9112 §6.3.6", "Content-Length: 5", bytes(5)),
        ("9112 §6.3.6", "content-length: 5", bytes(5)),
        ("9112 §6.3.6", "CONTENT-LENGTH:5", bytes(5)),
        ("9110 §5.6.3", "Content-Length: \t 5 \t", bytes(5)),
        ("9110 §8.6", "Content-Length: 005", bytes(5)),
        ("9112 §6.3.7", "Content-Length: 0", NOTHING),
        ("9112 §6.3.7", "Accept: */*", NOTHING),
        ("9110 §8.6", "Content-Length: 1000000000000000", bytes(1_000_000_000_000_000)),
        ("9110 §8.6", "Content-Length: 18446744073709551615", bytes(u64::MAX)),
        ("9110 §8.6", "Content-Length: 18446744073709551616", Err(Fault::LengthTooLarge)),
        ("9110 §8.6", "Content-Length: 99999999999999999999999", Err(Fault::LengthTooLarge)),
        ("9110 §8.6", "Content-Length:", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: abc", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: -1", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: +5", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: 5.0", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: 0x5", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: 5e1", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: 1_0", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: 5 6", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: 5, 5", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: 5, 6", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: 5;q=1", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: \u{665}", Err(Fault::Length)),
        ("9110 §8.6", "Content-Length: 5\u{a0}", Err(Fault::Length)),
        ("9112 §6.3.5", "Content-Length: 5\r\nContent-Length: 6", Err(Fault::LengthRepeated)),
        ("9112 §6.3.5", "Content-Length: 5\r\nContent-Length: 5", Err(Fault::LengthRepeated)),
        ("9112 §6.3.5", "Content-Length: 0\r\nContent-Length: 5", Err(Fault::LengthRepeated)),
        ("9112 §6.3.5", "Content-Length: 5\r\ncontent-length: abc", Err(Fault::LengthRepeated)),
        ("9112 §6.3.4", "Transfer-Encoding: chunked", CHUNKED),
        ("9112 §7", "transfer-encoding: CHUNKED", CHUNKED),
        ("9112 §6.1", "Transfer-Encoding: gzip, chunked", Err(Fault::CodingUnknown)),
        ("9112 §6.1", "Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked", Err(Fault::CodingUnknown)),
        ("9112 §6.1", "Transfer-Encoding: a, b,chunked", Err(Fault::CodingUnknown)),
        ("9112 §6.3.4", "Transfer-Encoding: gzip, chunked, gzip", Err(Fault::Encoding)),
        ("9112 §6.1", "Transfer-Encoding: gzip;a=b, chunked", Err(Fault::CodingUnknown)),
        ("9112 §7.1", "Transfer-Encoding: chunked;a=b, chunked", Err(Fault::Encoding)),
        ("9112 §6.3.4", "Transfer-Encoding: gzip;a=\"b, chunked\"", Err(Fault::Encoding)),
        ("9112 §6.1", "Content-Length: 5\r\nTransfer-Encoding: gzip, chunked", Err(Fault::LengthAndEncoding)),
        ("9112 §6.1", "Content-Length: 5\r\nTransfer-Encoding:", Err(Fault::LengthAndEncoding)),
        ("9112 §6.1", "Transfer-Encoding: chunked, gzip", Err(Fault::Encoding)),
        ("9112 §6.1", "Transfer-Encoding: chunked, chunked", Err(Fault::Encoding)),
        ("9112 §6.1", "Transfer-Encoding: gzip", Err(Fault::Encoding)),
        ("9112 §7.3", "Transfer-Encoding: identity", Err(Fault::Encoding)),
        ("9112 §7", "Transfer-Encoding: chunked;x=1", Err(Fault::Encoding)),
        ("9112 §7", "Transfer-Encoding: xchunked", Err(Fault::Encoding)),
        ("9112 §7", "Transfer-Encoding: \"chunked\"", Err(Fault::Encoding)),
        ("9112 §7", "Transfer-Encoding: chunked\u{a0}", Err(Fault::Encoding)),
        ("9112 §7", "Transfer-Encoding:", Err(Fault::Encoding)),
        ("9112 §7", "Transfer-Encoding: , chunked", Err(Fault::Encoding)),
        ("9112 §7.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", Err(Fault::Encoding)),
        ("9112 §6.1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip", Err(Fault::Encoding)),
        ("9112 §6.1", "Content-Length: 5\r\nTransfer-Encoding: chunked", Err(Fault::LengthAndEncoding)),
        ("9112 §6.1", "Transfer-Encoding: chunked\r\nContent-Length: 5", Err(Fault::LengthAndEncoding)),
        ("9112 §6.1", "Content-Length: 0\r\nTransfer-Encoding: chunked", Err(Fault::LengthAndEncoding)),
        ("9112 §6.3.5", "Content-Length: abc\r\nTransfer-Encoding: chunked", Err(Fault::Length)),
    ];
    for (clause, fields, verdict) in rows {
        assert_eq!(put(fields), verdict, "RFC {clause}: {fields:?}");
    }
}

#[test]
fn fields_are_tokens_and_visible_characters() {
    let rows = [
        ("9110 §5.1", "X-A: b", NOTHING),
        ("9110 §5.6.2", "!#$%&'*+-.^_`|~09aZ: b", NOTHING),
        ("9110 §5.5", "X-A: a\tb", NOTHING),
        ("9110 §5.5", "X-A: clé", NOTHING),
        ("9110 §5.5", "X-A:", NOTHING),
        ("9112 §5.1", "Content-Length : 5", Err(Fault::FieldName)),
        ("9112 §5.2", " Content-Length: 5", Err(Fault::FieldName)),
        ("9112 §5.2", "\tTransfer-Encoding: chunked", Err(Fault::FieldName)),
        ("9112 §5.2", "Content-Length: 5\r\n 0", Err(Fault::FieldName)),
        ("9110 §5.1", ": b", Err(Fault::FieldName)),
        ("9110 §5.1", "X A: b", Err(Fault::FieldName)),
        ("9110 §5.1", "clé: b", Err(Fault::FieldName)),
        ("9110 §5.1", "X(A): b", Err(Fault::FieldName)),
        ("9110 §5.1", "X-\0A: b", Err(Fault::FieldName)),
        ("9110 §5.5", "X-A: a\0b", Err(Fault::FieldValue)),
        ("9110 §5.5", "X-A: a\rb", Err(Fault::FieldValue)),
        ("9110 §5.5", "X-A: a\nContent-Length: 5", Err(Fault::FieldValue)),
        ("9110 §5.5", "X-A: a\u{b}b", Err(Fault::FieldValue)),
        ("9110 §5.5", "X-A: a\u{7f}b", Err(Fault::FieldValue)),
        ("9110 §5.5", "Transfer-Encoding: \u{b}chunked", Err(Fault::FieldValue)),
    ];
    for (clause, fields, verdict) in rows {
        assert_eq!(put(fields), verdict, "RFC {clause}: {fields:?}");
    }
}

#[test]
fn hosts_versions_and_persistence_follow_their_clauses() {
    let kept: Verdict = NOTHING;
    let closed: Verdict = Ok((Announced::Nothing, false));
    let rows = [
        ("9112 §3.2", "GET / HTTP/1.1\r\nHost: x", kept),
        ("9112 §3.2", "GET / HTTP/1.1\r\nHost: [::1]:8080", kept),
        ("9110 §7.2", "GET / HTTP/1.1\r\nHost:", kept),
        ("9112 §3.2", "GET / HTTP/1.1", Err(Fault::HostMissing)),
        ("9112 §3.2", "GET / HTTP/1.1\r\nAccept: */*", Err(Fault::HostMissing)),
        ("9112 §3.2", "GET / HTTP/1.1\r\nHost: x\r\nHost: x", Err(Fault::HostRepeated)),
        ("9112 §3.2", "GET / HTTP/1.0\r\nHost: x\r\nhost: y", Err(Fault::HostRepeated)),
        ("9112 §3.2", "GET / HTTP/1.1\r\nHost: a b", Err(Fault::Host)),
        ("9112 §3.2", "GET / HTTP/1.1\r\nHost: a/b", Err(Fault::Host)),
        ("9112 §3.2", "GET / HTTP/1.1\r\nHost: a@b", Err(Fault::Host)),
        ("9112 §3.2", "GET / HTTP/1.1\r\nHost: a, b", Err(Fault::Host)),
        ("9112 §3.2", "GET / HTTP/1.1\r\nHost: a:b", Err(Fault::Host)),
        ("9112 §3.2", "GET / HTTP/1.0", closed),
        ("9112 §9.3", "GET / HTTP/1.0\r\nConnection: keep-alive", kept),
        ("9112 §9.3", "GET / HTTP/1.0\r\nConnection: Keep-Alive, close", closed),
        ("9112 §9.6", "GET / HTTP/1.1\r\nHost: x\r\nConnection: close", closed),
        ("9110 §7.6.1", "GET / HTTP/1.1\r\nHost: x\r\nConnection: te , CLOSE", closed),
        ("9110 §7.6.1", "GET / HTTP/1.1\r\nHost: x\r\nConnection: te\r\nConnection: close", closed),
        ("9110 §7.6.1", "GET / HTTP/1.1\r\nHost: x\r\nConnection: closed", kept),
        ("9112 §6.1", "PUT / HTTP/1.0\r\nTransfer-Encoding: chunked", Err(Fault::EncodingOnHttp10)),
        ("9110 §10.1.1", "PUT / HTTP/1.1\r\nHost: x\r\nExpect: the-best", Err(Fault::Expectation)),
        ("9110 §15.6.6", "GET / HTTP/2.0\r\nHost: x", Err(Fault::Version)),
        ("9110 §15.6.6", "GET / HTTP/0.9", Err(Fault::Version)),
    ];
    for (clause, head, verdict) in rows {
        assert_eq!(read(head), verdict, "RFC {clause}: {head:?}");
    }
}

#[test]
fn targets_come_in_origin_form() {
    let target = |method, target| {
        let line = RequestLine { method, target, version: (1, 0) };
        check(&line, std::iter::empty(), &LIMITS).map(|framing| framing.target)
    };
    let rows = [
        ("9112 §3.2.1", "GET", "/a?b=c", Ok("/a?b=c")),
        ("9112 §3.2.1", "GET", "/clé//../%2F", Ok("/clé//../%2F")),
        ("9112 §3.2.1", "GET", "//x", Ok("//x")),
        ("9112 §3.2.2", "GET", "http://x:8080/a?b", Ok("/a?b")),
        ("9112 §3.2.2", "GET", "HTTPS://x/a", Ok("/a")),
        ("9112 §3.2.2", "GET", "http://x", Ok("/")),
        ("9112 §3.2.2", "GET", "http://", Err(Fault::Target)),
        ("9112 §3.2.2", "GET", "http:///a", Err(Fault::Target)),
        ("9112 §3.2.2", "GET", "http://x?a=/b", Err(Fault::Target)),
        ("9112 §3.2.4", "OPTIONS", "*", Ok("*")),
        ("9112 §3.2.4", "GET", "*", Err(Fault::Target)),
        ("9110 §9.3.6", "CONNECT", "x:80", Err(Fault::Connect)),
        ("9110 §9.3.6", "CONNECT", "/a", Err(Fault::Connect)),
        ("9112 §3.2.3", "GET", "x:80", Err(Fault::Target)),
        ("9110 §4.2.4", "GET", "http://u@x/a", Err(Fault::Target)),
        ("3986 §3.2.3", "GET", "http://x:y/a", Err(Fault::Target)),
        ("3986 §3.5", "GET", "/a#b", Err(Fault::Target)),
        ("3986 §3.5", "GET", "http://x#b", Err(Fault::Target)),
        ("9112 §3", "GET", "a", Err(Fault::Target)),
        ("9112 §3", "GET", "", Err(Fault::Target)),
        ("9112 §3", "GET", "/a\0b", Err(Fault::Target)),
        ("9112 §3", "GET", "/a\u{7f}", Err(Fault::Target)),
        ("9112 §3", "GET", "/a\tb", Err(Fault::Target)),
        ("9110 §9.1", "", "/", Err(Fault::Method)),
        ("9110 §9.1", "G(T", "/", Err(Fault::Method)),
        ("9110 §9.1", "GÉT", "/", Err(Fault::Method)),
    ];
    for (clause, method, sent, verdict) in rows {
        assert_eq!(target(method, sent), verdict, "RFC {clause}: {method} {sent:?}");
    }
}

#[test]
fn heads_beyond_their_limits_are_refused_and_those_at_them_are_not() {
    let long = |bytes: usize| format!("/{}", "a".repeat(bytes - 1));
    let get = |target: &str, fields: &str| read(&format!("GET {target} HTTP/1.1\r\nHost: x{fields}"));
    assert_eq!(get(&long(64), ""), NOTHING);
    assert_eq!(get(&long(65), ""), Err(Fault::TargetTooLong { bytes: 65, limit: 64 }));
    assert_eq!(get("/", &"\r\nA: b".repeat(7)), NOTHING);
    assert_eq!(get("/", &"\r\nA: b".repeat(8)), Err(Fault::TooManyFields { limit: 8 }));
    // "GET / HTTP/1.1" and "Host: x" with their line ends have 25 bytes; "A: " with its line end has 5.
    assert_eq!(get("/", &format!("\r\nA: {}", "b".repeat(512 - 25 - 5))), NOTHING);
    assert_eq!(get("/", &format!("\r\nA: {}", "b".repeat(512 - 25 - 4))), Err(Fault::HeadTooLarge { limit: 512 }));
}

#[test]
fn continue_is_expected_only_with_a_body_on_http_11() {
    let expects = |version, length: &'static str| {
        let line = RequestLine { method: "PUT", target: "/", version };
        let fields = [("Host", "x"), ("Expect", "100-Continue"), ("Content-Length", length)];
        let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
        check(&line, fields, &LIMITS).unwrap().expects_continue
    };
    assert!(expects((1, 1), "5"));
    assert!(!expects((1, 0), "5"));
    assert!(!expects((1, 1), "0"));
}

#[test]
fn expectations_are_a_list_of_which_100_continue_alone_is_understood() {
    let expects = |value: &str| {
        let line = RequestLine { method: "PUT", target: "/", version: (1, 1) };
        let fields = [("Host", "x"), ("Content-Length", "5"), ("Expect", value)];
        check(&line, fields.iter().map(|(name, value)| (*name, value.as_bytes())), &LIMITS)
            .map(|framing| framing.expects_continue)
    };
    for (value, verdict) in [
        ("100-continue", Ok(true)),
        ("100-continue , ,100-CONTINUE", Ok(true)),
        ("", Ok(false)),
        (",", Ok(false)),
        ("100-continue, tea", Err(Fault::Expectation)),
        ("100-continue=1", Err(Fault::Expectation)),
        ("100", Err(Fault::Expectation)),
    ] {
        assert_eq!(expects(value), verdict, "RFC 9110 §10.1.1: {value:?}");
    }
}

#[test]
fn every_fault_has_an_answer_of_its_own_kind() {
    for (fault, status, code) in [
        (Fault::Version, 505, "http_version_not_supported"),
        (Fault::TargetTooLong { bytes: 9, limit: 8 }, 414, "target_too_long"),
        (Fault::TooManyFields { limit: 8 }, 431, "too_many_header_fields"),
        (Fault::HeadTooLarge { limit: 8 }, 431, "head_too_large"),
        (Fault::LengthTooLarge, 413, "body_too_large"),
        (Fault::Expectation, 417, "expectation_unsupported"),
        (Fault::Connect, 501, "method_not_implemented"),
        (Fault::CodingUnknown, 501, "transfer_coding_unknown"),
        (Fault::Length, 400, "content_length_malformed"),
        (Fault::LengthAndEncoding, 400, "framing_ambiguous"),
        (Fault::Host, 400, "host_malformed"),
    ] {
        assert_eq!((fault.status(), fault.code()), (status, code), "{fault}");
    }
}
