//! How a command ends: its exit code and what it leaves on the terminal.

use std::io::Write;
use std::process::ExitCode;

/// The exit codes; a promise to scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: it did what was asked.
    Done,
    /// 1: it could not; the world or the server said no.
    Failed,
    /// 2: the command line or the configuration is wrong; nothing was done.
    Usage,
    /// 3: data is damaged.
    Damaged,
    /// 1: the server has no such document.
    NotFound,
    /// 3: the server refuses.
    Refused,
    /// 4: no server answers.
    Unreachable,
}

impl Exit {
    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        match self {
            Exit::Done => 0,
            Exit::Failed | Exit::NotFound => 1,
            Exit::Usage => 2,
            Exit::Damaged | Exit::Refused => 3,
            Exit::Unreachable => 4,
        }
    }
}

/// A command that has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finished {
    /// For standard output; whole lines.
    pub stdout: String,
    /// For standard error; whole lines.
    pub stderr: String,
    /// Its exit code.
    pub exit: Exit,
}

impl Finished {
    /// It went well and says `text`.
    pub fn done(text: impl Into<String>) -> Finished {
        Finished { stdout: text.into(), stderr: String::new(), exit: Exit::Done }
    }

    /// It went well and says `text` beside what it has written to standard output.
    pub fn said(text: impl Into<String>) -> Finished {
        Finished { stdout: String::new(), stderr: text.into(), exit: Exit::Done }
    }

    /// It ends with `exit` because of `faults`, a line each.
    pub fn because<T: ToString>(exit: Exit, faults: impl IntoIterator<Item = T>) -> Finished {
        let stderr = faults.into_iter().map(|fault| fault.to_string() + "\n").collect();
        Finished { stdout: String::new(), stderr, exit }
    }

    /// Prints what it says and returns its exit code. A closed terminal is no fault of ours.
    pub fn emit(self) -> ExitCode {
        let _ = std::io::stdout().lock().write_all(self.stdout.as_bytes());
        let _ = std::io::stderr().lock().write_all(self.stderr.as_bytes());
        ExitCode::from(self.exit.code())
    }
}
