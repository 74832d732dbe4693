//! What a run comes to: ages, counts, fairness, and what became of each needle. Arithmetic only; how it is shown is for others.

use std::collections::{BTreeMap, HashMap, HashSet};

use alert::{Class, Incident, IncidentId, Timestamp};
use serde::Serialize;
use store::{Counts, IncidentFilter, IncidentRow};
use triage::priority::Severity;

use super::super::Failure;
use super::fifo::Fifo;
use super::goals;
use super::needle::{self, Found};
use super::stream::Stream;
use super::truth::Needle;
use super::world::{Given, Run};

/// Ages in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Ages {
    pub(super) count: usize,
    pub(super) median: f64,
    pub(super) p95: f64,
    pub(super) max: f64,
}

impl Ages {
    /// Sums ages up; none of none.
    pub(super) fn of(mut ages: Vec<f64>) -> Option<Self> {
        ages.sort_by(f64::total_cmp);
        let rank = |percent: usize| {
            // The smallest age that so many percent don't exceed.
            let place = (ages.len() * percent).div_ceil(100).max(1) - 1;
            ages.get(place).copied()
        };
        Some(Self { count: ages.len(), median: rank(50)?, p95: rank(95)?, max: *ages.last()? })
    }
}

/// Verdict ages of the incidents of one severity.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OfSeverity {
    pub(super) severity: Severity,
    pub(super) incidents: usize,
    /// Until the first verdict, whoever gave it.
    pub(super) first_verdict: Option<Ages>,
    /// Until the first verdict of the model.
    pub(super) model_verdict: Option<Ages>,
}

/// How evenly actors are served: by the age of the model's first verdict on each.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Fairness {
    pub(super) actors: usize,
    /// 1 if all wait alike, 1/n if one has all the waiting.
    pub(super) jain_index: f64,
    pub(super) max_over_median: f64,
    pub(super) slowest_actor: String,
    pub(super) slowest: f64,
}

/// What Quell did.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OfQuell {
    pub(super) counts: Counts,
    /// Alerts that were not taken in: none, because the simulation takes in all.
    pub(super) waiting: u64,
    pub(super) is_conserved: bool,
    pub(super) incidents: usize,
    pub(super) alerts_per_incident: f64,
    /// How many percent fewer incidents than alerts.
    pub(super) reduction_percent: f64,
    pub(super) model_calls: u64,
    /// Those about incidents that hold a needle. The rest is what the noise cost.
    pub(super) needle_calls: u64,
    pub(super) calls_per_alert_percent: f64,
    /// Calls that the goal allows: 0.2 % of the alerts.
    pub(super) calls_of_goal: u64,
    pub(super) failed_calls: u32,
    pub(super) model_verdicts: usize,
    pub(super) playbook_verdicts: usize,
    pub(super) incidents_waiting: u64,
    pub(super) prompt_tokens: u64,
    pub(super) answer_tokens: u64,
    pub(super) model_busy_seconds: f64,
    pub(super) seconds: f64,
    pub(super) severities: Vec<OfSeverity>,
    pub(super) fairness: Option<Fairness>,
    pub(super) queue_max: u64,
    /// Seconds since the start, and how many incidents waited from then on.
    pub(super) queue: Vec<(f64, u64)>,
    pub(super) needles: Vec<Found>,
    /// The first calls, in order of their ends.
    pub(super) calls: Vec<Call>,
    #[serde(skip)]
    pub(super) waited: Vec<Waited>,
}

impl OfQuell {
    /// Says where the alerts are: the right side of the conservation law.
    pub(super) fn places(&self) -> String {
        let counts = self.counts;
        format!(
            "{} folded + {} own output + {} below policy + {} duplicate + {} malformed + {} waiting",
            counts.folded,
            counts.own_output,
            counts.below_policy,
            counts.duplicate,
            counts.malformed,
            self.waiting
        )
    }
}

/// One case that the model was busy with.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Call {
    /// Seconds since the start.
    pub(super) from: f64,
    pub(super) to: f64,
    pub(super) incident: String,
    /// Whose incident it is, and on which machine.
    pub(super) actor: String,
    pub(super) target: String,
    pub(super) class: Class,
    pub(super) severity: Severity,
    pub(super) threat_level: u8,
}

/// Most calls that are told one by one.
const CALLS_MAX: usize = 2000;

