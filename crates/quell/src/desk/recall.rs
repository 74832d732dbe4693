//! What the desk remembers beyond single incidents, and takes back from the store: what is usual where, and what models said lately.
//!
//! It is read once after a start, and again whenever memory may be ahead of what was committed.

use std::time::Duration;

use alert::Timestamp;
use alert::incident::Success;
use store::StoreError;
use triage::usual::Usual;
use triage::{Fold, likeness};

use super::Desk;
use super::row::precedent;

/// How long ago a model may have said something of an incident for others that are like it to take over.
const PRECEDENTS_SINCE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Most of what models said that is read back at a start.
const PRECEDENTS_MAX: usize = 1_000;

impl Desk {
    /// Forgets what may not be as the store has it. It comes back from there.
    pub(super) fn forget(&mut self) {
        self.fold = Fold::new(self.settings.fold);
        self.is_recalled = false;
    }

    /// Takes back from the store what is remembered beyond single incidents.
    pub(super) fn recall(&mut self, now: Timestamp) -> Result<(), StoreError> {
        if self.is_recalled {
            return Ok(());
        }
        let usual = Usual::restore(self.store.habits()?);
        self.fold = Fold::with_memory(self.settings.fold, usual);
        let said = self.store.verdicts_of_models(now.before(PRECEDENTS_SINCE), PRECEDENTS_MAX)?;
        for (incident, verdict) in &said {
            let likeness = likeness::of(incident, verdict.bounds.typical);
            // What came to light since then is nothing that the model was told.
            let is_known = verdict.revision >= incident.revision;
            let success = if is_known { likeness.success } else { Success::None };
            self.scheduler.note_precedent(&likeness, &precedent(verdict, success));
        }
        self.is_recalled = true;
        Ok(())
    }
}
