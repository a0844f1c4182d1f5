//! What a token lets one do, in three steps of which each holds the ones before it.

/// What a token lets one do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Read documents and collections.
    Read,
    /// Change them, too.
    Write,
    /// Operate the server, too: snapshots, the configuration, an import in place of everything.
    Admin,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Role; 3] = [Role::Read, Role::Write, Role::Admin];

    /// Its name, as it stands beside a token.
    pub fn name(self) -> &'static str {
        match self {
            Role::Read => "read",
            Role::Write => "write",
            Role::Admin => "admin",
        }
    }

    /// The role called `name`.
    pub fn named(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_holds_the_ones_before_it_and_is_found_by_its_name() {
        assert!(Role::Read < Role::Write && Role::Write < Role::Admin);
        assert!(Role::ALL.into_iter().all(|role| Role::named(role.name()) == Some(role)));
        assert_eq!(Role::named("Read"), None);
    }
}
