//! `mt-reload`: reads again, when it is told to, what may change while serving: the tokens, and the certificate of TLS.
//!
//! Invariant: there is one reader, so that two reloads never mix, and what it cannot use leaves in place what was there
//! before. Calls that come while it reads are one reload, which begins when that reading has ended. It does not know who
//! calls, nor how they are told.

use std::path::PathBuf;
use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, select, unbounded};

use crate::api::Api;
use crate::base::disk::Disk;
use crate::base::log::{self, Level, Value};
use crate::base::threads::Job;
use crate::config::Sources;
use crate::model::{ReloadAnswer, Reloaded, Reread};

use super::certificate::Shown;
use super::tokens;
use super::told::{Tell, Told};

/// A call for a reload.
pub type Order = Told<ReloadAnswer>;

/// Where calls are made.
pub struct Reloads {
    orders: Sender<Order>,
}

impl Reloads {
    /// Where calls are made, and where the thread receives them.
    pub fn new() -> (Reloads, Receiver<Order>) {
        let (orders, received) = unbounded();
        (Reloads { orders }, received)
    }

    /// Has everything read again that can be, and calls `tell` once when that is done, from any thread. Never blocks.
    pub fn order(&self, tell: Tell<ReloadAnswer>) {
        // When nobody receives any more it comes back and is dropped, which tells.
        let _ = self.orders.send(Told::new(Some(tell), || ReloadAnswer::Stopping));
    }
}

/// The thread.
pub struct Reloader {
    /// The certificate, where TLS is spoken.
    pub certificate: Option<Shown>,
    /// Who asks for the tokens.
    pub api: Arc<Api>,
    /// Where the tokens are read from.
    pub sources: Sources,
    /// The files.
    pub disk: Arc<dyn Disk>,
}

impl Reloader {
    /// The thread's loop, until `stopped` is disconnected.
    pub fn into_job(self, orders: Receiver<Order>, stopped: Receiver<()>) -> Job {
        Box::new(move || {
            loop {
                select! {
                    recv(stopped) -> _ => return,
                    recv(orders) -> order => match order {
                        Ok(order) => self.on_demand(order, &orders),
                        Err(_) => return,
                    },
                }
            }
        })
    }

    /// Answers `order`, and with it those that are here already: they ask for what has not been read yet.
    fn on_demand(&self, order: Order, orders: &Receiver<Order>) {
        let together: Vec<Order> = std::iter::once(order).chain(orders.try_iter()).collect();
        let reloaded = Reloaded { certificate: self.certificate(), tokens: self.tokens() };
        write_down(&reloaded);
        together.into_iter().for_each(|order| order.answer(ReloadAnswer::Done(reloaded.clone())));
    }

    fn certificate(&self) -> Reread<PathBuf> {
        match self.certificate.as_ref().map(Shown::read_again) {
            None => Reread::Absent,
            Some(Ok(path)) => Reread::Taken(path.to_owned()),
            Some(Err(error)) => Reread::Kept(error.to_string()),
        }
    }

    fn tokens(&self) -> Reread<usize> {
        match tokens::read_again(&self.sources, self.disk.as_ref()) {
            Ok(tokens) if tokens.is_empty() && self.api.asks_for_tokens() => {
                let cause = "no token is configured any more, and everybody would be let in; restart to have that";
                Reread::Kept(cause.to_owned())
            }
            Ok(tokens) if tokens.is_empty() => Reread::Absent,
            Ok(tokens) => {
                let count = tokens.len();
                self.api.ask_for(tokens);
                Reread::Taken(count)
            }
            Err(cause) => Reread::Kept(cause),
        }
    }
}

/// A line in the log for each thing that was to be read; at least one.
fn write_down(reloaded: &Reloaded) {
    let Reloaded { certificate, tokens } = reloaded;
    match certificate {
        Reread::Absent => {}
        Reread::Taken(path) => {
            let path = path.display();
            let text = format_args!("reload: new connections are shown the certificate that is now in {path}");
            let fields = [("what", Value::Said(&"certificate".into())), ("path", Value::Said(&Value::Shown(&path)))];
            log::event(Level::Info, "reloaded", text, &fields);
        }
        Reread::Kept(cause) => {
            let text = format_args!("reload: the certificate is not reloaded, the one before stays: {cause}");
            log::event(Level::Warn, "not_reloaded", text, &[("what", Value::Said(&"certificate".into()))]);
        }
    }
    match tokens {
        Reread::Absent if *certificate == Reread::Absent => {
            let text = format_args!(
                "reload: nothing to read: only TLS certificates and tokens are read again, and there are none of them; \
                 restart to change options"
            );
            log::event(Level::Info, "reloaded", text, &[("what", Value::Said(&"nothing".into()))]);
        }
        Reread::Absent => {}
        Reread::Taken(count) => {
            let text = format_args!("reload: every request is asked for one of {count} tokens, as read now");
            let count = Value::from(*count);
            let fields = [("what", Value::Said(&"tokens".into())), ("tokens", Value::Said(&count))];
            log::event(Level::Info, "reloaded", text, &fields);
        }
        Reread::Kept(cause) => {
            let text = format_args!("reload: the tokens are not reloaded, those before stay: {cause}");
            log::event(Level::Warn, "not_reloaded", text, &[("what", Value::Said(&"tokens".into()))]);
        }
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::bounded;

    use super::*;

    fn call(reloads: &Reloads) -> Receiver<ReloadAnswer> {
        let (tell, told) = bounded(1);
        reloads.order(Box::new(move |answer| tell.send(answer).unwrap()));
        told
    }

    /// The thread ends while an order is on its way, or has ended before.
    #[test]
    fn an_order_that_nobody_carries_out_is_answered() {
        let (reloads, orders) = Reloads::new();
        let on_its_way = call(&reloads);
        assert!(on_its_way.is_empty());
        drop(orders);
        assert_eq!(on_its_way.try_recv(), Ok(ReloadAnswer::Stopping));
        assert_eq!(call(&reloads).try_recv(), Ok(ReloadAnswer::Stopping));
    }
}
