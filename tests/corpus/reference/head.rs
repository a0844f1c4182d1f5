//! The head: request line, fields, and what they say together.

use super::{HEAD_BYTES_MAX, Length, Reading, Stop, TARGET_BYTES_MAX, fields, is_token, line};

/// What stands between the request line and the body, once understood.
pub struct Head<'a> {
    /// The method's name.
    pub method: &'a str,
    /// The target in origin form.
    pub target: &'a str,
    /// Its body.
    pub length: Length,
    /// True when the connection is kept behind it.
    pub persists: bool,
    /// True when the client waits for a 100.
    pub expects_continue: bool,
}

/// Takes the head of a request, and the empty lines before it.
///
/// # Errors
/// That it is not whole, or what refuses it.
pub fn head(input: &[u8]) -> Reading<'_, Head<'_>> {
    let mut rest = input;
    while let Some(behind) = rest.strip_prefix(b"\r\n") {
        rest = behind;
    }
    let (request_line, behind) = match line(rest) {
        Ok(found) => found,
        Err(Stop::Partial) if rest.len() > HEAD_BYTES_MAX => return Err(oversize(rest)),
        Err(stop) => return Err(stop),
    };
    if request_line.len() > HEAD_BYTES_MAX {
        return Err(oversize(request_line));
    }
    let text = std::str::from_utf8(request_line).map_err(|_| Stop::Refused(400))?;
    let (method, target, version) = split_request_line(text)?;
    let (fields, body) = match fields(behind, HEAD_BYTES_MAX.saturating_sub(request_line.len())) {
        Err(Stop::Partial) if rest.len() > HEAD_BYTES_MAX => return Err(Stop::Refused(431)),
        other => other?,
    };
    Ok((understand(method, target, version, &fields)?, body))
}

/// Which part of a request line is too long.
fn oversize(line: &[u8]) -> Stop {
    let mut words = line.split(|byte| *byte == b' ').map(<[u8]>::len);
    let (method, target) = (words.next().unwrap_or(0), words.next().unwrap_or(0));
    Stop::Refused(match (method > HEAD_BYTES_MAX, target > TARGET_BYTES_MAX) {
        (true, _) => 501,
        (false, true) => 414,
        (false, false) => 400,
    })
}

/// Method, target in origin form, minor version.
fn split_request_line(line: &str) -> Result<(&str, &str, u8), Stop> {
    let words: Vec<&str> = line.split(' ').collect();
    let [method, target, version] = words.as_slice() else { return Err(Stop::Refused(400)) };
    let minor = match version.strip_prefix("HTTP/").ok_or(Stop::Refused(400))?.as_bytes() {
        b"1.0" => 0,
        b"1.1" => 1,
        [major, b'.', minor] if major.is_ascii_digit() && minor.is_ascii_digit() => return Err(Stop::Refused(505)),
        _ => return Err(Stop::Refused(400)),
    };
    if !is_token(method) {
        return Err(Stop::Refused(400));
    }
    if *method == "CONNECT" {
        return Err(Stop::Refused(501));
    }
    if target.len() > TARGET_BYTES_MAX {
        return Err(Stop::Refused(414));
    }
    if target.chars().any(|char| char.is_ascii_control() || char == '#') {
        return Err(Stop::Refused(400));
    }
    if target.starts_with('/') || (*target == "*" && *method == "OPTIONS") {
        return Ok((method, target, minor));
    }
    let lower = target.to_ascii_lowercase();
    let scheme = ["http://", "https://"].into_iter().find(|scheme| lower.starts_with(scheme));
    let after = target.split_at(scheme.ok_or(Stop::Refused(400))?.len()).1;
    let (authority, path) = after.split_at(after.find('/').unwrap_or(after.len()));
    if authority.is_empty() || !is_host(authority) {
        return Err(Stop::Refused(400));
    }
    Ok((method, if path.is_empty() { "/" } else { path }, minor))
}

fn is_host(text: &str) -> bool {
    let (host, port) = match text.strip_prefix('[') {
        Some(literal) => {
            let Some((address, behind)) = literal.split_once(']') else { return false };
            let is_address = address.parse::<std::net::Ipv6Addr>().is_ok() || address.starts_with(['v', 'V']);
            if !is_address || !(behind.is_empty() || behind.starts_with(':')) {
                return false;
            }
            ("", behind.trim_start_matches(':'))
        }
        None => text.split_once(':').unwrap_or((text, "")),
    };
    let mut chars = host.chars();
    while let Some(char) = chars.next() {
        let mut is_digit = || chars.next().is_some_and(|digit| digit.is_ascii_hexdigit());
        let is_escape = char == '%' && is_digit() && is_digit();
        if !is_escape && !char.is_ascii_alphanumeric() && !"-._~!$&'()*+;=".contains(char) {
            return false;
        }
    }
    port.chars().all(|char| char.is_ascii_digit())
}

/// The members of a list, empty ones included.
fn members(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(|member| member.trim_matches([' ', '\t']))
}

fn understand<'a>(method: &'a str, target: &'a str, minor: u8, fields: &[(&str, &[u8])]) -> Result<Head<'a>, Stop> {
    let all = |name: &str| -> Vec<String> {
        let values = fields.iter().filter(|field| field.0.eq_ignore_ascii_case(name));
        values.map(|field| field.1.iter().map(|byte| char::from(*byte)).collect()).collect()
    };
    let list = |name: &str| -> Vec<String> {
        let joined = all(name).join(",").to_ascii_lowercase();
        members(&joined).filter(|member| !member.is_empty()).map(str::to_owned).collect()
    };
    let hosts = all("Host");
    if hosts.len() > 1 || (hosts.is_empty() && minor == 1) || !hosts.iter().all(|host| is_host(host)) {
        return Err(Stop::Refused(400));
    }
    let codings = all("Transfer-Encoding");
    let lengths = all("Content-Length");
    let length = if codings.is_empty() {
        match lengths.as_slice() {
            [] => Length::Known(0),
            [digits] if !digits.is_empty() && digits.chars().all(|char| char.is_ascii_digit()) => {
                Length::Known(digits.parse().map_err(|_| Stop::Refused(413))?)
            }
            _ => return Err(Stop::Refused(400)),
        }
    } else {
        let codings = codings.join(",").to_ascii_lowercase();
        let codings: Vec<&str> = members(&codings).collect();
        let Some(("chunked", before)) = codings.split_last().map(|(last, before)| (*last, before)) else {
            return Err(Stop::Refused(400));
        };
        let is_unknown = |coding: &str| {
            let name = coding.split(';').next().unwrap_or_default().trim_end();
            is_token(name) && name != "chunked"
        };
        if !lengths.is_empty() || minor == 0 || !before.iter().all(|coding| is_unknown(coding)) {
            return Err(Stop::Refused(400));
        }
        if !before.is_empty() {
            return Err(Stop::Refused(501));
        }
        Length::Chunked
    };
    let expectations = list("Expect");
    if expectations.iter().any(|expectation| expectation != "100-continue") {
        return Err(Stop::Refused(417));
    }
    let has_body = !matches!(length, Length::Known(0));
    let connection = list("Connection");
    let says = |option: &str| connection.iter().any(|member| member == option);
    let persists = !says("close") && (minor == 1 || says("keep-alive"));
    let expects_continue = !expectations.is_empty() && minor == 1 && has_body;
    Ok(Head { method, target, length, persists, expects_continue })
}
