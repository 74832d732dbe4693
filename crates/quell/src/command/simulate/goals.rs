//! The goals of a flood: what must hold, with the figures that say whether it does.

use serde::Serialize;

use super::figures::{Ages, OfFifo, OfQuell};
use super::needle::Found;
use crate::standing::count_of;

/// So many alerts may cost a call: 0.2 %.
pub(super) const ALERTS_PER_CALL_OF_GOAL: u64 = 500;

/// The queue from which on a hook is late: with less, it keeps up, and there is nothing to be sooner than.
const HOOK_QUEUE_MIN: u64 = 100;

/// How many alerts must come in the time of one call for a stream to be a flood: with fewer, a model could be asked about each.
const ALERTS_PER_CALL_MIN: f64 = 1.0;

/// How much sooner than the hook a needle must be judged.
const TIMES_SOONER_MIN: f64 = 100.0;

/// One goal.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Goal {
    pub(super) name: &'static str,
    pub(super) holds: bool,
    /// The figures that decide.
    pub(super) because: String,
}

/// How much later the hook is than Quell.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Sooner {
    pub(super) needles: usize,
    /// Until the model's verdict.
    pub(super) median: f64,
    pub(super) max: f64,
    /// Until the first verdict, whoever gave it.
    pub(super) first_median: f64,
    pub(super) first_max: f64,
    /// Needles that the hook is never asked about, at the level it is set to.
    pub(super) never_asked: usize,
}

/// Holds what came of a run against the goals. `told` is the hook that is told of every needle, if it was played; the stream lasted `seconds`.
pub(super) fn goals(quell: &OfQuell, told: Option<&OfFifo>, seconds: f64) -> Vec<Goal> {
    let mut goals = vec![conserved(quell)];
    goals.extend(calls(quell, seconds));
    if !quell.needles.is_empty() {
        let all = &quell.needles;
        goals.push(each("each needle has an incident of its own", all, |it| it.is_own));
        if all.iter().any(|it| it.is_phase) {
            goals.push(each("each phase is ranked above the noise", all, |it| it.is_above_noise));
        }
        let with_class: Vec<Found> =
            all.iter().filter(|it| it.is_class_right.is_some()).cloned().collect();
        if !with_class.is_empty() {
            goals.push(each("each needle is taken for what it is", &with_class, |it| {
                it.is_class_right == Some(true)
            }));
        }
        goals.push(each(
            "each needle waits for the running call and its own, and for other needles at most",
            all,
            |it| it.is_prompt,
        ));
    }
    let late = told.filter(|told| told.queue_max >= HOOK_QUEUE_MIN);
    if let Some(sooner) = late.and_then(|told| sooner(quell, told)) {
        goals.push(Goal {
            name: "needles have their first verdict 100 times sooner than the hook's, at median and maximum",
            holds: sooner.first_median >= TIMES_SOONER_MIN && sooner.first_max >= TIMES_SOONER_MIN,
            because: format!(
                "{} times at the median and {} times at the maximum, the model's verdict {} and {} times, if the hook is told of every needle",
                times(sooner.first_median),
                times(sooner.first_max),
                times(sooner.median),
                times(sooner.max)
            ),
        });
    }
    goals
}

/// Writes a ratio: less than one is later, and must not read as nothing.
fn times(ratio: f64) -> String {
    if ratio < 9.95 { format!("{ratio:.1}") } else { format!("{ratio:.0}") }
}

/// Compares ages of needles with those of the hook. A needle that has no verdict of the model in one of the two is as old as the run.
pub(super) fn sooner(quell: &OfQuell, told: &OfFifo) -> Option<Sooner> {
    let ours = |age: fn(&Found) -> Option<f64>| {
        Ages::of(quell.needles.iter().map(|it| age(it).unwrap_or(quell.seconds)).collect())
    };
    let theirs: Vec<f64> = told.needles.iter().copied().flatten().collect();
    let never_asked = told.needles.len() - theirs.len();
    let theirs = Ages::of(theirs)?;
    let (model, first) = (ours(|it| it.model_verdict)?, ours(|it| it.first_verdict)?);
    Some(Sooner {
        needles: quell.needles.len(),
        median: theirs.median / model.median.max(0.001),
        max: theirs.max / model.max.max(0.001),
        first_median: theirs.median / first.median.max(0.001),
        first_max: theirs.max / first.max.max(0.001),
        never_asked,
    })
}

fn conserved(quell: &OfQuell) -> Goal {
    Goal {
        name: "every alert is in exactly one place",
        holds: quell.is_conserved,
        because: format!("{} = {}", quell.counts.accepted, quell.places()),
    }
}

fn calls(quell: &OfQuell, seconds: f64) -> Option<Goal> {
    #[expect(clippy::cast_precision_loss, reason = "a stream has far fewer than 2^52 alerts")]
    let per_call = quell.counts.accepted as f64 / seconds.max(0.001) * quell.model_busy_seconds
        / quell.model_calls.max(1) as f64;
    (per_call >= ALERTS_PER_CALL_MIN).then(|| Goal {
        name: "the model is called for 0.2 % of the alerts at most",
        holds: quell.model_calls <= quell.calls_of_goal,
        because: format!(
            "{} ({} on needles, {} on the rest), {:.3} % of {} alerts; 0.2 % are {}{}",
            count_of(quell.model_calls, "call"),
            quell.needle_calls,
            quell.model_calls.saturating_sub(quell.needle_calls),
            quell.calls_per_alert_percent,
            quell.counts.accepted,
            quell.calls_of_goal,
            floor(quell)
        ),
    })
}

/// Says that the goal can't be reached, where that is so: a stream that has fewer than 500 alerts for each needle.
fn floor(quell: &OfQuell) -> String {
    let needles = quell.needles.len() as u64;
    if needles <= quell.calls_of_goal {
        return String::new();
    }
    format!(", and the floor is one call for each needle: {needles}")
}

fn each(name: &'static str, needles: &[Found], holds: impl Fn(&Found) -> bool) -> Goal {
    let missed: Vec<&str> =
        needles.iter().filter(|it| !holds(it)).map(|it| it.name.as_str()).collect();
    let because = if missed.is_empty() {
        format!("{0} of {0}", needles.len())
    } else {
        format!("{} of {}, not {}", needles.len() - missed.len(), needles.len(), missed.join(", "))
    };
    Goal { name, holds: missed.is_empty(), because }
}
