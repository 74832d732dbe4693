//! What is judged next, and by whom.
//!
//! One queue. The urgency of a job is its score, growing with age so that nothing starves, shared among actors so that one noisy source can't
//! delay another's first verdict, and among kinds so that a hundred alike don't go before the first of another kind.
//!
//! What the models have no room for in time is judged by the playbook in the meantime, marked as pending, and stays in the queue: nothing is
//! ever dropped. How long a job would wait is foreseen from how long calls take (`foresight.rs`), so nobody waits for a turn that comes too
//! late. What brings nothing new is judged by the playbook for good: more of what a model judged already, what is like something that
//! a model judged (`precedent.rs`), and, once calls are past their share of the alerts (`allowance.rs`), the many alike of a crowd
//! and what is ordinary. Which of these are the playbook's is decided in `spared.rs`.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use alert::incident::Success;
use alert::{Fingerprint, IncidentId, Likeness, Timestamp};

use crate::budget::Bucket;
use crate::priority::Severity;

mod allowance;
mod crowd;
mod foresight;
mod lately;
mod precedent;
mod spared;
#[cfg(test)]
mod tests;
mod volley;

use allowance::Allowance;
use crowd::{Crowds, Turns};
use foresight::Foresight;
use lately::Tally;
pub use precedent::Precedent;
use precedent::{Like, Precedents};
use volley::Volleys;

/// Actors whose budgets are remembered. A full bucket is forgotten first, and forgetting it changes nothing.
const ACTORS_MAX: usize = 10_000;

/// A verdict that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Job {
    /// For which incident.
    pub incident_id: IncidentId,
    /// At which revision.
    pub revision: u32,
    /// Whose incident it is.
    pub actor: String,
    /// What kind of thing it is: its class.
    pub kind: String,
    /// How serious it looks.
    pub severity: Severity,
    /// How urgent it is, from [`crate::priority::score`].
    pub score: f64,
    /// Since when it waits.
    pub queued_at: Timestamp,
    /// Until when there should be a verdict.
    pub deadline_at: Timestamp,
    /// The playbook's verdict stands in the meantime.
    pub has_stand_in: bool,
    /// Nobody judged the incident yet, not even the playbook; or nobody knew yet how serious it has become.
    pub is_unjudged: bool,
    /// A model must not be asked (an echo of Quell's own output).
    pub playbook_only: bool,
    /// What it would tell a model.
    pub novelty: Novelty,
    /// What it is like.
    pub likeness: Likeness,
    /// Alerts in its incident so far.
    pub alert_count: u64,
}

/// What a job would tell a model that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Novelty {
    /// A model judged the incident, and since then there was only more of the same, nothing serious.
    MoreOfTheSame,
    /// Nothing serious, and nothing in it differs from what others of its kind have: no success, no text aimed at a model.
    MaybeLikeOthers,
    /// Something serious, news, or the wish of a person.
    News,
}

/// A call under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// Whose incident is judged.
    pub actor: String,
    /// Since when.
    pub since: Timestamp,
    /// What it is like.
    pub likeness: Likeness,
}

/// Limits on what models are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budgets {
    /// Model calls a minute, in all.
    pub calls_per_minute: u32,
    /// Model calls an hour for the incidents of one actor.
    pub calls_per_actor_hour: u32,
}

impl Default for Budgets {
    fn default() -> Self {
        // A small model on a small machine answers 5 to 15 times a minute; an actor with 20 different incidents in an hour is one story.
        Self { calls_per_minute: 30, calls_per_actor_hour: 20 }
    }
}

/// What the models can take right now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capacity {
    /// No model is configured: the playbook judges for good.
    NoModel,
    /// All backends are resting after failures; the playbook stands in.
    Down,
    /// This many calls may start now.
    Slots(usize),
}

