//! The page at `/ui`: what is sent with it, and that it needs nothing from anywhere else. What it does in a browser is in
//! `tests/ui`.

use base64::prelude::{BASE64_STANDARD, Engine};
use ring::digest::{SHA256, digest};

use crate::over_every_door;
use crate::scenario;
use crate::support::door::{Door, Reply, every_door};
use crate::support::scenario::{get, post, send};

/// Bytes that the page may have: it is loaded over whatever line leads to a server in trouble.
const PAGE_BYTES_MAX: usize = 60_000;

fn page(door: &mut dyn Door, fields: &[(&str, &str)]) -> Reply {
    door.send("GET", "/ui", fields, b"")
}

/// What stands between `start` and `end`, each of which is there once.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    assert_eq!((text.matches(start).count(), text.matches(end).count()), (1, 1), "{start} … {end}");
    text.split_once(start).and_then(|(_, rest)| rest.split_once(end)).expect("both are there").0
}

#[test]
fn the_page_is_asked_for_as_any_other() {
    over_every_door(&[scenario! { "a page in HTML that takes no parameters and is not written to";
        get("/ui").field("Content-Type", "text/html; charset=utf-8").field("Cache-Control", "no-cache")
            .field("X-Content-Type-Options", "nosniff").field("Referrer-Policy", "no-referrer")
            .containing("<!doctype html>").containing("</html>"),
        send("HEAD", "/ui").field("Content-Type", "text/html; charset=utf-8").body(""),
        get("/ui?token=secret").gives(400).containing("\"code\":\"parameter_unknown\""),
        post("/ui", "").gives(405).field("Allow", "GET, HEAD, OPTIONS"),
        get("/ui/").gives(404),
        get("/ui").with("If-None-Match", "\"1\"").containing("<title>"),
        get("/ui").with("If-None-Match", "*").gives(304).body(""),
        get("/ui").with("If-Match", "\"1\"").gives(412),
        get("/").containing("/ui\n"),
    }]);
}

#[test]
fn a_browser_that_has_the_page_is_told_so() {
    for mut door in every_door() {
        let first = page(door.as_mut(), &[]);
        let tag = first.header("ETag").expect("it has a tag").to_owned();
        let again = page(door.as_mut(), &[("If-None-Match", &tag)]);
        let fields = ["ETag", "Cache-Control", "Content-Security-Policy"];
        assert_eq!((again.status, again.body.len()), (304, 0), "over {}", door.name());
        assert_eq!(fields.map(|name| again.header(name)), fields.map(|name| first.header(name)));
    }
}

#[test]
fn the_policy_allows_exactly_the_script_and_the_style_in_the_page() {
    for mut door in every_door() {
        let reply = page(door.as_mut(), &[]);
        let policy = reply.header("Content-Security-Policy").expect("it has a policy").to_owned();
        let text = String::from_utf8(reply.body).unwrap();
        let hash = |content: &str| BASE64_STANDARD.encode(digest(&SHA256, content.as_bytes()));
        let script = hash(between(&text, "<script type=\"module\">", "</script>"));
        let style = hash(between(&text, "<style>", "</style>"));
        let directives: Vec<&str> = policy.split("; ").collect();
        assert_eq!(
            directives,
            [
                "default-src 'none'",
                "connect-src 'self'",
                "base-uri 'none'",
                "form-action 'none'",
                "frame-ancestors 'none'",
                "require-trusted-types-for 'script'",
                "trusted-types 'none'",
                &format!("script-src 'sha256-{script}'"),
                &format!("style-src 'sha256-{style}'"),
            ],
            "over {}",
            door.name()
        );
    }
}

#[test]
fn the_page_is_small_and_names_nothing_elsewhere() {
    let mut door = every_door().remove(0);
    let text = String::from_utf8(page(door.as_mut(), &[]).body).unwrap();
    assert!(text.len() < PAGE_BYTES_MAX, "{} bytes", text.len());
    // The namespace of SVG is a name, and nothing is loaded from it.
    let text = text.replace("\"http://www.w3.org/2000/svg\"", "");
    for way in ["http:", "https:", "//cdn", "src=", "@import", "url(", "<link", "innerHTML", "localStorage", " style="]
    {
        assert!(!text.contains(way), "{way}");
    }
}
