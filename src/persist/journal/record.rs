//! One record in the payload of a frame: operation, lengths, deadline, collection, key, value or options.
//!
//! Invariant: what decodes is a name, a key and a value within their limits; every length is held against the payload
//! before it is used. The LSN is not here: it is the frame's first one plus the record's place in it.
//! The value is not parsed: it was validated when it came in, and the payload's checksum vouches for its bytes.

use super::frame::PAYLOAD_BYTES_MAX;
use crate::base::clock::UnixMillis;
use crate::base::limits::{DOCUMENT_BYTES_CEILING, KEY_BYTES_MAX, STAGED_NAME_BYTES_MAX};
use crate::model::{CollectionName, CollectionOptions, Deadline, Document, Key, Record, Scope};
use crate::persist::error::{Fault, Flaw};
use crate::persist::fields::{Fields, put_u16, put_u32, put_u64};
use crate::persist::options;

/// A value larger than this is not copied into the buffer of records: the document is handed on and counted.
pub const INLINE_BYTES_MAX: usize = 4096;

/// Bytes of a record before its deadline or its collection.
pub const HEAD_BYTES: usize = 8;

const PUT: u8 = 1;
const DELETE: u8 = 2;
const DEADLINE: u8 = 3;
const CREATE_COLLECTION: u8 = 4;
const DROP_COLLECTION: u8 = 5;
const STAGE_COLLECTION: u8 = 6;
const STAGE_PUT: u8 = 7;
const REPLACE: u8 = 8;

/// The most bytes of options that a record may have, those of newer versions included.
const OPTIONS_BYTES_MAX: usize = 255;

const OPERATION: u8 = 0b0011_1111;
const HAS_DEADLINE: u8 = 0b0100_0000;
const MORE_FOLLOW: u8 = 0b1000_0000;

/// Bytes of a deadline in a record that has one.
pub const DEADLINE_BYTES: usize = 8;

/// The largest record: one head, one deadline, a name, a key and a value.
const BYTES_MAX: usize = HEAD_BYTES + DEADLINE_BYTES + STAGED_NAME_BYTES_MAX + KEY_BYTES_MAX + DOCUMENT_BYTES_CEILING;

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
    HEAD_BYTES + deadline_bytes + collection.len() + key.len() + value.bytes()
}

/// Appends `record` to `out`. A value larger than `INLINE_BYTES_MAX` is left out: it is the value of the document that
/// is returned, counted once more, and its bytes belong right behind those in `out`.
pub fn encode_record(record: &Record<'_>, batch: Batch, out: &mut Vec<u8>) -> Option<Document> {
    encode_record_copying(INLINE_BYTES_MAX, record, batch, out)
}

/// As `encode_record`, but it is a value larger than `copied_max` bytes that is left out.
pub fn encode_record_copying(
    copied_max: usize,
    record: &Record<'_>,
    batch: Batch,
    out: &mut Vec<u8>,
) -> Option<Document> {
    let Parts { operation, collection, key, deadline, value } = Parts::of(record);
    let has_deadline = if deadline.moment().is_some() { HAS_DEADLINE } else { 0 };
    let more = if batch == Batch::GoesOn { MORE_FOLLOW } else { 0 };
    out.push(operation | has_deadline | more);
    out.push(u8::try_from(collection.len()).expect("STAGED_NAME_BYTES_MAX fits a u8"));
    put_u16(out, u16::try_from(key.len()).expect("KEY_BYTES_MAX fits a u16"));
    put_u32(out, u32::try_from(value.bytes()).expect("DOCUMENT_BYTES_CEILING fits a u32"));
    if let Some(moment) = deadline.moment() {
        put_u64(out, moment.0);
    }
    out.extend_from_slice(collection);
    out.extend_from_slice(key);
    match value {
        Value::None => None,
        Value::Of(document) if value.bytes() > copied_max => Some(document.clone()),
        Value::Of(document) => {
            out.extend_from_slice(document.value());
            None
        }
        Value::Options(options) => {
            options::encode_unless_default(options, out);
            None
        }
    }
}

/// A record as its fields.
struct Parts<'a> {
    operation: u8,
    collection: &'a [u8],
    key: &'a [u8],
    deadline: Deadline,
    value: Value<'a>,
}

/// What stands at the end of a record.
#[derive(Clone, Copy)]
enum Value<'a> {
    None,
    Of(&'a Document),
    Options(CollectionOptions),
}

impl Value<'_> {
    fn bytes(self) -> usize {
        match self {
            Value::None => 0,
            Value::Of(document) => document.value().len(),
            Value::Options(options) => options::bytes_unless_default(options),
        }
    }
}

