-- Version 4. A page of the list of incidents is read off an index, however many there are (`list.rs`), names in the outbox are bounded, and what is
-- usual is remembered: on which days each place reported each thing (`triage::usual`).

-- How far an incident stands out from what is usual where it happens: of two that are equally dangerous, that one is read first.
ALTER TABLE incident ADD COLUMN stands_out INTEGER NOT NULL DEFAULT 0;

-- An incident that nobody judged yet is not in it, so a flood of new ones costs nothing here. `state` is there to be looked at without the row.
DROP INDEX incident_threat;
CREATE INDEX incident_threat ON incident (threat_level, stands_out, last_ms, state) WHERE threat_level IS NOT NULL;

-- What waits for a sink by its name alone, in order: counted and found without looking at the texts beside it.
CREATE INDEX outbox_names ON outbox (sink) WHERE state = 'waiting' AND body = '';

-- Numbers are hashes; a day is counted since 1970, and `days` has a bit for it and for each of the 63 before.
CREATE TABLE habit (
    place INTEGER NOT NULL,
    thing INTEGER NOT NULL,
    rule INTEGER NOT NULL,
    source INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    last_day INTEGER NOT NULL,
    days INTEGER NOT NULL,
    PRIMARY KEY (place, thing)
) STRICT, WITHOUT ROWID;

-- What models said lately, for what is like it.
CREATE INDEX verdict_by_model ON verdict (judged_ms) WHERE is_by_model;
