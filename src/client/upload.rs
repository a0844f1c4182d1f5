//! A body that is read while it is sent, and a server that may have heard enough before its end.
//!
//! A server that refuses a line answers at once and closes when it has been sent some more. That answer is what whoever
//! sends wants to hear, and not that the connection is broken: so a connection that takes no more ends the body, and is
//! read from then. Each body has a connection of its own.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, TcpConnector, Transport};
use ureq::{Agent, Error, SendBody};

use super::error::ClientError;
use super::message::{Reply, Request};
use super::{Client, config};

impl Client {
    /// Sends `request` with everything that `body` holds, and waits for the whole answer, which may come before the end.
    ///
    /// # Errors
    /// `Unsendable`, `Unreachable`, `Body`.
    pub fn upload(&self, request: &Request<'_>, body: &mut dyn Read) -> Result<Reply, ClientError> {
        let has_hung_up = Arc::<AtomicBool>::default();
        let ear = Ear { has_hung_up: Arc::clone(&has_hung_up) };
        let agent =
            Agent::with_parts(config(), ().chain(TcpConnector::default()).chain(ear), DefaultResolver::default());
        let mut body = Mouth { body, has_hung_up, fault: None };
        let head = self.head(request).header("Transfer-Encoding", "chunked");
        let sent = agent.run(head.body(SendBody::from_reader(&mut body)).map_err(ClientError::Unsendable)?);
        match (sent, body.fault) {
            (_, Some(fault)) => Err(ClientError::Body(fault)),
            (Ok(answer), None) => self.reply(request, answer),
            (Err(error), None) => Err(self.unreachable(request, error)),
        }
    }
}

/// The body, up to where the server hangs up.
struct Mouth<'b> {
    body: &'b mut dyn Read,
    has_hung_up: Arc<AtomicBool>,
    /// Why the body could not be read; kept apart from what befalls the connection.
    fault: Option<io::Error>,
}

impl Read for Mouth<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.has_hung_up.load(Ordering::Relaxed) {
            return Ok(0);
        }
        loop {
            match self.body.read(into) {
                Err(fault) if fault.kind() == io::ErrorKind::Interrupted => {}
                Err(fault) => {
                    let kind = fault.kind();
                    self.fault = Some(fault);
                    return Err(kind.into());
                }
                Ok(count) => return Ok(count),
            }
        }
    }
}

/// Listens to a connection that takes no more.
#[derive(Debug)]
struct Ear {
    has_hung_up: Arc<AtomicBool>,
}

#[derive(Debug)]
struct Listened<T> {
    inner: T,
    has_hung_up: Arc<AtomicBool>,
}

impl<In: Transport> Connector<In> for Ear {
    type Out = Listened<In>;

    fn connect(&self, _: &ConnectionDetails<'_>, chained: Option<In>) -> Result<Option<Listened<In>>, Error> {
        Ok(chained.map(|inner| Listened { inner, has_hung_up: Arc::clone(&self.has_hung_up) }))
    }
}

impl<T: Transport> Transport for Listened<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        match self.inner.transmit_output(amount, timeout) {
            Err(Error::Io(error)) if is_closed(&error) => {
                self.has_hung_up.store(true, Ordering::Relaxed);
                Ok(())
            }
            other => other,
        }
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }
}

fn is_closed(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionAborted | ConnectionReset)
}
