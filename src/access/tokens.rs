//! The tokens of a server, and the search for the one that somebody presents.

use std::fmt;
use std::sync::Arc;

use subtle::ConditionallySelectable;

use super::Grant;
use super::digest::Digest;
use super::reading::{self, Fault};

/// The tokens of a server. Shown, it names them with their roles and reaches.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tokens {
    pub(super) known: Vec<(Digest, Arc<Grant>)>,
}

impl Tokens {
    /// Reads tokens: an array of objects, or an object on each line; nothing at all is none.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn read(text: &[u8]) -> Result<Tokens, Fault> {
        reading::read(text)
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// What they grant, in their order.
    pub fn grants(&self) -> impl Iterator<Item = &Grant> {
        self.known.iter().map(|(_, grant)| &**grant)
    }

    /// What the token grants that somebody has `presented`. It is compared with all of them, and each comparison takes
    /// the same time, whichever byte differs.
    pub fn find(&self, presented: &[u8]) -> Option<&Arc<Grant>> {
        let digest = Digest::of(presented);
        let mut found = u32::MAX;
        for (index, (known, _)) in (0..).zip(&self.known) {
            found.conditional_assign(&index, known.is(&digest));
        }
        self.known.get(usize::try_from(found).ok()?).map(|(_, grant)| grant)
    }

    /// Names, roles and reaches as JSON: what an operator may see.
    pub fn to_json(&self) -> String {
        let each: Vec<String> = self.grants().map(|grant| grant.to_json(None)).collect();
        format!("[{}]", each.join(", "))
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_json())
    }
}
