//! A page of figures read: the text format of Prometheus, 0.0.4, as `/metrics` speaks it.
//!
//! Pure, and bounded by the length of the page. It takes what any server may say in that format, and does not know what
//! a figure means: a histogram is three families to it, and help, types and timestamps are read over.

use std::collections::BTreeMap;

/// Bytes of the longest page that is read: hundred times what a server of ours says.
pub const PAGE_BYTES_MAX: usize = 4 << 20;

/// What stands in the braces: names with their values, in the order of the names.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Labels(Vec<(String, String)>);

impl Labels {
    /// The value of the label `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// The series of a family and their values.
pub type Family = BTreeMap<Labels, f64>;

/// Why a page cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// More than anybody says.
    #[error("the page of {bytes} bytes is longer than {PAGE_BYTES_MAX}")]
    TooLong {
        /// How long it is.
        bytes: usize,
    },
    /// No text.
    #[error("the page is not UTF-8")]
    NotUtf8,
    /// A line that the format does not have.
    #[error("line {line} of the page has {what}")]
    Line {
        /// Which, from 1 on.
        line: usize,
        /// What is wrong with it.
        what: Wrong,
    },
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// It does not begin with a name.
    #[error("no name where one begins")]
    Name,
    /// The braces hold something else than names and quoted values, or do not end.
    #[error("labels that cannot be read")]
    Labels,
    /// No number behind the name.
    #[error("no number for a value")]
    Value,
    /// Another line of this page has the same name and labels.
    #[error("the same figure a second time")]
    Twice,
}

/// A page of figures.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Page {
    families: BTreeMap<String, Family>,
}

impl Page {
    /// Reads a page.
    ///
    /// # Errors
    /// The first line that cannot be read, and what is wrong with it.
    pub fn read(text: &[u8]) -> Result<Page, PageFault> {
        if text.len() > PAGE_BYTES_MAX {
            return Err(PageFault::TooLong { bytes: text.len() });
        }
        let text = std::str::from_utf8(text).map_err(|_| PageFault::NotUtf8)?;
        let mut page = Page::default();
        for (number, line) in text.lines().enumerate() {
            page.take(line.trim()).map_err(|what| PageFault::Line { line: number + 1, what })?;
        }
        Ok(page)
    }

    fn take(&mut self, line: &str) -> Result<(), Wrong> {
        if let Some(comment) = line.strip_prefix('#') {
            let mut words = comment.split_whitespace();
            if let (Some("TYPE"), Some(name)) = (words.next(), words.next()) {
                // A family that has counted nothing yet is one that there is.
                self.families.entry(name.to_owned()).or_default();
            }
            return Ok(());
        }
        if line.is_empty() {
            return Ok(());
        }
        let (name, rest) =
            line.split_at_checked(name_bytes(line)).filter(|(name, _)| !name.is_empty()).ok_or(Wrong::Name)?;
        let (labels, rest) = match rest.trim_start().strip_prefix('{') {
            Some(inner) => labels(inner).ok_or(Wrong::Labels)?,
            None => (Labels::default(), rest),
        };
        let mut words = rest.split_whitespace();
        let value = words.next().and_then(|word| word.parse().ok()).ok_or(Wrong::Value)?;
        let is_moment = |word: &str| word.parse::<i64>().is_ok();
        if !words.next().is_none_or(is_moment) || words.next().is_some() {
            return Err(Wrong::Value);
        }
        let family = self.families.entry(name.to_owned()).or_default();
        if family.insert(labels, value).is_some() { Err(Wrong::Twice) } else { Ok(()) }
    }

    /// The family `name`; `None` when the server has none.
    pub fn family(&self, name: &str) -> Option<&Family> {
        self.families.get(name)
    }

    /// The families by their names.
    pub fn families(&self) -> impl Iterator<Item = (&str, &Family)> {
        self.families.iter().map(|(name, family)| (name.as_str(), family))
    }

    /// The sum of the series of `name`; `None` when there is none.
    pub fn value(&self, name: &str) -> Option<f64> {
        self.family(name).filter(|family| !family.is_empty()).map(|family| family.values().sum())
    }
}

/// Bytes of the name that `line` begins with.
fn name_bytes(line: &str) -> usize {
    let belongs = |(at, byte): &(usize, u8)| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'_' | b':' => true,
        b'0'..=b'9' => *at > 0,
        _ => false,
    };
    line.bytes().enumerate().take_while(belongs).count()
}

