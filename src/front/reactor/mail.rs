//! What other threads send to a reactor's thread: replies that may leave now, replies that were made elsewhere, room for
//! requests that found none, and more of streams that wait.
//!
//! Invariant: whatever is posted is seen by the thread, which is woken at most once for any number of letters. A
//! letter names the connection it is for by key and generation, so that one for a connection that has gone is
//! recognised. It does not know what a letter leads to.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, Sender};

use crate::api::message::{Deliver, Response, Wake};
use crate::model::{NotDurable, RoomWaker, Waker};

/// A connection, as other threads name it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// Its key in the thread's slab.
    pub key: usize,
    /// Which of the connections that have had this key.
    pub generation: u64,
}

/// What a letter says.
pub enum News {
    /// What a reply rests on is durable, or never will be.
    Durable(Result<(), NotDurable>),
    /// A reply that was made elsewhere, or `None` when there will be none.
    Reply(Option<Box<Response>>),
    /// There may be room for a request that found none.
    Room,
    /// There may be more of a stream that waits.
    More,
}

/// Something that a connection was waiting for.
pub struct Letter {
    /// The connection.
    pub to: Address,
    /// Which of the things that it was waiting for.
    pub ticket: u64,
    /// What has happened.
    pub news: News,
}

/// The receiving end, which one thread has.
pub struct Mailbox {
    letters: Receiver<Letter>,
    post: Post,
}

/// The sending end.
#[derive(Clone)]
pub struct Post {
    letters: Sender<Letter>,
    /// True from the first letter on that was posted since the thread looked last.
    is_woken: Arc<AtomicBool>,
    wake: Arc<dyn Fn() + Send + Sync>,
}

impl Mailbox {
    /// A box whose thread is woken by `wake`.
    pub fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Mailbox {
        let (send, letters) = crossbeam_channel::unbounded();
        Mailbox { letters, post: Post { letters: send, is_woken: Arc::default(), wake } }
    }

    /// Where to post to it.
    pub fn post(&self) -> &Post {
        &self.post
    }

    /// True when there is no letter.
    pub(super) fn is_empty(&self) -> bool {
        self.letters.is_empty()
    }

    /// Takes the next letter. Once there is none, the next one posted wakes the thread.
    pub fn take(&self) -> Option<Letter> {
        self.letters.try_recv().ok().or_else(|| {
            self.post.is_woken.store(false, Ordering::SeqCst);
            // One may have been posted, without waking, between the look and the store.
            self.letters.try_recv().ok()
        })
    }
}

impl Post {
    /// What tells `to` whether something is durable.
    pub fn waker(&self, to: Address, ticket: u64) -> Waker {
        let post = self.clone();
        Box::new(move |outcome| post.send(Letter { to, ticket, news: News::Durable(outcome) }))
    }

    /// What tells `to` that there may be room.
    pub fn room_waker(&self, to: Address, ticket: u64) -> RoomWaker {
        let post = self.clone();
        Box::new(move || post.send(Letter { to, ticket, news: News::Room }))
    }

    /// What tells `to` that there may be more of a stream.
    pub fn stream_waker(&self, to: Address, ticket: u64) -> Wake {
        let post = self.clone();
        Box::new(move || post.send(Letter { to, ticket, news: News::More }))
    }

    /// What delivers a reply to `to`; dropped unused, it says that there will be none.
    pub fn deliver(&self, to: Address, ticket: u64) -> Deliver {
        let mut letter = Undelivered { post: self.clone(), to, ticket, is_delivered: false };
        Box::new(move |response| letter.deliver(Some(Box::new(response))))
    }

    fn send(&self, letter: Letter) {
        // Nobody takes letters any more once the thread has ended.
        if self.letters.send(letter).is_ok() && !self.is_woken.swap(true, Ordering::SeqCst) {
            (self.wake)();
        }
    }
}

/// A reply that is still to be made.
struct Undelivered {
    post: Post,
    to: Address,
    ticket: u64,
    is_delivered: bool,
}

impl Undelivered {
    fn deliver(&mut self, response: Option<Box<Response>>) {
        self.is_delivered = true;
        self.post.send(Letter { to: self.to, ticket: self.ticket, news: News::Reply(response) });
    }
}

impl Drop for Undelivered {
    fn drop(&mut self) {
        if !self.is_delivered {
            self.deliver(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[test]
    fn any_number_of_letters_wakes_once_until_they_were_taken() {
        let woken = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&woken);
        let mailbox = Mailbox::new(Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        }));
        let to = Address { key: 1, generation: 2 };
        for round in 1..=3 {
            (0..10).for_each(|ticket| mailbox.post().waker(to, ticket)(Ok(())));
            assert_eq!(woken.load(Ordering::SeqCst), round);
            for ticket in 0..10 {
                let letter = mailbox.take().unwrap();
                assert_eq!((letter.to, letter.ticket), (to, ticket));
            }
            assert!(mailbox.take().is_none());
        }
    }

    #[test]
    fn a_reply_that_will_never_be_made_is_told() {
        let mailbox = Mailbox::new(Arc::new(|| {}));
        let deliver = mailbox.post().deliver(Address::default(), 7);
        assert!(mailbox.take().is_none());
        drop(deliver);
        assert!(matches!(mailbox.take(), Some(Letter { ticket: 7, news: News::Reply(None), .. })));
        mailbox.post().deliver(Address::default(), 8)(Response::new(204));
        assert!(matches!(mailbox.take(), Some(Letter { ticket: 8, news: News::Reply(Some(_)), .. })));
        assert!(mailbox.take().is_none());
    }
}
