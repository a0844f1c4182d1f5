//! One record in the payload of a frame: operation, lengths, deadline, collection, key, value.
//!
//! Invariant: what decodes is a name, a key and a value within their limits; every length is held against the payload
//! before it is used. The LSN is not here: it is the frame's first one plus the record's place in it.
//! The value is not parsed: it was validated when it came in, and the payload's checksum vouches for its bytes.

use super::frame::PAYLOAD_BYTES_MAX;
use crate::base::clock::UnixMillis;
use crate::base::limits::{COLLECTION_NAME_BYTES_MAX, DOCUMENT_BYTES_CEILING, KEY_BYTES_MAX};
use crate::model::{CollectionName, Deadline, Document, Key, Record, Scope};
use crate::persist::error::{Fault, Flaw};
use crate::persist::fields::{Fields, put_u16, put_u32, put_u64};

/// A value larger than this is not copied into the buffer of records: the document is handed on and counted.
pub const INLINE_BYTES_MAX: usize = 4096;

/// Bytes of a record before its deadline or its collection.
pub const HEAD_BYTES: usize = 8;

const PUT: u8 = 1;
const DELETE: u8 = 2;
const DEADLINE: u8 = 3;
const CREATE_COLLECTION: u8 = 4;
const DROP_COLLECTION: u8 = 5;

const OPERATION: u8 = 0b0011_1111;
const HAS_DEADLINE: u8 = 0b0100_0000;
const MORE_FOLLOW: u8 = 0b1000_0000;

/// Bytes of a deadline in a record that has one.
pub const DEADLINE_BYTES: usize = 8;

/// The largest record: one head, one deadline, a name, a key and a value.
const BYTES_MAX: usize =
    HEAD_BYTES + DEADLINE_BYTES + COLLECTION_NAME_BYTES_MAX + KEY_BYTES_MAX + DOCUMENT_BYTES_CEILING;

const _: () = assert!(BYTES_MAX <= PAYLOAD_BYTES_MAX as usize, "every record fits a frame");

/// Whether a record is one of several that are applied together or not at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// It ends its batch, or is one by itself.
    Ends,
    /// The next record is of the same batch.
    GoesOn,
}

/// Bytes that `record` takes in a payload.
pub fn encoded_bytes(record: &Record<'_>) -> usize {
    let Parts { collection, key, deadline, value, .. } = Parts::of(record);
    let deadline_bytes = if deadline.moment().is_some() { DEADLINE_BYTES } else { 0 };
    HEAD_BYTES + deadline_bytes + collection.len() + key.len() + value.map_or(0, |document| document.value().len())
}

/// Appends `record` to `out`. A value larger than `INLINE_BYTES_MAX` is left out: it is the value of the document that
/// is returned, counted once more, and its bytes belong right behind those in `out`.
pub fn encode_record(record: &Record<'_>, batch: Batch, out: &mut Vec<u8>) -> Option<Document> {
    let Parts { operation, collection, key, deadline, value: document } = Parts::of(record);
    let value = document.map_or(&[][..], Document::value);
    let has_deadline = if deadline.moment().is_some() { HAS_DEADLINE } else { 0 };
    let more = if batch == Batch::GoesOn { MORE_FOLLOW } else { 0 };
    out.push(operation | has_deadline | more);
    out.push(u8::try_from(collection.len()).expect("COLLECTION_NAME_BYTES_MAX fits a u8"));
    put_u16(out, u16::try_from(key.len()).expect("KEY_BYTES_MAX fits a u16"));
    put_u32(out, u32::try_from(value.len()).expect("DOCUMENT_BYTES_CEILING fits a u32"));
    if let Some(moment) = deadline.moment() {
        put_u64(out, moment.0);
    }
    out.extend_from_slice(collection);
    out.extend_from_slice(key);
    if value.len() > INLINE_BYTES_MAX {
        return document.cloned();
    }
    out.extend_from_slice(value);
    None
}

