//! Creating and dropping a collection.

use crate::model::{CollectionName, Effect, Outcome, Record, Refusal, Rest};
use crate::store::{Created, Dropped};

use super::super::Engine;

impl Engine {
    pub(super) fn create_collection(&self, name: CollectionName<'_>) -> Result<Outcome, Refusal> {
        let record = Record::CreateCollection { name };
        let mut room = self.journal.room(&[record])?;
        let _held = self.catalogue_gate.read();
        if self.is_sealed() {
            return Err(Refusal::Stopping);
        }
        match self.store.create_collection(name, self.collections_max, || room.append(&record)) {
            Ok(Created { created, lsn, .. }) => {
                let rest = if created { Rest::Written(lsn) } else { Rest::Seen(lsn) };
                Ok(Outcome { rest, effect: Effect::CollectionEnsured { created } })
            }
            Err(_) => Err(Refusal::TooManyCollections { limit: self.collections_max }),
        }
    }

    pub(super) fn drop_collection(&self, name: CollectionName<'_>) -> Result<Outcome, Refusal> {
        let record = Record::DropCollection { name };
        let mut room = self.journal.room(&[record])?;
        let dropped = {
            let _held = self.catalogue_gate.read();
            if self.is_sealed() {
                return Err(Refusal::Stopping);
            }
            self.store.drop_collection(name, || room.append(&record))
        };
        Ok(match dropped {
            Dropped::Existed { id, lsn } => {
                self.store.reclaim(id);
                Outcome { rest: Rest::Written(lsn), effect: Effect::CollectionDropped { existed: true } }
            }
            Dropped::Absent { rests_on } => {
                Outcome { rest: Rest::Seen(rests_on), effect: Effect::CollectionDropped { existed: false } }
            }
        })
    }
}
