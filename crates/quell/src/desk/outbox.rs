//! Messages on their way out of the desk: those that were queued by their name alone, because a sink is far behind, are written out here.
//!
//! The text comes from the verdict, which never changes, and from the incident as it is now: its counts may have grown since the verdict was
//! given. Level, class, evidence and everything else that was judged are as they were. It is stored before it is sent, so that an
//! attempt that a crash cut short finds the same text again.

use alert::{IncidentId, Timestamp};
use store::{OutboxEntry, StoreError};

use super::Desk;

impl Desk {
    /// Gives the next messages for a sink, in order and with their texts.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) fn messages(
        &mut self,
        sink: &str,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<OutboxEntry>, StoreError> {
        let mut entries = self.store.outbox(sink, now, limit)?;
        let mut written = Vec::new();
        for entry in entries.iter_mut().filter(|entry| entry.body.is_empty()) {
            match self.text_of(&entry.key)? {
                Some(text) => {
                    entry.body.clone_from(&text);
                    written.push((entry.seq, text));
                }
                None => {
                    tracing::error!(
                        sink,
                        key = entry.key,
                        "a message is given up: its verdict is not kept any more"
                    );
                    self.store.mark_refused(entry.seq)?;
                }
            }
        }
        self.store.write_out(&written)?;
        entries.retain(|entry| !entry.body.is_empty());
        Ok(entries)
    }

    /// Writes the event for the verdict that a key names, if it is still there.
    fn text_of(&self, key: &str) -> Result<Option<String>, StoreError> {
        let Some((id, revision)) = key.rsplit_once(':') else { return Ok(None) };
        let Some(id) = IncidentId::parse(id) else { return Ok(None) };
        let Some(incident) = self.store.incident(id.as_str())? else { return Ok(None) };
        let verdicts = self.store.verdicts(&id)?;
        let Some(verdict) =
            verdicts.iter().find(|verdict| verdict.revision.to_string() == revision)
        else {
            return Ok(None);
        };
        let campaign = self.campaign(&incident)?.map(|campaign| campaign.line());
        Ok(Some(self.publisher.event(&incident, verdict, campaign.as_deref())))
    }
}
