//! How far a token reaches: into which collections, and there to which keys.

use std::fmt;

use crate::model::{Key, Scope};

/// How far a token reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Into which collections.
    pub collections: Collections,
    /// What the keys begin with there; every key begins with nothing.
    pub prefix: String,
}

/// Into which collections a token reaches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Collections {
    /// Into all, and the main store.
    All,
    /// Into the main store alone.
    Main,
    /// Into this one alone.
    Named(String),
}

impl Reach {
    /// To every key of every collection.
    pub const EVERYTHING: Reach = Reach { collections: Collections::All, prefix: String::new() };

    /// True when there is nothing that it does not reach.
    pub fn is_everything(&self) -> bool {
        *self == Reach::EVERYTHING
    }

    /// True when it reaches into `scope`, if only to some of the keys there.
    pub fn is_within(&self, scope: Scope<'_>) -> bool {
        match (&self.collections, scope) {
            (Collections::All, _) | (Collections::Main, Scope::Main) => true,
            (Collections::Main, Scope::Collection(_)) | (Collections::Named(_), Scope::Main) => false,
            (Collections::Named(own), Scope::Collection(name)) => own == name.as_str(),
        }
    }

    /// True when it reaches the document `key` of `scope`.
    pub fn holds(&self, scope: Scope<'_>, key: Key<'_>) -> bool {
        self.holds_all_with(scope, key.as_bytes())
    }

    /// True when it reaches every document of `scope` whose key begins with `prefix`.
    pub fn holds_all_with(&self, scope: Scope<'_>, prefix: &[u8]) -> bool {
        self.is_within(scope) && prefix.starts_with(self.prefix.as_bytes())
    }

    /// True when it reaches every document, of whatever collection, whose key begins with `prefix`.
    pub fn holds_everywhere(&self, prefix: &[u8]) -> bool {
        self.collections == Collections::All && prefix.starts_with(self.prefix.as_bytes())
    }
}

impl fmt::Display for Reach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix.is_empty() {
            f.write_str("every key")?;
        } else {
            write!(f, "the keys that begin with {:?}", self.prefix)?;
        }
        match &self.collections {
            Collections::All => f.write_str(", in every collection"),
            Collections::Main => f.write_str(", in the main store alone"),
            Collections::Named(name) => write!(f, ", in the collection {name:?} alone"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::CollectionName;

    #[test]
    fn a_reach_holds_what_lies_in_its_collections_and_begins_with_its_prefix() {
        let c = Scope::Collection(CollectionName::new("c").unwrap());
        let d = Scope::Collection(CollectionName::new("d").unwrap());
        let reach = |collections: &Collections, prefix: &str| Reach {
            collections: collections.clone(),
            prefix: prefix.to_owned(),
        };
        for (collections, reached) in [
            (Collections::All, [true, true, true]),
            (Collections::Main, [true, false, false]),
            (Collections::Named("c".to_owned()), [false, true, false]),
        ] {
            for (scope, is_reached) in [Scope::Main, c, d].into_iter().zip(reached) {
                let (all, some) = (reach(&collections, ""), reach(&collections, "user:"));
                let holds = |reach: &Reach, key| reach.holds(scope, Key::new(key).unwrap());
                let covers = |reach: &Reach, prefix: &str| reach.holds_all_with(scope, prefix.as_bytes());
                assert_eq!([all.is_within(scope), some.is_within(scope)], [is_reached; 2], "{collections:?} {scope:?}");
                assert_eq!([holds(&all, "x"), covers(&all, "")], [is_reached; 2]);
                assert_eq!([holds(&some, "user:1"), holds(&some, "user:"), covers(&some, "user:")], [is_reached; 3]);
                assert_eq!([holds(&some, "user"), covers(&some, "user"), covers(&some, "")], [false; 3]);
            }
        }
        assert!(Reach::EVERYTHING.is_everything() && !reach(&Collections::All, "a").is_everything());
        assert!(!reach(&Collections::Main, "").is_everything());
    }
}