/// Who judges a job now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// A model.
    Model,
    /// The playbook, for good.
    Playbook(&'static str),
    /// The playbook, until a model has time.
    Interim(&'static str),
}

/// Why the playbook stands in while no model answers.
pub const NO_MODEL_ANSWERS: &str = "no model answers";

/// Why the playbook judges what a model judged before.
pub const MORE_OF_THE_SAME: &str = "it is more of what a model judged already, and not serious";

/// Why the playbook judges what is of a sort with something that a model judged.
pub const LIKE_JUDGED: &str = "a model judged one of its sort, which looked no less serious";

/// Why the playbook judges a part of a burst.
pub const PART_OF_BURST: &str =
    "models judged other parts of what came to this machine at once, which looked no less serious";

/// Why the playbook judges a part of a volley.
pub const PART_OF_VOLLEY: &str = "models judged the same requests, or what tells no less of what this address sent, nothing shows that this worked, and calls are kept to 0.2 % of the alerts";

/// Why the playbook judges a serious one of many.
pub const ONE_OF_MANY: &str = "models judged three of its like on this machine or on others, nothing in it differs from them, and calls are kept to 0.2 % of the alerts";

/// Why the playbook judges a serious one whose twin was judged.
pub const TWIN_JUDGED: &str = "a model judged, or judges now, what is said in the same words and looks no less serious, nothing shows that it worked, and calls are kept to 0.2 % of the alerts";

/// Why the playbook judges what is ordinary.
pub const ORDINARY: &str = "nothing in it is an attack or stands out, and calls are kept to 0.2 % of the alerts of about a day";

/// Why a job waits whose like is judged just now.
const LIKE_IS_ASKED: &str = "a model judges one of its like just now";

/// Why the playbook judges one of a crowd.
pub const LIKE_OTHERS: &str = "models judge others of its class, nothing in it is serious or differs, and calls are kept to 0.2 % of the alerts";

/// What actors and kin have of the models already, and who is one of many.
struct Standing<'a> {
    shares: &'a HashMap<&'a str, u32>,
    asked: &'a [Likeness],
    among: &'a Waiting,
}

/// What those that wait are together.
struct Waiting {
    crowds: Crowds,
    volleys: Volleys,
}

/// How soon a job has its turn: the greatest is next.
#[derive(Debug, Clone, Copy)]
struct Rank {
    is_before_crowds: bool,
    urgency: f64,
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        let by_urgency = || self.urgency.total_cmp(&other.urgency);
        self.is_before_crowds.cmp(&other.is_before_crowds).then_with(by_urgency)
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Rank {}

/// Decides whose turn it is.
#[derive(Debug)]
pub struct Scheduler {
    budgets: Budgets,
    all: Bucket,
    actors: HashMap<String, Bucket>,
    /// What each kind got of the models, by how serious it looked.
    kinds: BTreeMap<Severity, Tally<u64>>,
    /// What was told of each class in about an hour, however far it got.
    told: Tally<String>,
    /// About whom something was told in about an hour.
    heard_of: Tally<String>,
    allowance: Allowance,
    foresight: Foresight,
    precedents: Precedents,
    turns: Turns,
    volleys: volley::Gone,
}

impl Scheduler {
    /// Makes a scheduler with full budgets.
    pub fn new(budgets: Budgets, now: Timestamp) -> Self {
        let all = Bucket::new(budgets.calls_per_minute.max(1), Duration::from_secs(60), now);
        Self {
            budgets,
            all,
            actors: HashMap::new(),
            kinds: BTreeMap::new(),
            told: Tally::with_half_life(TOLD_HALF_LIFE),
            heard_of: Tally::with_half_life(TOLD_HALF_LIFE),
            allowance: Allowance::new(now),
            foresight: Foresight::default(),
            precedents: Precedents::default(),
            turns: Turns::default(),
            volleys: volley::Gone::default(),
        }
    }

    /// Takes note of alerts that came: calls may be a share of them.
    pub fn note_alerts(&mut self, alerts: u64, now: Timestamp) {
        self.allowance.note_alerts(alerts, now);
    }

    /// Takes note of how long a model was busy with a case.
    pub fn note_call(&mut self, took: Duration) {
        self.foresight.note(took);
    }

    /// Takes note of what a model said of an incident that is like others.
    pub fn note_precedent(&mut self, likeness: &Likeness, precedent: &Precedent) {
        self.precedents.note(likeness, precedent);
    }

    /// Gives what models said of others that a job is like, the closest of them: what its verdict names.
    pub fn precedents(
        &self,
        id: &IncidentId,
        likeness: &Likeness,
        now: Timestamp,
    ) -> Vec<Precedent> {
        self.precedents.closest(id, likeness, now)
    }

