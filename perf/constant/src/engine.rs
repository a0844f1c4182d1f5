//! What the engine does by itself, on `Execute`: how much two threads do beside one, and how long the longest of very
//! many insertions takes.
//!
//! No socket, no HTTP, no journal. Documents are made before anything is timed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use memory_tools::base::clock::{SystemClock, ThreadCpu};
use memory_tools::base::health::Health;
use memory_tools::engine::{Engine, EngineOptions};
use memory_tools::journal::{Journal, Sequence};
use memory_tools::model::{Command, Condition, Document, Execute, Expiry, Key, Lsn, OnAbsent, Scope};

/// Shards, as the server has them.
const SHARDS: usize = 256;

/// Documents of each thread.
const OWN_KEYS: usize = 50_000;

/// Commands between two looks at the clock.
const BATCH: usize = 256;

/// Steps from key to key: odd and no factor of `OWN_KEYS`, so that all come and no two that follow are neighbours.
const STRIDE: usize = 7919;

/// Bytes from step to step through plain memory, and other places that a step touches: about those of an insertion.
const STEP_BYTES: usize = 200;
const PLACES_BEFORE: usize = 8;

const VALUE: &[u8] = br#"{"text":"the quick brown fox jumps over the lazy dog and the quick brown fox jumps over th"}"#;

/// What each thread does.
#[derive(Clone, Copy)]
enum Work {
    /// Reads documents of its own.
    Get,
    /// Writes documents of its own.
    Put,
    /// Reads the one document that all read.
    GetHot,
}

/// How much two threads do beside one, each measured for `duration`: of GET and PUT on keys of their own, of GET where all
/// keys are in one shard, and of GET of one key.
///
/// # Errors
/// A command was refused.
pub fn two_threads_over_one(duration: Duration) -> Result<[f64; 4]> {
    let documents = [documents(0)?, documents(1)?];
    let [first, _] = &documents;
    let filled = |shards| {
        let engine = engine(shards)?;
        documents.iter().flatten().try_for_each(|document| put(&engine, document.clone())).map(|()| engine)
    };
    let (engine, one_shard) = (filled(SHARDS)?, filled(1)?);
    let ratio = |engine, work| -> Result<f64> {
        let one = |duration| at_once(engine, work, std::slice::from_ref(first), duration);
        let two = |duration| at_once(engine, work, &documents, duration);
        two(duration / 4)?;
        // In both orders, so that a machine that becomes faster or slower does not tell.
        let half = duration / 2;
        let (one_before, two_before, two_after, one_after) = (one(half)?, two(half)?, two(half)?, one(half)?);
        ensure!(one_before + one_after > 0.0, "nothing was done");
        Ok((two_before + two_after) / (one_before + one_after))
    };
    let [get, put] = [ratio(&engine, Work::Get)?, ratio(&engine, Work::Put)?];
    Ok([get, put, ratio(&one_shard, Work::Get)?, ratio(&engine, Work::GetHot)?])
}

/// How long a thread has run for the insertions that took it longest, which is more than it has kept a lock for.
pub struct Longest {
    /// Of those that took as long as this there is one for each shard: what the store does now and then, such as beginning a
    /// larger table, every shard does.
    pub of_each_shard: Duration,
    /// Of all.
    pub of_all: Duration,
    /// Of as many steps through plain memory: the machine's part in the longest of all.
    pub of_steps: Duration,
}

/// The longest of `count` insertions.
///
/// # Errors
/// A command was refused.
pub fn longest_insertion(count: u32) -> Result<Longest> {
    let engine = engine(SHARDS)?;
    let mut longest = BinaryHeap::with_capacity(SHARDS + 1);
    for number in 0..count {
        let document = document(&format!("key:{number:08}"))?;
        let cpu = ThreadCpu::begin();
        put(&engine, document)?;
        longest.push(Reverse(cpu.elapsed()));
        if longest.len() > SHARDS {
            longest.pop();
        }
    }
    drop(engine);
    let longest = longest.into_sorted_vec();
    let (Some(Reverse(of_all)), Some(Reverse(of_each_shard))) = (longest.first(), longest.last()) else {
        bail!("nothing was inserted")
    };
    Ok(Longest { of_each_shard: *of_each_shard, of_all: *of_all, of_steps: longest_step(count) })
}

