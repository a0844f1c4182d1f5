//! What is encoded decodes, and nothing else does.

use super::*;

fn encoded(record: &Record<'_>, batch: Batch) -> Vec<u8> {
    let mut out = Vec::new();
    let rest = encode_record(record, batch, &mut out);
    out.extend_from_slice(rest.as_ref().map_or(&[], Document::value));
    assert_eq!(out.len(), encoded_bytes(record));
    out
}

fn put(document: &Document, deadline: Deadline) -> Record<'_> {
    Record::Put { scope: Scope::Collection(CollectionName::new("c").unwrap()), document, deadline }
}

#[test]
fn every_kind_of_record_comes_back() {
    let document = Document::new(Key::new("clé").unwrap(), b"[1]");
    let (main, key) = (Scope::Main, Key::new("k").unwrap());
    let name = CollectionName::new("c").unwrap();
    let (staged, main_store) = (CollectionName::stored("/9/c").unwrap(), CollectionName::stored("/9/").unwrap());
    let at = Deadline::at(UnixMillis(5));
    let with_ttl = CollectionOptions { default_ttl_ms: Some(7), require_conditional: false };
    let records = [
        put(&document, Deadline::NEVER),
        put(&document, at),
        Record::Put { scope: main, document: &document, deadline: Deadline::at(UnixMillis(u64::MAX - 1)) },
        Record::Delete { scope: main, key },
        Record::Delete { scope: Scope::Collection(name), key },
        Record::Deadline { scope: main, key, deadline: at },
        Record::Deadline { scope: Scope::Collection(name), key, deadline: Deadline::NEVER },
        Record::CreateCollection { name, options: CollectionOptions::default() },
        Record::CreateCollection { name, options: with_ttl },
        Record::CreateCollection { name, options: CollectionOptions { require_conditional: true, ..with_ttl } },
        Record::DropCollection { name },
        Record::Put { scope: Scope::Collection(staged), document: &document, deadline: at },
        Record::CreateCollection { name: staged, options: with_ttl },
        Record::CreateCollection { name: main_store, options: CollectionOptions::default() },
        Record::Replace { staged: main_store },
    ];
    for batch in [Batch::Ends, Batch::GoesOn] {
        for record in &records {
            let bytes = encoded(record, batch);
            let mut fields = Fields::of(&bytes);
            let view = RecordView::decode(&mut fields).unwrap();
            assert_eq!((fields.remaining(), view.batch), (0, batch));
            view.with(|found| assert_eq!(format!("{found:?}"), format!("{record:?}")));
        }
    }
}

#[test]
fn a_large_value_is_handed_on_and_not_copied() {
    for (value_bytes, is_inline) in [(INLINE_BYTES_MAX, true), (INLINE_BYTES_MAX + 1, false)] {
        let document = Document::new(Key::new("k").unwrap(), &vec![b'1'; value_bytes]);
        let mut out = Vec::new();
        let rest = encode_record(&put(&document, Deadline::NEVER), Batch::Ends, &mut out);
        assert_eq!(rest.is_none(), is_inline);
        if let Some(rest) = rest {
            assert_eq!(out.len(), HEAD_BYTES + 2);
            assert!(std::ptr::eq(rest.value(), document.value()), "it is the same document");
        }
    }
}

