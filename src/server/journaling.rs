//! The journal's threads, `mt-journal` and `mt-sync`: they end last, because replies wait for them to the end.
//!
//! `mt-sync` is there in every mode: LSNs are issued in each, and it keeps their ceiling ahead.

use std::sync::Arc;

use crossbeam_channel::{Receiver, Sender, bounded, select, tick};

use crate::base::threads::Job;
use crate::journal::{Committer, Journal, Syncer};
use crate::persist::{DataFolder, Error, Next};

use super::StartError;
use super::threads::Threads;

/// A journal that has begun.
pub struct Journaling {
    journal: Arc<Journal>,
    threads: Threads,
    /// Dropping it stops `mt-sync`.
    stop: Sender<()>,
}

impl Journaling {
    /// Begins `journal` with the segment `next` of `folder`, and starts its threads.
    ///
    /// # Errors
    /// The disk's, or the operating system has no thread.
    pub fn begin(journal: &Arc<Journal>, folder: &Arc<DataFolder>, next: Next) -> Result<Journaling, StartError> {
        journal.begin(Arc::clone(folder), next)?;
        let (stop, stopped) = bounded(0);
        let begun = Journaling { journal: Arc::clone(journal), threads: Threads::default(), stop };
        match begun.start_threads(stopped) {
            Ok(()) => Ok(begun),
            Err(error) => {
                // Nobody has written; that the end could not be written down changes nothing.
                let _ = begun.stop();
                Err(error)
            }
        }
    }

    fn start_threads(&self, stopped: Receiver<()>) -> Result<(), StartError> {
        let committer = Committer::new(Arc::clone(&self.journal));
        self.threads.start("mt-journal", Box::new(move || committer.run()))?;
        let syncer = Syncer::new(Arc::clone(&self.journal));
        self.threads.start("mt-sync", sync(Arc::clone(&self.journal), syncer, stopped))
    }

    /// Ends the journal and its threads. No write comes any more.
    ///
    /// # Errors
    /// The disk's, or that the journal had been given up.
    pub fn stop(self) -> Result<(), Error> {
        let Journaling { journal, threads, stop } = self;
        let stopped = journal.stop();
        drop(stop);
        threads.join();
        stopped
    }
}

/// The loop of `mt-sync`; `syncer` is `None` in modes that leave it nothing to do.
fn sync(journal: Arc<Journal>, syncer: Option<Syncer>, stopped: Receiver<()>) -> Job {
    Box::new(move || {
        let ticks = tick(Syncer::INTERVAL);
        loop {
            select! {
                recv(ticks) -> _ => {
                    journal.keep_ahead();
                    syncer.iter().for_each(Syncer::step);
                }
                recv(stopped) -> _ => return,
            }
        }
    })
}
