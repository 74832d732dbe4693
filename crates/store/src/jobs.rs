//! Verdicts that are wanted, and verdicts that were given.

use alert::{Incident, IncidentId, Likeness, Timestamp, Verdict};
use rusqlite::{Transaction, params};
use serde::{Deserialize, Serialize};

use crate::error::Doing;
use crate::intake::add_to_counter;
use crate::outbox::{self, OutboxMessage};
use crate::row::whole;
use crate::{Store, StoreError, incidents};

/// A verdict that is wanted. At most one per incident: news replaces it and keeps its place in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// For which incident.
    pub incident_id: IncidentId,
    /// At which revision.
    pub revision: u32,
    /// Whose incident it is.
    pub actor: String,
    /// What kind of thing it is. Jobs that an earlier version left waiting don't say.
    #[serde(default)]
    pub kind: String,
    /// How serious it looks, in a word.
    pub severity: String,
    /// How urgent it is.
    pub score: f64,
    /// What the score is made of, as the scheduler explains it.
    pub parts: String,
    /// Score and parts as they are once somebody judged an earlier revision: what waits then is news, and no first verdict.
    #[serde(default)]
    pub once_judged: Option<(f64, String)>,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// Until when there should be a verdict.
    pub deadline_at: Timestamp,
    /// Nobody judged the incident yet.
    pub is_unjudged: bool,
    /// The playbook's verdict stands in the meantime, and a model is still to be asked.
    #[serde(default)]
    pub is_interim: bool,
    /// A model must not be asked.
    pub playbook_only: bool,
    /// The latest revision that brought news which no model judged yet; none if there is only more of the same. Jobs that an earlier version
    /// left waiting don't say, and are news.
    #[serde(default = "unknown_news")]
    pub news_revision: Option<u32>,
    /// The threat level that the evidence suggests.
    #[serde(default)]
    pub typical: u8,
    /// It looks more serious than whoever judged it last could know.
    #[serde(default)]
    pub is_raised: bool,
    /// Nothing in it sets it apart from others of its kind.
    #[serde(default)]
    pub may_be_like_others: bool,
    /// What it is like.
    #[serde(default)]
    pub likeness: Likeness,
    /// Alerts in the incident, as of this revision.
    #[serde(default)]
    pub alert_count: u64,
}

#[expect(clippy::unnecessary_wraps, reason = "it stands for a field that may be empty")]
const fn unknown_news() -> Option<u32> {
    Some(0)
}

/// Finds which revision brought the news that a job is about. Revisions that were skipped (several in one batch) may have brought news that the
/// last one does not tell of.
fn news_of(
    tx: &Transaction<'_>,
    job: &JobRow,
    earlier: Option<&JobRow>,
) -> Result<Option<u32>, StoreError> {
    if job.news_revision.is_some() {
        return Ok(job.news_revision);
    }
    let (known, news) = match earlier {
        Some(earlier) => (earlier.revision, earlier.news_revision),
        None => {
            let judged: Option<u32> = tx
                .prepare_cached("SELECT max(revision) FROM verdict WHERE incident_id = ?1")
                .and_then(|mut find| find.query_row([job.incident_id.as_str()], |row| row.get(0)))
                .doing("look for a verdict")?;
            (judged.unwrap_or(0), None)
        }
    };
    let is_next = known > 0 && job.revision <= known.saturating_add(1);
    Ok(if is_next { news } else { Some(job.revision) })
}

/// Writes a job. One that waits already keeps its time, unless it was judged in the meantime.
pub(crate) fn write(tx: &Transaction<'_>, job: &JobRow) -> Result<(), StoreError> {
    let waiting: Option<String> = {
        use rusqlite::OptionalExtension as _;
        tx.prepare_cached("SELECT body FROM job WHERE incident_id = ?1")
            .and_then(|mut find| {
                find.query_row([job.incident_id.as_str()], |row| row.get(0)).optional()
            })
            .doing("look for a waiting job")?
    };
    let mut job = job.clone();
    let earlier: Option<JobRow> =
        waiting.map(|body| serde_json::from_str(&body).doing("read a waiting job")).transpose()?;
    job.news_revision = news_of(tx, &job, earlier.as_ref())?;
    if let Some(earlier) = earlier {
        job.queued_at = job.queued_at.min(earlier.queued_at);
        job.deadline_at = job.deadline_at.min(earlier.deadline_at);
        job.is_interim |= earlier.is_interim;
        job.may_be_like_others &= earlier.may_be_like_others;
        // What a person asked for, say, waits yet if there is more since.
        job.likeness.may_be_like &= earlier.likeness.may_be_like;
        job.likeness.may_be_part &= earlier.likeness.may_be_part;
        if earlier.score > job.score {
            // More of the same does not make the news that wait less urgent.
            (job.score, job.parts, job.severity) = (earlier.score, earlier.parts, earlier.severity);
        }
        if let (Some(before), Some(now)) = (earlier.once_judged, &job.once_judged)
            && before.0 > now.0
        {
            job.once_judged = Some(before);
        }
    }
    put(tx, &job)
}

