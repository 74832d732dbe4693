//! Volleys: what a tool sends from one address, class after class, and what is left to be told of it once its best is known.
//!
//! A scanner tries hundreds of requests of every class within seconds, and a dozen of its incidents wait before what somebody typed by hand. What
//! of it worked shows, and is nobody's part. The rest (tried, or answered and nothing more) is of a loud volley, and goes behind others if
//! something of the volley that tells more waits or was judged. The same requests with the same answers from several addresses
//! are a tool's too. Neither is dropped: they wait, in the order of their urgency, with the playbook's verdict at their level.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use alert::incident::Success;
use alert::{Class, Likeness, Timestamp};

use super::Job;
use super::lately::Tally;

/// Attacks in requests from which on they are a volley: nobody types as many within minutes. Jobs know of their incident's alerts as of
/// its last news, at 10 or at 100 for instance.
const LOUD_MIN: f64 = 50.0;

/// How long it takes until half of a volley is forgotten: what waits behind much else is still a part of it.
const HALF_LIFE: Duration = Duration::from_secs(3600);

/// What is known of volleys that do not wait any more.
#[derive(Debug)]
pub(super) struct Gone {
    alerts: Tally<u64>,
}

impl Default for Gone {
    fn default() -> Self {
        Self { alerts: Tally::with_half_life(HALF_LIFE) }
    }
}

impl Gone {
    /// Takes note of what waits no more.
    pub(super) fn note(&mut self, job: &Job, now: Timestamp) {
        if let Some(volley) = job.likeness.volley {
            self.alerts.add_many(volley, count(job), now);
        }
    }

    /// Finds the volleys among the jobs at `waiting`, with what models are asked about.
    pub(super) fn volleys(
        &self,
        jobs: &[Job],
        waiting: &[usize],
        asked: &[Likeness],
        now: Timestamp,
    ) -> Volleys {
        let mut volleys: HashMap<u64, Volley> = HashMap::new();
        let mut copies: HashMap<u64, Vec<Option<u64>>> = HashMap::new();
        let mut see = |likeness: &Likeness, alerts: f64| {
            let Some(name) = likeness.volley else { return };
            let volley = volleys.entry(name).or_insert_with(|| Volley {
                alerts: self.alerts.at(&name, now),
                best: (Success::None, 0),
            });
            volley.alerts += alerts;
            volley.best = volley.best.max(telling(likeness));
        };
        for job in waiting.iter().filter_map(|at| jobs.get(*at)) {
            see(&job.likeness, count(job));
            if let Some(copy) = job.likeness.copy {
                copies.entry(copy).or_default().push(job.likeness.volley);
            }
        }
        for likeness in asked {
            see(likeness, 0.0);
        }
        volleys.retain(|_, volley| volley.alerts >= LOUD_MIN);
        copies.retain(|_, of| {
            let mut of_volleys = of.iter().flatten();
            of.len() > 1 && of_volleys.any(|volley| volleys.contains_key(volley))
        });
        Volleys { volleys, copies: copies.into_keys().collect() }
    }
}

/// The volleys of one moment.
#[derive(Debug, Default)]
pub(super) struct Volleys {
    volleys: HashMap<u64, Volley>,
    copies: HashSet<u64>,
}

#[derive(Debug)]
struct Volley {
    alerts: f64,
    best: (Success, u8),
}

impl Volleys {
    /// Tells whether an incident may be a part of a volley that is loud.
    pub(super) fn hold(&self, likeness: &Likeness) -> bool {
        likeness.may_be_part && likeness.volley.is_some_and(|name| self.volleys.contains_key(&name))
    }

    /// Tells whether something that waits, or that a model is asked about, says more of the same volley, or the same.
    pub(super) fn has_better(&self, likeness: &Likeness) -> bool {
        let volley = likeness.volley.and_then(|name| self.volleys.get(&name));
        let is_lesser = volley.is_some_and(|volley| volley.best > telling(likeness));
        let is_copied = likeness.copy.is_some_and(|copy| self.copies.contains(&copy));
        likeness.may_be_part && (is_lesser || is_copied)
    }
}

/// Orders incidents of a volley: what gave in goes before what looks worse.
pub(super) const fn telling(likeness: &Likeness) -> (Success, u8) {
    (likeness.success, likeness.level)
}

/// Counts what an incident adds to its volley. Passwords that are guessed besides make none.
fn count(job: &Job) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "nothing but its magnitude matters")]
    let alerts = job.alert_count as f64;
    if is_shot(job) { alerts } else { 0.0 }
}

/// Tells whether a job is about an attack in requests.
pub(super) fn is_shot(job: &Job) -> bool {
    job.likeness.volley.is_some() && job.kind != Class::BruteForce.as_str()
}
