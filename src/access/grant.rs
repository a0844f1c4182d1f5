//! What a token grants to whoever presents it.

use crate::base::json;
use crate::model::{Command, Refusal};

use super::needs::{is_reached, role_for};
use super::{Collections, Digest, Reach, Role};

/// What a token grants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// What the token is called: no secret, and no two are called the same.
    pub name: String,
    /// What it lets one do.
    pub role: Role,
    /// Where.
    pub reach: Reach,
}

impl Grant {
    /// Says whether `command` may be executed for whoever presents the token.
    ///
    /// # Errors
    /// What the token lacks.
    pub fn permits(&self, command: &Command<'_>) -> Result<(), Refusal> {
        self.permits_role(role_for(command))?;
        if is_reached(command, &self.reach) { Ok(()) } else { Err(self.out_of_reach()) }
    }

    /// Says whether the token has `needed`, or a role that holds it.
    ///
    /// # Errors
    /// It has not.
    pub fn permits_role(&self, needed: Role) -> Result<(), Refusal> {
        if self.role >= needed {
            return Ok(());
        }
        let (name, needed, own) = (&self.name, needed.name(), self.role.name());
        Err(Refusal::RoleLacking { detail: format!("this needs the role {needed}, the token {name:?} has {own}") })
    }

    /// Says whether the token reaches everything.
    ///
    /// # Errors
    /// It does not.
    pub fn permits_everything(&self) -> Result<(), Refusal> {
        if self.reach.is_everything() { Ok(()) } else { Err(self.out_of_reach()) }
    }

    /// The refusal of what lies beyond.
    pub fn out_of_reach(&self) -> Refusal {
        Refusal::OutOfReach { detail: format!("the token {:?} reaches only {}", self.name, self.reach) }
    }

    /// The token as an operator reads and writes it; without a `digest` it is only shown.
    pub(super) fn to_json(&self, digest: Option<Digest>) -> String {
        let mut members = vec![("name", quoted(&self.name)), ("role", quoted(self.role.name()))];
        match &self.reach.collections {
            Collections::All => {}
            Collections::Main => members.push(("collection", "null".to_owned())),
            Collections::Named(name) => members.push(("collection", quoted(name))),
        }
        if !self.reach.prefix.is_empty() {
            members.push(("prefix", quoted(&self.reach.prefix)));
        }
        members.extend(digest.map(|digest| ("sha256", quoted(&digest.to_hex()))));
        let members: Vec<String> = members.into_iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
        format!("{{{}}}", members.join(", "))
    }
}

/// `text` as a JSON string.
fn quoted(text: &str) -> String {
    let mut quoted = Vec::new();
    json::escape_into(&mut quoted, text);
    String::from_utf8_lossy(&quoted).into_owned()
}
