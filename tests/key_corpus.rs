//! The corpus of awkward keys: each is the same key in a path, in a query, in a listing, in a Location, in the lines of
//! a bulk, an export and an import, and through curl, in the main store and in a collection. The keys are in `key_corpus/keys.txt`.

mod support;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::{Command, Output};

use serde_json::{Value, json};
use support::door::{Door, House, Reply, two_doors};
use support::{described, spelled};

/// Keys that there must be.
const KEYS_MIN: usize = 100;

/// The bases of documents: the main store's, and that of a collection whose name has to be escaped.
const BASES: [&str; 2] = ["/v1/docs", "/v1/collections/a%20b%25/docs"];

/// What makes the collection; its name is one that only the endpoints of the Go server give.
const COLLECTION: &str = "/collections/a%20b%25";

fn keys() -> Vec<String> {
    let lines = include_str!("key_corpus/keys.txt").lines();
    let written = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    written.map(|line| String::from_utf8(spelled::bytes(line)).expect("a key is UTF-8")).collect()
}

/// `text` with every byte escaped that `is_plain` does not let stand.
fn escaped(text: &str, is_plain: impl Fn(u8) -> bool) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match is_plain(byte) {
            true => out.push(char::from(byte)),
            false => write!(out, "%{byte:02X}").expect("a string takes everything"),
        }
    }
    out
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The ways to write `key` in a path: only what RFC 3986 calls unreserved as it is, with slashes, with all that a
/// segment may hold, and nothing as it is, in small letters.
fn in_path(key: &str) -> [String; 4] {
    [
        escaped(key, is_unreserved),
        escaped(key, |byte| is_unreserved(byte) || byte == b'/'),
        escaped(key, |byte| is_unreserved(byte) || b"/:@!$&'()*+,;=".contains(&byte)),
        escaped(key, |_| false).to_ascii_lowercase(),
    ]
}

/// The ways to write `key` in a query: escaped, and as a form has it, where a space is a plus.
fn in_query(key: &str) -> [String; 2] {
    let plain = escaped(key, is_unreserved);
    let form = plain.replace("%20", "+");
    [plain, form]
}

/// Sends a request, whose answer must be one that is described.
fn send(door: &mut dyn Door, method: &str, target: &str, body: &[u8]) -> Reply {
    let reply = door.send(method, target, &[], body);
    described::check(method, target, &reply).unwrap_or_else(|fault| panic!("{method} {target}: {fault}"));
    reply
}

/// Sends a request that must be answered with `status`; gives the answer.
#[track_caller]
fn given(door: &mut dyn Door, status: u16, method: &str, target: &str, body: &str) -> Reply {
    let reply = send(door, method, target, body.as_bytes());
    assert_eq!(reply.status, status, "over {}: {method} {target}: {reply:?}", door.name());
    reply
}

fn json_of(reply: &Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("{error}: {reply:?}"))
}

#[test]
fn the_corpus_is_large_and_each_key_is_there_once() {
    let keys = keys();
    let distinct: BTreeSet<&String> = keys.iter().collect();
    assert!(keys.len() >= KEYS_MIN, "{} keys", keys.len());
    assert_eq!(distinct.len(), keys.len());
}

#[test]
fn a_key_is_the_same_however_it_is_written_in_a_path_or_a_query() {
    for mut door in two_doors() {
        given(door.as_mut(), 201, "POST", COLLECTION, "");
        for (base, key) in BASES.iter().flat_map(|base| keys().into_iter().map(move |key| (base, key))) {
            let [strict, ..] = in_path(&key);
            let value = json!({ "key": key }).to_string();
            let created = given(door.as_mut(), 201, "PUT", &format!("{base}/{strict}"), &value);
            assert_eq!(json_of(&created)["key"], json!(key));
            let location = created.header("Location").expect("a document that is new has a Location");
            assert!(location.bytes().all(|byte| byte.is_ascii_graphic()), "{location:?}");
            let paths = in_path(&key).map(|path| format!("{base}/{path}"));
            let queries = in_query(&key).map(|query| format!("{base}?key={query}"));
            for target in paths.iter().chain(&queries).map(String::as_str).chain([location]) {
                assert_eq!(given(door.as_mut(), 200, "GET", target, "").body, value.as_bytes(), "{target}");
            }
            for target in [&paths[3], &queries[1]] {
                given(door.as_mut(), 200, "PUT", target, "1");
                given(door.as_mut(), 204, "DELETE", target, "");
                given(door.as_mut(), 201, "PUT", target, "1");
            }
            given(door.as_mut(), 204, "DELETE", location, "");
        }
    }
}

