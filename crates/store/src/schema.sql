-- Version 1. Forward only: a later version adds a file of its own and never edits this one.

-- Every alert that was folded, as it came. `seq` makes the table append-only on disk; `key` is what makes an alert count once.
CREATE TABLE alert (
    seq INTEGER PRIMARY KEY,
    key BLOB NOT NULL UNIQUE,
    incident_id TEXT NOT NULL,
    alert_id TEXT NOT NULL,
    time_ms INTEGER NOT NULL,
    rule_id TEXT NOT NULL,
    level INTEGER NOT NULL,
    raw BLOB NOT NULL
) STRICT;
CREATE INDEX alert_incident ON alert (incident_id);
CREATE INDEX alert_time ON alert (time_ms);

-- An incident: the whole value in `body`, and beside it what is searched for.
CREATE TABLE incident (
    id TEXT PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    actor TEXT NOT NULL,
    actor_kind TEXT NOT NULL,
    target TEXT NOT NULL,
    class TEXT NOT NULL,
    state TEXT NOT NULL,
    revision INTEGER NOT NULL,
    first_ms INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    alert_count INTEGER NOT NULL,
    threat_level INTEGER,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX incident_fingerprint ON incident (fingerprint, last_ms);
CREATE INDEX incident_actor ON incident (actor, first_ms);
CREATE INDEX incident_last ON incident (last_ms);

-- A verdict that is wanted: at most one per incident, at its newest revision that asked.
CREATE TABLE job (
    incident_id TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    score REAL NOT NULL,
    queued_ms INTEGER NOT NULL,
    body TEXT NOT NULL
) STRICT;
CREATE INDEX job_score ON job (score);
CREATE INDEX job_queued ON job (queued_ms);

CREATE TABLE verdict (
    incident_id TEXT NOT NULL,
    revision INTEGER NOT NULL,
    judged_ms INTEGER NOT NULL,
    threat_level INTEGER NOT NULL,
    is_by_model INTEGER NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (incident_id, revision)
) STRICT;

-- What is still to be told to the outside, and what was. One row per sink and idempotency key, for ever.
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    sink TEXT NOT NULL,
    key TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sending', 'sent', 'refused')),
    attempts INTEGER NOT NULL DEFAULT 0,
    not_before_ms INTEGER NOT NULL DEFAULT 0,
    place TEXT,
    queued_ms INTEGER NOT NULL,
    UNIQUE (sink, key)
) STRICT;
CREATE INDEX outbox_open ON outbox (sink, seq) WHERE state IN ('waiting', 'sending');

CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;

CREATE TABLE dead_letter (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    route TEXT NOT NULL,
    reason TEXT NOT NULL,
    raw BLOB NOT NULL
) STRICT;

CREATE TABLE checkpoint (source TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;

-- What a person asked of the daemon from another process. The daemon applies a row and deletes it in one transaction.
CREATE TABLE request (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;

CREATE TABLE note (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    incident_id TEXT NOT NULL,
    text TEXT NOT NULL
) STRICT;
CREATE INDEX note_incident ON note (incident_id);

-- What people did, each row bound to the one before it by a hash: a row can't be changed or removed unseen.
CREATE TABLE audit (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
