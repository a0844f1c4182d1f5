//! The configured tokens: from the option or from the file, whose place only its owner may change.
//!
//! Invariant: what lets in whoever comes is refused: a file that others may change, or that holds no token. It does not
//! know how tokens are presented.

use std::io;
use std::path::{Path, PathBuf};

use crate::access::{Fault, Tokens};
use crate::base::disk::{Disk, read_whole};
use crate::base::limits::{CONFIG_BYTES_MAX, TOKENS_BYTES_MAX};
use crate::config::{Config, ConfigError, Sources, load};

/// Permission bits that let the group write, or others in at all.
const MODE_TOO_OPEN: u32 = 0o027;

/// The user to whom every file belongs.
const ROOT: u32 = 0;

/// Why there are no tokens to ask for.
#[derive(Debug, thiserror::Error)]
pub enum TokensError {
    /// The file cannot be read.
    #[error("tokens_file {}: cannot be read: {cause}; look at the path, and whether this user may read it", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        cause: io::Error,
    },
    /// Others could change it, or read it.
    #[error("tokens_file {0}: its mode is {mode:04o}, others can read it or change who is let in; chmod 0640 {0}", path.display())]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to somebody else.
    #[error("tokens_file {0}: it belongs to the user {owner}, who can change who is let in; chown {own} {0}", path.display())]
    OfAnother {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Who runs the server.
        own: u32,
    },
    /// It holds something else.
    #[error("tokens_file {}: {fault}", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        fault: Fault,
    },
    /// It holds nothing.
    #[error(
        "tokens_file {}: it holds no token; put a line of memory-tools token new there, or take tokens_file out to let \
         everybody in",
        path.display()
    )]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// The tokens that `config` has or names; none when it does neither.
///
/// # Errors
/// The file cannot be used, and why.
pub fn check_tokens(config: &Config, disk: &dyn Disk) -> Result<Tokens, TokensError> {
    match &config.tokens_file {
        Some(path) => read(path, disk),
        None => Ok(config.tokens.clone()),
    }
}

/// The tokens as the config file, if there was one, and the file with the tokens have them now.
///
/// # Errors
/// What is wrong, in one line.
pub(super) fn read_again(sources: &Sources, disk: &dyn Disk) -> Result<Tokens, String> {
    let mut sources = sources.clone();
    if let Some((path, text)) = &mut sources.file {
        *text = read_whole(disk, path, CONFIG_BYTES_MAX)
            .map_err(|error| format!("{}: cannot be read: {error}", path.display()))?;
    }
    let one_line = |errors: Vec<ConfigError>| errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let settings = load(&sources).map_err(one_line)?;
    check_tokens(&settings.config, disk).map_err(|error| error.to_string())
}

fn read(path: &Path, disk: &dyn Disk) -> Result<Tokens, TokensError> {
    let path = path.to_owned();
    let looked = disk.owner(&path).and_then(|owner| Ok((owner, disk.mode(&path)?)));
    let (owner, mode) = match looked {
        Ok(looked) => looked,
        Err(cause) => return Err(TokensError::Unreadable { path, cause }),
    };
    let own = rustix::process::geteuid().as_raw();
    if owner != own && owner != ROOT {
        return Err(TokensError::OfAnother { path, owner, own });
    }
    if mode & MODE_TOO_OPEN != 0 {
        return Err(TokensError::TooOpen { path, mode: mode & 0o7777 });
    }
    let text = match read_whole(disk, &path, TOKENS_BYTES_MAX) {
        Ok(text) => text,
        Err(cause) => return Err(TokensError::Unreadable { path, cause }),
    };
    match Tokens::read(&text) {
        Ok(tokens) if tokens.is_empty() => Err(TokensError::Empty { path }),
        Ok(tokens) => Ok(tokens),
        Err(fault) => Err(TokensError::Unusable { path, fault }),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::base::disk::RealDisk;

    const LINE: &str = r#"{"name": "app", "role": "read", "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"}"#;

    /// What a file of that content and mode comes to: how many tokens, or what is wrong behind its path.
    fn checked(text: &str, mode: u32) -> Result<usize, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens");
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        let path = path.to_str().unwrap();
        let flags = vec![("tokens-file".to_owned(), path.to_owned())];
        let config = load(&Sources { flags, ..Sources::default() }).unwrap().config;
        let tokens = check_tokens(&config, &RealDisk).map_err(|error| error.to_string().replace(path, "FILE"))?;
        Ok(tokens.len())
    }

    #[test]
    fn a_file_counts_when_nobody_else_can_change_it_or_look_into_it() {
        for mode in [0o600, 0o640, 0o400, 0o440] {
            assert_eq!(checked(LINE, mode), Ok(1), "{mode:o}");
        }
        for mode in [0o644, 0o660, 0o620, 0o602, 0o601, 0o666] {
            let told = format!(
                "tokens_file FILE: its mode is {mode:04o}, others can read it or change who is let in; chmod 0640 FILE"
            );
            assert_eq!(checked(LINE, mode), Err(told));
        }
    }

    #[test]
    fn a_file_that_would_let_everybody_in_is_refused() {
        for text in ["", "\n", "[]"] {
            let told = checked(text, 0o600).unwrap_err();
            assert!(told.starts_with("tokens_file FILE: it holds no token; put a line of"), "{told}");
        }
        assert_eq!(checked("{}", 0o600), Err("tokens_file FILE: line 1: name: it is missing".to_owned()));
        let absent = Config { tokens_file: Some("/nowhere".into()), ..load(&Sources::default()).unwrap().config };
        let told = check_tokens(&absent, &RealDisk).unwrap_err().to_string();
        assert!(told.starts_with("tokens_file /nowhere: cannot be read: "), "{told}");
    }
}
