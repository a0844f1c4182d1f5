//! What validating a document takes by itself: asked of the program here that knows the server's library.

use std::io::Write;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::options::Options;

/// CPU microseconds of one validation of `document`, as the server does it.
///
/// # Errors
/// The program cannot be run, or refuses the document.
pub fn microseconds(options: &Options, document: &[u8]) -> Result<f64> {
    let mut file = tempfile::NamedTempFile::new().context("no scratch file")?;
    file.write_all(document)?;
    let program = &options.constant;
    let output = Command::new(program).arg("--validate").arg(file.path()).output();
    let output = output.with_context(|| format!("cannot run {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{} --validate: {}", program.display(), said.trim());
    let text = String::from_utf8_lossy(&output.stdout);
    text.trim().parse().with_context(|| format!("{} is no number", text.trim()))
}
