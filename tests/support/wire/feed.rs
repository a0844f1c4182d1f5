//! A stream that says what the test says, when it says it, and waits in between.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use memory_tools::api::message::{BodyStream, Part, Pulled, Wake};

/// What all feeds of a double say, from their beginning.
#[derive(Default)]
pub struct Channel(Mutex<State>);

#[derive(Default)]
struct State {
    said: String,
    is_over: bool,
    wakers: Vec<Wake>,
    pulls: usize,
    dropped: usize,
}

impl Channel {
    /// Says `text`, and wakes who waits.
    pub fn say(&self, text: &str) {
        self.with(|state| state.said.push_str(text));
        self.wake();
    }

    /// Has every feed end.
    pub fn end(&self) {
        self.with(|state| state.is_over = true);
        self.wake();
    }

    /// Wakes who waits.
    pub fn wake(&self) {
        let wakers = self.with(|state| std::mem::take(&mut state.wakers));
        wakers.into_iter().for_each(|wake| wake());
    }

    /// Feeds that wait to be woken.
    pub fn waiting(&self) -> usize {
        self.with(|state| state.wakers.len())
    }

    /// How often feeds were pulled.
    pub fn pulls(&self) -> usize {
        self.with(|state| state.pulls)
    }

    /// Feeds that were dropped.
    pub fn dropped(&self) -> usize {
        self.with(|state| state.dropped)
    }

    fn with<T>(&self, then: impl FnOnce(&mut State) -> T) -> T {
        then(&mut self.0.lock().unwrap())
    }
}

/// A feed. With `N` in the query it says "beat" when nothing else was said for so many milliseconds; with `N-deaf` it
/// drops its wakers, so that it goes on with its next beat.
pub struct Feed {
    channel: Arc<Channel>,
    read: usize,
    beats_after: Option<Duration>,
    is_deaf: bool,
    has_waited: bool,
}

impl Feed {
    pub(super) fn of(query: &str, channel: Arc<Channel>) -> Feed {
        let (millis, how) = query.split_once('-').unwrap_or((query, ""));
        let beats_after = millis.parse().ok().map(Duration::from_millis);
        Feed { channel, read: 0, beats_after, is_deaf: how == "deaf", has_waited: false }
    }
}

impl BodyStream for Feed {
    fn pull(&mut self, part: &mut Part) -> Pulled {
        let Feed { channel, read, .. } = self;
        channel.with(|state| {
            state.pulls += 1;
            let news = &state.said[*read..];
            part.push_bytes(news.as_bytes());
            if news.is_empty() && self.has_waited && self.beats_after.is_some() {
                part.push_bytes(b"beat\n");
            }
            *read = state.said.len();
            self.has_waited = true;
            if state.is_over { Pulled::Ended } else { Pulled::Waits }
        })
    }

    fn when_ready(&mut self, wake: Wake) -> Duration {
        let is_ready = self.channel.with(|state| state.is_over || state.said.len() > self.read);
        if is_ready {
            wake();
        } else if !self.is_deaf {
            self.channel.with(|state| state.wakers.push(wake));
        }
        self.beats_after.unwrap_or(Duration::MAX)
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.channel.with(|state| state.dropped += 1);
    }
}
