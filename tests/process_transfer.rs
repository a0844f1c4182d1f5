//! `export` and `import` of the real binary: everything comes out and in again to the byte, over connections that are
//! lost and servers that say no; and a file that is not whole does not look as if it were.

mod support;

use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Stdio;
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use support::process::{FRONTS, Ground};
use support::remote::{Scene, Scripted, told};

/// Documents of `filled`.
const DOCUMENTS: usize = 1_203;

/// A server with more than one part of documents.
fn filled(front: &'static str) -> Scene {
    let scene = Scene::over(front);
    let mut client = scene.server.client();
    client.send("PUT", "/v1/docs/a%2F%22%0A?ttl=1h", &[], b"{ \"n\" : 1.0,\n\"x\":\"\\ud800\"}");
    client.send("POST", "/v1/collections/c.d", &[], b"{\"default_ttl\":\"1m\"}");
    client.send("PUT", "/v1/collections/c.d/docs/k", &[], b"1e400");
    let large = format!("[{}0]", "\"é\", ".repeat(100_000));
    client.send("PUT", "/v1/docs/large", &[], large.as_bytes());
    let puts = (0..1_200).map(|number| format!("{{\"op\":\"put\",\"key\":\"k{number}\",\"value\":{number}}}\n"));
    assert_eq!(client.send("POST", "/v1/docs:bulk", &[], puts.collect::<String>().as_bytes()).status, 200);
    scene
}

/// What `scene` exports, without the versions, which an import gives anew.
fn content(scene: &Scene) -> Vec<String> {
    let lines = String::from_utf8(scene.server.client().send("GET", "/v1/export", &[], b"").body).unwrap();
    let without_version = |line: &str| {
        let (before, rest) = line.split_once(",\"version\":").unwrap_or((line, ""));
        format!("{before}{}", rest.trim_start_matches(|character: char| character.is_ascii_digit()))
    };
    lines.lines().map(without_version).collect()
}

#[test]
fn an_export_is_what_the_server_says_and_an_import_brings_it_back() {
    for front in FRONTS {
        let (from, to) = (filled(front), Scene::over(front));
        let said = from.server.client().send("GET", "/v1/export", &[], b"").body;
        let bytes = said.len();
        from.done(
            &["export", "-o", "all.ndjson"],
            &format!("{{\"documents\":{DOCUMENTS},\"collections\":1,\"bytes\":{bytes}}}\n"),
        );
        assert!(fs::read(from.ground.path("all.ndjson")).unwrap() == said);
        assert!(!from.ground.path("all.ndjson.partial").exists());
        let path = from.ground.path("all.ndjson").into_os_string().into_string().unwrap();
        let receipt = format!("{{\"documents\":{DOCUMENTS},\"collections\":1,\"expired\":0}}\n");
        to.done(&["import", &path], &receipt);
        assert_eq!(content(&to), content(&from));

        let (code, stdout, stderr) = from.run(&["export"]);
        assert_eq!((code, stdout.as_bytes() == said), (0, true));
        assert_eq!(stderr, format!("{{\"documents\":{DOCUMENTS},\"collections\":1,\"bytes\":{bytes}}}\n"));
        from.done(&["export", "--quiet", "-o", "again.ndjson"], "");
        to.ground.write("all.ndjson", &said);
        assert_eq!(to.run_with("all.ndjson", &["import", "-"]), (0, receipt, String::new()));
        assert_eq!(to.run_with("all.ndjson", &["import", "-", "--quiet", "--mode", "merge"]).1, "");
        assert_eq!(content(&to), content(&from));
    }
}

#[test]
fn an_export_of_a_collection_takes_the_place_of_everything_else_when_told_to() {
    for front in FRONTS {
        let scene = filled(front);
        scene.done(&["export", "--collection", "", "--quiet", "-o", "main.ndjson"], "");
        assert_eq!(
            fs::read(scene.ground.path("main.ndjson")).unwrap().iter().filter(|&&byte| byte == b'\n').count(),
            DOCUMENTS - 1
        );
        scene.done(&["export", "--collection", "c.d", "--quiet", "-o", "c.ndjson"], "");
        let receipt = "{\"documents\":1,\"collections\":1,\"expired\":0}\n";
        scene.done(&["import", "c.ndjson", "--mode", "replace"], receipt);
        let (options, document) = ("{\"collection\":\"c.d\",\"options\":", "{\"collection\":\"c.d\",\"key\":\"k\",");
        let content = content(&scene);
        assert!(
            content.len() == 2 && content[0].starts_with(options) && content[1].starts_with(document),
            "{content:?}"
        );
    }
}