/// How long one incident waited.
#[derive(Debug, Clone)]
pub(super) struct Waited {
    /// When it began, in seconds since the start.
    pub(super) at: f64,
    /// As it looked at its first verdict.
    pub(super) severity: Severity,
    /// Until the first verdict, whoever gave it.
    pub(super) first: f64,
    /// Until the first verdict of the model.
    pub(super) model: Option<f64>,
    pub(super) is_needle: bool,
}

/// What the hook did.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OfFifo {
    pub(super) level_min: u8,
    pub(super) calls: usize,
    pub(super) calls_per_alert_percent: f64,
    pub(super) prompt_tokens: u64,
    pub(super) answer_tokens: u64,
    pub(super) verdict: Option<Ages>,
    pub(super) queue_max: u64,
    pub(super) queue: Vec<(f64, u64)>,
    pub(super) needles_judged: usize,
    /// The age of the first verdict on an alert of each needle; none if it is never asked about.
    pub(super) needles: Vec<Option<f64>>,
    #[serde(skip)]
    pub(super) points: Vec<(f64, f64, bool)>,
}

/// Most steps of a queue that are told: what a plot can show.
const STEPS_MAX: usize = 400;

/// Everything that is known of one incident at the end.
pub(super) struct Ended {
    pub(super) row: IncidentRow,
    /// Where its alerts are in the stream.
    pub(super) alerts: Vec<usize>,
}

pub(super) fn seconds(later: Timestamp, earlier: Timestamp) -> f64 {
    later.since(earlier).as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "counts of a stream are far below 2^52")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// Sums up what Quell did.
pub(super) fn of_quell(
    run: &Run,
    stream: &Stream,
    needles: &[Needle],
    parallel: usize,
) -> Result<OfQuell, Failure> {
    let incidents = ended(run, stream)?;
    let counts = run.desk.store.counts()?;
    let start = start_of(stream);
    let by_incident = by_incident(&run.given);
    let taken = run.committed.len() as u64;
    let waiting = taken.saturating_sub(counts.accepted);
    let calls: u64 = run.given.iter().map(|given| u64::from(given.calls)).sum();
    let needle_calls = calls_for_needles(run, stream, &incidents);
    let model_verdicts = run.given.iter().filter(|given| given.is_by_model).count();
    let waited = waited(&incidents, stream, &by_incident, start);
    Ok(OfQuell {
        is_conserved: counts.are_conserved(0)
            && waiting == 0
            && taken == stream.events.len() as u64,
        counts,
        waiting,
        incidents: incidents.len(),
        alerts_per_incident: ratio(counts.folded, incidents.len() as u64),
        reduction_percent: 100.0 - 100.0 * ratio(incidents.len() as u64, counts.folded),
        model_calls: calls,
        needle_calls,
        calls_per_alert_percent: 100.0 * ratio(calls, counts.accepted),
        calls_of_goal: counts.accepted / goals::ALERTS_PER_CALL_OF_GOAL,
        failed_calls: run.failed_calls,
        model_verdicts,
        playbook_verdicts: run.given.len() - model_verdicts,
        incidents_waiting: run.desk.store.queue_depth()?.0,
        prompt_tokens: run.given.iter().map(|given| u64::from(given.prompt_tokens)).sum(),
        answer_tokens: run.given.iter().map(|given| u64::from(given.answer_tokens)).sum(),
        model_busy_seconds: run.busy.iter().map(|(from, to)| seconds(*to, *from)).sum(),
        seconds: seconds(run.ended_at, start),
        severities: severities(&waited),
        fairness: fairness(&incidents, stream, &by_incident),
        queue_max: run.depth.iter().map(|(_, waiting)| *waiting).max().unwrap_or(0),
        queue: steps(&run.depth, start),
        calls: calls_of(run, &incidents, start),
        needles: needle::find(run, stream, needles, &incidents, parallel),
        waited,
    })
}

