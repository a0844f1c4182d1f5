//! The front of Memory Tools answering a constant, as a server of its own: the denominator of `make bench`.
//!
//! Front, its options and allocator are those of the server; behind the front there is nothing. It also tells what the
//! server's validation takes by itself, and what its engine does without a front.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::indexing_slicing, clippy::string_slice, clippy::panic, clippy::todo)
)]

mod answer;
mod engine;
mod validate;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io, thread};

use anyhow::{Context, Result, bail};
use lexopt::prelude::*;
use memory_tools::base::clock::SystemClock;
use memory_tools::base::health::Health;
use memory_tools::base::threads::{Job, Spawn};
use memory_tools::front::Seams;
use memory_tools::front::pool::{self, PoolOptions};
use memory_tools::model::{Durability, Rest, RoomWaker, Waker};

use crate::answer::Constant;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    // As the server does.
    memory_tools::base::memory::refuse_huge_pages();
    match run(std::env::args_os().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("memory-tools-constant: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Serves until the process ends: `--port ADDRESS --body FILE [--pool-threads N]`. Or tells how many microseconds of CPU a
/// validation of a document takes: `--validate FILE`. Or how much two threads do over what one does, for GET, PUT, GET in
/// one shard and GET of one key: `--two-threads SECONDS`. Or the longest of so many insertions, in microseconds of its
/// thread's CPU, of which there is one for each shard, of all, and of as many steps through plain memory: `--insert COUNT`.
///
/// # Errors
/// Wrong use, an unreadable file, a taken port.
fn run(arguments: impl IntoIterator<Item = OsString>) -> Result<()> {
    let (mut address, mut body, mut threads) = (None::<SocketAddr>, None::<PathBuf>, None::<usize>);
    let mut parser = lexopt::Parser::from_args(arguments);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("port") => address = Some(parser.value()?.parse()?),
            Long("body") => body = Some(parser.value()?.into()),
            Long("pool-threads") => threads = Some(parser.value()?.parse()?),
            Long("validate") => {
                let file = PathBuf::from(parser.value()?);
                println!("{}", validate::microseconds(&read(&file)?)?);
                return Ok(());
            }
            Long("two-threads") => {
                let duration = Duration::try_from_secs_f64(parser.value()?.parse()?)?;
                println!("{}", engine::two_threads_over_one(duration)?.map(|ratio| ratio.to_string()).join(" "));
                return Ok(());
            }
            Long("insert") => {
                let longest = engine::longest_insertion(parser.value()?.parse()?)?;
                let longest = [longest.of_each_shard, longest.of_all, longest.of_steps];
                println!("{}", longest.map(|longest| (longest.as_secs_f64() * 1e6).to_string()).join(" "));
                return Ok(());
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    let (Some(address), Some(body)) = (address, body) else { bail!("--port ADDRESS and --body FILE are needed") };
    let document = read(&body)?;
    let defaults = PoolOptions::at(address);
    let options = PoolOptions { threads: threads.unwrap_or(defaults.threads), ..defaults };
    let _pool = pool::bind(options)?.serve(Seams {
        handler: Arc::new(Constant::new(document)),
        durability: Arc::new(NothingToKeep),
        health: Arc::new(Health::default()),
        counters: Arc::default(),
        clock: Arc::new(SystemClock::start()),
        spawn: Arc::new(Threads),
    })?;
    loop {
        thread::park();
    }
}

fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read {}", file.display()))
}

/// Nothing is kept, so no reply waits.
struct NothingToKeep;

impl Durability for NothingToKeep {
    fn is_released(&self, _: Rest) -> bool {
        true
    }

    fn when_durable(&self, _: Rest, waker: Waker) {
        waker(Ok(()));
    }

    fn hurry(&self) {}

    fn when_room(&self, waker: RoomWaker) {
        waker();
    }
}

/// Plain threads.
struct Threads;

impl Spawn for Threads {
    fn spawn(&self, name: &str, stack_bytes: usize, job: Job) -> io::Result<()> {
        thread::Builder::new().name(name.to_owned()).stack_size(stack_bytes).spawn(job).map(drop)
    }
}
