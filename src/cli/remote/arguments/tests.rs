//! What each line means, and what is said of one that means nothing.

use super::*;

fn parsed(line: &str) -> Result<Option<Call>, String> {
    let (command, rest) = line.split_once(' ').unwrap_or((line, ""));
    let command = COMMANDS.into_iter().find(|known| *known == command).unwrap();
    parse(command, Parser::from_args(rest.split_whitespace())).map_err(|error| error.to_string())
}

fn action(line: &str) -> Action {
    parsed(line).unwrap().unwrap().action
}

#[test]
fn every_command_has_its_action() {
    let write = |content, ttl: Option<&str>, if_match: Option<&str>| Write {
        key: "k".to_owned(),
        content,
        ttl: ttl.map(str::to_owned),
        if_match: if_match.map(str::to_owned),
        creates: false,
    };
    let text = |text: &str| Content::Text(text.to_owned());
    for (line, expected) in [
        ("get k", Action::Get { key: "k".to_owned(), pointer: None, head_only: false }),
        ("get k --ptr /a --head", Action::Get { key: "k".to_owned(), pointer: Some("/a".to_owned()), head_only: true }),
        ("put k 1", Action::Put(write(text("1"), None, None))),
        ("put k @f --ttl 5s", Action::Put(write(Content::File("f".into()), Some("5s"), None))),
        ("put --if-match 7 k", Action::Put(write(Content::Stdin, None, Some("\"7\"")))),
        ("put k 1 --create", Action::Put(Write { creates: true, ..write(text("1"), None, None) })),
        ("put k -- -1", Action::Put(write(text("-1"), None, None))),
        ("patch k {}", Action::Patch(write(text("{}"), None, None), PatchForm::Merge)),
        ("patch k [] --type ops", Action::Patch(write(text("[]"), None, None), PatchForm::Operations)),
        ("del k --if-match *", Action::Delete { key: "k".to_owned(), if_match: Some("*".to_owned()) }),
        ("ls", Action::List { prefix: String::new(), is_long: false }),
        ("ls a/ --long", Action::List { prefix: "a/".to_owned(), is_long: true }),
        ("watch", Action::Watch(Watching::default())),
        (
            "export",
            Action::Export(Exporting { to: Stream::Standard, collection: None, goes_on: false, is_quiet: false }),
        ),
        (
            "export -o f --collection c --continue --quiet",
            Action::Export(Exporting {
                to: Stream::File("f".into()),
                collection: Some("c".to_owned()),
                goes_on: true,
                is_quiet: true,
            }),
        ),
        (
            "backup --to f --force",
            Action::Backup(BackingUp { to: Stream::File("f".into()), replaces: true, is_quiet: false }),
        ),
        ("backup --to - --quiet", Action::Backup(BackingUp { to: Stream::Standard, replaces: false, is_quiet: true })),
        ("top", Action::Top(Viewing { interval: INTERVAL, blocks: None })),
        ("top --once", Action::Top(Viewing { interval: INTERVAL, blocks: Some(1) })),
        (
            "top --interval 2.5s --count 7",
            Action::Top(Viewing { interval: Duration::from_millis(2500), blocks: Some(7) }),
        ),
        ("import -", Action::Import(Importing { from: Stream::Standard, mode: None, is_quiet: false })),
        (
            "import f --mode replace",
            Action::Import(Importing {
                from: Stream::File("f".into()),
                mode: Some("replace".to_owned()),
                is_quiet: false,
            }),
        ),
        (
            "watch --prefix a --since 7 --json --values",
            Action::Watch(Watching {
                prefix: Some("a".to_owned()),
                since: Some("7".to_owned()),
                as_json: true,
                with_values: true,
            }),
        ),
    ] {
        assert_eq!(action(line), expected, "{line}");
    }
    assert_eq!(parsed("get --help"), Ok(None));
    let call = parsed("ls --url h:1 --collection c").unwrap().unwrap();
    assert_eq!((call.url.as_deref(), call.collection.as_deref()), (Some("h:1"), Some("c")));
}

#[test]
fn what_makes_no_sense_is_named() {
    for (line, error) in [
        ("get", "get needs a key: get KEY"),
        ("get a b", "unexpected argument \"b\", get takes no more"),
        ("put a b c", "unexpected argument \"c\", put takes no more"),
        ("get a --ttl 5", "unknown flag \"--ttl\" of get, "),
        ("put a --tll 5", "unknown flag \"--tll\" of put, did you mean \"--ttl\"?"),
        ("patch a --type x", "--type is merge, json or ops, found \"x\""),
        ("get a -x", "unknown flag \"-x\" of get"),
        ("get a --url", "missing argument for option '--url'"),
        ("watch a", "unexpected argument \"a\", watch takes no more"),
        ("watch --json=yes", "unexpected argument for option '--json': \"yes\""),
        ("watch --values", "--values needs --json, which can show them"),
        ("top a", "unexpected argument \"a\", top takes no more"),
        ("top --collection c", "unknown flag \"--collection\" of top, "),
        ("top --interval 5", "--interval 5: the number before byte 1 lacks its unit"),
        ("top --interval 99ms", "--interval is 100ms to 1h, found 99ms"),
        ("top --interval -5s", "--interval is 100ms to 1h, found -5s"),
        ("top --count 0", "--count is a number from 1 on, found \"0\""),
        ("top --once --count 2", "--once is --count 1, and one of them is enough"),
        ("export a", "unexpected argument \"a\", export takes no more"),
        ("export --continue", "--continue needs the file that it goes on with: -o FILE"),
        ("export -o", "missing argument for option '-o'"),
        ("backup", "backup needs a file: backup --to FILE, or -"),
        ("backup f", "unexpected argument \"f\", backup takes no more"),
        ("backup --to f --collection c", "unknown flag \"--collection\" of backup, "),
        ("import", "import needs a file: import FILE, or -"),
        ("import a b", "unexpected argument \"b\", import takes no more"),
        ("ls -o x", "unknown flag \"-o\" of ls"),
        ("ls --json", "unknown flag \"--json\" of ls, "),
    ] {
        assert!(parsed(line).is_err_and(|found| found.starts_with(error)), "{line}: {:?}", parsed(line));
    }
}
