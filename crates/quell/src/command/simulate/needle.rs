//! What became of each needle: where it is, what it shares its incident with, when somebody judged it, and whether it was taken for what it is.
//!
//! A needle has an incident of its own if all its alerts are in incidents that hold nothing else. A phase of an attack is told by time, so what
//! happened to be reported meanwhile is counted into it; it has an incident of its own if one that holds alerts of it holds mostly
//! alerts of the attack (one web shell may be used in two phases, and is one thing). Ages count
//! from the needle's first alert to the first verdict of a case that was picked when that alert was there.

use std::collections::{BTreeSet, HashMap, HashSet};

use alert::{Class, Timestamp};
use serde::Serialize;

use super::figures::{Ended, by_incident, classes, seconds};
use super::stream::Stream;
use super::truth::{Kind, Needle};
use super::world::{Given, Run};

/// The share of an incident's alerts that an attack must have for the incident to be the attack's: more than half.
const PHASE_SHARE_MIN: f64 = 0.5;

/// The share of noise that a needle must be ranked above: a person who reads from the top must meet it before nearly all of the noise.
const NOISE_BELOW_MIN: f64 = 0.9;

/// What is added to an age that should not be exceeded: batches of 5 ms, times in whole milliseconds.
const SLACK_SECONDS: f64 = 0.1;

/// What became of a needle.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Found {
    pub(super) name: String,
    pub(super) actor: String,
    pub(super) class: String,
    /// Its alerts in the stream.
    pub(super) alerts: usize,
    /// The incidents that hold it, its own first.
    pub(super) incidents: Vec<String>,
    /// All its alerts are in incidents of its own.
    pub(super) is_own: bool,
    /// An incident that holds alerts of it holds mostly alerts of it, and not of other needles.
    pub(super) is_mostly_alone: bool,
    /// Alerts in its incidents that are no needle's.
    pub(super) strangers: usize,
    /// Other needles in its incidents.
    pub(super) shares_with: Vec<String>,
    /// What the incidents were taken for.
    pub(super) classes: Vec<Class>,
    /// That is right, where the truth says what is.
    pub(super) is_class_right: Option<bool>,
    pub(super) threat_level: Option<u8>,
    /// Incidents without a needle that a list shows below it: those of a lower threat level, and of the same level those that stand out less.
    pub(super) noise_passed: usize,
    /// Of so many.
    pub(super) noise_incidents: usize,
    /// The share of them, 0 to 1.
    pub(super) noise_below: f64,
    pub(super) is_above_noise: bool,
    /// It is a phase of an attack, told by time.
    pub(super) is_phase: bool,
    /// Seconds until the first verdict, whoever gave it.
    pub(super) first_verdict: Option<f64>,
    /// Seconds until the first verdict of the model.
    pub(super) model_verdict: Option<f64>,
    /// Seconds that the call took which gave it.
    pub(super) own_call: Option<f64>,
    /// Seconds that the call under way took yet when the needle came, if no slot was free.
    pub(super) rest_of_running: f64,
    /// Seconds of calls for other needles that went before.
    pub(super) other_needles: f64,
    /// The model's verdict came within the rest of the running call, calls for other needles, and its own.
    pub(super) is_prompt: bool,
}

/// Looks for each needle.
pub(super) fn find(
    run: &Run,
    stream: &Stream,
    needles: &[Needle],
    incidents: &[Ended],
    parallel: usize,
) -> Vec<Found> {
    let scene = Scene::new(run, stream, needles, incidents, parallel);
    needles.iter().enumerate().map(|(number, needle)| scene.found(number, needle)).collect()
}

/// An incident that holds part of a needle.
struct Holder<'a> {
    ended: &'a Ended,
    /// Alerts of the needle in it.
    own: usize,
    /// Where the first of them is in the stream.
    first: usize,
    strangers: usize,
    /// Other needles in it, and how many alerts they have there.
    others: BTreeSet<usize>,
    others_alerts: usize,
}

impl Holder<'_> {
    fn is_pure(&self, kind: Kind) -> bool {
        if kind == Kind::Phase {
            #[expect(
                clippy::cast_precision_loss,
                reason = "an incident has far fewer than 2^52 alerts"
            )]
            let share =
                (self.own + self.others_alerts) as f64 / self.ended.alerts.len().max(1) as f64;
            return share > PHASE_SHARE_MIN;
        }
        self.strangers == 0 && self.others.is_empty()
    }
}

struct Scene<'a> {
    run: &'a Run,
    stream: &'a Stream,
    needles: &'a [Needle],
    incidents: &'a [Ended],
    /// For each alert of the stream in which incident it is.
    incident_of: HashMap<usize, usize>,
    given: HashMap<&'a alert::IncidentId, Vec<&'a Given>>,
    /// Ranks of the incidents without a needle.
    noise: Vec<Rank>,
    parallel: usize,
}

