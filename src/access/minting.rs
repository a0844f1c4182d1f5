//! A new token: shown once, and forgotten but for its digest.

use super::Grant;
use super::digest::{Digest, hex};

/// Random bytes of a token: nobody guesses 256 bits, so that a plain SHA-256 of them is as good as a slow one.
const RANDOM_BYTES: usize = 32;

/// What a token of ours begins with, so that people and scanners of secrets know one when they see it.
const MARK: &str = "mt_";

/// The operating system has no random bytes.
#[derive(Debug, thiserror::Error)]
#[error("no token can be made, the operating system gives no random bytes: {0}")]
pub struct MintFault(String);

/// A token that was just made.
pub struct Minted {
    token: String,
    digest: Digest,
}

/// Makes a token.
///
/// # Errors
/// The operating system has no random bytes.
pub fn mint() -> Result<Minted, MintFault> {
    let mut random = [0; RANDOM_BYTES];
    getrandom::fill(&mut random).map_err(|error| MintFault(error.to_string()))?;
    let token = format!("{MARK}{}", hex(&random));
    let digest = Digest::of(token.as_bytes());
    Ok(Minted { token, digest })
}

impl Minted {
    /// What is to be presented. Whoever has it is let in.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// What its name ends in when nobody gave it one: eight digits that tell it from others, and nothing of it.
    pub fn mark(&self) -> String {
        self.digest.to_hex().chars().take(8).collect()
    }

    /// The line by which the server knows it, as `Tokens::read` takes it.
    pub fn line(&self, grant: &Grant) -> String {
        grant.to_json(Some(self.digest))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::access::{Collections, Reach, Role, Tokens};

    #[test]
    fn what_is_made_is_found_by_its_line_and_no_two_are_alike() {
        let (one, other) = (mint().unwrap(), mint().unwrap());
        assert_ne!(one.token(), other.token());
        assert_eq!(one.token().len(), MARK.len() + 2 * RANDOM_BYTES);
        for collections in [Collections::All, Collections::Main, Collections::Named("a \"b\"".to_owned())] {
            for prefix in ["", "user:é\""] {
                let reach = Reach { collections: collections.clone(), prefix: prefix.to_owned() };
                let grant = Grant { name: "app".to_owned(), role: Role::Write, reach };
                let tokens = Tokens::read(one.line(&grant).as_bytes()).unwrap();
                assert_eq!(tokens.find(one.token().as_bytes()), Some(&Arc::new(grant.clone())));
                assert_eq!(tokens.find(other.token().as_bytes()), None);
                assert!(!one.line(&grant).contains(one.token()));
            }
        }
    }
}
