//! What each command needs of who asks: a role, and a reach. The one place that says so.

use crate::model::{Command, OptionChanges, Scope};

use super::{Reach, Role};

/// The role without which `command` is not executed.
pub(super) fn role_for(command: &Command<'_>) -> Role {
    match command {
        Command::Get { .. }
        | Command::Scan { .. }
        | Command::DescribeCollection { .. }
        | Command::ListCollections { .. } => Role::Read,
        Command::Put { .. }
        | Command::Delete { .. }
        | Command::SetDeadline { .. }
        | Command::Batch { .. }
        | Command::CreateCollection { .. }
        | Command::DropCollection { .. } => Role::Write,
        Command::Stage | Command::Replace { .. } | Command::Unstage { .. } => Role::Admin,
    }
}

/// True when `reach` holds everything that `command` reads or changes.
///
/// Whoever reaches some keys of a collection may read its options and figures, on which writes depend, and make sure
/// that it is there; whoever drops it or gives it other options changes all of its keys, and has to reach them.
pub(super) fn is_reached(command: &Command<'_>, reach: &Reach) -> bool {
    match command {
        Command::Get { scope, key } | Command::Delete { scope, key, .. } | Command::SetDeadline { scope, key, .. } => {
            reach.holds(*scope, *key)
        }
        Command::Put { scope, document, .. } => reach.holds(*scope, document.key()),
        Command::Batch { scope, writes } => {
            reach.is_within(*scope) && writes.iter().all(|write| reach.holds(*scope, write.key()))
        }
        Command::Scan { scope, range, at_most: _ } => reach.holds_all_with(*scope, range.prefix),
        Command::DescribeCollection { name } => reach.is_within(Scope::Collection(*name)),
        Command::CreateCollection { name, options } if *options == OptionChanges::NONE => {
            reach.is_within(Scope::Collection(*name))
        }
        Command::CreateCollection { name, options: _ } | Command::DropCollection { name } => {
            reach.holds_all_with(Scope::Collection(*name), b"")
        }
        // Names of collections, of whatever there is.
        Command::ListCollections { .. } => reach.collections == super::Collections::All,
        Command::Stage | Command::Replace { .. } | Command::Unstage { .. } => reach.is_everything(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::{Collections, Grant};
    use crate::model::{
        BatchWrite, CollectionName, Condition, Deadline, Document, Expiry, Key, KeyRange, Lsn, OnAbsent, Refusal,
    };

    /// A command, and which of the `grants` it is for.
    type Row<'a> = (Command<'a>, [bool; 6]);

    fn grants() -> [Grant; 6] {
        let grant = |role, collections, prefix: &str| {
            let reach = Reach { collections, prefix: prefix.to_owned() };
            Grant { name: "t".to_owned(), role, reach }
        };
        [
            grant(Role::Read, Collections::All, ""),
            grant(Role::Write, Collections::All, ""),
            grant(Role::Admin, Collections::All, ""),
            grant(Role::Write, Collections::Named("c".to_owned()), ""),
            grant(Role::Write, Collections::All, "user:"),
            grant(Role::Write, Collections::Main, "user:"),
        ]
    }

    /// Commands on `key` of `scope`, the reading ones first; `reached` says who of the last three reaches it.
    fn on_document<'a>(scope: Scope<'a>, key: &'a str, reached: [bool; 3]) -> Vec<Row<'a>> {
        let known = Key::new(key).unwrap();
        let document = || Document::new(known, b"1");
        let condition = Condition::default();
        let [c, users, main_users] = reached;
        let (read, write) = ([true, true, true, c, users, main_users], [false, true, true, c, users, main_users]);
        let (expiry, on_absent, deadline) = (Expiry::Default, OnAbsent::Create, Deadline::NEVER);
        let put = BatchWrite::Put { document: document(), expiry, condition: condition.clone() };
        let delete = BatchWrite::Delete { key: known, condition: condition.clone() };
        let range = KeyRange { prefix: key.as_bytes(), after: None };
        vec![
            (Command::Get { scope, key: known }, read),
            (Command::Scan { scope, range, at_most: None }, read),
            (Command::Put { scope, document: document(), expiry, condition: condition.clone(), on_absent }, write),
            (Command::Delete { scope, key: known, condition: condition.clone() }, write),
            (Command::SetDeadline { scope, key: known, deadline, condition }, write),
            (Command::Batch { scope, writes: vec![put, delete] }, write),
        ]
    }

    #[test]
    fn every_command_is_for_whom_its_row_says() {
        let name = |name| CollectionName::new(name).unwrap();
        let (c, d) = (name("c"), name("d"));
        let mut rows = Vec::new();
        for (scope, key, reached) in [
            (Scope::Main, "user:1", [false, true, true]),
            (Scope::Main, "user", [false, false, false]),
            (Scope::Collection(c), "user:1", [true, true, false]),
            (Scope::Collection(c), "x", [true, false, false]),
            (Scope::Collection(d), "user:1", [false, true, false]),
        ] {
            rows.extend(on_document(scope, key, reached));
        }
        let options = OptionChanges { require_conditional: Some(true), ..OptionChanges::NONE };
        let scan = |scope| Command::Scan { scope, range: KeyRange::ALL, at_most: Some(1) };
        let whole = [false, true, true, true, false, false];
        rows.extend([
            (scan(Scope::Main), [true, true, true, false, false, false]),
            (scan(Scope::Collection(c)), [true, true, true, true, false, false]),
            (Command::DescribeCollection { name: c }, [true, true, true, true, true, false]),
            (Command::DescribeCollection { name: d }, [true, true, true, false, true, false]),
            (
                Command::CreateCollection { name: c, options: OptionChanges::NONE },
                [false, true, true, true, true, false],
            ),
            (Command::CreateCollection { name: c, options }, whole),
            (Command::CreateCollection { name: d, options }, [false, true, true, false, false, false]),
            (Command::DropCollection { name: c }, whole),
            (Command::ListCollections { after: None, at_most: None }, [true, true, true, false, true, false]),
            (Command::Stage, [false, false, true, false, false, false]),
            (Command::Replace { generation: Lsn(1) }, [false, false, true, false, false, false]),
            (Command::Unstage { generation: Lsn(1) }, [false, false, true, false, false, false]),
        ]);
        for (command, expected) in &rows {
            let permitted = grants().map(|grant| grant.permits(command).is_ok());
            assert_eq!(permitted, *expected, "{command:?}");
        }
    }

    /// One write out of reach is enough, wherever it stands.
    #[test]
    fn a_batch_lies_in_reach_when_each_of_its_writes_does() {
        let [.., users, _] = grants();
        let delete = |key| BatchWrite::Delete { key: Key::new(key).unwrap(), condition: Condition::default() };
        for (keys, is_reached) in [(["user:1", "user:2"], true), (["user:1", "x"], false), (["x", "user:1"], false)] {
            let writes = keys.into_iter().map(delete).collect();
            let permitted = users.permits(&Command::Batch { scope: Scope::Main, writes });
            assert_eq!(permitted.is_ok(), is_reached, "{keys:?}");
        }
    }

    #[test]
    fn a_refusal_says_what_is_lacking() {
        let [reader, _, _, of_c, ..] = grants();
        let get = Command::Get { scope: Scope::Main, key: Key::new("k").unwrap() };
        let role = "this needs the role admin, the token \"t\" has read".to_owned();
        assert_eq!(reader.permits(&Command::Stage), Err(Refusal::RoleLacking { detail: role }));
        let reach = "the token \"t\" reaches only every key, in the collection \"c\" alone".to_owned();
        assert_eq!(of_c.permits(&get), Err(Refusal::OutOfReach { detail: reach }));
    }
}