impl<'a> Scene<'a> {
    fn new(
        run: &'a Run,
        stream: &'a Stream,
        needles: &'a [Needle],
        incidents: &'a [Ended],
        parallel: usize,
    ) -> Self {
        let incident_of = incidents
            .iter()
            .enumerate()
            .flat_map(|(number, ended)| ended.alerts.iter().map(move |at| (*at, number)))
            .collect();
        let mut holding = BTreeSet::new();
        let scene = Self {
            run,
            stream,
            needles,
            incidents,
            incident_of,
            given: by_incident(&run.given),
            noise: Vec::new(),
            parallel,
        };
        for needle in needles {
            let (own, numbers) = scene.whereabouts(needle);
            // A phase is in whatever was reported meanwhile; only what is mostly its own is no noise.
            holding.extend(numbers.into_iter().filter(|number| {
                needle.kind != Kind::Phase
                    || scene.holder(&own, *number).is_some_and(|holder| holder.is_pure(needle.kind))
            }));
        }
        let noise = incidents.iter().enumerate().filter(|(number, _)| !holding.contains(number));
        let noise = noise.map(|(_, ended)| rank(ended)).collect();
        Self { noise, ..scene }
    }

    /// Gives a needle's alerts, and which incidents they are in. A phase may have a quarter of a million.
    fn whereabouts(&self, needle: &Needle) -> (HashSet<usize>, BTreeSet<usize>) {
        let own: HashSet<usize> = needle.alerts.iter().copied().collect();
        let numbers = own.iter().filter_map(|at| self.incident_of.get(at)).copied().collect();
        (own, numbers)
    }

