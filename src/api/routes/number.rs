//! A route as a number: what is left of a target where requests are counted.
//!
//! Invariant: there are `RouteNumber::COUNT` of them and no more, whatever is asked; none says anything of a key.

use super::ROUTES;

/// A row of the table of routes, or that there is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteNumber(u8);

impl RouteNumber {
    /// How many there are.
    pub const COUNT: usize = ROUTES.len() + 2;

    /// Of a path to which no route leads.
    pub const UNKNOWN: RouteNumber = RouteNumber::at(ROUTES.len());

    /// Of a request whose head was never understood: nobody knows what it asks for.
    pub const NONE: RouteNumber = RouteNumber::at(ROUTES.len() + 1);

    /// All of them, in the order of their table, those without a route last.
    pub fn all() -> impl Iterator<Item = RouteNumber> {
        (0..RouteNumber::COUNT).map(RouteNumber::at)
    }

    pub(super) fn of_row(row: usize) -> RouteNumber {
        RouteNumber::at(row)
    }

    const fn at(index: usize) -> RouteNumber {
        assert!(index < RouteNumber::COUNT && RouteNumber::COUNT <= u8::MAX as usize, "a route's number is an octet");
        RouteNumber(index as u8)
    }

    /// Its place among all, below `COUNT`.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// What it is called: the template of its path, `unknown`, or `none`.
    pub fn label(self) -> &'static str {
        match ROUTES.get(self.index()) {
            Some(route) => route.template,
            None if self == RouteNumber::UNKNOWN => "unknown",
            None => "none",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::number_of;
    use super::*;

    #[test]
    fn each_number_has_a_name_of_its_own() {
        let labels: BTreeSet<&str> = RouteNumber::all().map(RouteNumber::label).collect();
        assert_eq!(labels.len(), RouteNumber::COUNT);
        assert!(labels.contains("unknown") && labels.contains("none") && labels.contains("/v1/docs/{key...}"));
    }

    #[test]
    fn a_path_is_counted_by_its_template_and_never_by_its_key() {
        for (path, label) in [
            ("/v1/docs/secret", "/v1/docs/{key...}"),
            ("/v1/docs", "/v1/docs"),
            ("/v1/collections/hidden/docs/secret", "/v1/collections/{c}/docs/{key...}"),
            ("/metrics", "/metrics"),
            ("/v1/config", "/v1/config"),
            ("/nope", "unknown"),
            ("*", "unknown"),
            ("", "unknown"),
        ] {
            assert_eq!(number_of(path).label(), label, "{path}");
        }
    }
}
