//! What lines are shown on: a terminal, in place, or whatever else standard output is, block behind block.
//!
//! Invariant: a terminal that was taken is given back with the modes that it had, its cursor and what stood on it, when
//! the `Screen` goes, on every way out of its scope. It uses the sequences that xterm has had since long and every
//! emulator knows; where TERM is `dumb` or not set, it takes no terminal for one.

use std::io::{self, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcgetwinsize, tcsetattr};

use super::view::Room;

/// The second screen, without a cursor, on which a line that is too long is cut off.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";

/// What was before `ENTER`.
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";

/// To the upper left.
const HOME: &str = "\x1b[H";

/// Clears the rest of the line, and all below.
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// The room of a terminal that does not say how large it is.
const ROOM: Room = Room { columns: 80, rows: 24 };

/// What lines are shown on.
pub trait Surface {
    /// How much room it has; `None` for any.
    fn room(&self) -> Option<Room>;

    /// Whether what is shown takes the place of what was.
    fn is_in_place(&self) -> bool;

    /// Shows `lines`, which fit its room.
    ///
    /// # Errors
    /// They cannot be written.
    fn show(&mut self, lines: &[String]) -> io::Result<()>;
}

/// Whether standard output is a terminal that can be drawn on.
pub fn is_terminal() -> bool {
    let can = std::env::var_os("TERM").is_some_and(|term| !term.is_empty() && term != "dumb");
    can && io::stdout().is_terminal()
}

/// A terminal that is drawn on, until it goes.
pub struct Screen<'o> {
    out: &'o mut dyn Write,
    /// The modes of the keyboard as they were, if it is a terminal's.
    modes: Option<Termios>,
}

impl<'o> Screen<'o> {
    /// Takes the terminal that `out` writes to, and its keyboard when standard input is one.
    ///
    /// # Errors
    /// It cannot be written to, or its modes cannot be set.
    pub fn enter(out: &'o mut dyn Write) -> io::Result<Screen<'o>> {
        let keyboard = io::stdin();
        let modes = if keyboard.is_terminal() { Some(tcgetattr(&keyboard)?) } else { None };
        // From here on whatever fails gives it back.
        let mut screen = Screen { out, modes };
        if let Some(before) = &screen.modes {
            let mut modes = before.clone();
            // Each key as it comes, unseen; also those that would stop the process with the terminal in its hands.
            modes.local_modes.remove(LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG | LocalModes::IEXTEN);
            modes.special_codes[SpecialCodeIndex::VMIN] = 1;
            modes.special_codes[SpecialCodeIndex::VTIME] = 0;
            tcsetattr(&keyboard, OptionalActions::Now, &modes)?;
        }
        screen.write(ENTER)?;
        Ok(screen)
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}

impl Surface for Screen<'_> {
    fn room(&self) -> Option<Room> {
        let size = tcgetwinsize(io::stdout()).ok().filter(|size| size.ws_col > 0 && size.ws_row > 0);
        Some(size.map_or(ROOM, |size| Room { columns: size.ws_col.into(), rows: size.ws_row.into() }))
    }

    fn is_in_place(&self) -> bool {
        true
    }

    fn show(&mut self, lines: &[String]) -> io::Result<()> {
        let mut text = HOME.to_owned();
        for (number, line) in lines.iter().enumerate() {
            // No line end behind the last, which may be the lowest there is.
            text.push_str(if number > 0 { "\r\n" } else { "" });
            // Before the line: behind one that reaches the edge its last character would go with the rest.
            text.push_str(CLEAR_LINE);
            text.push_str(line);
        }
        if self.room().is_none_or(|room| lines.len() < room.rows) {
            text.push_str("\r\n");
            text.push_str(CLEAR_BELOW);
        }
        self.write(&text)
    }
}

impl Drop for Screen<'_> {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing back.
        let _ = self.write(LEAVE);
        if let Some(modes) = &self.modes {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, modes);
        }
    }
}

/// Blocks of lines behind one another, with an empty line between.
pub struct Blocks<'o> {
    out: &'o mut dyn Write,
    is_first: bool,
}

impl<'o> Blocks<'o> {
    /// None yet.
    pub fn new(out: &'o mut dyn Write) -> Blocks<'o> {
        Blocks { out, is_first: true }
    }
}

impl Surface for Blocks<'_> {
    fn room(&self) -> Option<Room> {
        None
    }

    fn is_in_place(&self) -> bool {
        false
    }

    fn show(&mut self, lines: &[String]) -> io::Result<()> {
        let mut text = if self.is_first { String::new() } else { "\n".to_owned() };
        for line in lines {
            text.push_str(line);
            text.push('\n');
        }
        self.is_first = false;
        self.out.write_all(text.as_bytes())?;
        self.out.flush()
    }
}
