-- Version 4. What is usual: on which days each place reported each thing (`triage::usual`). Numbers are hashes; a day is counted since 1970, and
-- `days` has a bit for it and for each of the 63 before.
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

-- How far an incident stands out from what is usual where it happens: of two that are equally dangerous, that one is read first.
ALTER TABLE incident ADD COLUMN stands_out INTEGER NOT NULL DEFAULT 0;
