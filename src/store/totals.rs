//! How much there is, as a sum that is kept and not counted.

use super::CatalogueEntry;

/// How much there is, expired entries that have not been reaped yet included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Documents.
    pub documents: u64,
    /// Bytes of their keys and values, without any overhead.
    pub key_and_value_bytes: u64,
}

impl Totals {
    /// The sum of both.
    pub(super) fn plus(self, other: Totals) -> Totals {
        Totals {
            documents: self.documents + other.documents,
            key_and_value_bytes: self.key_and_value_bytes + other.key_and_value_bytes,
        }
    }

    /// Documents that are in none of `parts`. What is written between the looks at them may make it less than nothing, and
    /// then it is that.
    pub fn documents_outside<'p>(self, parts: impl IntoIterator<Item = &'p CatalogueEntry>) -> u64 {
        let inside: u64 = parts.into_iter().map(|part| part.totals.documents).sum();
        self.documents.saturating_sub(inside)
    }

    /// What is left without `part`, which is in it.
    pub(super) fn minus(self, part: Totals) -> Totals {
        Totals {
            documents: self.documents - part.documents,
            key_and_value_bytes: self.key_and_value_bytes - part.key_and_value_bytes,
        }
    }
}