/// A record as its fields.
struct Parts<'a> {
    operation: u8,
    collection: &'a [u8],
    key: &'a [u8],
    deadline: Deadline,
    value: Option<&'a Document>,
}

impl<'a> Parts<'a> {
    fn of(record: &'a Record<'a>) -> Parts<'a> {
        let name = |scope: Scope<'a>| match scope {
            Scope::Main => &[][..],
            Scope::Collection(name) => name.as_str().as_bytes(),
        };
        let (operation, collection, key, deadline, value) = match *record {
            Record::Put { scope, document, deadline } => {
                (PUT, name(scope), document.key_bytes(), deadline, Some(document))
            }
            Record::Delete { scope, key } => (DELETE, name(scope), key.as_bytes(), Deadline::NEVER, None),
            Record::Deadline { scope, key, deadline } => (DEADLINE, name(scope), key.as_bytes(), deadline, None),
            Record::CreateCollection { name } => {
                (CREATE_COLLECTION, name.as_str().as_bytes(), &[][..], Deadline::NEVER, None)
            }
            Record::DropCollection { name } => {
                (DROP_COLLECTION, name.as_str().as_bytes(), &[][..], Deadline::NEVER, None)
            }
        };
        Parts { operation, collection, key, deadline, value }
    }
}

/// A record as it lies in its payload.
#[derive(Clone, Copy, Debug)]
pub(in crate::persist) struct RecordView<'a> {
    operation: Operation<'a>,
    /// Whether it ends its batch.
    pub batch: Batch,
}

