//! Where values may come from, as they were found: nothing of it is read yet.
//!
//! Invariant: shown, it tells the names of what was given and none of the values, which may be tokens in the wrong place.

use std::fmt;
use std::path::PathBuf;

/// Where values may come from.
#[derive(Clone, Default)]
pub struct Sources {
    /// The config file, as it was named, with its content; `None` when there is none.
    pub file: Option<(PathBuf, Vec<u8>)>,
    /// Environment variables; those without our prefix are ignored.
    pub environment: Vec<(String, String)>,
    /// Flags without their dashes, in order; the last of the same name wins.
    pub flags: Vec<(String, String)>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = |pairs: &[(String, String)]| pairs.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
        f.debug_struct("Sources")
            .field("file", &self.file.as_ref().map(|(path, _)| path))
            .field("environment", &names(&self.environment))
            .field("flags", &names(&self.flags))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Digest;
    use crate::config::load;

    /// A panic that holds a configuration in its message, and a failed `unwrap` is one, goes into the log.
    #[test]
    fn a_configuration_that_is_shown_tells_no_secret() {
        let digest = Digest::of(b"mt_planted").to_hex();
        let tokens = format!(r#"[{{"name": "ops", "role": "admin", "sha256": "{digest}"}}]"#);
        let file = format!(r#"{{"tokens": {tokens}}}"#).into_bytes();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let sources = Sources {
            file: Some((PathBuf::from("config.json"), file.clone())),
            environment: vec![pair("MEMORY_TOOLS_TOKENS", &tokens), pair("HOME", "mt_planted")],
            flags: vec![pair("tokens", &tokens)],
        };
        let shown = format!("{:?} {sources:?}", load(&sources).unwrap());
        assert!(
            shown.contains("ops") && shown.contains("config.json") && shown.contains("MEMORY_TOOLS_TOKENS"),
            "{shown}"
        );
        for secret in ["mt_planted", &digest, &format!("{file:?}")] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
