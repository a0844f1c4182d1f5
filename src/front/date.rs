//! The `Date` field's text, made once a second (RFC 9110 §5.6.7).
//!
//! Invariant: the text always belongs to the second that was asked for last. It does not know the time; the moment
//! is an argument.

use time::OffsetDateTime;

use crate::base::clock::UnixMillis;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The text of one second. One per thread: it is cheaper to make than to share.
#[derive(Debug)]
pub struct DateCache {
    second: u64,
    text: String,
}

impl Default for DateCache {
    fn default() -> DateCache {
        DateCache { second: 0, text: imf_fixdate(0) }
    }
}

impl DateCache {
    /// The moment as HTTP writes it, to the second.
    pub fn at(&mut self, now: UnixMillis) -> &str {
        let second = now.0 / 1000;
        if second != self.second {
            self.second = second;
            self.text = imf_fixdate(second);
        }
        &self.text
    }

    /// The moment that was asked for last.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A moment after the year 9999 is written as 1970: no clock of ours gets there.
fn imf_fixdate(second: u64) -> String {
    let moment = i64::try_from(second)
        .ok()
        .and_then(|second| OffsetDateTime::from_unix_timestamp(second).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let weekday = WEEKDAYS.get(usize::from(moment.weekday().number_days_from_monday())).unwrap_or(&"Mon");
    let month = MONTHS.get(usize::from(u8::from(moment.month()) - 1)).unwrap_or(&"Jan");
    let (hour, minute, second) = moment.to_hms();
    format!("{weekday}, {:02} {month} {:04} {hour:02}:{minute:02}:{second:02} GMT", moment.day(), moment.year())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_written_as_rfc_9110_writes_them() {
        let mut date = DateCache::default();
        for (millis, text) in [
            (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
            (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (784_111_777_999, "Sun, 06 Nov 1994 08:49:37 GMT"),
            (951_782_400_000, "Tue, 29 Feb 2000 00:00:00 GMT"),
            (253_402_300_799_000, "Fri, 31 Dec 9999 23:59:59 GMT"),
            (u64::MAX, "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] {
            assert_eq!(date.at(UnixMillis(millis)), text);
        }
    }
}