    /// Picks from `jobs` those that are judged now, most urgent first, as indices with whose turn it is. `running` are the calls under way.
    pub fn pick(
        &mut self,
        now: Timestamp,
        jobs: &[Job],
        running: &[Running],
        capacity: Capacity,
    ) -> Vec<(usize, Turn)> {
        let mut shares: HashMap<&str, u32> = HashMap::new();
        for call in running {
            *shares.entry(&call.actor).or_default() += 1;
        }
        let (mut turns, mut waiting) = beyond_choice(jobs, capacity);
        let mut asked: Vec<Likeness> = running.iter().map(|call| call.likeness).collect();
        let among = Waiting {
            crowds: self.turns.crowds(jobs, &waiting, now),
            volleys: self.volleys.volleys(jobs, &waiting, &asked, now),
        };
        self.spare(jobs, &among, &mut waiting, &mut turns, now);
        let mut slots = if let Capacity::Slots(slots) = capacity { slots } else { 0 };
        let mut why =
            if capacity == Capacity::Down { NO_MODEL_ANSWERS } else { "all models are busy" };
        while slots > 0 && !waiting.is_empty() {
            let standing = Standing { shares: &shares, asked: &asked, among: &among };
            let urgent = self.most_urgent(jobs, &waiting, &standing, now);
            let Some((place, job)) = urgent else {
                why = "the budget of its actor is spent";
                break;
            };
            let actor = job.actor.as_str();
            if !self.all.take(now) {
                why = "the budget of model calls is spent";
                break;
            }
            self.take_from_actor(actor, now);
            self.kinds.entry(job.severity).or_default().add(kind_of(job), now);
            self.told.add(job.kind.clone(), now);
            self.heard_of.add(actor.to_owned(), now);
            self.allowance.note_call(now);
            self.turns.note_turn(&among.crowds, job, now);
            self.note_gone(job, now);
            *shares.entry(actor).or_default() += 1;
            asked.push(job.likeness);
            turns.push((waiting.swap_remove(place), Turn::Model));
            slots -= 1;
        }
        // What budgets or failures hold back comes at a time that no speed of calls tells.
        let is_busy = slots == 0 && capacity != Capacity::Down;
        let begun = turns.iter().filter(|(_, turn)| *turn == Turn::Model).count();
        // The next first: their place says how many calls go before.
        let standing = Standing { shares: &shares, asked: &asked, among: &among };
        waiting.sort_by_cached_key(|at| {
            jobs.get(*at).map(|job| Reverse(self.rank(job, &standing, now)))
        });
        for (place, at) in waiting.into_iter().enumerate() {
            let Some(job) = jobs.get(at) else { continue };
            let yet = is_busy.then(|| self.foresight.until_verdict(place, begun, running, now));
            let why = if self.is_like_asked(job, &asked, now) { LIKE_IS_ASKED } else { why };
            turns.extend(interim(job, yet, why, now).map(|turn| (at, turn)));
        }
        turns
    }

    /// Finds the most urgent of those that may be asked about, and where it is among those that wait.
    fn most_urgent<'a>(
        &mut self,
        jobs: &'a [Job],
        waiting: &[usize],
        standing: &Standing<'_>,
        now: Timestamp,
    ) -> Option<(usize, &'a Job)> {
        let mut best: Option<(usize, &Job, Rank)> = None;
        for (place, at) in waiting.iter().enumerate() {
            let Some(job) = jobs.get(*at) else { continue };
            if !self.actor_has_budget(&job.actor, now)
                || self.is_like_asked(job, standing.asked, now)
            {
                continue;
            }
            let rank = self.rank(job, standing, now);
            // Of equals the last, as of all that are compared here.
            if best.is_none_or(|(.., most)| rank >= most) {
                best = Some((place, job, rank));
            }
        }
        best.map(|(place, job, _)| (place, job))
    }

    /// Gives what a job's kind got of the models lately, for what looked no less serious: the harmless leave nothing to be taken for known. Of a
    /// crowd those that got further count too: they say what came of it.
    fn lately(&self, job: &Job, among: &Waiting, now: Timestamp) -> f64 {
        if among.crowds.hold(job) {
            self.lately_of_class(job, now)
        } else {
            self.lately_of(kind_of(job), job.severity, now)
        }
    }

    /// Gives what a job's class got of the models lately, however far it got.
    fn lately_of_class(&self, job: &Job, now: Timestamp) -> f64 {
        let of = |outcome: &&str| self.lately_of(kind(job, outcome), job.severity, now);
        OUTCOMES.iter().map(of).sum()
    }

