//! The documents that are measured with, and an engine that is full of them.

use std::sync::Arc;

use memory_tools::base::clock::SystemClock;
use memory_tools::base::health::Health;
use memory_tools::engine::{Engine, EngineOptions};
use memory_tools::journal::{Journal, Sequence};
use memory_tools::model::{Command, Condition, Document, Execute, Expiry, Key, Lsn, OnAbsent, Scope};

/// A prime: steps of so many visit every one of a number of keys that it does not divide, far from each other.
pub const STRIDE: usize = 7919;

/// The key of a number, as the load generator has it.
pub fn key(number: usize) -> String {
    format!("key:{number:08}")
}

/// JSON of exactly so many bytes, 64 at least: an object with a counter, with small members for half of it, and a text.
pub fn json(bytes: usize) -> Vec<u8> {
    let mut text = "{\"count\":7".to_owned();
    for number in (0..).take_while(|number| number * 24 < bytes / 2) {
        text.push_str(&format!(",\"m{number:05}\":[{},true]", number % 1000));
    }
    text.push_str(",\"text\":\"");
    let end = "\"}";
    text.extend(std::iter::repeat_n('x', bytes.saturating_sub(text.len() + end.len())));
    text.push_str(end);
    assert_eq!(text.len(), bytes, "there is room for a text");
    text.into_bytes()
}

/// A document under the key of a number.
pub fn document(number: usize, json: &[u8]) -> Document {
    let key = key(number);
    Document::new(Key::new(&key).expect("a short text is a key"), json)
}

/// A write of `document`, whatever was there.
pub fn put(document: Document) -> Command<'static> {
    let (expiry, condition, on_absent) = (Expiry::Default, Condition::default(), OnAbsent::Create);
    Command::Put { scope: Scope::Main, document, expiry, condition, on_absent }
}

/// An engine with `count` documents of `bytes`, written in no order, and without a journal.
pub fn engine(shards: usize, count: usize, bytes: usize) -> Engine {
    let sequence = Sequence::new(Lsn(1), Lsn(1), Box::new(|_| Ok(())), Arc::new(Health::default()));
    let options = EngineOptions { shards, collections_max: 1 };
    let engine = Engine::new(options, Arc::new(Journal::off(sequence)), Arc::new(SystemClock::start()));
    let json = json(bytes);
    for number in (0..count).map(|place| place * STRIDE % count) {
        engine.execute(put(document(number, &json))).expect("a write without a condition is not refused");
    }
    engine
}