#[test]
fn a_key_is_listed_as_it_is_and_is_a_prefix_and_a_cursor_of_its_own() {
    for mut door in two_doors() {
        given(door.as_mut(), 201, "POST", COLLECTION, "");
        for base in BASES {
            for key in keys() {
                given(door.as_mut(), 201, "PUT", &format!("{base}?key={}", escaped(&key, |_| false)), "1");
            }
            let sorted: BTreeSet<String> = keys().into_iter().collect();
            let all = listed(door.as_mut(), &format!("{base}?limit=1000"));
            assert_eq!(all, sorted.iter().cloned().collect::<Vec<_>>(), "in the order of the bytes");
            for key in keys() {
                let written = escaped(&key, is_unreserved);
                let begins: Vec<_> = sorted.iter().filter(|other| other.starts_with(&key)).cloned().collect();
                assert_eq!(listed(door.as_mut(), &format!("{base}?prefix={written}&limit=1000")), begins, "{key:?}");
                let behind: Vec<_> = sorted.iter().filter(|other| **other > key).take(3).cloned().collect();
                assert_eq!(listed(door.as_mut(), &format!("{base}?cursor={written}&limit=3")), behind, "{key:?}");
            }
            assert_eq!(paged(door.as_mut(), &format!("{base}?limit=7")), all, "by the links of its pages");
        }
    }
}

fn listed(door: &mut dyn Door, target: &str) -> Vec<String> {
    keys_of(&json_of(&given(door, 200, "GET", target, "")))
}

fn keys_of(page: &Value) -> Vec<String> {
    let items = page["items"].as_array().expect("items");
    items.iter().map(|item| item["key"].as_str().expect("a key").to_owned()).collect()
}

/// Every key from `first` on, each page where the one before says that it is.
fn paged(door: &mut dyn Door, first: &str) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), Some(first.to_owned()));
    while let Some(target) = next {
        let page = given(door, 200, "GET", &target, "");
        found.extend(keys_of(&json_of(&page)));
        next = page.header("Link").map(|link| {
            let target = link.strip_prefix('<').and_then(|link| link.strip_suffix(">; rel=\"next\""));
            target.unwrap_or_else(|| panic!("{link}")).to_owned()
        });
    }
    found
}

#[test]
fn a_key_is_the_same_through_the_endpoints_of_the_go_server() {
    for mut door in two_doors() {
        for key in keys() {
            let member = json!(key);
            let set = given(door.as_mut(), 200, "POST", "/set", &json!({ "key": key, "value": [key] }).to_string());
            assert_eq!(json_of(&set)["message"], json!(format!("Data saved for Key='{key}' in main store")));
            let [written, _] = in_query(&key);
            let found = json_of(&given(door.as_mut(), 200, "GET", &format!("/get?key={written}"), ""));
            assert_eq!(found["data"], json!({ "key": member, "value": [member] }));
            given(door.as_mut(), 200, "GET", &format!("/v1/docs/{}", in_path(&key)[1]), "");
        }
    }
}

/// The values of `lines`, one below the other.
fn lines_of(values: impl IntoIterator<Item = Value>) -> String {
    values.into_iter().map(|value| format!("{value}\n")).collect()
}

fn values_of(reply: &Reply) -> Vec<Value> {
    let lines = std::str::from_utf8(&reply.body).expect("UTF-8").lines();
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"))).collect()
}

