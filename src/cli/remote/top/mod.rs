//! `top`: how a server fares, looked at again and again: in place on a terminal, elsewhere a block of lines each time.
//!
//! `sample` asks, `exposition` reads, `change` compares two samples, `view` makes lines of them, and `surface` shows
//! those. Invariants: a server that is gone is shown to be, and does not end the view; a terminal is left as it was found,
//! whatever ends it; and nobody waits longer for `q` than for an answer.

mod exposition;

mod change;
mod sample;

mod figure;
mod tables;
mod view;

mod surface;
mod waiting;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use super::super::exit::Finished;
use super::action::Viewing;
use super::fault::Fault;
use crate::base::clock::{Clock, SystemClock};
use crate::client::Client;
use sample::Sample;
use surface::{Blocks, Screen, Surface, is_terminal};
use view::View;
use waiting::{Waiting, Woken};

pub use exposition::PageFault;

/// How long an answer may take. A server that is too busy for figures is one that does not answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Shows on `out`, which is standard output, how the server of `client` fares.
///
/// # Errors
/// `Unreachable` when the first look finds nobody, or the last of so many; others are said and tried again. `Refused`
/// when the token may not look, `Figures`.
pub fn top(client: Client, viewing: Viewing, out: &mut dyn Write) -> Result<Finished, Fault> {
    let client = client.within(PATIENCE);
    let clock = SystemClock::start();
    let now = Sample::ask(&client, clock.now())?;
    let mut view = Viewed { client: &client, clock: &clock, before: None, now, fault: None };
    let is_screen = viewing.blocks.is_none() && is_terminal();
    let waiting = Waiting::begin(is_screen).map_err(Fault::Output)?;
    let ended = if is_screen {
        let mut screen = Screen::enter(out).map_err(Fault::Output)?;
        view.shown(&mut screen).and_then(|()| view.go_on(viewing, &waiting, &mut screen))
    } else {
        view.go_on(viewing, &waiting, &mut Blocks::new(out))
    };
    match ended {
        Ok(()) | Err(Stopped::NobodyReads) => Ok(Finished::done("")),
        Err(Stopped::Because(fault)) => Err(fault),
    }
}

/// Why no more is shown.
enum Stopped {
    /// What is written to is closed.
    NobodyReads,
    /// Something else.
    Because(Fault),
}

impl From<io::Error> for Stopped {
    fn from(error: io::Error) -> Stopped {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Stopped::NobodyReads,
            _ => Stopped::Because(Fault::Output(error)),
        }
    }
}

/// A server that is looked at.
struct Viewed<'c> {
    client: &'c Client,
    clock: &'c dyn Clock,
    /// The sample before the last one.
    before: Option<Sample>,
    /// The last sample.
    now: Sample,
    /// Why there is none since.
    fault: Option<Fault>,
}

impl Viewed<'_> {
    /// Looks each time that the interval is over, until it was often enough or somebody has enough.
    fn go_on(&mut self, viewing: Viewing, waiting: &Waiting, surface: &mut dyn Surface) -> Result<(), Stopped> {
        let mut due = Instant::now() + viewing.interval;
        let mut shown = 0;
        while viewing.blocks.is_none_or(|blocks| shown < blocks) {
            match waiting.until(due)? {
                Woken::Due => {}
                Woken::Resized => {
                    self.shown(surface)?;
                    continue;
                }
                Woken::Stop => return Ok(()),
            }
            // What an answer has taken is not waited for again, and what was missed is not made up for.
            due = (due + viewing.interval).max(Instant::now());
            self.look().map_err(Stopped::Because)?;
            self.shown(surface)?;
            shown += 1;
        }
        self.fault.take().map_or(Ok(()), |fault| Err(Stopped::Because(fault)))
    }

    fn look(&mut self) -> Result<(), Fault> {
        match Sample::ask(self.client, self.clock.now()) {
            Ok(sample) => {
                self.before = Some(std::mem::replace(&mut self.now, sample));
                self.fault = None;
            }
            Err(fault) if fault.may_pass() => self.fault = Some(fault),
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    fn shown(&self, surface: &mut dyn Surface) -> Result<(), Stopped> {
        let fault = self.fault.as_ref().map(Fault::text);
        let url = self.client.origin();
        let lines = match &fault {
            Some(fault) if !surface.is_in_place() => vec![view::lost(url, self.clock.now(), fault)],
            _ => {
                let view = View { url, before: self.before.as_ref(), now: &self.now, fault: fault.as_deref() };
                view::lines(&view, surface.room())
            }
        };
        Ok(surface.show(&lines)?)
    }
}
