//! Moments as text: RFC 3339 in UTC with milliseconds, and back from RFC 3339 or unix milliseconds.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::base::clock::UnixMillis;
pub use crate::base::clock::push_rfc3339 as push;
use crate::model::Deadline;

/// Appends the member `expires_at` behind a comma; nothing for what never expires.
pub fn push_expiry(out: &mut Vec<u8>, deadline: Deadline) {
    if let Some(moment) = deadline.moment() {
        out.extend_from_slice(b",\"expires_at\":\"");
        push(out, moment);
        out.push(b'"');
    }
}

/// What `push` appends, by itself.
pub fn text(moment: UnixMillis) -> String {
    let mut text = Vec::new();
    push(&mut text, moment);
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads RFC 3339 (any offset, any fraction; cut to milliseconds) or a whole number of unix milliseconds.
pub fn parse(text: &str) -> Option<UnixMillis> {
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return text.parse().ok().map(UnixMillis);
    }
    let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
    u64::try_from(nanos / 1_000_000).ok().map(UnixMillis)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_and_unix_milliseconds_are_read() {
        for (text, moment) in [
            ("2026-11-22T19:00:00.007Z", Some(1_795_374_000_007)),
            ("2026-11-22T20:00:00.007999+01:00", Some(1_795_374_000_007)),
            ("2026-11-22T19:00:00z", Some(1_795_374_000_000)),
            ("1795374000007", Some(1_795_374_000_007)),
            ("2026-11-22", None),
            ("2026-02-30T00:00:00Z", None),
            ("1969-12-31T23:59:59Z", None),
            ("-5", None),
            ("", None),
            ("soon", None),
        ] {
            assert_eq!(parse(text), moment.map(UnixMillis), "{text}");
        }
    }
}