/// Of a put, `joined` is the key and right behind it the value.
#[derive(Clone, Copy, Debug)]
enum Operation<'a> {
    Put { scope: Scope<'a>, key: Key<'a>, joined: &'a [u8], deadline: Deadline },
    Delete { scope: Scope<'a>, key: Key<'a> },
    Deadline { scope: Scope<'a>, key: Key<'a>, deadline: Deadline },
    CreateCollection { name: CollectionName<'a> },
    DropCollection { name: CollectionName<'a> },
}

impl<'a> RecordView<'a> {
    /// Takes the next record off `fields`.
    pub fn decode(fields: &mut Fields<'a>) -> Result<RecordView<'a>, Fault> {
        let start = fields.offset();
        let short = || Flaw::short(start, "a whole record");
        let flags = fields.u8().ok_or_else(short)?;
        let operation = flags & OPERATION;
        if !(PUT..=DROP_COLLECTION).contains(&operation) {
            return Err(Fault::Newer(format!("a record of operation {operation}")));
        }
        let name_bytes = usize::from(fields.u8().ok_or_else(short)?);
        let key_bytes = usize::from(fields.u16().ok_or_else(short)?);
        let value_bytes = fields.u32().and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(short)?;
        let deadline = match flags & HAS_DEADLINE {
            0 => Deadline::NEVER,
            _ => Deadline::at(UnixMillis(fields.u64().ok_or_else(short)?)),
        };
        if flags & HAS_DEADLINE != 0 && (deadline == Deadline::NEVER || !matches!(operation, PUT | DEADLINE)) {
            return Err(Flaw::new(start, "no deadline", "one").into());
        }
        if operation == CREATE_COLLECTION && value_bytes != 0 {
            return Err(Fault::Newer(format!("a collection with {value_bytes} bytes of options")));
        }
        let values = if operation == PUT { 1..=DOCUMENT_BYTES_CEILING } else { 0..=0 };
        if !values.contains(&value_bytes) {
            return Err(Flaw::number(start + 4, "a value length up to", values.end(), value_bytes).into());
        }

        let name_start = fields.offset();
        let name = fields.bytes(name_bytes).ok_or_else(short)?;
        let key_start = fields.offset();
        let joined = fields.bytes(key_bytes + value_bytes).ok_or_else(short)?;
        let (key, _) = joined.split_at_checked(key_bytes).ok_or_else(short)?;
        let operation = match operation {
            PUT => {
                Operation::Put { scope: scope(name, name_start)?, key: self::key(key, key_start)?, joined, deadline }
            }
            DELETE => Operation::Delete { scope: scope(name, name_start)?, key: self::key(key, key_start)? },
            DEADLINE => {
                Operation::Deadline { scope: scope(name, name_start)?, key: self::key(key, key_start)?, deadline }
            }
            _ if key_bytes > 0 => return Err(Flaw::number(start + 2, "a key length of", 0, key_bytes).into()),
            CREATE_COLLECTION => Operation::CreateCollection { name: self::name(name, name_start)? },
            _ => Operation::DropCollection { name: self::name(name, name_start)? },
        };
        let batch = if flags & MORE_FOLLOW == 0 { Batch::Ends } else { Batch::GoesOn };
        Ok(RecordView { operation, batch })
    }

    /// Hands the record on. A document is built for a put, which copies key and value once.
    pub fn with<T>(&self, receive: impl FnOnce(Record<'_>) -> T) -> T {
        match self.operation {
            Operation::Put { scope, key, joined, deadline } => {
                receive(Record::Put { scope, document: &Document::from_joined(key, joined), deadline })
            }
            Operation::Delete { scope, key } => receive(Record::Delete { scope, key }),
            Operation::Deadline { scope, key, deadline } => receive(Record::Deadline { scope, key, deadline }),
            Operation::CreateCollection { name } => receive(Record::CreateCollection { name }),
            Operation::DropCollection { name } => receive(Record::DropCollection { name }),
        }
    }
}

fn scope(name: &[u8], at: usize) -> Result<Scope<'_>, Flaw> {
    if name.is_empty() { Ok(Scope::Main) } else { self::name(name, at).map(Scope::Collection) }
}

fn name(name: &[u8], at: usize) -> Result<CollectionName<'_>, Flaw> {
    let text = std::str::from_utf8(name).map_err(|_| Flaw::new(at, "a name", "invalid UTF-8"))?;
    CollectionName::new(text).map_err(|fault| Flaw::new(at, "a name", fault.to_string()))
}

fn key(key: &[u8], at: usize) -> Result<Key<'_>, Flaw> {
    let text = std::str::from_utf8(key).map_err(|_| Flaw::new(at, "a key", "invalid UTF-8"))?;
    Key::new(text).map_err(|fault| Flaw::new(at, "a key", fault.to_string()))
}

#[cfg(test)]
mod tests {
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
        let at = Deadline::at(UnixMillis(5));
        let records = [
            put(&document, Deadline::NEVER),
            put(&document, at),
            Record::Put { scope: main, document: &document, deadline: Deadline::at(UnixMillis(u64::MAX - 1)) },
            Record::Delete { scope: main, key },
            Record::Delete { scope: Scope::Collection(name), key },
            Record::Deadline { scope: main, key, deadline: at },
            Record::Deadline { scope: Scope::Collection(name), key, deadline: Deadline::NEVER },
            Record::CreateCollection { name },
            Record::DropCollection { name },
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
        assert_eq!(newer(&|bytes| bytes[0] = 6), "a record of operation 6");
        assert_eq!(newer(&|bytes| bytes[0] = CREATE_COLLECTION), "a collection with 3 bytes of options");

        let name = CollectionName::new("c").unwrap();
        let mut named = encoded(&Record::DropCollection { name }, Batch::Ends);
        named[1..3].copy_from_slice(&[0, 1]);
        let fault = RecordView::decode(&mut Fields::of(&named)).map(|_| ()).unwrap_err();
        assert!(matches!(fault, Fault::Flaw(Flaw { at: 2, .. })), "a key of a collection: {fault:?}");
        named[2] = 0;
        named.truncate(HEAD_BYTES);
        let fault = RecordView::decode(&mut Fields::of(&named)).map(|_| ()).unwrap_err();
        assert!(matches!(fault, Fault::Flaw(Flaw { at: 8, .. })), "no name: {fault:?}");
    }
}
