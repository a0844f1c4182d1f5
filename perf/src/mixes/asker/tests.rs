//! Right answers pass, and each kind of wrong one is found.

use super::*;

const KEY: u32 = 7;

struct Desk {
    requests: Requests,
    books: Books,
}

impl Desk {
    /// Documents `0..100`, of which key 7 has been written as version 5.
    fn new() -> Desk {
        let requests = Requests::new("127.0.0.1:8080".parse().unwrap(), "/v1/docs", 200).unwrap();
        let mut desk = Desk { requests, books: Books::new(LINES) };
        desk.asked(Op::Put, |note| written(201, note.key, 5)).unwrap();
        desk
    }

    fn judge(&mut self, note: &Note, reply: &Reply<'_>) -> Result<()> {
        judge(&self.requests, &mut self.books, note, reply)
    }

    /// Asks and is answered.
    fn asked(&mut self, op: Op, answer: impl Fn(&Note) -> Reply<'static>) -> Result<()> {
        let note = self.books.note(op, KEY);
        self.judge(&note, &answer(&note))
    }

    /// The error of an answer.
    fn wrong(&mut self, op: Op, answer: Reply<'static>) -> String {
        self.asked(op, |_| answer.clone()).unwrap_err().to_string()
    }

    fn document(&self, write: u32, version: u64) -> Reply<'static> {
        let mut body = Vec::new();
        self.requests.document.append_write(KEY, write, &mut body);
        reply(200, Some(version), body)
    }
}

fn reply(status: u16, version: Option<u64>, body: impl Into<Vec<u8>>) -> Reply<'static> {
    Reply { kind: Kind::Status(status), version, body: body.into().into(), closes: false, bytes: 0 }
}

fn written(status: u16, key: u32, version: u64) -> Reply<'static> {
    reply(status, Some(version), format!("{{\"key\":\"key:{key:08}\",\"version\":{version}}}\n"))
}

fn refusal() -> Reply<'static> {
    reply(412, None, "{\"status\":412,\"code\":\"condition_failed\"}")
}

#[test]
fn a_get_is_answered_by_the_document_as_it_was_written_last() {
    let mut desk = Desk::new();
    let (right, torn) = (desk.document(1, 5), desk.document(1, 5));
    desk.asked(Op::Get, |_| right.clone()).unwrap();
    let mut bytes = torn.body.into_owned();
    let end = bytes.len() - 3;
    bytes[end] ^= 1;
    assert_eq!(desk.wrong(Op::Get, reply(200, Some(5), bytes)), "not a whole document of that key");
    assert_eq!(desk.wrong(Op::Get, reply(404, None, "")), "not the status that it must have");
    let old = desk.document(1, 4);
    assert_eq!(desk.wrong(Op::Get, old), "stale: version 4, and 5 was acknowledged before");
    let other = desk.document(2, 5);
    assert_eq!(desk.wrong(Op::Get, other), "version 5 is of write 1, and this is of write 2");
    assert_eq!(desk.wrong(Op::Get, Reply { version: None, ..right }), "a document without an ETag");
}

#[test]
fn a_write_is_acknowledged_with_its_key_and_a_newer_version() {
    let mut desk = Desk::new();
    for op in [Op::Put, Op::Patch, Op::Replace] {
        let version = 10 + op as u64;
        desk.asked(op, |note| written(200, note.key, version)).unwrap();
        assert_eq!(desk.wrong(op, written(200, KEY + 1, 90)), "another key, or no version");
        assert_eq!(
            desk.wrong(op, Reply { version: Some(3), ..written(200, KEY, 90) }),
            "an ETag that is not that of version 90"
        );
        assert!(desk.wrong(op, written(200, KEY, 4)).starts_with("version 4, and "), "{op:?}");
    }
    assert_eq!(desk.wrong(Op::Put, written(201, KEY, 91)), "created, and it was there before");
    assert_eq!(desk.wrong(Op::Put, reply(503, None, "")), "not the status that it must have");
}

