-- Version 3. For floods of millions: alerts as they came lie in packed blocks, an alert's place is near that of its neighbours in time, and
-- sums are kept instead of counted. `carry.rs` takes the alerts of version 2 over.

ALTER TABLE alert RENAME TO alert_2;
DROP INDEX alert_incident;
DROP INDEX alert_time;

-- Every alert that was folded. `stamp_ms` and `key` make an alert count once: the time that the alert itself names stands in front, so that new
-- keys come together at one end of the index instead of all over it.
CREATE TABLE alert (
    seq INTEGER PRIMARY KEY,
    stamp_ms INTEGER NOT NULL,
    key BLOB NOT NULL,
    incident_id TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    rule_id TEXT NOT NULL,
    level INTEGER NOT NULL,
    UNIQUE (stamp_ms, key)
) STRICT;
CREATE INDEX alert_incident ON alert (incident_id);

-- The alerts from number `first` to `last` as they came, packed (`raw.rs`). Goes when the last of them went.
CREATE TABLE raw_block (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    newest_ms INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX raw_block_newest ON raw_block (newest_ms);

-- What changes with every alert of an incident stands in one index instead of two.
DROP INDEX incident_fingerprint;
DROP INDEX incident_last;
DROP INDEX incident_actor;
CREATE INDEX incident_fingerprint ON incident (fingerprint);
CREATE INDEX incident_state ON incident (state, last_ms);
CREATE INDEX incident_actor ON incident (actor, first_ms, actor_kind);
CREATE INDEX incident_threat ON incident (threat_level) WHERE threat_level IS NOT NULL;
CREATE INDEX outbox_state ON outbox (state, queued_ms, sink);

-- What is asked of all jobs at once: the best of each class, and how many of each severity wait, since when and until when. The bodies are long,
-- and a flood leaves a million of them.
ALTER TABLE job ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN severity TEXT NOT NULL DEFAULT '';
ALTER TABLE job ADD COLUMN deadline_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN is_unjudged INTEGER NOT NULL DEFAULT 0;
ALTER TABLE job ADD COLUMN is_interim INTEGER NOT NULL DEFAULT 0;
UPDATE job SET kind = coalesce((SELECT class FROM incident WHERE id = job.incident_id), ''), severity = body ->> 'severity',
    deadline_ms = body ->> 'deadline_at', is_unjudged = body ->> 'is_unjudged', is_interim = coalesce(body ->> 'is_interim', 0);
CREATE INDEX job_kind ON job (kind, score);
CREATE INDEX job_standing ON job (severity, is_unjudged, is_interim, deadline_ms, queued_ms);

-- Sums, kept up by whatever changes what they count.
INSERT INTO counter (name, value) VALUES
    ('incidents', (SELECT count(*) FROM incident)),
    ('incidents_open', (SELECT count(*) FROM incident WHERE state <> 'closed')),
    ('campaigns', (SELECT count(*) FROM (SELECT 1 FROM incident WHERE actor_kind IN ('address', 'user') GROUP BY actor HAVING count(*) > 1))),
    ('jobs', (SELECT count(*) FROM job));

CREATE TRIGGER incident_added AFTER INSERT ON incident BEGIN
    UPDATE counter SET value = value + 1 WHERE name = 'incidents';
    UPDATE counter SET value = value + 1 WHERE name = 'incidents_open' AND new.state <> 'closed';
    UPDATE counter SET value = value + 1 WHERE name = 'campaigns' AND new.actor_kind IN ('address', 'user')
        AND (SELECT count(*) FROM (SELECT 1 FROM incident WHERE actor = new.actor AND actor_kind IN ('address', 'user') LIMIT 3)) = 2;
END;
CREATE TRIGGER incident_turned AFTER UPDATE OF state ON incident WHEN (old.state = 'closed') <> (new.state = 'closed') BEGIN
    UPDATE counter SET value = value + iif(new.state = 'closed', -1, 1) WHERE name = 'incidents_open';
END;
CREATE TRIGGER incident_gone AFTER DELETE ON incident BEGIN
    UPDATE counter SET value = value - 1 WHERE name = 'incidents';
    UPDATE counter SET value = value - 1 WHERE name = 'incidents_open' AND old.state <> 'closed';
    UPDATE counter SET value = value - 1 WHERE name = 'campaigns' AND old.actor_kind IN ('address', 'user')
        AND (SELECT count(*) FROM (SELECT 1 FROM incident WHERE actor = old.actor AND actor_kind IN ('address', 'user') LIMIT 2)) = 1;
END;
CREATE TRIGGER job_added AFTER INSERT ON job BEGIN
    UPDATE counter SET value = value + 1 WHERE name = 'jobs';
END;
CREATE TRIGGER job_gone AFTER DELETE ON job BEGIN
    UPDATE counter SET value = value - 1 WHERE name = 'jobs';
END;