/// The labels in `text`, which is behind the opening brace, and what is behind the closing one.
fn labels(mut text: &str) -> Option<(Labels, &str)> {
    let mut labels = Vec::new();
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix('}') {
            labels.sort_unstable();
            let is_named_twice = labels.windows(2).any(|pair| matches!(pair, [(one, _), (other, _)] if one == other));
            return (!is_named_twice).then_some((Labels(labels), rest));
        }
        let (name, rest) = text.split_at_checked(name_bytes(text)).filter(|(name, _)| !name.is_empty())?;
        let (value, rest) = quoted(rest.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?)?;
        labels.push((name.to_owned(), value));
        text = rest.trim_start();
        // A comma may stand behind the last one, too.
        match text.strip_prefix(',') {
            Some(rest) => text = rest,
            None if text.starts_with('}') => {}
            None => return None,
        }
    }
}

/// The text up to the closing quote, without its escapes, and what is behind the quote.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next()? {
            '"' => return Some((value, characters.as_str())),
            '\\' => value.push(match characters.next()? {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            character => value.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::metrics::{Family as Written, Histogram, Kind};

    fn value(page: &Page, name: &str, wanted: &[(&str, &str)]) -> Option<f64> {
        let is_wanted = |labels: &Labels| {
            labels.0.len() == wanted.len() && wanted.iter().all(|(name, value)| labels.get(name) == Some(value))
        };
        page.family(name)?.iter().find(|(labels, _)| is_wanted(labels)).map(|(_, value)| *value)
    }

    #[test]
    fn what_the_server_writes_is_read_back() {
        let histogram = Histogram::new(const { &[Duration::from_micros(100), Duration::from_secs(1)] });
        histogram.observe(Duration::from_millis(3));
        let mut text = String::new();
        Written { name: "a", kind: Kind::Gauge, help: "Of \\ and\nmore." }.show(&mut text, |samples| {
            samples.labelled("of", "b\"\n\\}, é", 9_007_199_254_740_991);
            samples.real(f64::NEG_INFINITY);
        });
        Written { name: "b_seconds", kind: Kind::Histogram, help: "Long." }
            .show(&mut text, |samples| samples.distribution(&histogram.read()));
        Written { name: "c_total", kind: Kind::Counter, help: "None yet." }.show(&mut text, |_| ());
        let page = Page::read(text.as_bytes()).unwrap();
        assert_eq!(value(&page, "a", &[("of", "b\"\n\\}, é")]), Some(9_007_199_254_740_991.0));
        assert_eq!(value(&page, "a", &[]), Some(f64::NEG_INFINITY));
        for (bound, count) in [("0.0001", 0.0), ("1", 1.0), ("+Inf", 1.0)] {
            assert_eq!(value(&page, "b_seconds_bucket", &[("le", bound)]), Some(count), "{bound}");
        }
        assert_eq!(page.value("b_seconds_sum"), Some(0.003));
        assert_eq!((page.family("c_total").map(Family::len), page.value("c_total")), (Some(0), None));
        assert_eq!(page.family("d_total"), None);
    }

    #[test]
    fn whatever_else_the_format_allows_is_taken() {
        let page =
            Page::read(b"# a word\n\n  a:b_1 \t 1e3 1700000000000\r\na:b_1 { y = \"2\" , x=\"1\", } +Inf\n#\nc{} NaN")
                .unwrap();
        assert_eq!(value(&page, "a:b_1", &[]), Some(1000.0));
        assert_eq!(value(&page, "a:b_1", &[("x", "1"), ("y", "2")]), Some(f64::INFINITY));
        assert!(page.value("c").unwrap().is_nan());
        assert_eq!(Page::read(b""), Ok(Page::default()));
    }

    #[test]
    fn what_is_no_page_is_refused_by_its_line() {
        for (line, what) in [
            ("1a 1", Wrong::Name),
            ("{a=\"b\"} 1", Wrong::Name),
            ("a", Wrong::Value),
            ("a b", Wrong::Value),
            ("a 1 b", Wrong::Value),
            ("a 1 2 3", Wrong::Value),
            ("a{b=\"c\"}", Wrong::Value),
            ("a{b=\"c\" 1", Wrong::Labels),
            ("a{b=c} 1", Wrong::Labels),
            ("a{b=\"c", Wrong::Labels),
            ("a{b=\"\\x\"} 1", Wrong::Labels),
            ("a{b=\"c\"d=\"e\"} 1", Wrong::Labels),
            ("a{b=\"c\",b=\"d\"} 1", Wrong::Labels),
            ("a{,} 1", Wrong::Labels),
            ("ok 2", Wrong::Twice),
        ] {
            let fault = PageFault::Line { line: 2, what };
            assert_eq!(Page::read(format!("ok 1\n{line}\n").as_bytes()), Err(fault), "{line}");
        }
        assert_eq!(Page::read(b"a 1\n\xff"), Err(PageFault::NotUtf8));
        let bytes = PAGE_BYTES_MAX + 1;
        assert_eq!(Page::read(&vec![b'\n'; bytes]), Err(PageFault::TooLong { bytes }));
        let fault = PageFault::Line { line: 7, what: Wrong::Value };
        assert_eq!(fault.to_string(), "line 7 of the page has no number for a value");
    }
}