/// Sums up what the hook did.
pub(super) fn of_fifo(fifo: &Fifo, stream: &Stream, needles: &[Needle], level_min: u8) -> OfFifo {
    let start = start_of(stream);
    let age = |at: usize| {
        let (event, verdict) = (stream.events.get(at)?, fifo.verdicts.get(at).copied().flatten()?);
        Some(seconds(verdict, event.at))
    };
    let of_needle = |needle: &Needle| {
        let first = needle.alerts.first().and_then(|at| stream.events.get(*at))?.at;
        let verdicts =
            needle.alerts.iter().filter_map(|at| fifo.verdicts.get(*at).copied().flatten());
        Some(seconds(verdicts.min()?, first))
    };
    let ages: Vec<Option<f64>> = needles.iter().map(of_needle).collect();
    OfFifo {
        level_min,
        calls: fifo.calls,
        calls_per_alert_percent: 100.0 * ratio(fifo.calls as u64, stream.events.len() as u64),
        prompt_tokens: fifo.prompt_tokens,
        answer_tokens: fifo.answer_tokens,
        verdict: Ages::of((0..stream.events.len()).filter_map(age).collect()),
        queue_max: fifo.depth.iter().map(|(_, waiting)| *waiting).max().unwrap_or(0),
        queue: steps(&fifo.depth, start),
        needles_judged: ages.iter().flatten().count(),
        needles: ages,
        points: stream
            .events
            .iter()
            .enumerate()
            .filter_map(|(at, event)| {
                Some((seconds(event.at, start), age(at)?, event.needle.is_some()))
            })
            .collect(),
    }
}

/// Counts the calls about incidents that hold a needle.
fn calls_for_needles(run: &Run, stream: &Stream, incidents: &[Ended]) -> u64 {
    let holds_needle = |ended: &&Ended| {
        let mut events = ended.alerts.iter().filter_map(|at| stream.events.get(*at));
        events.any(|event| event.needle.is_some())
    };
    let holding: HashSet<&IncidentId> =
        incidents.iter().filter(holds_needle).map(|ended| &ended.row.incident.id).collect();
    let given = run.given.iter().filter(|given| holding.contains(&given.incident));
    given.map(|given| u64::from(given.calls)).sum()
}

fn calls_of(run: &Run, incidents: &[Ended], start: Timestamp) -> Vec<Call> {
    let by_id: HashMap<&IncidentId, &Incident> =
        incidents.iter().map(|ended| (&ended.row.incident.id, &ended.row.incident)).collect();
    let of = |given: &Given| {
        let incident = by_id.get(&given.incident);
        Call {
            from: seconds(given.picked_at, start),
            to: seconds(given.at, start),
            incident: given.incident.to_string(),
            actor: incident.map_or_else(String::new, |it| it.actor.name().to_owned()),
            target: incident.map_or_else(String::new, |it| it.target().to_owned()),
            class: given.class,
            severity: given.severity,
            threat_level: given.threat_level,
        }
    };
    run.given.iter().filter(|given| given.calls > 0).take(CALLS_MAX).map(of).collect()
}

pub(super) fn start_of(stream: &Stream) -> Timestamp {
    stream.events.first().map_or(Timestamp::EPOCH, |event| event.at)
}

/// Reads the incidents back, the most dangerous first, each with where its alerts are.
fn ended(run: &Run, stream: &Stream) -> Result<Vec<Ended>, Failure> {
    let (places, by_key) = (stream.by_id(), stream.by_key_where_ids_repeat());
    let rows = run.desk.store.incidents(&IncidentFilter::default())?;
    let mut incidents = Vec::with_capacity(rows.len());
    for row in rows {
        let mut alerts = Vec::new();
        let id = &row.incident.id;
        let (names, keys) = (run.desk.store.alert_ids(id)?, run.desk.store.alert_hashes(id)?);
        for (name, key) in names.iter().zip(&keys) {
            alerts.extend(match places.get(name.as_str()).map(Vec::as_slice) {
                Some([place]) => Some(*place),
                _ => by_key.get(key).copied(),
            });
        }
        alerts.sort_unstable();
        incidents.push(Ended { row, alerts });
    }
    Ok(incidents)
}

pub(super) fn by_incident(given: &[Given]) -> HashMap<&IncidentId, Vec<&Given>> {
    let mut verdicts: HashMap<&IncidentId, Vec<&Given>> = HashMap::new();
    for given in given {
        verdicts.entry(&given.incident).or_default().push(given);
    }
    verdicts
}

