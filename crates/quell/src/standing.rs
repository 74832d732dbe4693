//! How the daemon stands: what its stages say of themselves, and what that means for whoever waits.
//!
//! A stage keeps its own word up to date in a channel that holds the newest value; tending puts all of them into the daemon's heartbeat,
//! from where `quell status` and `quell top` read them. What lies in the store (queue, counts, verdicts) is not repeated here. Everything
//! below is a value or a function of values.

use std::time::Duration;

use alert::{IncidentId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::QueueRow;
use triage::priority::Severity;

/// Cases over which a model's pace is averaged: enough to even out long and short incidents, few enough to notice a change of load.
pub(crate) const PACE_CASES: usize = 16;

/// What one case cost at one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct Spent {
    /// Time of its calls, with pauses.
    pub(crate) took_ms: u64,
    /// Tokens read.
    pub(crate) prompt_tokens: u64,
    /// Tokens written.
    pub(crate) completion_tokens: u64,
    /// Time for writing them, where the server says so.
    pub(crate) generation_ms: u64,
}

/// A case under way at a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunningCase {
    pub(crate) incident_id: IncidentId,
    pub(crate) actor: String,
    pub(crate) since: Timestamp,
}

/// What the judge stage says of one model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct ModelStanding {
    /// Its name in the configuration.
    pub(crate) name: String,
    /// The model, as configured; empty where the server chooses.
    pub(crate) model: String,
    /// Cases that it may be given at a time.
    pub(crate) slots: usize,
    /// What it is judging.
    pub(crate) running: Vec<RunningCase>,
    /// Cases that it was asked about since the daemon's start.
    pub(crate) cases: u64,
    /// Of these, ended without a verdict of it.
    pub(crate) failures: u64,
    /// Why, the last time.
    pub(crate) last_failure: String,
    /// It is left alone until then, after failures.
    pub(crate) rests_until: Option<Timestamp>,
    /// The newest cases that it judged, the newest last.
    pub(crate) recent: Vec<Spent>,
}

impl ModelStanding {
    /// Takes note of a case that it judged, or failed at.
    pub(crate) fn note(&mut self, spent: Spent, failure: Option<&str>) {
        self.cases = self.cases.saturating_add(1);
        if let Some(failure) = failure {
            self.failures = self.failures.saturating_add(1);
            failure.clone_into(&mut self.last_failure);
            return;
        }
        if self.recent.len() >= PACE_CASES {
            self.recent.remove(0);
        }
        self.recent.push(spent);
    }

    /// Gives the mean time of a case.
    pub(crate) fn case_time(&self) -> Option<Duration> {
        let cases = u64::try_from(self.recent.len()).ok().filter(|cases| *cases > 0)?;
        let sum: u64 = self.recent.iter().map(|spent| spent.took_ms).sum();
        Some(Duration::from_millis(sum / cases))
    }

    /// Gives the tokens written a second: while it writes where the server says so, else over the whole call.
    #[expect(clippy::cast_precision_loss, reason = "a speed is shown with two digits")]
    pub(crate) fn tokens_per_second(&self) -> Option<f64> {
        let tokens: u64 = self.recent.iter().map(|spent| spent.completion_tokens).sum();
        let time = |spent: &Spent| match spent.generation_ms {
            0 => spent.took_ms,
            told => told,
        };
        let millis: u64 = self.recent.iter().map(time).sum();
        (millis > 0).then(|| tokens as f64 * 1000.0 / millis as f64)
    }

    /// Says in a word what it does.
    pub(crate) fn state(&self, now: Timestamp) -> &'static str {
        match self.rests_until {
            Some(until) if until > now => "resting",
            _ if !self.running.is_empty() => "judging",
            _ => "idle",
        }
    }
}

/// What intake says of one way in.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(crate) struct SourceStanding {
    /// The route, in a word.
    pub(crate) route: String,
    /// Alerts taken in since the daemon's start.
    pub(crate) alerts: u64,
    /// Alerts given back to their senders, because the store could not take them.
    pub(crate) refused: u64,
    /// When the last delivery came.
    pub(crate) last_at: Timestamp,
}

/// How far verdicts are behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub(crate) struct Delay {
    /// Incidents that wait for a model, without those that are being judged.
    pub(crate) waiting: u64,
    /// Incidents that are being judged.
    pub(crate) running: u64,
    /// Of all that ask for a verdict: nobody judged them yet.
    pub(crate) unjudged: u64,
    /// The playbook judged them in the meantime.
    pub(crate) judged_meanwhile: u64,
    /// Past their deadline.
    pub(crate) past_deadline: u64,
    /// How long the oldest has waited.
    pub(crate) oldest_s: u64,
    /// About how long it takes to judge them, at the pace of the newest cases, if nothing new comes.
    pub(crate) clears_in_s: Option<u64>,
}

