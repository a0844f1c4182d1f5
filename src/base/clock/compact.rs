//! Moments in names of files: `20261123T150407Z`, in UTC, to the second; in the order of time when they are sorted.

use time::{Date, Month, OffsetDateTime, Time};

use super::UnixMillis;

impl UnixMillis {
    /// The second of this moment, for the name of a file. Beyond the year 9999 it is that year's last second.
    pub fn compact(self) -> String {
        let seconds = i64::try_from(self.0 / 1000).unwrap_or(i64::MAX);
        let Ok(moment) = OffsetDateTime::from_unix_timestamp(seconds) else { return "99991231T235959Z".to_owned() };
        let (date, time) = (moment.date(), moment.time());
        let (year, month, day) = (date.year(), u8::from(date.month()), date.day());
        format!("{year:04}{month:02}{day:02}T{:02}{:02}{:02}Z", time.hour(), time.minute(), time.second())
    }

    /// The second that `text` is the name of.
    pub fn from_compact(text: &str) -> Option<UnixMillis> {
        let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
        let is_whole = date.len() == 8 && time.len() == 6 && [date, time].iter().all(|part| are_digits(part));
        let number = |part: &str, from: usize, to: usize| part.get(from..to)?.parse::<u16>().ok().filter(|_| is_whole);
        let small = |part: &str, from: usize| u8::try_from(number(part, from, from + 2)?).ok();
        let month = Month::try_from(small(date, 4)?).ok()?;
        let day = Date::from_calendar_date(number(date, 0, 4)?.into(), month, small(date, 6)?).ok()?;
        let second = Time::from_hms(small(time, 0)?, small(time, 2)?, small(time, 4)?).ok()?;
        let seconds = u64::try_from(day.with_time(second).assume_utc().unix_timestamp()).ok()?;
        Some(UnixMillis(seconds.checked_mul(1000)?))
    }
}

fn are_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_comes_back_to_the_second() {
        for (millis, text) in [
            (0, "19700101T000000Z"),
            (1_795_374_000_999, "20261122T190000Z"),
            (1_582_934_400_000, "20200229T000000Z"),
            (253_402_300_799_999, "99991231T235959Z"),
        ] {
            assert_eq!(UnixMillis(millis).compact(), text);
            assert_eq!(UnixMillis::from_compact(text), Some(UnixMillis(millis - millis % 1000)));
        }
        assert_eq!(UnixMillis(u64::MAX).compact(), "99991231T235959Z");
        for text in
            ["", "20261122T190000", "20261122190000Z", "20261322T190000Z", "2026112T1900000Z", "+0261122T190000Z"]
        {
            assert_eq!(UnixMillis::from_compact(text), None, "{text}");
        }
    }
}
