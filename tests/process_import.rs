//! The Go server's own files, brought to the real binary: imported once, to the byte, and never lost.

mod support;

use std::fs;
use std::path::Path;

use support::process::{Ground, Server};

/// What the fixture's files are called in a data folder.
const FILES: [&str; 3] = ["in-memory.mtdb", "collections/users.cmtdb", "collections/ghost.cmtdb"];

/// Key and value, in the order of the file.
type Entries = Vec<(String, String)>;

fn fixture(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/go").join(name)).unwrap()
}

/// A working directory whose data folder is what the Go server left.
fn left_by_the_go_server() -> Ground {
    let ground = Ground::new();
    for name in FILES {
        ground.write(&format!("data/{name}"), fixture(name));
    }
    ground
}

/// Reads a file of the Go server: a count, then lengths and texts.
fn entries(file: &[u8]) -> Entries {
    fn number(rest: &mut &[u8]) -> usize {
        let (bytes, after) = rest.split_first_chunk().expect("a number");
        *rest = after;
        u32::from_le_bytes(*bytes) as usize
    }
    fn text(rest: &mut &[u8]) -> String {
        let length = number(rest);
        let (bytes, after) = rest.split_at(length);
        *rest = after;
        String::from_utf8(bytes.to_vec()).expect("UTF-8")
    }
    let mut rest = file;
    let entries = (0..number(&mut rest)).map(|_| (text(&mut rest), text(&mut rest))).collect();
    assert!(rest.is_empty());
    entries
}

/// The server has exactly `expected` under `base`, to the byte, without deadlines.
#[track_caller]
fn assert_serves(server: &Server, base: &str, expected: &Entries) {
    let mut client = server.client();
    for (key, value) in expected {
        let escaped: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let answer = client.send("GET", &format!("{base}/{escaped}"), &[], b"");
        assert_eq!((answer.status, answer.text()), (200, value.as_str()), "{base} {key:?}");
        assert_eq!(answer.header("MT-TTL"), None, "{key:?}");
    }
}

#[track_caller]
fn assert_serves_everything(server: &Server) {
    assert_serves(server, "/v1/docs", &entries(&fixture(FILES[0])));
    assert_serves(server, "/v1/collections/users/docs", &entries(&fixture(FILES[1])));
    let names = server.client().send("GET", "/collections", &[], b"");
    assert!(names.text().contains("\"data\":[\"ghost\",\"users\"]"), "{}", names.text());
}

#[test]
fn the_first_start_imports_and_the_second_loads_our_snapshot() {
    let ground = left_by_the_go_server();
    let server = ground.start(&[]);
    let line = "data           ./data: 15 documents in the main store and 2 collections, imported from the Go server, \
                0 left out\n";
    assert!(server.banner.contains(line), "{}", server.banner);
    assert_serves_everything(&server);
    for name in FILES {
        assert!(!ground.data(name).exists(), "{name}");
        assert_eq!(fs::read(ground.data(&format!("{name}.go-original"))).unwrap(), fixture(name), "{name}");
    }
    // The snapshot was durable before the originals got their names.
    server.kill();

    let server = ground.start(&[]);
    let line = "data           ./data: 15 documents in the main store and 2 collections, from a snapshot of ";
    assert!(server.banner.contains(line), "{}", server.banner);
    assert_serves_everything(&server);
    server.stop();
}

#[test]
fn the_older_name_of_the_main_store_is_imported_and_kept_as_the_original() {
    let ground = Ground::new();
    ground.write("data/database.mtdb", fixture(FILES[0]));
    let server = ground.start(&[]);
    assert!(server.banner.contains("14 documents in the main store and 0 collections, imported"), "{}", server.banner);
    assert_eq!(fs::read(ground.data("database.mtdb.go-original")).unwrap(), fixture(FILES[0]));
    server.kill();
    let server = ground.start(&[]);
    assert_serves(&server, "/v1/docs", &entries(&fixture(FILES[0])));
    server.stop();
}

/// Starts on a broken file: refused, with file and offset, and nothing changed. With --import-skip it goes on without
/// `left_out` entries, names what and where, and serves the `kept`.
fn check_broken(name: &str, broken: &[u8], offset: usize, left_out: usize, base: &str, kept: &Entries) {
    let ground = left_by_the_go_server();
    ground.write(&format!("data/{name}"), broken);
    let before = ground.content();
    let ended = ground.run(&["--port", "127.0.0.1:0"]);
    let line = ended.in_one_line(1);
    let expected = format!("error: ./data/{name}: cannot be imported: at byte {offset}: ");
    assert!(line.starts_with(&expected), "{expected}: {line}");
    assert!(line.ends_with("; nothing was changed; --import-skip leaves out what cannot be imported"), "{line}");
    assert_eq!(ground.content(), before, "{line}");

    let server = ground.start(&["--import-skip"]);
    assert!(server.banner.contains(&format!(", {left_out} left out\n")), "{}", server.banner);
    assert_serves(&server, base, kept);
    assert_eq!(fs::read(ground.data(&format!("{name}.go-original"))).unwrap(), broken, "the original is kept");
    let ended = server.stop();
    let expected = format!("memory-tools: warning: ./data/{name}: left out at byte {offset}: ");
    assert!(ended.stderr.lines().any(|line| line.starts_with(&expected)), "{expected}: {ended:?}");
}

#[test]
fn a_file_that_was_cut_short_is_refused_or_imported_up_to_there() {
    let (whole, all) = (fixture(FILES[0]), entries(&fixture(FILES[0])));
    let (last, kept) = all.split_last().unwrap();
    // In the middle of the last value, whose length is then beyond the end.
    let value = whole.len() - last.1.len();
    check_broken(FILES[0], &whole[..whole.len() - 1], value, 1, "/v1/docs", &kept.to_vec());
}

#[test]
fn a_value_that_is_no_json_is_refused_or_left_out() {
    let mut broken = fixture(FILES[1]);
    let value = broken.len() - entries(&broken)[0].1.len();
    broken[value] = b'<';
    check_broken(FILES[1], &broken, value, 1, "/v1/docs", &entries(&fixture(FILES[0])));
}