#[test]
fn a_condition_fails_only_when_somebody_else_was_faster() {
    let mut desk = Desk::new();
    assert_eq!(desk.wrong(Op::Replace, refusal()), "it still was what it should be");
    let mut desk = Desk::new();
    let slow = desk.books.note(Op::Replace, KEY);
    desk.asked(Op::Put, |note| written(200, note.key, 6)).unwrap();
    desk.judge(&slow, &refusal()).unwrap();
    desk.asked(Op::Create, |_| refusal()).unwrap();
    assert_eq!(desk.wrong(Op::Create, written(201, KEY, 9)), "not the status that it must have");
    let other = reply(412, None, "{\"code\":\"other\"}");
    assert_eq!(desk.wrong(Op::Create, other), "refused for another reason");
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let mut desk = Desk::new();
    desk.asked(Op::Revalidate, |_| reply(304, Some(5), "")).unwrap();
    assert_eq!(desk.wrong(Op::Revalidate, reply(304, Some(4), "")), "not changed from 5, which is another version");
    let whole = desk.document(1, 5);
    assert_eq!(desk.wrong(Op::Revalidate, whole.clone()), "all of it, and it has not changed");
    desk.asked(Op::Outdated, |_| whole.clone()).unwrap();
    assert_eq!(desk.wrong(Op::Outdated, reply(304, Some(5), "")), "not the status that it must have");
    let slow = desk.books.note(Op::Revalidate, KEY);
    desk.asked(Op::Put, |note| written(200, note.key, 6)).unwrap();
    let newer = desk.document(2, 6);
    desk.judge(&slow, &newer).unwrap();
}

#[test]
fn what_expires_is_there_until_then() {
    let mut desk = Desk::new();
    let leased = |version: u64| {
        let body = format!("{{\"key\":\"ttl/key:{KEY:08}\",\"version\":{version},\"expires_at\":\"...\"}}\n");
        reply(201, Some(version), body)
    };
    desk.asked(Op::GetLeased, |_| reply(404, None, "")).unwrap();
    desk.asked(Op::PutLeased, |_| leased(6)).unwrap();
    let document = desk.document(1, 6);
    desk.asked(Op::GetLeased, |_| document.clone()).unwrap();
    let gone = desk.wrong(Op::GetLeased, reply(404, None, ""));
    assert!(gone.starts_with("gone ") && gone.ends_with(" before its time"), "{gone}");
    assert_eq!(desk.wrong(Op::PutLeased, written(200, KEY, 8)), "another key, or no version");
}

#[test]
fn every_line_of_a_bulk_is_a_write() {
    let answer = |first: u64, keys: std::ops::Range<u32>| {
        let line =
            |(version, key): (u64, u32)| format!("{{\"key\":\"key:{key:08}\",\"status\":200,\"version\":{version}}}\n");
        reply(200, None, (first..).zip(keys).map(line).collect::<String>())
    };
    let mut desk = Desk::new();
    desk.asked(Op::Bulk, |_| answer(10, 0..LINES)).unwrap();
    assert_eq!(desk.books.documents.view(KEY).version, 17);
    assert_eq!(desk.wrong(Op::Bulk, answer(200, 0..LINES - 1)), "lines are missing");
    assert_eq!(desk.wrong(Op::Bulk, answer(400, 0..LINES + 1)), "more lines than were sent");
    assert!(desk.wrong(Op::Bulk, answer(600, 1..LINES + 1)).starts_with("of key 0: {"));
    assert!(desk.wrong(Op::Bulk, answer(10, 0..LINES)).contains("was there before it was asked for"));
    assert_eq!(desk.books.first_of_bulk(99), 0);
}

#[test]
fn a_ticket_brings_its_own_note_back_and_serves_again() {
    let mut desk = Desk::new();
    let mut notes = Notes::default();
    let tickets = [1, 2, 3].map(|key| notes.put(desk.books.note(Op::Get, key)));
    assert_eq!(notes.take(tickets[1]).unwrap().key, 2);
    assert!(notes.take(tickets[1]).is_none());
    assert_eq!(notes.put(desk.books.note(Op::Get, 9)), tickets[1]);
    assert_eq!((notes.take(tickets[0]).unwrap().key, notes.take(tickets[2]).unwrap().key), (1, 3));
}
