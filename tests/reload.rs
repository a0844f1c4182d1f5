//! `POST /v1/admin/reload`: answered when it is done, thing by thing, and what is broken keeps the old.

#[path = "support/certificates.rs"]
mod certificates;
mod support;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use certificates::Pair;
use memory_tools::access::Digest;
use serde_json::{Value, json};
use support::described;
use support::door::{Direct, Door, House, REACTOR};

/// Where the tokens and the certificate of a server are.
struct Files(tempfile::TempDir);

impl Files {
    /// The tokens of the admins called `admins`, and a certificate.
    fn with(admins: &[&str]) -> Files {
        let files = Files(tempfile::tempdir().unwrap());
        files.keep_admins(admins);
        files.keep(&Pair::new());
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// In place at once, as an editor does it: nobody finds half of it.
    fn write(&self, name: &str, text: &str) {
        let half = self.path(&format!("{name}.new"));
        fs::write(&half, text).unwrap();
        fs::set_permissions(&half, Permissions::from_mode(0o600)).unwrap();
        fs::rename(&half, self.path(name)).unwrap();
    }

    fn keep_admins(&self, names: &[&str]) {
        let line = |name: &&str| {
            let digest = Digest::of(name.as_bytes()).to_hex();
            format!(r#"{{"name": "{name}", "role": "admin", "sha256": "{digest}"}}"#)
        };
        self.write("tokens", &names.iter().map(line).collect::<Vec<_>>().join("\n"));
    }

    fn keep(&self, pair: &Pair) {
        self.write("cert.pem", &pair.chain);
        self.write("key.pem", &pair.key);
    }

    fn start(&self) -> House {
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        let paths = ["cert.pem", "key.pem", "tokens"].map(|name| text(&self.path(name)));
        let [cert, key, tokens] = &paths;
        let own = [("tls-cert", cert.as_str()), ("tls-key", key), ("tokens-file", tokens)];
        House::start(&[REACTOR, &own].concat())
    }
}

fn reload_as(door: &mut Direct, token: &str) -> (u16, Value) {
    let authorization = format!("Bearer {token}");
    let reply = door.send("POST", "/v1/admin/reload", &[("Authorization", &authorization)], b"");
    described::check("POST", "/v1/admin/reload", &reply).unwrap_or_else(|fault| panic!("{fault}"));
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

#[test]
fn what_was_read_again_holds_when_the_answer_comes() {
    let files = Files::with(&["old"]);
    let mut door = Direct(files.start());
    let cert = json!(files.path("cert.pem"));
    assert_eq!(reload_as(&mut door, "new").0, 401);

    files.keep_admins(&["new", "newer"]);
    let second = Pair::new();
    files.keep(&second);
    assert_eq!(reload_as(&mut door, "new").0, 401, "nobody has read it yet");
    assert_eq!(reload_as(&mut door, "old"), (200, json!({ "certificate": cert, "tokens": 2 })));
    assert_eq!((reload_as(&mut door, "old").0, reload_as(&mut door, "newer").0), (401, 200));
    let address = door.0.server().endpoints()[0].tcp().unwrap();
    assert!(second.connect(address).shake_hands().is_ok());
}

#[test]
fn what_cannot_be_used_is_named_and_keeps_back_neither_the_old_nor_the_rest() {
    let files = Files::with(&["old"]);
    let mut door = Direct(files.start());
    let named = |reply: &Value| (reply["code"].clone(), reply["kept"].clone(), reply["reloaded"].clone());

    files.write("tokens", "{");
    let (status, reply) = reload_as(&mut door, "old");
    assert_eq!(status, 500);
    assert_eq!(named(&reply), (json!("reload_failed"), json!(["tokens"]), json!(["certificate"])));
    let detail = format!("tokens_file {}: line 1: not JSON", files.path("tokens").display());
    assert!(reply["detail"].as_str().unwrap().starts_with(&detail), "{reply}");

    fs::remove_file(files.path("tokens")).unwrap();
    files.write("key.pem", &Pair::new().key);
    let (status, reply) = reload_as(&mut door, "old");
    assert_eq!(status, 500);
    assert_eq!(named(&reply), (json!("reload_failed"), json!(["certificate", "tokens"]), json!([])));
    let detail = reply["detail"].as_str().unwrap();
    assert!(detail.starts_with(&format!("tls_key {}: it is not the key", files.path("key.pem").display())), "{reply}");
    assert!(detail.contains(&format!("; tokens_file {}: cannot be read", files.path("tokens").display())), "{reply}");

    // An empty list would let everybody in.
    files.keep_admins(&[]);
    assert_eq!(reload_as(&mut door, "old").0, 500);
    assert_eq!(reload_as(&mut door, "nobody").0, 401);
}

/// As a deployment does that writes the file and calls, from several places at once.
#[test]
fn however_many_reload_at_once_the_last_word_of_the_file_holds() {
    let files = Files::with(&["all"]);
    let house = files.start();
    let callers: usize = 8;
    thread::scope(|scope| {
        for caller in 0..callers {
            let (files, house) = (&files, &house);
            scope.spawn(move || {
                for round in 0..20 {
                    if caller == 0 {
                        files.keep_admins(&["all", &format!("round-{round}")]);
                    }
                    assert_ne!(house.server().reload(), memory_tools::model::ReloadAnswer::Stopping);
                }
            });
        }
    });
    let mut door = Direct(house);
    assert_eq!((reload_as(&mut door, "round-18").0, reload_as(&mut door, "round-19").0), (401, 200));
}
