//! To which row of the table a path belongs.
//!
//! The compiler takes the templates apart, and notes which rows a path may belong to by one octet of it: so a request
//! compares its path with one template, or a few, wherever its row stands. Invariant: what is found is the first row whose
//! template the path has, as if each were read in turn.

use memchr::memchr;

use super::{Found, ROUTES};

const COLLECTION: &str = "{c}";
const KEY: &str = "{key...}";

/// Where the octet stands that tells rows apart: the first one in which `/v1/docs` and `/v1/collections` differ.
const TELLING: usize = 4;

/// Rows of the table, each a bit.
type Rows = u64;

const _: () = assert!(ROUTES.len() <= Rows::BITS as usize, "each row has a bit of its own");

/// A template, taken apart.
#[derive(Clone, Copy)]
struct Pattern {
    /// How the path begins.
    literal: &'static str,
    /// What stands behind `{c}`, where that is what follows.
    behind_collection: Option<&'static str>,
    /// True when `{key...}` is at the end.
    ends_in_key: bool,
}

static PATTERNS: [Pattern; ROUTES.len()] = patterns();

/// For each value of the telling octet the rows whose paths may have it: those whose templates have it, and those that
/// vary there or end before.
static CANDIDATES: [Rows; 256] = candidates();

/// The place in the table of the row of `path`, with what its template found there.
pub(super) fn row_of(path: &str) -> Option<(usize, Found<'_>)> {
    // A path that ends before belongs to no row but those that may have any octet there.
    let octet = path.as_bytes().get(TELLING).copied().unwrap_or_default();
    let mut rows = *CANDIDATES.get(usize::from(octet))?;
    while rows != 0 {
        let row = rows.trailing_zeros() as usize;
        if let Some(found) = PATTERNS.get(row)?.find_in(path) {
            return Some((row, found));
        }
        // Without its lowest bit.
        rows &= rows - 1;
    }
    None
}

impl Pattern {
    #[inline]
    fn find_in<'p>(&self, path: &'p str) -> Option<Found<'p>> {
        let mut rest = path.strip_prefix(self.literal)?;
        let mut found = Found::default();
        if let Some(behind) = self.behind_collection {
            let (collection, others) = rest.split_at_checked(memchr(b'/', rest.as_bytes()).unwrap_or(rest.len()))?;
            found.collection = Some(collection);
            rest = others.strip_prefix(behind)?;
        }
        if self.ends_in_key {
            found.key = Some(rest);
            return Some(found);
        }
        rest.is_empty().then_some(found)
    }

    const fn of(template: &'static str) -> Pattern {
        let (literal, varying) = split_at_brace(template);
        let (behind_collection, end) = if begins_with(varying, COLLECTION) {
            let (behind, end) = split_at_brace(varying.split_at(COLLECTION.len()).1);
            (Some(behind), end)
        } else {
            (None, varying)
        };
        let ends_in_key = begins_with(end, KEY);
        assert!(
            end.is_empty() || ends_in_key && end.len() == KEY.len(),
            "in a template vary one collection at most, and the key at its end"
        );
        Pattern { literal, behind_collection, ends_in_key }
    }
}

#[expect(clippy::indexing_slicing, reason = "only the compiler runs this, and a panic there is an error of the build")]
const fn patterns() -> [Pattern; ROUTES.len()] {
    let mut patterns = [Pattern { literal: "", behind_collection: None, ends_in_key: false }; ROUTES.len()];
    let mut row = 0;
    while row < ROUTES.len() {
        patterns[row] = Pattern::of(ROUTES[row].template);
        row += 1;
    }
    patterns
}

#[expect(clippy::indexing_slicing, reason = "only the compiler runs this, and a panic there is an error of the build")]
const fn candidates() -> [Rows; 256] {
    let patterns = patterns();
    let mut candidates = [0; 256];
    let mut row = 0;
    while row < ROUTES.len() {
        let literal = patterns[row].literal.as_bytes();
        let mut octet = 0;
        while octet < candidates.len() {
            if literal.len() <= TELLING || literal[TELLING] as usize == octet {
                candidates[octet] |= 1 << row;
            }
            octet += 1;
        }
        row += 1;
    }
    candidates
}

/// `text` up to its first brace, and from there on.
#[expect(clippy::indexing_slicing, reason = "only the compiler runs this, and a panic there is an error of the build")]
const fn split_at_brace(text: &str) -> (&str, &str) {
    let mut at = 0;
    while at < text.len() && text.as_bytes()[at] != b'{' {
        at += 1;
    }
    text.split_at(at)
}

#[expect(clippy::indexing_slicing, reason = "only the compiler runs this, and a panic there is an error of the build")]
const fn begins_with(text: &str, beginning: &str) -> bool {
    let mut same = 0;
    while same < text.len() && same < beginning.len() && text.as_bytes()[same] == beginning.as_bytes()[same] {
        same += 1;
    }
    same == beginning.len()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::{Index, select};

    use super::*;

    /// What `template` finds in `path`, read from left to right.
    fn read<'p>(template: &str, path: &'p str) -> Option<Found<'p>> {
        let (mut template, mut path, mut found) = (template, path, Found::default());
        while let Some((literal, behind)) = template.split_once('{') {
            path = path.strip_prefix(literal)?;
            let (name, behind) = behind.split_once('}')?;
            if name == "key..." {
                return Some(Found { key: Some(path), ..found });
            }
            let (segment, rest) = path.split_at(path.find('/').unwrap_or(path.len()));
            found.collection = Some(segment);
            (template, path) = (behind, rest);
        }
        (template == path).then_some(found)
    }

    fn read_all(path: &str) -> Option<(usize, Found<'_>)> {
        ROUTES.iter().enumerate().find_map(|(row, route)| Some((row, read(route.template, path)?)))
    }

    /// What stands in paths, or nearly.
    fn piece() -> impl Strategy<Value = &'static str> {
        let pieces =
            ["", "a", "/", "//", ":get", "docs", "/docs/", "/v1/", "collections/", "%2F", "é", "日", "\0", "{c}"];
        select(pieces.to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn a_path_belongs_to_the_first_row_whose_template_it_has(
            row in 0..ROUTES.len(),
            (collection, key, inserted) in (piece(), piece(), piece()),
            at in any::<Index>(),
            left_out in 0..3_usize,
        ) {
            let filled = ROUTES[row].template.replace(COLLECTION, collection).replace(KEY, key);
            prop_assert!(read(ROUTES[row].template, &filled).is_some() || collection.contains('/'));
            let at = at.index(filled.chars().count());
            let (before, behind) = (filled.chars().take(at), filled.chars().skip(at + left_out));
            let path: String = before.chain(inserted.chars()).chain(behind).collect();
            for path in [&filled, &path] {
                prop_assert_eq!(row_of(path), read_all(path), "{}", path);
            }
        }
    }

    #[test]
    fn a_path_of_the_document_routes_is_compared_with_their_templates_first() {
        for (path, row) in [("/v1/docs/a", 0), ("/v1/collections/c/docs/a", 3)] {
            let candidates = CANDIDATES[usize::from(path.as_bytes()[TELLING])];
            assert_eq!(candidates.trailing_zeros(), row, "{path}");
            assert_eq!(row_of(path).map(|(row, _)| row as u32), Some(row));
        }
    }
}