    fn lately_of(&self, kind: u64, severity: Severity, now: Timestamp) -> f64 {
        self.kinds.range(severity..).map(|(_, kinds)| kinds.at(&kind, now)).sum()
    }

    fn rank(&self, job: &Job, standing: &Standing<'_>, now: Timestamp) -> Rank {
        let share = divisor(job, standing.shares, self.lately(job, standing.among, now))
            * self.kin_divisor(job, standing.asked, now)
            * self.told_divisor(job, now)
            * loudness(job.alert_count);
        let gives_way = self.gives_way(job, standing.among, now);
        let is_alone = standing.among.crowds.give_way_to(job) && !gives_way;
        Rank {
            is_before_crowds: self.turns.is_of_the_alone(now) && is_alone,
            urgency: if gives_way {
                urgency(job, share * GIVES_WAY, PART_WAITS, now)
            } else {
                urgency(job, share, wait_of(job), now)
            },
        }
    }

    /// What urgency is divided by for what was told of its class within about an hour: among those that are as serious, what nobody heard of yet
    /// goes first, and so does whom nobody heard of. What got an answer is held back by its own kind alone.
    fn told_divisor(&self, job: &Job, now: Timestamp) -> f64 {
        if job.likeness.success >= Success::Answered {
            return 1.0;
        }
        let is_heard_of = self.heard_of.at(job.actor.as_str(), now) >= HEARD_OF_MIN;
        let of_actor = if is_heard_of { HEARD_OF } else { 1.0 };
        of_actor * (1.0 + self.told.at(job.kind.as_str(), now)).sqrt().sqrt()
    }

    /// Tells whether a job goes behind others: something tells more of its volley, or several sent the same.
    fn gives_way(&self, job: &Job, among: &Waiting, now: Timestamp) -> bool {
        let is_judged = || self.precedents.has_better(&job.incident_id, &job.likeness, now);
        among.volleys.has_better(&job.likeness)
            || (among.volleys.hold(&job.likeness) && is_judged())
    }

    /// Takes note of what waits no more.
    fn note_gone(&mut self, job: &Job, now: Timestamp) {
        self.turns.note_gone(job, now);
        self.volleys.note(job, now);
    }

    /// What urgency is divided by for those of its kin that models judged lately or judge now: each of them leaves less to be told.
    fn kin_divisor(&self, job: &Job, asked: &[Likeness], now: Timestamp) -> f64 {
        if !job.likeness.may_be_like {
            return 1.0;
        }
        let under_way = asked.iter().filter(|other| other.kin == job.likeness.kin).count();
        let known = self.precedents.of_kin(&job.likeness, now) + under_way;
        let known = 1.0 + f64::from(u32::try_from(known).unwrap_or(u32::MAX));
        known * known
    }

    fn actor_has_budget(&mut self, actor: &str, now: Timestamp) -> bool {
        self.actors.get_mut(actor).is_none_or(|bucket| bucket.has(now))
    }

    fn take_from_actor(&mut self, actor: &str, now: Timestamp) {
        if self.actors.len() >= ACTORS_MAX && !self.actors.contains_key(actor) {
            self.actors.retain(|_, bucket| !bucket.is_full(now));
        }
        let budget = self.budgets.calls_per_actor_hour.max(1);
        self.actors
            .entry(actor.to_owned())
            .or_insert_with(|| Bucket::new(budget, Duration::from_secs(3600), now))
            .take(now);
    }
}

/// How long a job waits for a model before the playbook stands in. The less serious, the sooner: the model's time is for the rest.
pub const fn patience(severity: Severity) -> Duration {
    Duration::from_secs(match severity {
        Severity::Low => 0,
        Severity::Medium => 20,
        Severity::High | Severity::Critical => 60,
    })
}

/// Parts jobs into those that are the playbook's whatever models can take, and those that wait for a model.
fn beyond_choice(jobs: &[Job], capacity: Capacity) -> (Vec<(usize, Turn)>, Vec<usize>) {
    let mut turns = Vec::new();
    let mut waiting = Vec::new();
    for (at, job) in jobs.iter().enumerate() {
        match capacity {
            _ if job.playbook_only => {
                turns.push((at, Turn::Playbook("it is an echo of Quell's own output")))
            }
            Capacity::NoModel => turns.push((at, Turn::Playbook("no model is configured"))),
            _ if job.novelty == Novelty::MoreOfTheSame => {
                turns.push((at, Turn::Playbook(MORE_OF_THE_SAME)));
            }
            _ => waiting.push(at),
        }
    }
    (turns, waiting)
}

