//! SIGINT, SIGTERM and SIGHUP: the first asks for a clean stop, the second ends the process at once.

use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, bounded};

use crate::base::log;

/// Exit status of a process that was told twice: what was not in a snapshot is lost.
const EXIT_TOLD_TWICE: i32 = 1;

/// Installs the handler, once in a process, and returns where the first signal arrives.
///
/// # Errors
/// The operating system's, as text.
pub fn signals() -> Result<Receiver<()>, String> {
    let (told, receive) = bounded(1);
    let was_told = AtomicBool::new(false);
    ctrlc::set_handler(move || {
        if was_told.swap(true, Ordering::SeqCst) {
            log::warn(format_args!("second signal: exiting at once, without the last snapshot"));
            std::process::exit(EXIT_TOLD_TWICE);
        }
        // There is room for one, and this is the first.
        let _ = told.try_send(());
    })
    .map_err(|error| format!("signals cannot be handled: {error}"))?;
    Ok(receive)
}
