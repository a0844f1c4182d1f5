//! How long a server without data takes from the start of its process to its first 200 on `/readyz`.
//!
//! Each start has a fresh folder. What is timed includes fork, exec, binding the port, making the folder's files
//! durable, and up to 0.2 ms of our own polling.

use anyhow::Result;

use crate::child::Server;
use crate::figure::Figure;
use crate::front;
use crate::options::Options;
use crate::progress::Progress;

/// The promise, in milliseconds.
const READY_MS_MAX: f64 = 50.0;

/// Starts the server again and again.
///
/// # Errors
/// It does not start.
pub fn measure(options: &Options, progress: &Progress) -> Result<Option<Figure>> {
    progress.step(&format!("starting {} times without data", options.starts));
    let program = front::server(options);
    let mut milliseconds = Vec::new();
    for _ in 0..options.starts {
        milliseconds.push(Server::start(&program)?.ready_after.as_secs_f64() * 1000.0);
    }
    Ok(Figure::new("ready without data", "ms", milliseconds).map(|figure| figure.at_most(Some(READY_MS_MAX))))
}