const A: &str = "{\"collection\":null,\"key\":\"a/b\",\"version\":1,\"value\":1}\n";
const B: &str = "{\"collection\":null,\"key\":\"b\",\"version\":2,\"value\":2}\n";

/// It is cut off within the second line.
const CUT_OFF: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
                       ff\r\n{\"collection\":null,\"key\":\"a/b\",\"version\":1,\"value\":1}\n{\"collection\":null,\"ke";
const THE_REST: &str = "HTTP/1.1 200 OK\r\nContent-Length: 52\r\nConnection: close\r\n\r\n\
                        {\"collection\":null,\"key\":\"b\",\"version\":2,\"value\":2}\n";
const REFUSED: &str = "HTTP/1.1 500 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

fn requests_behind_a() -> [String; 2] {
    ["GET /v1/export HTTP/1.1".to_owned(), "GET /v1/export?cursor=%2Fa%2Fb HTTP/1.1".to_owned()]
}

#[test]
fn an_export_that_is_cut_off_goes_on_behind_its_last_whole_line() {
    let (server, ground) = (Scripted::new(&[CUT_OFF, THE_REST]), Ground::new());
    let ended = ground.run(&["export", "--url", &server.url, "-o", "x"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stderr.starts_with("memory-tools: warning: no answer from http://"), "{ended:?}");
    assert!(ended.stderr.ends_with("; going on in 250 ms\n"), "{ended:?}");
    assert_eq!(fs::read_to_string(ground.path("x")).unwrap(), format!("{A}{B}"));
    assert_eq!(server.requests(), requests_behind_a());
}

#[test]
fn an_export_that_fails_leaves_no_file_of_its_name_and_another_run_goes_on_with_it() {
    let ground = Ground::new();
    ground.write("x", "older");
    let server = Scripted::new(&[CUT_OFF, REFUSED]);
    let ended = ground.run(&["export", "--url", &server.url, "-o", "x"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), ""), "{ended:?}");
    let last = ended.stderr.lines().last().unwrap();
    assert!(last.starts_with("error: 500, without a word"), "{ended:?}");
    assert!(last.ends_with("; x.partial holds 1 documents, and --continue goes on behind them"), "{ended:?}");
    assert_eq!(fs::read_to_string(ground.path("x")).unwrap(), "older");
    assert_eq!(fs::read_to_string(ground.path("x.partial")).unwrap(), A);
    assert_eq!(server.requests(), requests_behind_a());

    // As a crash may leave it: within a line.
    ground.write("x.partial", format!("{A}{{\"collection\":nu"));
    let server = Scripted::new(&[THE_REST]);
    let ended = ground.run(&["export", "--url", &server.url, "-o", "x", "--continue"]);
    assert_eq!(ended.stdout, "{\"documents\":2,\"collections\":0,\"bytes\":106}\n", "{ended:?}");
    assert_eq!(fs::read_to_string(ground.path("x")).unwrap(), format!("{A}{B}"));
    assert!(!ground.path("x.partial").exists());
    assert_eq!(server.requests(), requests_behind_a()[1..]);

    ground.write("y.partial", "something else\n");
    let ended = ground.run(&["export", "-o", "y", "--continue"]);
    assert!(ended.in_one_line(1).starts_with("error: y.partial is none of an export"), "{ended:?}");
    let ended = ground.run(&["export", "-o", "z", "--continue"]);
    assert!(ended.in_one_line(1).starts_with("error: cannot write: z.partial: "), "{ended:?}");
}

#[test]
fn what_the_server_could_not_give_is_no_whole_export() {
    let server = Scripted::new(&["HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n{\"cut_short\":\"full\"}\n"]);
    let ground = Ground::new();
    let ended = ground.run(&["export", "--url", &server.url, "-o", "x"]);
    assert!(ended.in_one_line(3).starts_with("error: the server does not answer with the whole of an export"));
    assert!(!ground.path("x").exists());
}

#[test]
fn a_line_that_is_not_taken_is_named_with_what_came_before_it() {
    for front in FRONTS {
        let scene = Scene::over(front);
        scene.ground.write("bad.ndjson", format!("{A}{B}{{\"key\":}}\n{A}"));
        let line = "error: bad.ndjson, line 3: 400 json_invalid: ";
        scene.fails(3, &["import", "bad.ndjson"], line);
        let (_, _, stderr) = scene.run(&["import", "bad.ndjson"]);
        assert!(stderr.ends_with("; 2 documents before that were taken\n"), "{stderr}");
        let (code, _, stderr) = scene.run_with("bad.ndjson", &["import", "-"]);
        assert!(code == 3 && stderr.starts_with("error: standard input, line 3: "), "{stderr}");
        scene.fails(2, &["import", "absent.ndjson"], "error: the body cannot be read: absent.ndjson: ");
        scene.fails(3, &["import", "bad.ndjson", "--mode", "x"], "error: 400 parameter_invalid: ");
    }
}

/// The server answers at the third line and closes; what it has said is heard, however much would have come.
#[test]
fn a_refusal_is_heard_while_there_is_much_more_to_send() {
    for front in FRONTS {
        let scene = Scene::over(front);
        let mut command = scene.command(&["import", "-"]);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut input = child.stdin.take().expect("a pipe");
        let writer = thread::spawn(move || {
            let part = A.repeat(10_000);
            let _ = input.write_all(format!("{A}{B}no\n").as_bytes());
            // Until nobody reads any more.
            while input.write_all(part.as_bytes()).is_ok() {}
        });
        let (code, stdout, stderr) = told(child.wait_with_output().expect("it ends"));
        writer.join().unwrap();
        assert_eq!((code, stdout.as_str()), (3, ""), "{front}: {stderr}");
        assert!(stderr.starts_with("error: standard input, line 3: 400 json_invalid: "), "{front}: {stderr}");
    }
}

#[test]
fn where_there_is_no_server_both_say_so() {
    let scene = Scene::over("reactor");
    scene.ground.write("a.ndjson", A);
    let Scene { ground, server, url } = scene;
    server.stop();
    for arguments in [&["export", "-o", "x"][..], &["export"], &["import", "a.ndjson"]] {
        let ended = ground.run(&[arguments, &["--url", &url]].concat());
        assert!(ended.in_one_line(4).starts_with(&format!("error: no answer from {url}/v1/")), "{ended:?}");
    }
    assert!(!ground.path("x").exists());
}

#[test]
fn a_terminal_is_shown_how_far_it_is_and_anything_else_is_not() {
    let scene = filled("reactor");
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&terminal).expect("it is ours");
    unlockpt(&terminal).expect("it can be opened");
    let name = ptsname(&terminal, Vec::new()).expect("it has a name");
    let path = Path::new(std::ffi::OsStr::from_bytes(name.to_bytes()));
    let open = || File::options().read(true).write(true).open(path).expect("its other end");
    // Held until the end, so that what was shown can be read after the process has gone.
    let held = open();
    let mut command = scene.command(&["export", "-o", "all.ndjson"]);
    command.env("TERM", "xterm").stderr(Stdio::from(open()));
    assert_eq!(command.output().expect("it runs").status.code(), Some(0));
    let mut command = scene.command(&["import", "all.ndjson"]);
    command.env("TERM", "xterm").stderr(Stdio::from(open()));
    assert_eq!(command.output().expect("it runs").status.code(), Some(0));
    held.try_clone().expect("a descriptor").write_all(b"\nTHE END\n").expect("it is taken");
    let (mut reader, mut shown) = (File::from(terminal), Vec::new());
    while !String::from_utf8_lossy(&shown).contains("THE END") {
        let mut part = [0; 4096];
        let count = reader.read(&mut part).expect("what was shown");
        shown.extend_from_slice(&part[..count]);
    }
    let shown = String::from_utf8_lossy(&shown);
    assert!(shown.contains(&format!(" of {} documents, ", "1,203")), "{shown}");
    assert!(shown.contains(" lines, ") && shown.contains(" left"), "{shown}");
}