    fn holder(&self, own: &HashSet<usize>, number: usize) -> Option<Holder<'a>> {
        let ended = self.incidents.get(number)?;
        let rest = ended.alerts.iter().filter(|at| !own.contains(at));
        let (mut strangers, mut others_alerts, mut others) = (0, 0, BTreeSet::new());
        for at in rest {
            match self.stream.events.get(*at).and_then(|event| event.needle) {
                Some(other) => {
                    others.insert(other);
                    others_alerts += 1;
                }
                None => strangers += 1,
            }
        }
        let held: Vec<usize> = ended.alerts.iter().copied().filter(|at| own.contains(at)).collect();
        Some(Holder {
            ended,
            own: held.len(),
            first: *held.first()?,
            strangers,
            others,
            others_alerts,
        })
    }

    fn found(&self, number: usize, needle: &Needle) -> Found {
        let (own, numbers) = self.whereabouts(needle);
        let mut holders: Vec<Holder<'a>> =
            numbers.iter().filter_map(|at| self.holder(&own, *at)).collect();
        if needle.kind == Kind::ActorAndTime {
            // The truth can't tell the needle's alerts from others of that actor: those of its class are the needle's.
            holders = of_its_class(needle, holders);
        }
        holders.sort_by_key(|holder| (!holder.is_pure(needle.kind), holder.first));
        let (pure, mixed): (Vec<&Holder<'_>>, Vec<&Holder<'_>>) =
            holders.iter().partition(|holder| holder.is_pure(needle.kind));
        let is_own = !pure.is_empty() && (needle.kind != Kind::Exact || mixed.is_empty());
        // What is looked at is its own if it has one, else whatever swallowed it.
        let shown = if pure.is_empty() { mixed } else { pure };
        let ended: Vec<&Ended> = shown.iter().map(|holder| holder.ended).collect();
        let classes = classes(&ended);
        let threat_level = ended.iter().filter_map(|ended| level(ended)).max();
        let noise_passed = self.noise_passed(ended.iter().map(|ended| rank(ended)).max());
        let noise_below = share(noise_passed, self.noise.len());
        let others =
            shown.iter().flat_map(|holder| &holder.others).filter(|other| **other != number);
        let age = self.age(number, &shown);
        Found {
            name: needle.name.clone(),
            actor: needle.actor.clone(),
            class: needle.class.clone(),
            alerts: needle.alerts.len(),
            incidents: ended.iter().map(|ended| ended.row.incident.id.to_string()).collect(),
            is_own,
            is_mostly_alone: holders
                .iter()
                .any(|holder| holder.own * 2 > holder.ended.alerts.len()),
            strangers: shown.iter().map(|holder| holder.strangers).sum(),
            shares_with: others
                .collect::<BTreeSet<_>>()
                .into_iter()
                .filter_map(|other| self.needles.get(*other).map(|needle| needle.name.clone()))
                .collect(),
            is_class_right: classes
                .iter()
                .map(|class| needle.fits(*class))
                .try_fold(!classes.is_empty(), |right, fits| fits.map(|fits| right && fits)),
            classes,
            threat_level,
            noise_passed,
            noise_incidents: self.noise.len(),
            noise_below,
            is_phase: needle.kind == Kind::Phase,
            is_above_noise: is_own && noise_below >= NOISE_BELOW_MIN,
            first_verdict: age.first,
            model_verdict: age.model,
            own_call: age.own_call,
            rest_of_running: age.rest,
            other_needles: age.others,
            is_prompt: age.model.is_some_and(|model| {
                model <= age.rest + age.others + age.own_call.unwrap_or(0.0) + SLACK_SECONDS
            }),
        }
    }

    fn noise_passed(&self, rank: Option<Rank>) -> usize {
        self.noise.iter().filter(|noise| Some(**noise) < rank).count()
    }

    fn age(&self, number: usize, shown: &[&Holder<'_>]) -> Age {
        let mut age = Age::default();
        let first_of = |holder: &Holder<'_>| {
            let arrived = self.stream.events.get(holder.first)?.at;
            Some((arrived, *self.run.committed.get(holder.first)?))
        };
        let Some((arrived, _)) = shown.iter().filter_map(|holder| first_of(holder)).min() else {
            return age;
        };
        let mut model: Option<&Given> = None;
        for holder in shown {
            let Some((_, committed)) = first_of(holder) else { continue };
            let verdicts = self.given.get(&holder.ended.row.incident.id);
            let knowing =
                verdicts.into_iter().flatten().filter(|given| given.picked_at >= committed);
            for given in knowing {
                let waited = seconds(given.at, arrived);
                age.first = Some(age.first.map_or(waited, |first| first.min(waited)));
                if given.is_by_model && model.is_none_or(|known| given.at < known.at) {
                    model = Some(given);
                }
            }
        }
        if let Some(given) = model {
            age.model = Some(seconds(given.at, arrived));
            age.own_call = Some(seconds(given.at, given.picked_at));
            age.others = self.calls_for_others(number, arrived, given.picked_at);
        }
        age.rest = self.rest_of_running(arrived);
        age
    }

    /// How long the first slot is taken yet.
    fn rest_of_running(&self, at: Timestamp) -> f64 {
        let under_way: Vec<Timestamp> = self
            .run
            .busy
            .iter()
            .filter(|(from, to)| *from <= at && *to > at)
            .map(|(_, to)| *to)
            .collect();
        match under_way.iter().min() {
            Some(end) if under_way.len() >= self.parallel => seconds(*end, at),
            _ => 0.0,
        }
    }

    /// How long the model was busy with other needles between two times.
    fn calls_for_others(&self, number: usize, from: Timestamp, to: Timestamp) -> f64 {
        let holds_other = |given: &Given| {
            self.incidents.iter().any(|ended| {
                ended.row.incident.id == given.incident
                    && ended.alerts.iter().any(|at| {
                        let of = self.stream.events.get(*at).and_then(|event| event.needle);
                        of.is_some_and(|of| of != number)
                    })
            })
        };
        self.run
            .given
            .iter()
            .filter(|given| given.calls > 0 && given.picked_at >= from && given.picked_at < to)
            .filter(|given| holds_other(given))
            .map(|given| seconds(given.at.min(to), given.picked_at))
            .sum()
    }
}

/// Ages of one needle.
#[derive(Debug, Default)]
struct Age {
    first: Option<f64>,
    model: Option<f64>,
    own_call: Option<f64>,
    rest: f64,
    others: f64,
}

/// Where a list shows an incident: by its threat level, then by how far it stands out.
type Rank = (u8, u8);

fn rank(ended: &Ended) -> Rank {
    (level(ended).unwrap_or(0), ended.row.incident.setting.points())
}

/// Gives a part as a share; of nothing, all.
fn share(part: usize, whole: usize) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^52 incidents")]
    let share = if whole == 0 { 1.0 } else { part as f64 / whole as f64 };
    share
}

fn level(ended: &Ended) -> Option<u8> {
    ended.row.verdict.as_ref().map(|verdict| verdict.draft.threat_level)
}

/// Of several incidents of one actor in one time, those that are of the needle's class, if any are.
fn of_its_class<'a>(needle: &Needle, holders: Vec<Holder<'a>>) -> Vec<Holder<'a>> {
    let fits = |holder: &Holder<'_>| needle.fits(holder.ended.row.incident.class) == Some(true);
    if holders.iter().any(fits) { holders.into_iter().filter(fits).collect() } else { holders }
}