#[test]
fn what_no_writer_writes_is_refused_where_it_stands() {
    let document = Document::new(Key::new("k").unwrap(), b"[1]");
    let valid = encoded(&put(&document, Deadline::at(UnixMillis(1))), Batch::Ends);
    let fault = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = valid.clone();
        change(&mut bytes);
        RecordView::decode(&mut Fields::of(&bytes)).map(|_| ()).unwrap_err()
    };
    let flaw = |change: &dyn Fn(&mut Vec<u8>)| match fault(change) {
        Fault::Flaw(flaw) => flaw.at,
        Fault::Newer(what) => panic!("{what}"),
    };
    let newer = |change: &dyn Fn(&mut Vec<u8>)| match fault(change) {
        Fault::Newer(what) => what,
        Fault::Flaw(flaw) => panic!("{flaw:?}"),
    };
    assert_eq!(flaw(&|bytes| bytes[4..8].fill(0)), 4, "an empty value");
    assert_eq!(flaw(&|bytes| bytes[4..8].fill(0xff)), 4, "a value beyond every limit");
    assert_eq!(flaw(&|bytes| bytes[8..16].fill(0xff)), 0, "a deadline that is never");
    assert_eq!(flaw(&|bytes| bytes[0] = DELETE | HAS_DEADLINE), 0, "a deadline of a deletion");
    assert_eq!(flaw(&|bytes| bytes[0] = DEADLINE | HAS_DEADLINE), 4, "a value of a deadline");
    assert_eq!(flaw(&|bytes| bytes[16] = b'/'), 16, "a name with a slash");
    assert_eq!(flaw(&|bytes| bytes[16] = 0xff), 16, "a name that is not text");
    assert_eq!(flaw(&|bytes| bytes[17] = 0), 17, "a key with a NUL");
    assert_eq!(flaw(&|bytes| bytes[17] = 0xff), 17, "a key that is not text");
    assert_eq!(flaw(&|bytes| bytes[2] = 0), 17, "an empty key");
    assert_eq!(flaw(&|bytes| bytes[3] = 0xff), 0, "a key beyond the payload");
    assert_eq!(flaw(&|bytes| bytes.truncate(20)), 0, "a value beyond the payload");
    assert_eq!(newer(&|bytes| bytes[0] = 9), "a record of operation 9");
    assert_eq!(flaw(&|bytes| bytes[0] = STAGE_PUT | HAS_DEADLINE), 16, "a staged document of no generation");

    let name = CollectionName::new("c").unwrap();
    let with_options = CollectionOptions { default_ttl_ms: Some(7), require_conditional: true };
    let options = |change: &dyn Fn(&mut Vec<u8>)| {
        let mut bytes = encoded(&Record::CreateCollection { name, options: with_options }, Batch::Ends);
        change(&mut bytes);
        match RecordView::decode(&mut Fields::of(&bytes)).map(|_| ()).unwrap_err() {
            Fault::Flaw(flaw) => flaw.at.to_string(),
            Fault::Newer(what) => what,
        }
    };
    assert_eq!(options(&|bytes| bytes[9] = 4), "options 0x04 of collection \"c\"");
    assert_eq!(options(&|bytes| bytes[9] = 2), "10", "bytes that no flag announces");
    assert_eq!(options(&|bytes| bytes[10..].fill(0)), "10", "a time to live of 0");
    assert_eq!(options(&|bytes| bytes[10..].fill(0xff)), "10", "a time to live of more than 100 years");
    assert_eq!(options(&|bytes| (bytes[4], bytes[9]) = (1, 0)), "9", "default options, which nobody writes");
    assert_eq!(options(&|bytes| bytes[4] = 2), "10", "a time to live cut short");
    assert_eq!(options(&|bytes| bytes[5] = 1), "4", "more options than there can be");

    let mut replace = encoded(&Record::Replace { staged: CollectionName::stored("/9/").unwrap() }, Batch::Ends);
    replace.push(b'c');
    replace[1] = 4;
    let fault = RecordView::decode(&mut Fields::of(&replace)).map(|_| ()).unwrap_err();
    assert!(matches!(fault, Fault::Flaw(Flaw { at: 8, .. })), "a collection in place of everything: {fault:?}");

    let mut named = encoded(&Record::DropCollection { name }, Batch::Ends);
    named[1..3].copy_from_slice(&[0, 1]);
    let fault = RecordView::decode(&mut Fields::of(&named)).map(|_| ()).unwrap_err();
    assert!(matches!(fault, Fault::Flaw(Flaw { at: 2, .. })), "a key of a collection: {fault:?}");
    named[2] = 0;
    named.truncate(HEAD_BYTES);
    let fault = RecordView::decode(&mut Fields::of(&named)).map(|_| ()).unwrap_err();
    assert!(matches!(fault, Fault::Flaw(Flaw { at: 8, .. })), "no name: {fault:?}");
}
