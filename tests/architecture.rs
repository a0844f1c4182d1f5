//! The architecture, held: who imports whom (the table in `src/README.md`), which door leads to the disk, the clock and
//! threads, how long a file may be, and that no async runtime is in the tree.
//!
//! Each check is a function of texts alone, tried below on sources that break it; `the_house` runs them over ours.
//! They read tokens, not types: what a macro or a re-export hides stays hidden.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[path = "support/rust_source.rs"]
mod rust_source;

use rust_source::{Token, code_of, paths, test_files, tokens, without_tests};

/// Lines of a file, its test modules apart.
const LINES_MAX: usize = 600;

/// What has one door, or no place at all.
const BANS: &[Ban] = &[
    Ban {
        wrong: Wrong::Path(&["std", "fs"]),
        instead: "base::disk::Disk",
        allowed_in: &["src/base/disk/real.rs", "src/base/proc.rs", "src/base/socket_file.rs"],
    },
    Ban { wrong: Wrong::Path(&["rustix", "fs"]), instead: "base::disk::Disk", allowed_in: &["src/base/disk/real.rs"] },
    Ban {
        wrong: Wrong::Path(&["SystemTime"]),
        instead: "base::clock::Clock",
        allowed_in: &["src/base/clock/system.rs"],
    },
    Ban { wrong: Wrong::Path(&["thread", "spawn"]), instead: "base::threads::Spawn", allowed_in: &["src/server/"] },
    Ban { wrong: Wrong::Path(&["thread", "Builder"]), instead: "base::threads::Spawn", allowed_in: &["src/server/"] },
    Ban { wrong: Wrong::Path(&["thread", "scope"]), instead: "base::threads::Spawn", allowed_in: &["src/server/"] },
    Ban { wrong: Wrong::Path(&["thread", "sleep"]), instead: "a channel's recv_timeout", allowed_in: &[] },
    Ban {
        wrong: Wrong::Tokens(&[".", "unwrap", "(", ")"]),
        instead: "?, or expect with the invariant",
        allowed_in: &[],
    },
    Ban { wrong: Wrong::Tokens(&["println", "!"]), instead: "cli::Finished", allowed_in: PRINTERS },
    Ban { wrong: Wrong::Tokens(&["print", "!"]), instead: "cli::Finished", allowed_in: PRINTERS },
    Ban { wrong: Wrong::Tokens(&["eprintln", "!"]), instead: "base::log", allowed_in: PRINTERS },
    Ban { wrong: Wrong::Tokens(&["eprint", "!"]), instead: "base::log", allowed_in: PRINTERS },
];

const PRINTERS: &[&str] = &["src/main.rs", "src/cli/", "src/base/log/"];

/// What has no place anywhere, tests included.
const BANS_EVERYWHERE: &[Ban] = &[
    Ban { wrong: Wrong::Tokens(&["dbg", "!"]), instead: "nothing", allowed_in: &[] },
    Ban { wrong: Wrong::Tokens(&["todo", "!"]), instead: "the code", allowed_in: &[] },
    Ban { wrong: Wrong::Tokens(&["unimplemented", "!"]), instead: "the code", allowed_in: &[] },
    Ban { wrong: Wrong::Tokens(&["#", "[", "ignore"]), instead: "a test that runs", allowed_in: &[] },
    Ban { wrong: Wrong::Tokens(&["#", "[", "should_panic"]), instead: "a Result and its error", allowed_in: &[] },
];

const ASYNC_RUNTIMES: &[&str] = &[
    "actix-rt",
    "async-executor",
    "async-global-executor",
    "async-io",
    "async-std",
    "compio",
    "embassy-executor",
    "futures-executor",
    "glommio",
    "hyper",
    "monoio",
    "smol",
    "tokio",
];

struct Ban {
    wrong: Wrong,
    /// What to call in its place.
    instead: &'static str,
    /// Files, or folders with a slash at the end.
    allowed_in: &'static [&'static str],
}

enum Wrong {
    /// These names behind one another in a path, written out or imported.
    Path(&'static [&'static str]),
    /// These tokens behind one another.
    Tokens(&'static [&'static str]),
}

