//! `get`, `put`, `patch`, `del` and `ls` of the real binary against a server that runs: what they print, and the exit
//! code for each way it can go.

mod support;

use std::io::Read;
use std::net::TcpListener;

use support::process::{FRONTS, Ground, PATIENCE};
use support::remote::{Scene, told};

#[test]
fn a_document_is_written_from_an_argument_a_file_or_standard_input_and_read_to_the_byte() {
    for front in FRONTS {
        let scene = Scene::over(front);
        scene.done(&["put", "a", "{\"n\" : 1.0}"], "{\"key\":\"a\",\"version\":1}\n");
        scene.done(&["get", "a"], "{\"n\" : 1.0}");
        scene.ground.write("b.json", "[1,\n 2]\n");
        scene.done(&["put", "b", "@b.json", "--collection", "c.d"], "{\"key\":\"b\",\"version\":3}\n");
        scene.done(&["get", "b", "--collection", "c.d"], "[1,\n 2]");
        scene.fails(1, &["get", "b"], "error: 404 key_not_found: ");
    }
}

#[test]
fn an_awkward_key_is_the_key_that_was_written() {
    let scene = Scene::over("reactor");
    for key in [".", "..", "a/../b", "a b", "a+b", "%2F", "a?b#c&d=e", "clé/日", "\n", "\"", "/"] {
        let (code, stdout, stderr) = scene.run(&["put", key, "1"]);
        assert_eq!((code, stderr.as_str()), (0, ""), "{key:?}");
        let receipt: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(receipt["key"], serde_json::Value::from(key));
        scene.done(&["get", key], "1");
    }
    scene.done(&["ls", "a"], "a b\na+b\na/../b\na?b#c&d=e\n");
    scene.done(&["ls", "\n"], "\"\\n\"\n");
    scene.done(&["ls", "\""], "\"\\\"\"\n");
    scene.done(&["del", "--", ".."], "");
    scene.fails(1, &["get", ".."], "error: 404 key_not_found: ");
}

#[test]
fn the_exit_code_says_how_it_went() {
    let scene = Scene::over("reactor");
    scene.fails(1, &["get", "a"], "error: 404 key_not_found: ");
    scene.fails(1, &["del", "a"], "error: 404 key_not_found: ");
    scene.fails(1, &["ls", "--collection", "c"], "error: 404 collection_not_found: ");
    scene.done(&["put", "a", "1"], "{\"key\":\"a\",\"version\":1}\n");
    scene.done(&["put", "a", "2", "--if-match", "1"], "{\"key\":\"a\",\"version\":2}\n");
    scene.fails(3, &["put", "a", "3", "--if-match", "1"], "error: 412 condition_failed: ");
    scene.fails(3, &["del", "a", "--if-match", "1"], "error: 412 condition_failed: ");
    scene.fails(3, &["put", "a", "3", "--create"], "error: 412 condition_failed: ");
    scene.fails(3, &["put", "a", "{"], "error: 400 json_invalid: ");
    scene.fails(3, &["put", "a", "1", "--ttl", "x"], "error: 400 parameter_invalid: ");
    scene.fails(2, &["put", "a", "@absent"], "error: the body cannot be read: absent: ");
    scene.fails(
        2,
        &["get", "a", "--url", "https://localhost"],
        "error: \"https://localhost\" is not the URL of a server",
    );
    scene.fails(2, &["put", "a", "1", "--if-match", "a\nb"], "error: this cannot be sent: ");
    assert_eq!(scene.run(&["get"]).0, 2);
    scene.done(&["del", "a", "--if-match", "\"2\""], "");
    scene.done(&["put", "a", "4", "--create"], "{\"key\":\"a\",\"version\":4}\n");
    let Scene { ground, server, url } = scene;
    server.stop();
    let (code, _, stderr) = told(ground.command(&["get", "a", "--url", &url]).output().unwrap());
    assert!(code == 4 && stderr.starts_with(&format!("error: no answer from {url}/v1/docs: ")), "{code} {stderr}");
}

#[test]
fn the_environment_says_where_the_server_is_unless_a_flag_does() {
    let scene = Scene::over("reactor");
    let get = |arguments: &[&str], url: &str| {
        let mut command = scene.ground.command(arguments);
        told(command.env("MEMORY_TOOLS_URL", url).output().expect("it runs"))
    };
    scene.done(&["put", "a", "1"], "{\"key\":\"a\",\"version\":1}\n");
    assert_eq!(get(&["get", "a"], &scene.url), (0, "1".to_owned(), String::new()));
    assert_eq!(get(&["get", "a", "--url", &scene.url], "http://nobody.invalid").0, 0);
    assert_eq!(get(&["get", "a"], "ftp://a").0, 2);
    // It is no option, and none that is misspelt.
    assert_eq!(get(&["check-config"], &scene.url).0, 0);
}

#[test]
fn a_document_is_changed_and_a_part_of_it_is_shown() {
    let scene = Scene::over("reactor");
    assert_eq!(scene.run(&["put", "a", "{\"n\":1,\"list\":[1.0,2]}"]).0, 0);
    assert_eq!(scene.run(&["patch", "a", "{\"n\":null}"]).0, 0);
    let append = "[{\"op\":\"append\",\"path\":\"/list\",\"value\":3}]";
    assert_eq!(scene.run(&["patch", "a", append, "--type", "ops", "--if-match", "2"]).0, 0);
    scene.done(&["get", "a", "--ptr", "/list/0"], "1.0");
    scene.fails(1, &["get", "a", "--ptr", "/n"], "error: 404 pointer_not_found: ");
    scene.fails(3, &["patch", "a", "1", "--type", "json"], "error: ");
}

