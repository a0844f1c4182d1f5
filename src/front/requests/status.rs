//! How a request ended, as a place in a table of the statuses that there are.

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With a reply of this status; of a stream, with as much of it as its reader has taken.
    With(u16),
    /// Its peer was gone before there was a reply to send.
    Gone,
}

/// The statuses that are sent, the most frequent first, each with its name.
const STATUSES: &[(u16, &str)] = &[
    (200, "200"),
    (201, "201"),
    (204, "204"),
    (304, "304"),
    (404, "404"),
    (412, "412"),
    (202, "202"),
    (400, "400"),
    (401, "401"),
    (403, "403"),
    (405, "405"),
    (406, "406"),
    (408, "408"),
    (409, "409"),
    (410, "410"),
    (411, "411"),
    (413, "413"),
    (414, "414"),
    (415, "415"),
    (417, "417"),
    (422, "422"),
    (428, "428"),
    (429, "429"),
    (431, "431"),
    (500, "500"),
    (501, "501"),
    (503, "503"),
    (505, "505"),
    (507, "507"),
];

/// Places there are: one for each status, one for any other, one for who was gone.
pub(super) const PLACES: usize = STATUSES.len() + 2;

/// The place of what ended so, below `PLACES`.
#[inline]
pub(super) fn place(ended: Ended) -> usize {
    match ended {
        Ended::With(status) => STATUSES.iter().position(|(known, _)| *known == status).unwrap_or(STATUSES.len()),
        Ended::Gone => STATUSES.len() + 1,
    }
}

/// What the place is called.
pub(super) fn label(place: usize) -> &'static str {
    match STATUSES.get(place) {
        Some((_, label)) => label,
        None if place == STATUSES.len() => "other",
        None => "gone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::ROUTES;
    use crate::front::reply::reason;

    #[test]
    fn every_status_that_is_sent_has_a_place_under_its_own_name() {
        for (at, (status, name)) in STATUSES.iter().enumerate() {
            assert_eq!((place(Ended::With(*status)), label(at)), (at, status.to_string().as_str()));
            assert_eq!(*name, label(at));
        }
        let known: Vec<u16> = (100..600).filter(|status| !reason(*status).is_empty()).collect();
        let mut sent: Vec<u16> = STATUSES.iter().map(|(status, _)| *status).collect();
        sent.sort_unstable();
        assert_eq!(sent, known);
    }

    #[test]
    fn every_status_that_the_routes_describe_has_a_place() {
        let described = ROUTES.iter().flat_map(|route| route.operations).flat_map(|operation| operation.replies);
        for reply in described {
            assert!(place(Ended::With(reply.status)) < STATUSES.len(), "{}", reply.status);
        }
    }
}