/// Says whether the playbook stands in for a job that waits: it has waited long enough, or will have, as `yet` tells.
fn interim(job: &Job, yet: Option<Duration>, why: &'static str, now: Timestamp) -> Option<Turn> {
    let (waited, allowed) = (now.since(job.queued_at), patience(job.severity));
    if !job.is_unjudged {
        None
    } else if waited >= allowed || now < job.queued_at {
        // Nobody knows how long a job waits that asked later than now: the clock was set back, and it does not wait for the clock.
        Some(Turn::Interim(why))
    } else {
        let is_too_late = yet.is_some_and(|yet| waited + yet > allowed);
        is_too_late.then_some(Turn::Interim(foresight::TOO_LATE))
    }
}

/// How far an attack may have got, as kinds are told apart: what worked and what was tried are two things.
const OUTCOMES: [&str; 3] = ["tried", "answered", "worked"];

/// Names what a job has in common with others of its class that got as far.
fn kind_of(job: &Job) -> u64 {
    let [tried, answered, worked] = OUTCOMES;
    kind(
        job,
        match job.likeness.success {
            Success::None | Success::Reaction => tried,
            Success::Answered => answered,
            Success::Shown | Success::Confirmed => worked,
        },
    )
}

fn kind(job: &Job, outcome: &str) -> u64 {
    Fingerprint::of([job.kind.as_str(), outcome]).as_u64()
}

/// What urgency is divided by: what the actor already gets, and what the kind got lately. One alike is no crowd.
fn divisor(job: &Job, shares: &HashMap<&str, u32>, lately: f64) -> f64 {
    let share = shares.get(job.actor.as_str()).copied().unwrap_or(0);
    let crowd = 1.0 + (lately - 1.0).max(0.0);
    // That it worked is news each time.
    let of_kind = if job.likeness.success >= Success::Shown { crowd.sqrt() } else { crowd * crowd };
    f64::from(1 + share) * of_kind
}

/// How many times ten alerts double what urgency is divided by.
const LOUDNESS_DECADES: f64 = 10.0;

/// What urgency is divided by for the number of alerts: of two that are as serious, the one that floods is seen anyway, and what hides
/// behind it is quiet.
fn loudness(alert_count: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "nothing but its magnitude matters")]
    let magnitude = (alert_count.max(1) as f64).log10();
    1.0 + magnitude / LOUDNESS_DECADES
}

/// The age, as a multiple of what the deadline allows, from which on urgency grows slowly: in an overload everything is late, and a crowd that
/// is late must not outrun all that came a little later.
const LATE: f64 = 3.0;

/// What urgency is divided by for what gives way: it is behind what looks half as serious.
const GIVES_WAY: f64 = 4.0;

/// How long what gives way may wait for a model's words, where the playbook's stand.
const PART_WAITS: Duration = Duration::from_secs(24 * 3600);

/// How long anything may wait for a model's words, at least, where the playbook's stand. A deadline is for the first verdict; once that is
/// given, age counts alike for all, and evidence decides.
const WORDS_WAIT: Duration = Duration::from_secs(3600);

/// How long it takes until half of what was told of a class is forgotten: about as long as somebody remembers what he read.
const TOLD_HALF_LIFE: Duration = Duration::from_secs(3600);

/// What urgency is divided by for whose other deeds were told of: of two alike, the one whom nobody heard of yet goes first.
const HEARD_OF: f64 = 1.05;

/// How much of having told of somebody must be left.
const HEARD_OF_MIN: f64 = 0.25;

/// Gives how long a job may wait.
fn wait_of(job: &Job) -> Duration {
    let allowed = job.deadline_at.since(job.queued_at);
    if job.has_stand_in { allowed.max(WORDS_WAIT) } else { allowed }
}

/// Grows with age relative to what is `allowed`, and shrinks with what the actor already gets and what its kind got lately.
fn urgency(job: &Job, share: f64, allowed: Duration, now: Timestamp) -> f64 {
    let age = now.since(job.queued_at).as_secs_f64() / allowed.as_secs_f64().max(1.0);
    let grown = (1.0 + age.min(LATE)) * (1.0 + age.min(LATE)) * (1.0 + (age / LATE).max(1.0).ln());
    job.score * grown / share
}