#[test]
fn what_there_is_to_say_of_a_document_is_shown_without_it() {
    for front in FRONTS {
        let scene = Scene::over(front);
        scene.done(&["put", "clé \"a\"", "[1, 2.0]"], "{\"key\":\"clé \\\"a\\\"\",\"version\":1}\n");
        scene.done(&["get", "clé \"a\"", "--head"], "{\"key\":\"clé \\\"a\\\"\",\"version\":1,\"bytes\":8}\n");
        scene.done(
            &["get", "clé \"a\"", "--head", "--ptr", "/1"],
            "{\"key\":\"clé \\\"a\\\"\",\"version\":1,\"bytes\":3}\n",
        );
        let put = "/v1/docs/b?expires_at=2100-01-01T00:00:00Z";
        assert_eq!(scene.server.client().send("PUT", put, &[], b"null").status, 201);
        let moment = "2100-01-01T00:00:00.000Z";
        let head = format!("{{\"key\":\"b\",\"version\":2,\"expires_at\":\"{moment}\",\"bytes\":4}}\n");
        scene.done(&["get", "b", "--head"], &head);
        scene.done(&["ls", "--long"], &format!("2\t{moment}\tb\n1\tnever\tclé \"a\"\n"));
        scene.done(&["ls", "c", "--long"], "1\tnever\tclé \"a\"\n");
        scene.fails(1, &["get", "absent", "--head"], "error: 404 key_not_found: ");
        scene.fails(1, &["get", "b", "--head", "--ptr", "/x"], "error: 404 pointer_not_found: ");
    }
}

#[test]
fn a_time_to_live_is_handed_on() {
    let scene = Scene::over("reactor");
    let (code, stdout, _) = scene.run(&["put", "a", "1", "--ttl", "1h30m"]);
    assert!(code == 0 && stdout.contains("\"expires_at\":\""), "{stdout}");
}

#[test]
fn a_listing_goes_through_all_pages() {
    let scene = Scene::over("reactor");
    let mut client = scene.server.client();
    let mut expected = String::new();
    for number in 0..2_345 {
        let key = format!("user:{number:05}");
        client.send("PUT", &format!("/v1/docs/{key}"), &[], b"1");
        expected.push_str(&format!("{key}\n"));
    }
    client.send("PUT", "/v1/docs/other", &[], b"1");
    scene.done(&["ls", "user:"], &expected);
    scene.done(&["ls"], &format!("other\n{expected}"));
    scene.done(&["ls", "nobody"], "");
}

#[test]
fn a_body_on_standard_input_is_sent_as_it_is() {
    let scene = Scene::over("reactor");
    let large = format!("[{}0]", "\"é\", ".repeat(100_000));
    scene.ground.write("large.json", &large);
    let (code, _, stderr) = scene.run_with("large.json", &["put", "a"]);
    assert_eq!((code, stderr.as_str()), (0, ""));
    assert_eq!(scene.run(&["get", "a"]), (0, large, String::new()));
}

/// What is sent, whatever the server at the other end has learnt to answer.
#[test]
fn a_patch_names_its_media_type_and_a_pointer_goes_into_the_query() {
    for (arguments, line, field) in [
        (&["patch", "k", "{}"][..], "PATCH /v1/docs?key=k HTTP/1.1", Some("application/merge-patch+json")),
        (&["patch", "k", "[]", "--type", "json"], "PATCH /v1/docs?key=k HTTP/1.1", Some("application/json-patch+json")),
        (
            &["patch", "k", "[]", "--type", "ops", "--ttl", "5s"],
            "PATCH /v1/docs?key=k&ttl=5s HTTP/1.1",
            Some("application/vnd.memory-tools.ops+json"),
        ),
        (&["get", "k", "--ptr", "/a/0"], "GET /v1/docs?key=k&ptr=%2Fa%2F0 HTTP/1.1", None),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = listener.local_addr().unwrap().to_string();
        let mut command = Ground::new().command(&[arguments, &["--url", &url]].concat());
        // The folder is gone; nothing of it is needed.
        let child = command.current_dir("/").stderr(std::process::Stdio::piped()).spawn().unwrap();
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = Vec::new();
        let mut byte = [0; 1];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        drop((stream, listener));
        let head = String::from_utf8(head).unwrap();
        assert_eq!(head.lines().next(), Some(line), "{head}");
        let found =
            head.lines().find_map(|line| line.strip_prefix("content-type: ").or(line.strip_prefix("Content-Type: ")));
        assert_eq!(found, field, "{head}");
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(4), "{output:?}");
    }
}

#[test]
fn each_command_has_a_page_of_help() {
    let ground = Ground::new();
    for command in
        ["serve", "check", "repair", "health", "get", "put", "patch", "del", "ls", "watch", "export", "import"]
    {
        let page = ground.run(&["help", command]);
        assert_eq!((page.code, page.stderr.as_str()), (Some(0), ""));
        assert!(page.stdout.starts_with(&format!("memory-tools {command}: ")), "{page:?}");
        assert!(page.stdout.contains("\nexit code: 0 ") && page.stdout.contains("\nexamples:\n"), "{page:?}");
        assert_eq!(ground.run(&[command, "--help"]).stdout, page.stdout);
    }
}