/// Writes a job in the place of the one that waits for its incident, if there is one.
fn put(tx: &Transaction<'_>, job: &JobRow) -> Result<(), StoreError> {
    let body = serde_json::to_string(job).doing("write a job")?;
    // Not `OR REPLACE`: the sum of all jobs counts rows that come and go, and this one stays.
    tx.prepare_cached(
        "INSERT INTO job (incident_id, revision, score, queued_ms, kind, severity, deadline_ms, is_unjudged, is_interim, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (incident_id) DO UPDATE SET revision = excluded.revision, score = excluded.score, queued_ms = excluded.queued_ms,
             kind = excluded.kind, severity = excluded.severity, deadline_ms = excluded.deadline_ms, is_unjudged = excluded.is_unjudged,
             is_interim = excluded.is_interim, body = excluded.body",
    )
    .and_then(|mut upsert| {
        upsert.execute(params![
            job.incident_id.as_str(),
            job.revision,
            job.score,
            job.queued_at.as_millis(),
            job.kind,
            job.severity,
            job.deadline_at.as_millis(),
            job.is_unjudged,
            job.is_interim,
            body
        ])
    })
    .map(drop)
    .doing("store a job")
}

/// What waits for the incident now is news that came while it was judged: it waits since then, and not for a first verdict.
fn note_judged(tx: &Transaction<'_>, verdict: &Verdict) -> Result<(), StoreError> {
    use rusqlite::OptionalExtension as _;
    let id = verdict.incident_id.as_str();
    let body: Option<String> = tx
        .query_row("SELECT body FROM job WHERE incident_id = ?1", [id], |row| row.get(0))
        .optional()
        .doing("look for a waiting job")?;
    let Some(body) = body else { return Ok(()) };
    let mut job: JobRow = serde_json::from_str(&body).doing("read a waiting job")?;
    let allowed = job.deadline_at.since(job.queued_at);
    job.queued_at = job.queued_at.max(verdict.judged_at);
    job.deadline_at = job.queued_at.after(allowed);
    job.is_unjudged = false;
    job.is_interim = verdict.model_pending;
    job.is_raised = job.typical > verdict.bounds.typical;
    if verdict.analyst.is_model() && job.news_revision.is_some_and(|news| news <= verdict.revision)
    {
        job.news_revision = None;
    }
    if let Some((score, parts)) = job.once_judged.take() {
        (job.score, job.parts) = (score, parts);
    }
    put(tx, &job)
}

impl Store {
    /// Gives the most urgent and the oldest jobs, at most `limit` of each, without repeats. Where more wait than that, the most urgent of each
    /// class and the oldest of incidents that nobody judged are among them too: hundreds alike must not hide the one that is different.
    ///
    /// # Errors
    /// If the store fails.
    pub fn jobs(&self, limit: usize) -> Result<Vec<JobRow>, StoreError> {
        let (waiting, _) = self.queue_depth()?;
        let sql = if waiting <= limit as u64 {
            "SELECT body FROM job ORDER BY score DESC, incident_id LIMIT ?1"
        } else {
            "SELECT body FROM job WHERE incident_id IN (SELECT incident_id FROM job ORDER BY score DESC LIMIT ?1)
             OR incident_id IN (SELECT incident_id FROM job ORDER BY queued_ms LIMIT ?1)
             OR incident_id IN (WITH RECURSIVE kinds (kind) AS (SELECT min(kind) FROM job UNION ALL
                     SELECT (SELECT min(kind) FROM job WHERE job.kind > kinds.kind) FROM kinds WHERE kinds.kind IS NOT NULL)
                 SELECT j.incident_id FROM kinds JOIN job j ON j.rowid IN
                     (SELECT b.rowid FROM job b WHERE b.kind = kinds.kind ORDER BY b.score DESC LIMIT 1 + ?1 / 32))
             OR incident_id IN (SELECT incident_id FROM job WHERE body ->> 'is_unjudged' ORDER BY queued_ms LIMIT ?1)
             ORDER BY score DESC, incident_id"
        };
        let mut read = self.connection.prepare_cached(sql).doing("read the queue")?;
        let bodies = read
            .query_map([whole(limit as u64)], |row| row.get::<_, String>(0))
            .doing("read the queue")?;
        bodies
            .map(|body| {
                serde_json::from_str(&body.doing("read the queue")?).doing("read a waiting job")
            })
            .collect()
    }

