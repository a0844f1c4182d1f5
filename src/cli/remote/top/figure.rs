//! Figures as people read them, each no wider than its column, and a dash for what nobody knows.

use std::time::Duration;

use indicatif::{HumanBytes, HumanCount};

use super::change::Quantile;

/// What stands for what the server does not say.
const UNKNOWN: &str = "-";

/// What `show` makes of `value`, if there is one.
fn known<T>(value: Option<T>, show: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), show)
}

/// A number without what is behind its point; what is no number, or below zero, is none.
fn whole(value: f64) -> Option<u64> {
    // Saturates, and rounds to what a counter has said: it is exact up to 2^53.
    (value >= 0.0).then(|| value.round() as u64)
}

/// A number of things, with commas.
pub fn count(value: Option<f64>) -> String {
    known(value.and_then(whole), |value| HumanCount(value).to_string())
}

/// So many bytes.
pub fn bytes(value: Option<f64>) -> String {
    known(value.and_then(whole), |value| HumanBytes(value).to_string())
}

/// So many in a second: below a hundred with a decimal.
pub fn rate(value: Option<f64>) -> String {
    known(value, |value| if value < 99.95 { format!("{value:.1}") } else { count(Some(value)) })
}

/// A part of one, as percent.
pub fn percent(value: Option<f64>) -> String {
    known(value, |value| format!("{:.0}%", value * 100.0))
}

/// So many seconds, to three digits.
pub fn seconds(value: Option<f64>) -> String {
    known(value, |value| {
        let (value, unit) = match value {
            value if value < 0.000_999_5 => (value * 1e6, "us"),
            value if value < 0.999_5 => (value * 1e3, "ms"),
            value => (value, "s"),
        };
        let decimals = match value {
            value if value < 9.995 => 2,
            value if value < 99.95 => 1,
            _ => 0,
        };
        format!("{value:.decimals$}{unit}")
    })
}

/// A duration that a histogram knows.
pub fn quantile(value: Option<Quantile>) -> String {
    match value {
        Some(Quantile::Above(bound)) => format!(">{}", seconds(Some(bound))),
        Some(Quantile::About(value)) => seconds(Some(value)),
        None => seconds(None),
    }
}

/// How long ago something was, in its two largest units.
pub fn age(value: Option<Duration>) -> String {
    known(value, |value| {
        let seconds = value.as_secs();
        let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
        match (days, hours, minutes) {
            (0, 0, 0) => format!("{seconds}s"),
            (0, 0, _) => format!("{minutes}m{:02}s", seconds % 60),
            (0, _, _) => format!("{hours}h{minutes:02}m"),
            _ => format!("{days}d{hours:02}h"),
        }
    })
}

/// A name that somebody has chosen: what a terminal would obey is written out.
pub fn name(text: &str) -> String {
    let obeyed = |character: char| {
        // Also those that turn the direction of what follows.
        character.is_control()
            || matches!(character, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut shown = String::new();
    for character in text.chars() {
        if obeyed(character) { shown.extend(character.escape_unicode()) } else { shown.push(character) }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_figure_has_its_form() {
        assert_eq!([None, Some(1_234_567.0), Some(f64::NAN), Some(-1.0)].map(count), ["-", "1,234,567", "-", "-"]);
        assert_eq!([None, Some(812.0), Some(1536.0)].map(bytes), ["-", "812 B", "1.50 KiB"]);
        let rates = [None, Some(0.0), Some(99.94), Some(99.95), Some(12_345.6)];
        assert_eq!(rates.map(rate), ["-", "0.0", "99.9", "100", "12,346"]);
        assert_eq!([None, Some(1.456)].map(percent), ["-", "146%"]);
        let lengths = [0.0, 0.000_012_34, 0.000_999_6, 0.012_34, 0.123_4, 0.999_6, 59.96, 600.0];
        let shown = lengths.map(|length| seconds(Some(length)));
        assert_eq!(shown, ["0.00us", "12.3us", "1.00ms", "12.3ms", "123ms", "1.00s", "60.0s", "600s"]);
        let quantiles = [None, Some(Quantile::About(0.002)), Some(Quantile::Above(10.0))];
        assert_eq!(quantiles.map(quantile), ["-", "2.00ms", ">10.0s"]);
        let ages = [0, 59, 60, 3_599, 3_600, 86_399, 86_400, 8_640_000].map(Duration::from_secs).map(Some);
        assert_eq!(ages.map(age), ["0s", "59s", "1m00s", "59m59s", "1h00m", "23h59m", "1d00h", "100d00h"]);
        assert_eq!(age(None), "-");
    }

    #[test]
    fn a_name_cannot_command_the_terminal() {
        assert_eq!(name("plain é 文"), "plain é 文");
        assert_eq!(name("a\x1b[2Jb\u{9b}c\nd\u{202e}"), "a\\u{1b}[2Jb\\u{9b}c\\u{a}d\\u{202e}");
    }
}