/// The longest of `count` steps through memory, each to the next bytes and to some of those before: what the machine below
/// a virtual one takes counts as the CPU time of a thread, and it takes most of those that touch much memory.
fn longest_step(count: u32) -> Duration {
    let mut memory = vec![0_u8; count as usize * STEP_BYTES];
    let (mut longest, mut random) = (Duration::ZERO, 1_u64);
    for next in (0..memory.len()).step_by(STEP_BYTES) {
        let cpu = ThreadCpu::begin();
        let before = std::iter::repeat_with(|| {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (random >> 32) as usize % (next + 1)
        });
        for at in before.take(PLACES_BEFORE).chain([next]) {
            if let Some(byte) = memory.get_mut(at) {
                *byte = byte.wrapping_add(1);
            }
        }
        longest = longest.max(cpu.elapsed());
    }
    std::hint::black_box(memory);
    longest
}

/// Commands a second of as many threads together as there are sets of documents.
fn at_once(engine: &Engine, work: Work, sets: &[Vec<Document>], duration: Duration) -> Result<f64> {
    let hot = sets.first().and_then(|documents| documents.first()).context("a thread has documents")?;
    let begun = Instant::now();
    let end = begun + duration;
    let run = |documents: &[Document]| repeat(engine, work, documents, hot, end);
    let done: Result<u64> = thread::scope(|scope| {
        let running: Vec<_> = sets.iter().map(|documents| scope.spawn(move || run(documents))).collect();
        running.into_iter().map(|one| one.join().map_err(|_| anyhow!("a thread has panicked"))?).sum()
    });
    Ok(done? as f64 / begun.elapsed().as_secs_f64())
}

/// Does `work` until `end`; how often.
fn repeat(engine: &Engine, work: Work, documents: &[Document], hot: &Document, end: Instant) -> Result<u64> {
    let mut order = (0..documents.len()).map(|at| at * STRIDE % documents.len()).cycle();
    let mut done = 0;
    while Instant::now() < end {
        for document in order.by_ref().take(BATCH).filter_map(|at| documents.get(at)) {
            match work {
                Work::Get => get(engine, document.key())?,
                Work::Put => put(engine, document.clone())?,
                Work::GetHot => get(engine, hot.key())?,
            }
            done += 1;
        }
    }
    Ok(done)
}

fn engine(shards: usize) -> Result<Engine> {
    let sequence = Sequence::new(Lsn(1), Lsn(1 << 40), Box::new(|_| Ok(())), Arc::new(Health::default()));
    let options = EngineOptions { shards, collections_max: 1 };
    Ok(Engine::new(options, Arc::new(Journal::off(sequence)), Arc::new(SystemClock::start())))
}

fn name(thread: usize, number: usize) -> String {
    format!("{thread}/key:{number:08}")
}

fn documents(thread: usize) -> Result<Vec<Document>> {
    (0..OWN_KEYS).map(|number| document(&name(thread, number))).collect()
}

fn document(key: &str) -> Result<Document> {
    Ok(Document::new(Key::new(key)?, VALUE))
}

fn get(engine: &Engine, key: Key<'_>) -> Result<()> {
    let found = engine.execute(Command::Get { scope: Scope::Main, key });
    found.map(drop).map_err(|refusal| anyhow!("a GET was refused: {refusal:?}"))
}

fn put(engine: &Engine, document: Document) -> Result<()> {
    let command = Command::Put {
        scope: Scope::Main,
        document,
        expiry: Expiry::Default,
        condition: Condition::default(),
        on_absent: OnAbsent::Refuse,
    };
    engine.execute(command).map(drop).map_err(|refusal| anyhow!("a PUT was refused: {refusal:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_work_is_done_by_one_thread_and_by_two() {
        let ratios = two_threads_over_one(Duration::from_millis(40)).unwrap();
        assert!(ratios.iter().all(|ratio| *ratio > 0.0), "{ratios:?}");
    }

    #[test]
    fn an_insertion_takes_some_time() {
        let longest = longest_insertion(1000).unwrap();
        assert!(longest.of_each_shard > Duration::ZERO && longest.of_each_shard <= longest.of_all);
        assert!(longest.of_all < Duration::from_secs(1), "{:?}", longest.of_all);
        assert!(longest.of_steps > Duration::ZERO && longest.of_steps < Duration::from_secs(1));
    }
}
