//! The goals of a flood: what must hold, with the figures that say whether it does.

use serde::Serialize;

use super::figures::{Ages, OfFifo, OfQuell};
use super::needle::Found;

/// The share of alerts that may cost a call, in percent.
const CALLS_PERCENT_MAX: f64 = 0.2;

/// Calls that a stream may cost however short it is: a needle costs one, and so does the noise round it.
const CALLS_FREE: u64 = 8;

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
    pub(super) median: f64,
    pub(super) max: f64,
    /// Needles that the hook is never asked about, at the level it is set to.
    pub(super) never_asked: usize,
}

/// Holds what came of a run against the goals. `told` is the hook that is told of every needle, if it was played.
pub(super) fn goals(quell: &OfQuell, told: Option<&OfFifo>) -> Vec<Goal> {
    let mut goals = vec![conserved(quell), calls(quell)];
    if !quell.needles.is_empty() {
        let all = &quell.needles;
        goals.push(each("each needle has an incident of its own", all, |it| it.is_own));
        goals.push(each("each needle is ranked above the noise", all, |it| it.is_above_noise));
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
    if let Some(sooner) = told.and_then(|told| sooner(quell, told)) {
        goals.push(Goal {
            name: "needles are judged 100 times sooner than by the hook, at median and maximum",
            holds: sooner.median >= TIMES_SOONER_MIN && sooner.max >= TIMES_SOONER_MIN,
            because: format!(
                "{:.0} times at the median, {:.0} times at the maximum, if the hook is told of every needle",
                sooner.median, sooner.max
            ),
        });
    }
    goals
}

/// Compares ages of needles with those of the hook. A needle that has no verdict of the model in one of the two is as old as the run.
pub(super) fn sooner(quell: &OfQuell, told: &OfFifo) -> Option<Sooner> {
    let ours: Vec<f64> =
        quell.needles.iter().map(|needle| needle.model_verdict.unwrap_or(quell.seconds)).collect();
    let theirs: Vec<f64> = told.needles.iter().copied().flatten().collect();
    let (needles, never_asked) = (ours.len(), told.needles.len() - theirs.len());
    let (ours, theirs) = (Ages::of(ours)?, Ages::of(theirs)?);
    Some(Sooner {
        needles,
        median: theirs.median / ours.median.max(0.001),
        max: theirs.max / ours.max.max(0.001),
        never_asked,
    })
}

fn conserved(quell: &OfQuell) -> Goal {
    let counts = quell.counts;
    Goal {
        name: "every alert is in exactly one place",
        holds: quell.is_conserved,
        because: format!(
            "{} = {} folded + {} own output + {} below policy + {} duplicate + {} malformed + {} waiting",
            counts.accepted,
            counts.folded,
            counts.own_output,
            counts.below_policy,
            counts.duplicate,
            counts.malformed,
            quell.waiting
        ),
    }
}

fn calls(quell: &OfQuell) -> Goal {
    Goal {
        name: "the model is called for 0.2 % of the alerts at most",
        holds: quell.calls_per_alert_percent <= CALLS_PERCENT_MAX
            || quell.model_calls <= CALLS_FREE + quell.needles.len() as u64,
        because: format!(
            "{} calls, {:.3} % of {} alerts",
            quell.model_calls, quell.calls_per_alert_percent, quell.counts.accepted
        ),
    }
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
