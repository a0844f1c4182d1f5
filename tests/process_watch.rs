//! `watch` of the real binary: each change is a line, once, whatever becomes of the connection; and how it ends.

mod support;

use std::process::{Command, Stdio};

use rustix::process::Signal;
use support::process::{FRONTS, Ground, Process, until};
use support::remote::{Scene, Scripted};

/// Lets `scene` have three changes.
fn change(scene: &Scene) {
    let mut client = scene.server.client();
    client.send("PUT", "/v1/docs/a", &[], b"[\n1]");
    client.send("PUT", "/v1/collections/c/docs/a%09b", &[], b"2");
    client.send("DELETE", "/v1/docs/a", &[], b"");
}

fn until_somebody_watches(scene: &Scene) {
    let mut client = scene.server.client();
    until("a reader of the changes", || {
        client.send("GET", "/metrics", &[], b"").text().contains("\nmemory_tools_changes_connections 1\n")
    });
}

#[test]
fn each_change_is_a_line_from_any_lsn_on_and_of_what_was_asked_for() {
    for front in FRONTS {
        let scene = Scene::over(front);
        change(&scene);
        for (flags, lines) in [
            (&["--since", "0"][..], "1\tput\ta\n3\tput\t\"a\\tb\"\tc\n4\tdelete\ta\n"),
            (&["--since", "1"], "3\tput\t\"a\\tb\"\tc\n4\tdelete\ta\n"),
            (&["--since", "0", "--collection", "c"], "3\tput\t\"a\\tb\"\tc\n"),
            (&["--since", "1", "--prefix", "a"], "3\tput\t\"a\\tb\"\tc\n4\tdelete\ta\n"),
            (
                &["--since", "0", "--json"],
                "{\"lsn\":1,\"op\":\"put\",\"collection\":null,\"key\":\"a\",\"version\":1}\n\
                 {\"lsn\":3,\"op\":\"put\",\"collection\":\"c\",\"key\":\"a\\tb\",\"version\":3}\n\
                 {\"lsn\":4,\"op\":\"delete\",\"collection\":null,\"key\":\"a\"}\n",
            ),
            (
                &["--since", "0", "--json", "--values", "--collection", "c"],
                "{\"lsn\":3,\"op\":\"put\",\"collection\":\"c\",\"key\":\"a\\tb\",\"version\":3,\"value\":2}\n",
            ),
        ] {
            let watch = Process::spawn(scene.command(&[&["watch"], flags].concat()));
            watch.wait_for_stdout(lines);
            watch.signal(Signal::INT);
            let ended = watch.wait();
            assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), lines, ""), "{flags:?}");
        }
    }
}

#[test]
fn without_an_lsn_it_begins_now() {
    let scene = Scene::over("reactor");
    change(&scene);
    let watch = Process::spawn(scene.command(&["watch"]));
    until_somebody_watches(&scene);
    scene.server.client().send("PUT", "/v1/docs/b", &[], b"1");
    watch.wait_for_stdout("5\tput\tb\n");
    watch.signal(Signal::INT);
    assert_eq!(watch.wait().stdout, "5\tput\tb\n");
}

#[test]
fn it_ends_when_nobody_reads_any_more() {
    let scene = Scene::over("reactor");
    change(&scene);
    let mut command = Command::new("sh");
    command.args(["-c", "{ \"$@\"; echo \"exit code $?\" >&2; } | head -1", "sh"]);
    let watch = scene.command(&["watch", "--since", "0"]);
    command.arg(watch.get_program()).args(watch.get_args());
    let ended = Process::spawn(command).wait();
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("1\tput\ta\n", "exit code 0\n"));
}

#[test]
fn a_lost_connection_is_said_and_the_changes_go_on_where_they_were() {
    let server = Scripted::new(&[
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n{\"lsn\":6}\n",
        // It is cut off within the second line.
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\
         80\r\n{\"lsn\":7,\"op\":\"put\",\"collection\":null,\"key\":\"a\"}\n{\"lsn\":8,\"op\":\"p",
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 52\r\nConnection: close\r\n\r\n\
         {\"lsn\":8,\"op\":\"delete\",\"collection\":null,\"key\":\"b\"}\n",
        "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
    ]);
    let watch = Process::spawn(Ground::new().command(&["watch", "--url", &server.url]));
    let requests = server.requests();
    let ended = watch.wait();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(3), "7\tput\ta\n8\tdelete\tb\n"), "{ended:?}");
    let said: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!(said.len(), 4, "{ended:?}");
    assert!(said[0].starts_with("memory-tools: warning: no answer from http://127.0.0.1:"), "{ended:?}");
    assert!(said[0].ends_with("; trying again in 250 ms") && said[1].contains("warning: 503"), "{ended:?}");
    assert!(said[1].ends_with("; trying again in 500 ms"), "{ended:?}");
    assert_eq!(said[2], "memory-tools: connected again, going on behind LSN 8");
    assert!(said[3].starts_with("error: 410"), "{ended:?}");
    let line = |query: &str| format!("GET /v1/changes?{query} HTTP/1.1");
    let since = |lsn: u64| line(&format!("since={lsn}&timeout=5s"));
    assert_eq!(requests, [line("timeout=1ms"), since(6), since(7), since(7), since(8)]);
}

#[test]
fn what_cannot_be_watched_is_an_error_and_no_attempt_is_repeated() {
    let scene = Scene::over("reactor");
    change(&scene);
    scene.fails(3, &["watch", "--since", "99"], "error: 410 changes_gone: changes are kept behind 0 and up to 4");
    scene.fails(3, &["watch", "--since", "x"], "error: 400 parameter_invalid: ");
    let Scene { ground, server, url } = scene;
    server.stop();
    let mut command = ground.command(&["watch", "--url", &url]);
    assert!(Process::spawn(command).wait().in_one_line(4).starts_with("error: no answer from http://"));
    let listens = Scripted::new(&["HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"]);
    command = ground.command(&["watch", "--url", &listens.url]);
    let ended = Process::spawn(command).wait();
    assert_eq!(ended.in_one_line(3), "error: the server does not answer with changes");
}

#[test]
fn a_reader_that_cannot_be_written_to_is_a_failure() {
    let scene = Scene::over("reactor");
    change(&scene);
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device");
    let output = scene.command(&["watch", "--since", "0"]).stdout(Stdio::from(full)).output().expect("it runs");
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stderr.starts_with(b"error: cannot write: "), "{output:?}");
}
