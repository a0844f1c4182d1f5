//! What a document takes in memory, for documents of several sizes: each size in a fresh server.

use anyhow::Result;

use crate::figure::Figure;
use crate::front;
use crate::memory;
use crate::options::Options;
use crate::progress::Progress;

/// Bytes of the documents.
pub const SIZES: [u32; 7] = [100, 200, 500, 1000, 2000, 5000, 10_000];

/// Bytes of all documents of a size together, and how many there are at most: a server takes 8 MB without any, and its
/// small differences are to be lost among the documents.
const TOTAL_BYTES: u32 = 50_000_000;
const DOCUMENTS_MAX: u32 = 100_000;

/// The name of the figure of documents of `size` bytes.
pub fn name(size: u32) -> String {
    format!("memory: a document of {size} bytes, with its key")
}

/// Loads documents of each size and reads the memory.
///
/// # Errors
/// A server cannot be started, gave a wrong answer, or lost a document.
pub fn measure(options: &Options, progress: &Progress) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for size in SIZES {
        let count = (TOTAL_BYTES / size).min(DOCUMENTS_MAX);
        let weight = memory::weigh(&front::server(options), size as usize, count, progress)?;
        figures.extend(Figure::new(name(size), "B", [weight.per_document()]));
    }
    Ok(figures)
}
