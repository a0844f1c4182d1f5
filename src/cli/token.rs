//! `token new`: makes a token, shows it this once, and the line by which a server knows it.

use std::ffi::OsString;

use lexopt::{Arg, Parser};

use crate::access::{Collections, Grant, Reach, Role, Tokens, mint};

use super::exit::{Exit, Finished};
use super::usage::UsageError;

/// The command.
pub const COMMAND: &str = "token";

/// What a new token is to grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewToken {
    /// What it is called; without one it is called by its role and a mark of its own.
    pub name: Option<String>,
    /// What it lets one do.
    pub role: Role,
    /// Where.
    pub reach: Reach,
}

/// Reads what stands behind `token`; `None` when it is the help that is asked for.
///
/// # Errors
/// One line that names what makes no sense.
pub fn parse(mut parser: Parser) -> Result<Option<NewToken>, UsageError> {
    let (mut verb, mut name, mut role) = (None, None, None);
    let mut reach = Reach::EVERYTHING;
    while let Some(argument) = parser.next().map_err(fault)? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(None),
            Arg::Long("name") => name = Some(text(parser.value().map_err(fault)?)?),
            Arg::Long("role") => role = Some(text(parser.value().map_err(fault)?)?),
            Arg::Long("collection") => reach.collections = Collections::Named(text(parser.value().map_err(fault)?)?),
            Arg::Long("main-store") => reach.collections = Collections::Main,
            Arg::Long("prefix") => reach.prefix = text(parser.value().map_err(fault)?)?,
            Arg::Value(word) if verb.is_none() => verb = Some(text(word)?),
            other => return Err(fault(other.unexpected())),
        }
    }
    if verb.as_deref() != Some("new") {
        return Err(UsageError::Flag("token makes one with: token new --role read|write|admin".to_owned()));
    }
    let role = role.ok_or_else(|| UsageError::Flag("token new needs --role read, write or admin".to_owned()))?;
    let role = Role::named(&role)
        .ok_or_else(|| UsageError::Flag(format!("--role {role} is none: there are read, write and admin")))?;
    Ok(Some(NewToken { name, role, reach }))
}

/// Makes the token.
pub fn token(new: NewToken) -> Finished {
    let minted = match mint() {
        Ok(minted) => minted,
        Err(fault) => return Finished::because(Exit::Failed, [format!("error: {fault}")]),
    };
    let NewToken { name, role, reach } = new;
    let name = name.unwrap_or_else(|| format!("{}-{}", role.name(), minted.mark()));
    let line = minted.line(&Grant { name, role, reach });
    // What the server would not take is not given out.
    if let Err(fault) = Tokens::read(line.as_bytes()) {
        let member = fault.member.map(|member| format!("{member}: ")).unwrap_or_default();
        return Finished::because(Exit::Usage, [format!("error: {member}{}", fault.reason)]);
    }
    Finished {
        stdout: format!("{}\n{line}\n", minted.token()),
        stderr:
            "memory-tools: the first line is the token, for whoever presents it, and is shown this once; the second \
                 goes into the server's tokens_file\n"
                .to_owned(),
        exit: Exit::Done,
    }
}

fn text(word: OsString) -> Result<String, UsageError> {
    word.into_string().map_err(|word| UsageError::Flag(format!("{word:?} is not UTF-8")))
}

fn fault(error: lexopt::Error) -> UsageError {
    UsageError::Flag(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(line: &str) -> Finished {
        token(parse(Parser::from_args(line.split_whitespace())).unwrap().unwrap())
    }

    #[test]
    fn a_new_token_is_found_by_the_line_below_it() {
        for (line, shown) in [
            ("new --role read --name app", r#"[{"name": "app", "role": "read"}]"#),
            (
                "new --role write --name a --collection c --prefix user:",
                r#"[{"name": "a", "role": "write", "collection": "c", "prefix": "user:"}]"#,
            ),
            ("new --main-store --role write --name a", r#"[{"name": "a", "role": "write", "collection": null}]"#),
        ] {
            let finished = made(line);
            assert_eq!(finished.exit, Exit::Done, "{}", finished.stderr);
            let (token, line) = finished.stdout.split_once('\n').unwrap();
            let tokens = Tokens::read(line.as_bytes()).unwrap();
            assert!(tokens.find(token.as_bytes()).is_some());
            assert_eq!(tokens.to_json(), shown);
            assert!(!finished.stderr.contains(token) && !line.contains(token));
        }
        assert!(made("new --role admin").stdout.contains(r#"{"name": "admin-"#));
    }

    #[test]
    fn what_no_server_would_take_is_not_made() {
        for (line, told) in [
            ("new --role admin --prefix a", "error: role: an admin reaches everything"),
            ("new --role read --name a/b", "error: name: expected 1 to 64 of"),
            ("new --role read --collection a/b", "error: collection: the name of a collection holds neither"),
        ] {
            let finished = made(line);
            assert_eq!((finished.exit, finished.stdout.as_str()), (Exit::Usage, ""));
            assert!(finished.stderr.starts_with(told), "{}", finished.stderr);
        }
    }

    #[test]
    fn arguments_that_make_no_sense_are_one_line() {
        let told = |line: &str| parse(Parser::from_args(line.split_whitespace())).unwrap_err().to_string();
        assert!(told("").starts_with("token makes one with"));
        assert!(told("old --role read").starts_with("token makes one with"));
        assert_eq!(told("new"), "token new needs --role read, write or admin");
        assert_eq!(told("new --role root"), "--role root is none: there are read, write and admin");
        assert!(told("new --role read x").contains("unexpected argument"));
        assert!(told("new --roll read").contains("--roll"));
        assert_eq!(parse(Parser::from_args(["new", "--help"])), Ok(None));
    }
}