#[test]
fn a_key_is_the_same_in_the_lines_of_a_bulk_an_export_and_an_import() {
    let sorted: BTreeSet<String> = keys().into_iter().collect();
    for (mut door, mut other) in two_doors().into_iter().zip(two_doors()) {
        given(door.as_mut(), 201, "POST", COLLECTION, "");
        for base in BASES {
            let bulk = format!("{base}:bulk");
            let puts = lines_of(keys().iter().map(|key| json!({ "op": "put", "key": key, "value": [key] })));
            let told = values_of(&given(door.as_mut(), 200, "POST", &bulk, &puts));
            assert!(told.iter().all(|result| result["status"] == 201), "{told:?}");
            let named: Vec<_> = told.iter().map(|result| result["key"].as_str().expect("a key").to_owned()).collect();
            assert_eq!(named, keys());
            let many = given(door.as_mut(), 200, "POST", &format!("{base}:get"), &json!(keys()).to_string());
            let found = json_of(&many)["found"].as_object().expect("an object").clone();
            assert_eq!(found.len(), sorted.len());
            assert!(found.iter().all(|(key, value)| *value == json!([key])), "{found:?}");
        }
        let export = given(door.as_mut(), 200, "GET", "/v1/export", "");
        let exported: Vec<Value> = values_of(&export).into_iter().filter(|line| line["key"].is_string()).collect();
        for collection in [Value::Null, json!("a b%")] {
            let of_it = exported.iter().filter(|line| line["collection"] == collection);
            let keys: Vec<_> = of_it.map(|line| line["key"].as_str().expect("a key").to_owned()).collect();
            assert_eq!(keys, sorted.iter().cloned().collect::<Vec<_>>(), "in {collection}, in the order of the bytes");
        }
        given(other.as_mut(), 201, "POST", COLLECTION, "");
        let text = String::from_utf8(export.body).expect("UTF-8");
        assert_eq!(json_of(&given(other.as_mut(), 200, "POST", "/v1/import", &text))["documents"], exported.len());
        for (base, key) in BASES.iter().flat_map(|base| sorted.iter().map(move |key| (base, key))) {
            let target = format!("{base}?key={}", escaped(key, is_unreserved));
            assert_eq!(json_of(&given(other.as_mut(), 200, "GET", &target, "")), json!([key]), "{target}");
        }
        for base in BASES {
            let deletes = lines_of(keys().iter().map(|key| json!({ "op": "delete", "key": key })));
            let told = values_of(&given(other.as_mut(), 200, "POST", &format!("{base}:bulk"), &deletes));
            assert!(told.iter().all(|result| result["status"] == 204), "{told:?}");
            assert_eq!(listed(other.as_mut(), &format!("{base}?limit=1000")), [] as [&str; 0]);
        }
    }
}

/// With --path-as-is, as the README says; without it curl takes dot segments out, and the key is another.
#[test]
fn curl_reaches_every_key_in_a_path_and_in_a_query() {
    let house = House::start(&[("front", "reactor")]);
    let url = format!("http://{}/v1/docs", house.server().endpoints()[0]);
    for key in keys() {
        let value = json!({ "key": key }).to_string();
        let path = format!("{url}/{}", in_path(&key)[1]);
        assert_eq!(curl(&["-X", "PUT", &path, "--data-binary", &value]).0, 201, "{key:?}");
        assert_eq!(curl(&["-G", &url, "--data-urlencode", &format!("key={key}")]), (200, value), "{key:?}");
        assert_eq!(curl(&["-X", "DELETE", &path]).0, 204, "{key:?}");
    }
    let dots = format!("{url}/a/../b");
    let plain = Command::new("curl").args(["-s", "-X", "PUT", &dots, "-d", "1"]).output().expect("curl runs");
    assert!(String::from_utf8_lossy(&plain.stdout).starts_with("{\"key\":\"b\","), "{plain:?}");
}

/// The status and the body that curl was given.
fn curl(arguments: &[&str]) -> (u16, String) {
    let common = ["-s", "--globoff", "--path-as-is", "--max-time", "60", "-w", "\n%{http_code}"];
    let Output { status, stdout, stderr } =
        Command::new("curl").args(common).args(arguments).output().expect("curl runs");
    assert!(status.success(), "{arguments:?}: {status} {}", String::from_utf8_lossy(&stderr));
    let text = String::from_utf8(stdout).expect("UTF-8");
    let (body, code) = text.rsplit_once('\n').expect("a status behind the body");
    (code.parse().expect("a number"), body.to_owned())
}