// The checks.

/// The rooms and what each may import, as the table in `readme` has it.
fn rooms_of(readme: &str) -> BTreeMap<String, BTreeSet<String>> {
    let rows = readme.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<&str> = row.trim().trim_matches('|').split('|').map(str::trim).collect();
        let imports = cells.last().unwrap().split(',').map(|name| name.trim().trim_matches('`').to_owned());
        (cells[0].trim_matches('`').to_owned(), imports.filter(|name| !name.is_empty()).collect())
    })
    .collect()
}

/// The room that the file `path` belongs to, and how many modules it is inside of; `None` for lib.rs and main.rs.
fn room_of(path: &str) -> Option<(&str, usize)> {
    let inner = path.strip_prefix("src/")?.strip_suffix(".rs")?;
    let inner = inner.strip_suffix("/mod").unwrap_or(inner);
    let room = inner.split('/').next()?;
    (!matches!(inner, "lib" | "main")).then(|| (room, inner.split('/').count()))
}

/// What stands at the top of the crate that `segments` leads to, seen from inside `depth` modules.
fn top_of<'a>(segments: &[&'a str], depth: usize) -> Option<&'a str> {
    if segments.first() == Some(&"crate") {
        return segments.get(1).copied();
    }
    let inner: Vec<&str> = segments.iter().copied().skip_while(|segment| *segment == "self").collect();
    let ups = inner.iter().take_while(|segment| **segment == "super").count();
    if ups > 0 && ups >= depth { inner.get(ups).copied() } else { None }
}

/// Imports in the file `path` that the table of `rooms` does not allow.
fn foreign_imports(path: &str, source: &str, rooms: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let Some((room, depth)) = room_of(path) else { return Vec::new() };
    let Some(allowed) = rooms.get(room) else {
        return vec![format!("{path}: the room {room} has no row in the table")];
    };
    let code = code_of(source);
    paths(&tokens(&code))
        .iter()
        .filter_map(|named| Some((top_of(&named.segments, depth + named.first.modules)?, named.first.line)))
        .filter(|(top, _)| *top != room && !allowed.contains(*top))
        .map(|(top, line)| format!("{path}:{line}: {room} uses {top}, its row allows {allowed:?}"))
        .collect()
}

/// Rooms without a row, and rows or imports without a room.
fn rooms_beside_the_table(files: &[String], rooms: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let built: BTreeSet<&str> = files.iter().filter_map(|path| room_of(path)).map(|(room, _)| room).collect();
    let listed: BTreeSet<&str> = rooms.keys().map(String::as_str).collect();
    let imported = rooms.values().flatten().map(String::as_str).filter(|name| !listed.contains(name));
    let missing = built.difference(&listed).map(|room| format!("the room {room} has no row in the table"));
    let extra = imported.map(|room| format!("the table allows an import of {room}, which has no row"));
    let unbuilt =
        listed.difference(&built).map(|room| format!("the table has a row for {room}, src/ has no such room"));
    missing.chain(extra).chain(unbuilt).collect()
}