fn waited(
    incidents: &[Ended],
    stream: &Stream,
    given: &HashMap<&IncidentId, Vec<&Given>>,
    start: Timestamp,
) -> Vec<Waited> {
    let of = |ended: &Ended| {
        let began = ended.alerts.first().and_then(|at| stream.events.get(*at))?.at;
        let verdicts = given.get(&ended.row.incident.id)?;
        let first = verdicts.first()?;
        let by_model = verdicts.iter().find(|given| given.is_by_model);
        let mut alerts = ended.alerts.iter().filter_map(|at| stream.events.get(*at));
        Some(Waited {
            at: seconds(began, start),
            severity: first.severity,
            first: seconds(first.at, began),
            model: by_model.map(|verdict| seconds(verdict.at, began)),
            is_needle: alerts.any(|event| event.needle.is_some()),
        })
    };
    incidents.iter().filter_map(of).collect()
}

fn severities(waited: &[Waited]) -> Vec<OfSeverity> {
    let of = |severity| {
        let of: Vec<&Waited> = waited.iter().filter(|it| it.severity == severity).collect();
        (!of.is_empty()).then(|| OfSeverity {
            severity,
            incidents: of.len(),
            first_verdict: Ages::of(of.iter().map(|it| it.first).collect()),
            model_verdict: Ages::of(of.iter().filter_map(|it| it.model).collect()),
        })
    };
    Severity::ALL.into_iter().rev().filter_map(of).collect()
}

fn fairness(
    incidents: &[Ended],
    stream: &Stream,
    given: &HashMap<&IncidentId, Vec<&Given>>,
) -> Option<Fairness> {
    let mut actors: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for ended in incidents {
        let began = ended.alerts.first().and_then(|at| stream.events.get(*at));
        let by_model = given
            .get(&ended.row.incident.id)
            .and_then(|verdicts| verdicts.iter().find(|given| given.is_by_model));
        if let (Some(began), Some(verdict)) = (began, by_model) {
            let ages = actors.entry(ended.row.incident.actor.name()).or_default();
            ages.push(seconds(verdict.at, began.at));
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^52 incidents")]
    let means: Vec<(&str, f64)> = actors
        .iter()
        .map(|(actor, ages)| (*actor, ages.iter().sum::<f64>() / ages.len() as f64))
        .collect();
    let (sum, squares) =
        means.iter().fold((0.0, 0.0), |(sum, squares), (_, age)| (sum + age, squares + age * age));
    let (slowest_actor, slowest) = means.iter().max_by(|a, b| a.1.total_cmp(&b.1)).copied()?;
    let median = Ages::of(means.iter().map(|(_, age)| *age).collect())?.median;
    #[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^52 actors")]
    let count = means.len() as f64;
    Some(Fairness {
        actors: means.len(),
        jain_index: if squares > 0.0 { sum * sum / (count * squares) } else { 1.0 },
        max_over_median: if median > 0.0 { slowest / median } else { 1.0 },
        slowest_actor: alert::sanitize::shown(slowest_actor, 60),
        slowest,
    })
}

/// Tells a queue in few steps: of each stretch of time the deepest.
fn steps(depth: &[(Timestamp, u64)], start: Timestamp) -> Vec<(f64, u64)> {
    let stretch = depth.len().div_ceil(STEPS_MAX).max(1);
    depth
        .chunks(stretch)
        .filter_map(|steps| steps.iter().max_by_key(|(_, waiting)| *waiting))
        .map(|(at, waiting)| (seconds(*at, start), *waiting))
        .collect()
}

/// Names classes once each.
pub(super) fn classes(incidents: &[&Ended]) -> Vec<Class> {
    let mut classes: Vec<Class> = incidents.iter().map(|ended| ended.row.incident.class).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_ranks_that_were_really_waited() {
        let ages = Ages::of((1..=100).map(f64::from).collect()).expect("ages");
        assert_eq!((ages.median, ages.p95, ages.max), (50.0, 95.0, 100.0));
        let one = Ages::of(vec![7.0]).expect("ages");
        assert_eq!((one.median, one.p95, one.max, one.count), (7.0, 7.0, 7.0, 1));
        assert_eq!(Ages::of(Vec::new()), None);
    }

    #[test]
    fn a_long_queue_is_told_by_the_deepest_of_each_stretch() {
        let depth: Vec<(Timestamp, u64)> = (0..1000)
            .map(|n| (Timestamp::from_millis(n * 1000), u64::from(n == 501) * 9))
            .collect();
        let told = steps(&depth, Timestamp::from_millis(0));
        assert!(
            told.len() <= STEPS_MAX
                && told.iter().any(|(at, waiting)| *waiting == 9 && *at == 501.0)
        );
    }
}
