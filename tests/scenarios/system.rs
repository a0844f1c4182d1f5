//! Health, the welcome page, options, and what an operator asks for.

use std::time::{Duration, Instant};

use crate::over_every_door;
use crate::scenario;
use crate::support::door::every_door;
use crate::support::scenario::{get, post, send};

#[test]
fn the_server_says_how_it_is() {
    over_every_door(&[scenario! { "live, ready, and a page that says what this is";
        get("/livez").body("{\"status\":\"live\"}\n"),
        get("/readyz").body("{\"status\":\"ready\"}\n"),
        get("/").field("Content-Type", "text/plain; charset=utf-8").containing("curl -X PUT http://"),
        send("HEAD", "/").body(""),
        get("/v1/nothing").gives(404).containing("\"code\":\"route_not_found\""),
    }]);
}

#[test]
fn options_name_the_methods() {
    over_every_door(&[scenario! { "OPTIONS is a 204 with Allow, and so is a 405";
        send("OPTIONS", "/v1/docs/a").gives(204).field("Allow", "GET, HEAD, PUT, DELETE, OPTIONS"),
        post("/v1/docs/a", "1").gives(405).field("Allow", "GET, HEAD, PUT, DELETE, OPTIONS")
            .containing("\"code\":\"method_not_allowed\""),
        send("BREW", "/v1/docs/a").gives(405),
        send("OPTIONS", "*").gives(204),
    }]);
}

#[test]
fn a_snapshot_can_be_asked_for() {
    over_every_door(&[scenario! { "with wait the answer comes when it is durable";
        post("/set", "{\"key\":\"a\",\"value\":1}"),
        post("/v1/admin/snapshot?wait", "").containing("\"status\":\"finished\",\"documents\":1,"),
        post("/v1/admin/snapshot?wait=maybe", "").gives(400),
        get("/v1/admin/snapshot").gives(405),
    }]);
}

#[test]
fn a_snapshot_that_nobody_waits_for_is_accepted_and_written() {
    for mut door in every_door() {
        let started = door.send("POST", "/v1/admin/snapshot", &[], b"");
        assert_eq!((started.status, started.body.as_slice()), (202, &b"{\"status\":\"started\"}\n"[..]));
        let asked = Instant::now();
        while door.send("POST", "/v1/admin/snapshot?wait", &[], b"").status == 409 {
            assert!(asked.elapsed() < Duration::from_secs(20), "{}: it goes on for ever", door.name());
            std::thread::yield_now();
        }
    }
}
