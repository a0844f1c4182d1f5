//! One line on stderr that says what is being done: rewritten on a terminal, elsewhere one line a step.

use std::io::{IsTerminal, Write, stderr};

/// The line.
pub struct Progress {
    rewrites: bool,
}

impl Progress {
    /// For the stderr of this process.
    pub fn new() -> Progress {
        Progress { rewrites: stderr().is_terminal() }
    }

    /// A new step.
    pub fn step(&self, what: &str) {
        self.write(if self.rewrites { format!("\r\x1b[K{what}") } else { format!("{what}\n") });
    }

    /// How far the step is; shown on a terminal only.
    pub fn detail(&self, what: &str) {
        if self.rewrites {
            self.step(what);
        }
    }

    /// Clears the line for what follows.
    pub fn done(&self) {
        if self.rewrites {
            self.write("\r\x1b[K".to_owned());
        }
    }

    fn write(&self, text: String) {
        // Progress that cannot be shown is no reason to stop measuring.
        let _ = stderr().write_all(text.as_bytes());
    }
}
