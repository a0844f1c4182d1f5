//! Who is told what came of an order that another thread carries out.
//!
//! Invariant: whoever waits is told once, whatever happens: an order that nobody carries out, because the thread has ended,
//! says so as it is dropped. It does not know what was ordered.

/// Where an answer goes.
pub type Tell<A> = Box<dyn FnOnce(A) + Send>;

/// Who is told what came of an order: once, and that the server stops when nobody says anything else.
pub struct Told<A> {
    tell: Option<Tell<A>>,
    stopping: fn() -> A,
}

impl<A> Told<A> {
    /// `tell` is told, if anybody is; what `stopping` makes says that the server stops.
    pub fn new(tell: Option<Tell<A>>, stopping: fn() -> A) -> Told<A> {
        Told { tell, stopping }
    }

    /// Tells.
    pub fn answer(mut self, answer: A) {
        if let Some(tell) = self.tell.take() {
            tell(answer);
        }
    }
}

impl<A> Drop for Told<A> {
    fn drop(&mut self) {
        if let Some(tell) = self.tell.take() {
            tell((self.stopping)());
        }
    }
}
