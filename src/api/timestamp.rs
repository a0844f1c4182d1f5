//! Moments as text: RFC 3339 in UTC with milliseconds, and back from RFC 3339 or unix milliseconds.

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::base::clock::UnixMillis;

/// `2026-11-22T19:00:00.123Z`. Moments beyond the year 9999 are shown as its last millisecond.
pub fn format(moment: UnixMillis) -> String {
    let nanos = i128::from(moment.0) * 1_000_000;
    let Ok(date) = OffsetDateTime::from_unix_timestamp_nanos(nanos) else {
        return "9999-12-31T23:59:59.999Z".to_owned();
    };
    format!(
        "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
        date.year(),
        u8::from(date.month()),
        date.day(),
        date.hour(),
        date.minute(),
        date.second(),
        date.millisecond()
    )
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
    fn moments_are_written_with_milliseconds_and_z() {
        assert_eq!(format(UnixMillis(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(format(UnixMillis(1_795_374_000_007)), "2026-11-22T19:00:00.007Z");
        assert_eq!(format(UnixMillis(u64::MAX)), "9999-12-31T23:59:59.999Z");
    }

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