    /// Counts the jobs, and gives since when the oldest waits.
    ///
    /// # Errors
    /// If the store fails.
    pub fn queue_depth(&self) -> Result<(u64, Option<Timestamp>), StoreError> {
        self.connection
            .query_row(
                // Asked one by one, both are at hand: a sum that is kept, and the end of an index.
                "SELECT (SELECT value FROM counter WHERE name = 'jobs') AS n, (SELECT min(queued_ms) FROM job) AS oldest",
                [],
                |row| {
                    Ok((
                        crate::row::count(row, "n")?,
                        row.get::<_, Option<i64>>("oldest")?.map(Timestamp::from_millis),
                    ))
                },
            )
            .doing("measure the queue")
    }

    /// Commits a verdict with what each sink is to be told. The job it answers leaves the queue, unless news arrived while it was judged; `follow_up` is
    /// a verdict that is wanted next, with the incident at its new revision.
    ///
    /// Gives false, and changes nothing, if the revision has a verdict already.
    ///
    /// # Errors
    /// If the store fails; then nothing of it happened.
    pub fn commit_verdict(
        &mut self,
        verdict: &Verdict,
        messages: &[OutboxMessage],
        follow_up: Option<(&Incident, &JobRow)>,
    ) -> Result<bool, StoreError> {
        let body = serde_json::to_string(verdict).doing("write a verdict")?;
        let id = verdict.incident_id.as_str();
        let whole_max = self.whole_messages_max;
        let tx = self.connection.transaction().doing("begin a verdict")?;
        let is_new = tx
            .execute(
                "INSERT OR IGNORE INTO verdict (incident_id, revision, judged_ms, threat_level, is_by_model, body) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![
                    id,
                    verdict.revision,
                    verdict.judged_at.as_millis(),
                    verdict.draft.threat_level,
                    verdict.analyst.is_model(),
                    body
                ],
            )
            .doing("store a verdict")?
            == 1;
        tx.execute(
            "DELETE FROM job WHERE incident_id = ?1 AND revision <= ?2",
            params![id, verdict.revision],
        )
        .doing("take a job off the queue")?;
        if is_new {
            // A verdict that comes late, on less than what was judged since, takes nothing back.
            tx.execute(
                "UPDATE incident SET threat_level = ?2 WHERE id = ?1
                 AND NOT EXISTS (SELECT 1 FROM verdict WHERE incident_id = ?1 AND revision > ?3)",
                params![id, verdict.draft.threat_level, verdict.revision],
            )
            .doing("note the threat level")?;
            for message in messages {
                outbox::write(&tx, message, verdict.judged_at, whole_max)?;
            }
            let by =
                if verdict.analyst.is_model() { "model_verdicts" } else { "playbook_verdicts" };
            add_to_counter(&tx, by, 1)?;
            add_to_counter(&tx, "interim_verdicts", u64::from(verdict.model_pending))?;
            add_to_counter(&tx, "model_calls", u64::from(verdict.cost.calls))?;
        }
        match follow_up {
            Some((incident, job)) if is_new => {
                incidents::write(&tx, incident)?;
                write(&tx, job)?;
            }
            None if is_new => note_judged(&tx, verdict)?,
            _ => {}
        }
        tx.commit().doing("commit a verdict")?;
        Ok(is_new)
    }

    /// Takes a job off the queue whose incident is gone.
    ///
    /// # Errors
    /// If the store fails.
    pub fn drop_job(&self, id: &IncidentId) -> Result<(), StoreError> {
        self.connection
            .execute("DELETE FROM job WHERE incident_id = ?1", [id.as_str()])
            .map(drop)
            .doing("drop a job")
    }
}
