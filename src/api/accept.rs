//! `Accept` (RFC 9110 §12.5.1), as far as it chooses between the forms that a reply can have.

use super::message::Headers;

/// How a list is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListForm {
    /// One JSON object.
    Json,
    /// One JSON text to a line: `application/x-ndjson`.
    Lines,
}

impl ListForm {
    /// What the client prefers. Lines only where they are named, and not below JSON.
    pub fn read(headers: &dyn Headers) -> ListForm {
        if is_preferred(headers, "application/x-ndjson", "application/json") { ListForm::Lines } else { ListForm::Json }
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            ListForm::Json => "application/json",
            ListForm::Lines => "application/x-ndjson",
        }
    }
}

/// How changes are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangesForm {
    /// One JSON text to a line: `application/x-ndjson`.
    Lines,
    /// Server-sent events: `text/event-stream`.
    Events,
}

impl ChangesForm {
    /// What the client prefers. Events only where they are named, and not below lines.
    pub fn read(headers: &dyn Headers) -> ChangesForm {
        let is_events = is_preferred(headers, "text/event-stream", "application/x-ndjson");
        if is_events { ChangesForm::Events } else { ChangesForm::Lines }
    }

    /// The media type.
    pub fn content_type(self) -> &'static str {
        match self {
            ChangesForm::Lines => "application/x-ndjson",
            ChangesForm::Events => "text/event-stream",
        }
    }
}

/// True when the client names `name`, and not below `other`.
fn is_preferred(headers: &dyn Headers, name: &str, other: &str) -> bool {
    let (mut of_name, mut of_other) = (None, None);
    headers.each("Accept", &mut |value| {
        for range in value.split(',') {
            let mut parts = range.split(';').map(|part| part.trim_matches([' ', '\t']));
            let range = parts.next().unwrap_or_default();
            let weight = parts.find_map(|part| part.strip_prefix("q=")).unwrap_or("1");
            let weight: f32 = weight.parse().unwrap_or(0.0);
            if range.eq_ignore_ascii_case(name) {
                of_name = Some(weight);
            } else if range.eq_ignore_ascii_case(other) {
                of_other = Some(weight);
            }
        }
    });
    of_name.is_some_and(|weight| weight > 0.0 && of_other.is_none_or(|other| weight >= other))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Accept(&'static str);

    impl Headers for Accept {
        fn each(&self, _: &str, each: &mut dyn FnMut(&str)) {
            each(self.0);
        }
    }

    #[test]
    fn lines_come_only_where_they_are_named_and_not_below_json() {
        for (accept, is_lines) in [
            ("*/*", false),
            ("application/*", false),
            ("application/json", false),
            ("application/x-ndjson", true),
            ("Application/X-NDJSON;q=0.5, text/plain", true),
            ("application/json;q=0.9 , application/x-ndjson", true),
            ("application/json, application/x-ndjson;q=0.9", false),
            ("application/x-ndjson;q=0", false),
            ("application/x-ndjson;q=nonsense", false),
            (";;,", false),
        ] {
            assert_eq!(ListForm::read(&Accept(accept)) == ListForm::Lines, is_lines, "{accept}");
        }
    }
}
