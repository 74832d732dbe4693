//! Messages on their way out of the desk: those that were queued by their name alone, because a sink is far behind, are written out here.
//!
//! The text comes from the verdict, which never changes, and from the incident as it is now: its counts may have grown since the verdict was
//! given. Level, class, evidence and everything else that was judged are as they were. It is stored before it is sent, so that an
//! attempt that a crash cut short finds the same text again.

use alert::{IncidentId, Timestamp};
use store::{GivingUp, NAMES_MAX, OutboxEntry, StoreError};

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

    /// Gives up some of the messages that no sink will ever be sent: those of a sink that is not configured any more, once they are older than
    /// `older_than`, and those beyond the bound. Gives whether there may be more.
    ///
    /// # Errors
    /// If the store fails; then all of them still wait.
    pub(crate) fn give_up(&mut self, older_than: Timestamp) -> Result<bool, StoreError> {
        let sinks = self.settings.sinks.iter().map(|sink| sink.name.clone()).collect();
        let which = GivingUp { sinks, older_than, names_max: NAMES_MAX };
        let given_up = self.store.give_up(&which)?;
        for (sink, messages) in &given_up {
            let why = if which.sinks.contains(sink) {
                "more waited for the sink than are kept"
            } else {
                "the sink is not configured any more"
            };
            tracing::warn!(
                sink,
                messages,
                hint = "`quell doctor` says what keeps a sink from taking them; the verdicts are in `quell incidents list`",
                "messages were given up: {why}"
            );
        }
        Ok(!given_up.is_empty())
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