impl<'a> Parts<'a> {
    fn of(record: &'a Record<'a>) -> Parts<'a> {
        let name = |scope: Scope<'a>| match scope {
            Scope::Main => &[][..],
            Scope::Collection(name) => name.as_str().as_bytes(),
        };
        let (operation, collection, key, deadline, value) = match *record {
            Record::Put { scope: Scope::Collection(name), document, deadline } if name.staged().is_some() => {
                (STAGE_PUT, name.as_str().as_bytes(), document.key_bytes(), deadline, Value::Of(document))
            }
            Record::Put { scope, document, deadline } => {
                (PUT, name(scope), document.key_bytes(), deadline, Value::Of(document))
            }
            Record::Delete { scope, key } => (DELETE, name(scope), key.as_bytes(), Deadline::NEVER, Value::None),
            Record::Deadline { scope, key, deadline } => (DEADLINE, name(scope), key.as_bytes(), deadline, Value::None),
            Record::CreateCollection { name, options } => {
                let operation = if name.staged().is_some() { STAGE_COLLECTION } else { CREATE_COLLECTION };
                (operation, name.as_str().as_bytes(), &[][..], Deadline::NEVER, Value::Options(options))
            }
            Record::DropCollection { name } => {
                (DROP_COLLECTION, name.as_str().as_bytes(), &[][..], Deadline::NEVER, Value::None)
            }
            Record::Replace { staged } => (REPLACE, staged.as_str().as_bytes(), &[][..], Deadline::NEVER, Value::None),
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
    CreateCollection { name: CollectionName<'a>, options: CollectionOptions },
    DropCollection { name: CollectionName<'a> },
    Replace { staged: CollectionName<'a> },
}

impl<'a> RecordView<'a> {
    /// Takes the next record off `fields`.
    pub fn decode(fields: &mut Fields<'a>) -> Result<RecordView<'a>, Fault> {
        let start = fields.offset();
        let short = || Flaw::short(start, "a whole record");
        let flags = fields.u8().ok_or_else(short)?;
        let operation = flags & OPERATION;
        if !(PUT..=REPLACE).contains(&operation) {
            return Err(Fault::Newer(format!("a record of operation {operation}")));
        }
        let name_bytes = usize::from(fields.u8().ok_or_else(short)?);
        let key_bytes = usize::from(fields.u16().ok_or_else(short)?);
        let value_bytes = fields.u32().and_then(|bytes| usize::try_from(bytes).ok()).ok_or_else(short)?;
        let deadline = match flags & HAS_DEADLINE {
            0 => Deadline::NEVER,
            _ => Deadline::at(UnixMillis(fields.u64().ok_or_else(short)?)),
        };
        if flags & HAS_DEADLINE != 0
            && (deadline == Deadline::NEVER || !matches!(operation, PUT | STAGE_PUT | DEADLINE))
        {
            return Err(Flaw::new(start, "no deadline", "one").into());
        }
        let values = match operation {
            PUT | STAGE_PUT => 1..=DOCUMENT_BYTES_CEILING,
            CREATE_COLLECTION | STAGE_COLLECTION => 0..=OPTIONS_BYTES_MAX,
            _ => 0..=0,
        };
        if !values.contains(&value_bytes) {
            return Err(Flaw::number(start + 4, "a value length up to", values.end(), value_bytes).into());
        }

        let name_start = fields.offset();
        let name = fields.bytes(name_bytes).ok_or_else(short)?;
        let key_start = fields.offset();
        let joined = fields.bytes(key_bytes + value_bytes).ok_or_else(short)?;
        let (key, value) = joined.split_at_checked(key_bytes).ok_or_else(short)?;
        let operation = match operation {
            PUT => {
                Operation::Put { scope: scope(name, name_start)?, key: self::key(key, key_start)?, joined, deadline }
            }
            STAGE_PUT => {
                let scope = Scope::Collection(staged(name, name_start)?);
                Operation::Put { scope, key: self::key(key, key_start)?, joined, deadline }
            }
            DELETE => Operation::Delete { scope: scope(name, name_start)?, key: self::key(key, key_start)? },
            DEADLINE => {
                Operation::Deadline { scope: scope(name, name_start)?, key: self::key(key, key_start)?, deadline }
            }
            _ if key_bytes > 0 => return Err(Flaw::number(start + 2, "a key length of", 0, key_bytes).into()),
            CREATE_COLLECTION => {
                let name = self::name(name, name_start)?;
                let options = options::decode_unless_default(value, key_start, name)?;
                Operation::CreateCollection { name, options }
            }
            STAGE_COLLECTION => {
                let name = staged(name, name_start)?;
                Operation::CreateCollection { name, options: options::decode_unless_default(value, key_start, name)? }
            }
            DROP_COLLECTION => Operation::DropCollection { name: self::name(name, name_start)? },
            _ => match staged(name, name_start)? {
                staged if staged.staged().is_some_and(|(_, name)| name.is_empty()) => Operation::Replace { staged },
                _ => return Err(Flaw::new(name_start, "the staged main store", "a staged collection").into()),
            },
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
            Operation::CreateCollection { name, options } => receive(Record::CreateCollection { name, options }),
            Operation::DropCollection { name } => receive(Record::DropCollection { name }),
            Operation::Replace { staged } => receive(Record::Replace { staged }),
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

/// The name of a staged collection.
fn staged(name: &[u8], at: usize) -> Result<CollectionName<'_>, Flaw> {
    let text = std::str::from_utf8(name).map_err(|_| Flaw::new(at, "a name", "invalid UTF-8"))?;
    let name = CollectionName::stored(text).map_err(|fault| Flaw::new(at, "a staged name", fault.to_string()))?;
    match name.staged() {
        Some(_) => Ok(name),
        None => Err(Flaw::new(at, "a staged name", format!("{text:?}"))),
    }
}

fn key(key: &[u8], at: usize) -> Result<Key<'_>, Flaw> {
    let text = std::str::from_utf8(key).map_err(|_| Flaw::new(at, "a key", "invalid UTF-8"))?;
    Key::new(text).map_err(|fault| Flaw::new(at, "a key", fault.to_string()))
}

#[cfg(test)]
mod tests;