impl Delay {
    /// Sums up a queue. `calls_per_minute` is the budget of all models together.
    pub(crate) fn of(
        queue: &[QueueRow],
        models: &[ModelStanding],
        calls_per_minute: u32,
        now: Timestamp,
    ) -> Self {
        let sum = |field: fn(&QueueRow) -> u64| queue.iter().map(field).sum::<u64>();
        let jobs = sum(|row| row.jobs);
        let running = models.iter().map(|model| model.running.len() as u64).sum::<u64>().min(jobs);
        let waiting = jobs - running;
        let oldest = queue.iter().map(|row| row.oldest).min();
        Self {
            waiting,
            running,
            unjudged: sum(|row| row.unjudged),
            judged_meanwhile: sum(|row| row.interim),
            past_deadline: sum(|row| row.overdue),
            oldest_s: oldest.map_or(0, |oldest| now.since(oldest).as_secs()),
            clears_in_s: clears_in(waiting, models, calls_per_minute, now),
        }
    }

    /// Tells whether somebody waits longer than promised, or had to be served by the playbook.
    pub(crate) const fn is_felt(&self) -> bool {
        self.past_deadline > 0 || self.judged_meanwhile > 0
    }

    /// Gives it in JSON, with what follows from it.
    pub(crate) fn json(&self) -> Value {
        let mut object = json!(self);
        if let Value::Object(object) = &mut object {
            object.insert("is_delayed".to_owned(), json!(self.is_felt()));
            object.insert("text".to_owned(), json!(self.text()));
        }
        object
    }

    /// Says it on one line.
    pub(crate) fn text(&self) -> String {
        if self.waiting == 0 && !self.is_felt() {
            return match self.unjudged {
                0 => "nothing waits for a verdict".to_owned(),
                _ => "nothing waits; what asks for a verdict is being judged".to_owned(),
            };
        }
        let mut parts = vec![format!(
            "{} {} for a model{}, the oldest for {}",
            grouped(self.waiting),
            if self.waiting == 1 { "incident waits" } else { "incidents wait" },
            // The sums below hold these too.
            match self.running {
                0 => String::new(),
                1 => ", 1 more is being judged".to_owned(),
                many => format!(", {} more are being judged", grouped(many)),
            },
            span(Duration::from_secs(self.oldest_s))
        )];
        if let Some(seconds) = self.clears_in_s.filter(|_| self.waiting > 0) {
            parts.push(format!("done in about {}", span(Duration::from_secs(seconds))));
        }
        for (count, what) in [
            (self.past_deadline, "past deadline"),
            (self.judged_meanwhile, "judged by the playbook meanwhile"),
            (self.unjudged, "judged by nobody yet"),
        ] {
            if count > 0 {
                parts.push(format!("{} {what}", grouped(count)));
            }
        }
        parts.join("; ")
    }
}

/// Estimates how long the models take for what waits: by their pace and number, and by the budget of calls.
fn clears_in(
    waiting: u64,
    models: &[ModelStanding],
    calls_per_minute: u32,
    now: Timestamp,
) -> Option<u64> {
    let per_second: f64 = models
        .iter()
        .filter(|model| model.state(now) != "resting")
        .filter_map(|model| Some((model.slots, model.case_time()?.as_secs_f64())))
        .map(|(slots, seconds)| f64::from(u32::try_from(slots).unwrap_or(1)) / seconds.max(0.001))
        .sum();
    let per_second = per_second.min(f64::from(calls_per_minute) / 60.0);
    let waiting = f64::from(u32::try_from(waiting).unwrap_or(u32::MAX));
    let seconds = (per_second > 0.0).then(|| Duration::try_from_secs_f64(waiting / per_second));
    seconds?.ok().map(|duration| duration.as_secs())
}

/// Gives a queue with a row for every severity, the most serious first.
pub(crate) fn by_severity(queue: &[QueueRow]) -> Vec<(Severity, Option<&QueueRow>)> {
    let row = |severity: Severity| queue.iter().find(|row| row.severity == severity.as_str());
    Severity::ALL.into_iter().rev().map(|severity| (severity, row(severity))).collect()
}

/// Writes a time span in at most two units: `4s`, `12m04s`, `2h13m`, `3d04h`.
pub(crate) fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{minutes}m{:02}s", seconds % 60),
        3600..86_400 => format!("{hours}h{:02}m", minutes % 60),
        _ => format!("{days}d{:02}h", hours % 24),
    }
}

