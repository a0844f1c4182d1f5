//! The commands beside `serve` on the real binary: what they say, how they exit, and what they leave alone.

mod support;

use std::fs;

use support::process::Ground;

/// A ground on which a server in mode `journal` has taken two snapshots: the newer one holds `a` and `b`.
fn two_snapshots(journal: &str) -> Ground {
    let ground = Ground::new();
    for key in ["a", "b"] {
        let server = ground.start(&["--journal", journal]);
        server.client().send("PUT", &format!("/v1/docs/{key}"), &[], b"{\"n\":1}");
        server.stop();
    }
    ground
}

fn damage(ground: &Ground, name: &str) {
    let mut content = fs::read(ground.data(name)).unwrap();
    let middle = content.len() / 2;
    content[middle] ^= 1;
    fs::write(ground.data(name), content).unwrap();
}

#[test]
fn check_and_repair_leave_a_sound_folder_alone() {
    let ground = two_snapshots("everysec");
    let before = ground.content();
    let ended = ground.run(&["check", "data"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.ends_with("everything is sound\n"), "{ended:?}");
    for arguments in [&["repair", "data"][..], &["repair", "data", "--drop-after-damage"]] {
        let ended = ground.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), "nothing to repair\n"), "{ended:?}");
    }
    assert_eq!(ground.content(), before);
}

#[test]
fn a_folder_in_use_is_checked_and_not_repaired() {
    let ground = Ground::new();
    let server = ground.start(&[]);
    assert_eq!(ground.run(&["check", "data"]).code, Some(0));
    let ended = ground.run(&["repair", "data"]);
    let line = ended.in_one_line(1);
    let holder = format!("error: data: in use by another memory-tools (pid {})", server.process.pid());
    assert!(line.starts_with(&holder), "{line}");
    server.stop();
}

#[test]
fn dump_shows_what_a_start_would_load_and_changes_nothing() {
    let ground = Ground::new();
    let server = ground.start(&[]);
    let put = |path: &str, body: &[u8]| assert_eq!(server.client().send("PUT", path, &[], body).status, 201, "{path}");
    put("/v1/docs/b", b"{\"n\":\n [1,\r\n2]}");
    put("/v1/docs/a%22", b"\"line\\n\"");
    put("/v1/docs/t?ttl=1h", b"1");
    put("/v1/collections/c/docs/k", b"null");
    server.client().send("POST", "/v1/collections/c", &[], b"{\"default_ttl\":\"20m\"}");
    let exported = String::from_utf8(server.client().send("GET", "/v1/export", &[], b"").body).unwrap();
    server.stop();
    let before = ground.content();
    let ended = ground.run(&["dump", "data"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{ended:?}");
    assert_eq!(ended.stdout, exported, "what an export gives, and so what an import takes");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines[0], r#"{"collection":null,"key":"a\"","version":2,"value":"line\n"}"#);
    assert_eq!(lines[1], r#"{"collection":null,"key":"b","version":1,"text":"{\"n\":\n [1,\r\n2]}"}"#);
    assert_eq!(ground.content(), before);
    damage(&ground, "database.mtdb");
    let ended = ground.run(&["dump", "data"]);
    assert!(ended.in_one_line(3).contains("database.mtdb: damaged"), "{ended:?}");
}

#[test]
fn damage_that_no_program_can_mend_is_named_by_both_and_left_alone() {
    // A journal would stand in for a snapshot, but not for IDENTITY.
    for (name, journal) in [("IDENTITY", "everysec"), ("IDENTITY", "off"), ("database.mtdb", "off")] {
        let ground = two_snapshots(journal);
        damage(&ground, name);
        let before = ground.content();
        let ended = ground.run(&["check", "data"]);
        assert_eq!(ended.code, Some(3), "{ended:?}");
        assert!(ended.stdout.contains("UNSOUND") && ended.stdout.contains(name), "{ended:?}");
        let ended = ground.run(&["repair", "data", "--drop-after-damage"]);
        let line = ended.in_one_line(3);
        assert!(line.contains(name) && line.contains("damaged"), "{line}");
        assert_eq!(ground.content(), before, "{name} {journal}");
    }
}

#[test]
fn a_damaged_snapshot_is_repaired_from_the_one_before_and_the_journal() {
    let ground = two_snapshots("everysec");
    let documents = ground.run(&["dump", "data"]).stdout;
    assert_eq!(documents.lines().count(), 2, "{documents}");
    damage(&ground, "database.mtdb");
    let ended = ground.run(&["check", "data"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stdout.contains("UNSOUND") && ended.stdout.contains("database.mtdb"), "{ended:?}");
    let ended = ground.run(&["repair", "data"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.ends_with("repaired, and nothing was lost\n"), "{ended:?}");
    let ended = ground.run(&["dump", "data"]);
    assert_eq!((ended.code, ended.stdout), (Some(0), documents));
}

#[test]
fn a_path_that_is_not_there_is_a_failure_and_nothing_is_made_of_it() {
    let ground = Ground::new();
    for command in ["check", "dump", "repair"] {
        let ended = ground.run(&[command, "absent"]);
        assert!(ended.in_one_line(1).starts_with("error: absent"), "{ended:?}");
        assert!(!ground.path("absent").exists());
    }
}
