//! The clauses that rows may name, each with its title, so that a typo is no clause.

/// Document, section, title.
pub type Clause = (&'static str, &'static str, &'static str);

/// Every clause there is for a row.
pub const CLAUSES: &[Clause] = &[
    ("RFC 3986", "§2.1", "Percent-Encoding"),
    ("RFC 3986", "§3.2.2", "Host"),
    ("RFC 3986", "§3.2.3", "Port"),
    ("RFC 3986", "§3.5", "Fragment"),
    ("RFC 6585", "§5", "431 Request Header Fields Too Large"),
    ("RFC 9110", "§2.5", "Protocol Version"),
    ("RFC 9110", "§4.2.4", "Deprecation of userinfo in http(s) URIs"),
    ("RFC 9110", "§5.1", "Field Names"),
    ("RFC 9110", "§5.3", "Field Order"),
    ("RFC 9110", "§5.5", "Field Values"),
    ("RFC 9110", "§5.6.1.2", "Recipient Requirements (lists)"),
    ("RFC 9110", "§5.6.2", "Tokens"),
    ("RFC 9110", "§5.6.3", "Whitespace"),
    ("RFC 9110", "§5.6.4", "Quoted Strings"),
    ("RFC 9110", "§6.5.1", "Limitations on Use of Trailers"),
    ("RFC 9110", "§7.2", "Host and :authority"),
    ("RFC 9110", "§7.6.1", "Connection"),
    ("RFC 9110", "§7.8", "Upgrade"),
    ("RFC 9110", "§8.6", "Content-Length"),
    ("RFC 9110", "§9.1", "Overview (methods)"),
    ("RFC 9110", "§9.3.1", "GET"),
    ("RFC 9110", "§9.3.2", "HEAD"),
    ("RFC 9110", "§9.3.6", "CONNECT"),
    ("RFC 9110", "§9.3.7", "OPTIONS"),
    ("RFC 9110", "§9.3.8", "TRACE"),
    ("RFC 9110", "§10.1.1", "Expect"),
    ("RFC 9110", "§10.1.4", "TE"),
    ("RFC 9110", "§15.5.14", "413 Content Too Large"),
    ("RFC 9110", "§15.5.15", "414 URI Too Long"),
    ("RFC 9110", "§15.6.6", "505 HTTP Version Not Supported"),
    ("RFC 9112", "§2.1", "Message Format"),
    ("RFC 9112", "§2.2", "Message Parsing"),
    ("RFC 9112", "§2.3", "HTTP Version"),
    ("RFC 9112", "§3", "Request Line"),
    ("RFC 9112", "§3.1", "Method"),
    ("RFC 9112", "§3.2", "Request Target"),
    ("RFC 9112", "§3.2.1", "origin-form"),
    ("RFC 9112", "§3.2.2", "absolute-form"),
    ("RFC 9112", "§3.2.3", "authority-form"),
    ("RFC 9112", "§3.2.4", "asterisk-form"),
    ("RFC 9112", "§5", "Field Syntax"),
    ("RFC 9112", "§5.1", "Field Line Parsing"),
    ("RFC 9112", "§5.2", "Obsolete Line Folding"),
    ("RFC 9112", "§6", "Message Body"),
    ("RFC 9112", "§6.1", "Transfer-Encoding"),
    ("RFC 9112", "§6.2", "Content-Length"),
    ("RFC 9112", "§6.3", "Message Body Length"),
    ("RFC 9112", "§7", "Transfer Codings"),
    ("RFC 9112", "§7.1", "Chunked Transfer Coding"),
    ("RFC 9112", "§7.1.1", "Chunk Extensions"),
    ("RFC 9112", "§7.1.2", "Chunked Trailer Section"),
    ("RFC 9112", "§8", "Handling Incomplete Messages"),
    ("RFC 9112", "§9.3", "Persistence"),
    ("RFC 9112", "§9.3.2", "Pipelining"),
    ("RFC 9112", "§9.5", "Failures and Timeouts"),
    ("RFC 9112", "§9.6", "Tear-down"),
    ("RFC 9112", "§11.2", "Request Smuggling"),
    ("RFC 9113", "§3.4", "HTTP/2 Connection Preface"),
];

/// The clause written as `document section`.
pub fn find(text: &str) -> Option<&'static Clause> {
    let (document, section) = text.rsplit_once(' ')?;
    CLAUSES.iter().find(|clause| (clause.0, clause.1) == (document, section))
}
