//! Moments as text: RFC 3339 in UTC with milliseconds.

use time::OffsetDateTime;

use super::UnixMillis;

/// Appends `2026-11-22T19:00:00.123Z`. Moments beyond the year 9999 are shown as its last millisecond.
pub fn push_rfc3339(out: &mut Vec<u8>, moment: UnixMillis) {
    let nanos = i128::from(moment.0) * 1_000_000;
    let Ok(date) = OffsetDateTime::from_unix_timestamp_nanos(nanos) else {
        return out.extend_from_slice(b"9999-12-31T23:59:59.999Z");
    };
    for (number, digits, behind) in [
        (date.year().unsigned_abs(), 4, b'-'),
        (u8::from(date.month()).into(), 2, b'-'),
        (date.day().into(), 2, b'T'),
        (date.hour().into(), 2, b':'),
        (date.minute().into(), 2, b':'),
        (date.second().into(), 2, b'.'),
        (date.millisecond().into(), 3, b'Z'),
    ] {
        push_digits(out, number, digits);
        out.push(behind);
    }
}

/// The last `digits` decimal digits of `number`, without the machinery of `fmt`.
fn push_digits(out: &mut Vec<u8>, number: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        out.push(b'0' + u8::try_from(digit).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_with_milliseconds_and_z() {
        for (millis, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_374_000_007, "2026-11-22T19:00:00.007Z"),
            (1_582_934_399_999, "2020-02-28T23:59:59.999Z"),
            (1_582_934_400_000, "2020-02-29T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
            (253_402_300_800_000, "9999-12-31T23:59:59.999Z"),
            (u64::MAX, "9999-12-31T23:59:59.999Z"),
        ] {
            let mut out = Vec::new();
            push_rfc3339(&mut out, UnixMillis(millis));
            assert_eq!(String::from_utf8(out).unwrap(), text);
        }
    }
}