/// Calls in the file `path` that have another door.
fn banned_calls(path: &str, code: &str, bans: &[Ban]) -> Vec<String> {
    let tokens = tokens(code);
    let paths = paths(&tokens);
    let mut found = BTreeSet::new();
    for ban in bans {
        let is_allowed = |place: &&str| path == *place || (place.ends_with('/') && path.starts_with(*place));
        if ban.allowed_in.iter().any(is_allowed) {
            continue;
        }
        let (wrong, lines): (String, Vec<usize>) = match ban.wrong {
            Wrong::Path(wrong) => {
                let names = paths.iter().filter(|named| named.segments.windows(wrong.len()).any(|part| part == wrong));
                (wrong.join("::"), names.map(|named| named.first.line).collect())
            }
            Wrong::Tokens(wrong) => {
                let is_wrong = |part: &[Token<'_>]| part.iter().map(|token| token.text).eq(wrong.iter().copied());
                let parts = tokens.windows(wrong.len()).filter(|part| is_wrong(part));
                (wrong.concat(), parts.map(|part| part[0].line).collect())
            }
        };
        found.extend(lines.iter().map(|line| format!("{path}:{line}: {wrong} is banned here, use {}", ban.instead)));
    }
    found.into_iter().collect()
}

/// A file that does not say first what it is.
fn unintroduced(path: &str, source: &str) -> Option<String> {
    let is_introduced = source.starts_with("//! ");
    (!is_introduced).then(|| format!("{path}:1: the file does not begin with //! and what it is"))
}

/// A file that is too long without its tests.
fn too_long(path: &str, source: &str) -> Option<String> {
    let lines = source.lines().count() - without_tests(&code_of(source)).test_lines;
    let fault = || format!("{path}: {lines} lines without its tests, at most {LINES_MAX}: it holds two ideas");
    (lines > LINES_MAX).then(fault)
}

/// Async runtimes among the packages of a `cargo tree` without prefixes.
fn async_runtimes(tree: &str) -> BTreeSet<&str> {
    let names = tree.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| ASYNC_RUNTIMES.contains(name)).collect()
}

// Our own house.

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every Rust file under `folder`, as paths from the top of the repository, sorted.
fn rust_files(folder: &str) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    files.sort();
    assert!(!files.is_empty(), "no Rust file in {folder}");
    files
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

fn house_rooms() -> BTreeMap<String, BTreeSet<String>> {
    let rooms = rooms_of(&read("src/README.md"));
    assert!(rooms.contains_key("base"), "src/README.md has no table of rooms");
    rooms
}

fn assert_none(found: &[String]) {
    assert!(found.is_empty(), "\n{}", found.join("\n"));
}

#[test]
fn the_house_imports_as_its_table_says() {
    let (files, rooms) = (rust_files("src"), house_rooms());
    let mut found = rooms_beside_the_table(&files, &rooms);
    found.extend(files.iter().flat_map(|path| foreign_imports(path, &read(path), &rooms)));
    assert_none(&found);
}

#[test]
fn the_house_uses_its_doors() {
    let files = rust_files("src");
    let test_files: BTreeSet<PathBuf> = files.iter().flat_map(|path| test_files(path, &read(path))).collect();
    // A test module's own submodules lie in the folder of its name.
    let is_test = |path: &str| Path::new(path).ancestors().any(|part| test_files.contains(&part.with_extension("rs")));
    let mut found = Vec::new();
    for path in files.iter().filter(|path| !is_test(path)) {
        found.extend(banned_calls(path, &without_tests(&code_of(&read(path))).code, BANS));
    }
    for path in ["src", "tests", "perf"].into_iter().flat_map(rust_files) {
        found.extend(banned_calls(&path, &code_of(&read(&path)), BANS_EVERYWHERE));
    }
    assert_none(&found);
}

#[test]
fn the_house_keeps_its_files_short_and_introduced() {
    let mut found: Vec<String> = rust_files("src").iter().filter_map(|path| too_long(path, &read(path))).collect();
    let files = ["src", "tests", "perf"].into_iter().flat_map(rust_files);
    found.extend(files.filter_map(|path| unintroduced(&path, &read(&path))));
    assert_none(&found);
}

#[test]
fn no_async_runtime_is_in_the_tree() {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--workspace", "--offline", "--locked", "--edges", "normal", "--prefix", "none"]);
    let output = cargo.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    assert!(tree.contains("tiny_http"), "{tree}");
    assert_eq!(async_runtimes(&tree), BTreeSet::new());
}

// The checks themselves, on sources that break them.

const TABLE: &str = "\
| room | what it is | may import |
|---|---|---|
| `base` | the ground | |
| `model` | words | base |
| `store` | memory | base, model |
";

fn imports_found(path: &str, source: &str) -> usize {
    foreign_imports(path, source, &rooms_of(TABLE)).len()
}

#[test]
fn the_table_is_read() {
    let rooms = rooms_of(TABLE);
    assert_eq!(rooms.keys().collect::<Vec<_>>(), ["base", "model", "store"]);
    assert_eq!(rooms["store"].iter().collect::<Vec<_>>(), ["base", "model"]);
}

