//! What the validation of a document takes by itself, without a server around it.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use memory_tools::base::clock::ThreadCpu;
use memory_tools::base::json;
use memory_tools::base::limits::JSON_DEPTH_MAX;

/// For how long it is repeated, after a tenth of that which does not count.
const MEASURED: Duration = Duration::from_millis(500);

/// From this size on the server leaves a text to the grammar, which is what is measured.
const TEXT_BYTES_MIN: usize = 64 * 1024;

/// CPU microseconds of one validation of `text`.
///
/// # Errors
/// The server would not have it validated like this, or it is no document.
pub fn microseconds(text: &[u8]) -> Result<f64> {
    ensure!(text.len() > TEXT_BYTES_MIN, "a document must have more than {TEXT_BYTES_MIN} bytes");
    repeat(text, MEASURED / 10)?;
    let (count, took) = repeat(text, MEASURED)?;
    Ok(took.as_secs_f64() * 1e6 / count)
}

/// Validates for so long; how often, and how long it took.
fn repeat(text: &[u8], duration: Duration) -> Result<(f64, Duration)> {
    let cpu = ThreadCpu::begin();
    let mut count = 0.0;
    while cpu.elapsed() < duration {
        if let Err(fault) = json::check(std::hint::black_box(text), JSON_DEPTH_MAX) {
            bail!("no document: {fault}");
        }
        count += 1.0;
    }
    Ok((count, cpu.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_small_or_no_json_is_not_measured() {
        assert!(microseconds(b"{}").is_err());
        assert!(microseconds(&[b'['; TEXT_BYTES_MIN + 1]).is_err());
    }
}