/// Writes a count of things with a name whose plural ends in `s`: `1 call`, `1,200 calls`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(count), plural(count))
}

/// The same without commas, for those who read numbers by program: `1 call`, `1200 calls`.
pub(crate) fn count_of(count: u64, what: &str) -> String {
    format!("{count} {what}{}", plural(count))
}

const fn plural(count: u64) -> &'static str {
    if count == 1 { "" } else { "s" }
}

/// Writes a count with its thousands apart.
pub(crate) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_millis(second * 1000)
    }

    fn row(severity: Severity, jobs: u64, oldest: i64) -> QueueRow {
        let severity = severity.as_str().to_owned();
        QueueRow { severity, jobs, unjudged: 0, interim: jobs, overdue: 0, oldest: at(oldest) }
    }

    fn spent(took_ms: u64, completion_tokens: u64, generation_ms: u64) -> Spent {
        Spent { took_ms, completion_tokens, generation_ms, prompt_tokens: 1_000 }
    }

    fn running(since: i64) -> RunningCase {
        let incident_id = IncidentId::parse("i1").expect("an id");
        RunningCase { incident_id, actor: String::new(), since: at(since) }
    }

    #[test]
    fn one_of_a_thing_is_one() {
        assert_eq!(counted(1, "call"), "1 call");
        assert_eq!(counted(0, "call"), "0 calls");
        assert_eq!(counted(1_200, "call"), "1,200 calls");
        assert_eq!(count_of(1, "call"), "1 call");
        assert_eq!(count_of(1_200, "call"), "1200 calls");
    }

    #[test]
    fn spans_and_counts_read_at_a_glance() {
        let said = |seconds| span(Duration::from_secs(seconds));
        assert_eq!([said(0), said(59), said(724)], ["0s", "59s", "12m04s"]);
        assert_eq!([said(7_980), said(277_200)], ["2h13m", "3d05h"]);
        assert_eq!([grouped(7), grouped(1_204_331), grouped(999)], ["7", "1,204,331", "999"]);
    }

    #[test]
    fn a_models_pace_is_that_of_its_newest_cases_and_failures_do_not_count_into_it() {
        let mut model = ModelStanding::default();
        assert_eq!((model.case_time(), model.tokens_per_second()), (None, None));
        model.note(spent(60_000, 60, 0), None);
        for _ in 0..PACE_CASES {
            model.note(spent(8_000, 200, 5_000), None);
        }
        model.note(spent(900_000, 0, 0), Some("no answer within 900 s"));
        assert_eq!(model.case_time(), Some(Duration::from_secs(8)));
        assert_eq!(model.tokens_per_second(), Some(40.0));
        assert_eq!((model.cases, model.failures), (18, 1));
        // A server that does not say how long it wrote: over the whole call.
        let mut model = ModelStanding::default();
        model.note(spent(8_000, 200, 0), None);
        assert_eq!(model.tokens_per_second(), Some(25.0));
    }

    #[test]
    fn a_model_that_rests_is_said_to_rest_until_its_pause_is_over() {
        let mut model = ModelStanding { rests_until: Some(at(10)), ..ModelStanding::default() };
        assert_eq!((model.state(at(9)), model.state(at(10))), ("resting", "idle"));
        model.running.push(running(11));
        assert_eq!(model.state(at(12)), "judging");
    }

    #[test]
    fn the_delay_says_what_waits_and_when_that_is_done() {
        let mut model = ModelStanding { slots: 2, ..ModelStanding::default() };
        model.note(spent(10_000, 100, 0), None);
        model.running.push(running(0));
        let mut high = row(Severity::High, 3, 100);
        (high.unjudged, high.interim, high.overdue) = (1, 2, 3);
        let queue = [row(Severity::Low, 38, 400), high];
        let delay = Delay::of(&queue, &[model.clone()], 30, at(824));
        assert_eq!(
            delay.text(),
            "40 incidents wait for a model, 1 more is being judged, the oldest for 12m04s; done in about 3m20s; 3 past deadline; \
             40 judged by the playbook meanwhile; 1 judged by nobody yet"
        );
        // A budget of 6 calls a minute is slower than two slots at ten seconds a case.
        assert_eq!(Delay::of(&queue, &[model], 6, at(824)).clears_in_s, Some(400));
        // Without a model that ever answered there is no pace.
        assert_eq!(Delay::of(&queue, &[], 30, at(824)).clears_in_s, None);
    }

    #[test]
    fn when_it_has_caught_up_it_says_so() {
        let delay = Delay::of(&[], &[], 30, at(0));
        assert!(!delay.is_felt());
        assert_eq!(delay.text(), "nothing waits for a verdict");
    }
}