#[test]
fn imports_that_the_table_does_not_allow_are_found() {
    for (path, source) in [
        ("src/model/key.rs", "use crate::store::Map;"),
        ("src/model/key.rs", "use crate::{base::limits, store::Map};"),
        ("src/model/key.rs", "use crate::{\n    base::{self, clock},\n    store,\n};"),
        ("src/model/key.rs", "fn f() -> crate::store::Map { g() }"),
        ("src/model/key.rs", "fn f() { let map = crate::store::Map { a: 1 }; }"),
        ("src/model/key.rs", "use super::super::store;"),
        ("src/model/mod.rs", "use super::store;"),
        ("src/model/mod.rs", "use self::super::store;"),
        ("src/model/mod.rs", "mod inner { use super::super::store; }"),
        ("src/model/key.rs", "#[cfg(test)]\nmod tests { use crate::store::Map; }"),
        ("src/model.rs", "pub use crate::store;"),
        ("src/model/key.rs", "use crate::*;"),
        ("src/base/x.rs", "macro_rules! m { () => { $crate::model::f() } }"),
        ("src/attic/x.rs", ""),
    ] {
        assert_eq!(imports_found(path, source), 1, "{path}: {source}");
    }
    let line = foreign_imports("src/base/x.rs", "//! x\n\nuse crate::store;", &rooms_of(TABLE)).concat();
    assert!(line.starts_with("src/base/x.rs:3: base uses store"), "{line}");
}

#[test]
fn imports_that_the_table_allows_pass() {
    for (path, source) in [
        ("src/store/map.rs", "use crate::base::clock;\nuse crate::model::{Key, Document};\nuse crate::store::shard;"),
        ("src/store/map.rs", "use super::shard;\nmod tests { use super::super::shard; use super::*; }"),
        ("src/store/map.rs", "// crate::front\n/* crate::front /* nested */ crate::front */\npub(crate) fn f() {}"),
        (
            "src/store/map.rs",
            "const A: &str = \"crate::front \\\" crate::front\"; const B: &str = r#\"\" crate::front\"#;",
        ),
        ("src/store/map.rs", "fn f<'a>(x: &'a u8) { let y = ['\"', '\\'', 'x']; } // '"),
        ("src/lib.rs", "use crate::front::x;"),
        ("src/main.rs", "use crate::front::x;"),
    ] {
        assert_eq!(foreign_imports(path, source, &rooms_of(TABLE)), Vec::<String>::new(), "{path}: {source}");
    }
}

#[test]
fn rooms_beside_the_table_are_found() {
    let files = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let all = files(&["src/lib.rs", "src/base/mod.rs", "src/model/mod.rs", "src/store/map.rs"]);
    assert_eq!(rooms_beside_the_table(&all, &rooms_of(TABLE)), Vec::<String>::new());
    let attic = [all.clone(), files(&["src/attic.rs"])].concat();
    assert_eq!(rooms_beside_the_table(&attic, &rooms_of(TABLE)).len(), 1);
    assert_eq!(rooms_beside_the_table(&all[..3], &rooms_of(TABLE)).len(), 1);
    let typo = TABLE.replace("base, model", "base, modle");
    assert_eq!(rooms_beside_the_table(&all, &rooms_of(&typo)).len(), 1);
}

