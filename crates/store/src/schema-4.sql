-- Version 4. A page of the list of incidents is read off an index, however many there are (`list.rs`), and names in the outbox are bounded.

-- An incident that nobody judged yet is not in it, so a flood of new ones costs nothing here. `state` is there to be looked at without the row.
DROP INDEX incident_threat;
CREATE INDEX incident_threat ON incident (threat_level, last_ms, state) WHERE threat_level IS NOT NULL;

-- What waits for a sink by its name alone, in order: counted and found without looking at the texts beside it.
CREATE INDEX outbox_names ON outbox (sink) WHERE state = 'waiting' AND body = '';
