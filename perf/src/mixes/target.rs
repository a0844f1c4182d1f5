//! The server that the mixes are asked of: one of ours, or one that runs already.
//!
//! Invariant: of a server that runs already nothing is touched but a collection of our own, which goes when we do.

use std::net::SocketAddr;

use anyhow::Result;

use crate::child::Server;
use crate::front;
use crate::listener;
use crate::operator;
use crate::options::Options;

/// Where documents lie in a server of ours.
const BASE: &str = "/v1/docs";

/// A server to be asked.
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its processes; none when they cannot be found.
    pub pids: Vec<u32>,
    /// What stands before the keys.
    pub base: String,
    /// Its name in results.
    pub name: &'static str,
    child: Option<Server>,
    collection: Option<String>,
}

impl Target {
    /// Starts the server that `options` describe, or finds the one that they name.
    ///
    /// # Errors
    /// It cannot be started, or does not answer.
    pub fn new(options: &Options) -> Result<Target> {
        match options.url {
            Some(address) => Target::running(address),
            None => Target::started(options),
        }
    }

    /// Adds to a failure what the server printed last, where we can know it.
    ///
    /// # Errors
    /// Those of `outcome`.
    pub fn explain<T>(&self, outcome: Result<T>) -> Result<T> {
        match &self.child {
            Some(server) => server.explain(outcome),
            None => outcome,
        }
    }

    /// What a reader must know of it.
    pub fn notes(&self) -> Vec<String> {
        let unknown = "the process that listens there is not to be found on this machine: no server CPU is shown";
        self.pids.is_empty().then(|| format!("{}: {unknown}", self.address)).into_iter().collect()
    }

    fn started(options: &Options) -> Result<Target> {
        let mut program = front::server(options);
        // What a command line says last is what counts, so what the caller passes on stays behind ours.
        let chosen = [format!("--journal={}", options.journal.name()), format!("--front={}", options.front.name())];
        let at = program.arguments.len() - options.server_arguments.len();
        program.arguments.splice(at..at, chosen.map(Into::into));
        let server = Server::start(&program)?;
        Ok(Target {
            address: server.address,
            pids: server.pids().to_vec(),
            base: BASE.to_owned(),
            name: options.front.name(),
            child: Some(server),
            collection: None,
        })
    }

    fn running(address: SocketAddr) -> Result<Target> {
        operator::page(address, "/readyz")?;
        let collection = format!("bench-{}", std::process::id());
        Ok(Target {
            address,
            pids: listener::process(address).into_iter().collect(),
            base: format!("/v1/collections/{collection}/docs"),
            name: "running",
            child: None,
            collection: Some(collection),
        })
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let Some(collection) = &self.collection else { return };
        if let Err(error) = operator::drop_collection(self.address, collection) {
            eprintln!("the collection {collection} stays on {}: {error:#}", self.address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    #[test]
    fn of_a_running_server_only_a_collection_of_our_own_is_touched_and_dropped() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let serving = std::thread::spawn(move || {
            [200, 204].map(|status| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = vec![0; 4096];
                let bytes = stream.read(&mut request).unwrap();
                write!(stream, "HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\n\r\n").unwrap();
                String::from_utf8(request[..bytes].to_vec()).unwrap().lines().next().unwrap().to_owned()
            })
        });
        let target = Target::running(address).unwrap();
        assert_eq!(target.pids, [std::process::id()]);
        assert!(target.notes().is_empty());
        let collection = target.base.strip_suffix("/docs").unwrap().to_owned();
        drop(target);
        let asked = serving.join().unwrap();
        assert_eq!(asked, ["GET /readyz HTTP/1.1".to_owned(), format!("DELETE {collection} HTTP/1.1")]);
    }

    #[test]
    fn nobody_is_found_where_nobody_listens() {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        assert!(Target::running(address).is_err());
        let target =
            Target { address, pids: Vec::new(), base: String::new(), name: "running", child: None, collection: None };
        assert!(target.notes()[0].ends_with("no server CPU is shown"), "{:?}", target.notes());
    }
}