#[test]
fn calls_that_have_another_door_are_found() {
    for source in [
        "use std::fs;",
        "use std::{fs::File, io};",
        "use std::{io, fs::{self, File}};",
        "fn f() { std::fs::read(p); }",
        "fn f() { ::std::fs::read(p); }",
        "use rustix::fs::statvfs;",
        "use std::time::{Duration, SystemTime};",
        "fn f() { time::SystemTime::now(); }",
        "fn f() { thread::spawn(g); }",
        "fn f() { std::thread::Builder::new(); }",
        "use std::thread::scope;",
        "fn f() { thread::sleep(d); }",
        "fn f() { g().unwrap() }",
        "fn f() { g()\n.unwrap(); }",
        "fn f() { println!(\"x\"); }",
        "fn f() { print!(\"x\"); }",
        "fn f() { eprintln!(\"x\"); }",
        "fn f() { eprint!(\"x\"); }",
    ] {
        let code = without_tests(&code_of(source)).code;
        assert_eq!(banned_calls("src/store/map.rs", &code, BANS).len(), 1, "{source}");
    }
    for source in [
        "fn f() { dbg!(x); }",
        "fn f() { todo!() }",
        "fn f() { unimplemented!() }",
        "#[test]\n#[ignore = \"slow\"]\nfn f() {}",
        "#[should_panic(expected = \"x\")]\nfn f() {}",
    ] {
        assert_eq!(banned_calls("tests/x.rs", &code_of(source), BANS_EVERYWHERE).len(), 1, "{source}");
    }
}

#[test]
fn doors_themselves_tests_and_words_pass() {
    for (path, source) in [
        ("src/base/disk/real.rs", "use std::fs;"),
        ("src/base/clock/system.rs", "use std::time::SystemTime;"),
        ("src/server/threads.rs", "fn f() { std::thread::Builder::new(); }"),
        ("src/cli/exit.rs", "fn f() { println!(\"x\"); }"),
        ("src/main.rs", "fn f() { eprintln!(\"x\"); }"),
        (
            "src/store/map.rs",
            "// std::fs\nfn f() { g(\"thread::spawn .unwrap() println!\").unwrap_or(1); thread::park(); }",
        ),
        ("src/store/map.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n    fn f() { g().unwrap(); }\n}\nfn g() {}"),
        ("src/store/map.rs", "use std::sync; fn fs() { self.fs.read(); self.thread.spawn(); }"),
    ] {
        let code = without_tests(&code_of(source)).code;
        assert_eq!(banned_calls(path, &code, BANS), Vec::<String>::new(), "{path}: {source}");
    }
}

#[test]
fn files_that_are_compiled_for_tests_alone_are_known() {
    let source = "mod a;\n#[cfg(test)]\nmod model_test;\nmod b;\n#[cfg(test)]\n#[path = \"rows.rs\"]\nmod tests;\n";
    let files = |path| test_files(path, source).iter().map(|file| file.display().to_string()).collect::<Vec<_>>();
    assert_eq!(files("src/store/mod.rs"), ["src/store/model_test.rs", "src/store/rows.rs"]);
    assert_eq!(files("src/store/map.rs"), ["src/store/map/model_test.rs", "src/store/rows.rs"]);
}

#[test]
fn what_stands_behind_a_test_module_is_still_read() {
    let code =
        without_tests(&code_of("#[cfg(test)]\nmod tests { const A: char = '}'; }\nfn f() { g().unwrap(); }")).code;
    let found = banned_calls("src/store/map.rs", &code, BANS);
    assert_eq!(found, ["src/store/map.rs:3: .unwrap() is banned here, use ?, or expect with the invariant"]);
}

#[test]
fn files_without_an_introduction_or_with_two_ideas_are_found() {
    let long = "//! x\n".to_owned() + &"fn f() {}\n".repeat(LINES_MAX);
    assert!(unintroduced("src/x.rs", "use a;\n//! x\n").is_some());
    assert_eq!(unintroduced("src/x.rs", "//! x\nuse a;\n"), None);
    assert!(too_long("src/x.rs", &long).is_some());
    let tests = "//! x\n#[cfg(test)]\nmod tests {\n".to_owned() + &"fn f() {}\n".repeat(LINES_MAX) + "}\n";
    assert_eq!(too_long("src/x.rs", &tests), None);
}

#[test]
fn async_runtimes_are_found_by_their_whole_names() {
    let tree = "memory-tools v0.1.0 (/x)\nmio v1.0.0\ntokio-util v1.0.0\ntokio v1.40.0\nhyper v1.0.0 (*)\n";
    assert_eq!(async_runtimes(tree).into_iter().collect::<Vec<_>>(), ["hyper", "tokio"]);
}
