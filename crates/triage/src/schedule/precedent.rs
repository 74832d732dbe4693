//! What models judged before, by what it is like: whose judgement an incident may take over instead of asking again.
//!
//! A judgement is taken over only by what looks no more serious than what was judged, and for a while. How many of the like must have been
//! judged depends on how alike they are: of one sort one is enough, of the rest it takes more, and what is serious is only ever
//! taken for one of many.

use std::collections::HashMap;
use std::time::Duration;

use alert::incident::Success;
use alert::{IncidentId, Likeness, Timestamp};

use super::volley::telling;

/// Names remembered. A site has some hundred sorts of incidents in a week.
const NAMES_MAX: usize = 8_192;

/// Judgements remembered of each name.
const OF_NAME_MAX: usize = 3;

/// How long the judgement on one of a sort holds for the others.
const SORT_HOLDS: Duration = Duration::from_secs(7 * 24 * 3600);

/// How long it holds while calls of about a month are past their share: as long as Quell remembers what is usual. What came back every day
/// since a model judged it is what it was.
const SORT_HOLDS_LONG: Duration = Duration::from_secs(64 * 24 * 3600);

/// How long it holds where it stands out: what is unusual comes seldom, and may be another story each time.
const UNUSUAL_HOLDS: Duration = Duration::from_secs(3600);

/// How long judgements on kin hold.
const KIN_HOLDS: Duration = Duration::from_secs(24 * 3600);

/// How long a judgement on one makes its kin less urgent.
const KIN_LATELY: Duration = Duration::from_secs(3600);

/// How long judgements on a fleet hold: what comes to yet another machine later is another story.
const FLEET_HOLDS: Duration = Duration::from_secs(3600);

/// How long judgements on parts of a burst hold for its other parts: what comes later is another chapter.
const BURST_HOLDS: Duration = Duration::from_secs(1200);

/// How long judgements on parts of a volley hold for its other parts, and those on requests for the same requests.
const VOLLEY_HOLDS: Duration = Duration::from_secs(3600);

/// Of a volley, how many parts a model must have seen that tell as much: of what tells more one is enough.
const VOLLEY_MIN: usize = 2;

/// Of a burst, how many parts a model must have seen: one may be the odd one, and all of them are told of the company they are in.
const BURST_MIN: usize = 2;

/// Of a practice: nothing of it is serious or stands out, so one is enough where calls are short. Of a serious one it takes a pattern.
const PRACTICE_MIN: usize = 1;

/// Of kin: one may be odd, three are a pattern.
const PATTERN_MIN: usize = 3;

/// Of twins, where calls are short: what is said in the same words is told by one.
const TWIN_MIN: usize = 1;

/// Of twins that only their class tells, as guesses at passwords are, while they are few: each may be somebody's whole story.
const FEW_TWINS_MIN: usize = 2;

/// What a model said of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Precedent {
    /// Of which.
    pub incident_id: IncidentId,
    /// Which model, as its verdict names it.
    pub analyst: String,
    /// What it said.
    pub threat_level: u8,
    /// How serious the incident looked.
    pub level: u8,
    /// How far the target had given in.
    pub success: Success,
    /// When.
    pub judged_at: Timestamp,
}

/// How an incident is like those that were judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Like {
    /// One of its sort was judged.
    Sort,
    /// Parts of its burst were judged.
    Burst,
    /// A pattern of its kin was judged.
    Kin,
    /// Some of its practice were judged.
    Practice,
}

/// What is remembered.
#[derive(Debug, Default)]
pub(super) struct Precedents {
    by_name: HashMap<u64, Known>,
    /// Judgements that were noted so far.
    noted: u64,
}

/// What is remembered under a name.
#[derive(Debug, Default)]
struct Known {
    /// In the order in which they were noted, which no clock that jumps can change.
    judgements: Vec<Precedent>,
    /// Which of all was noted last.
    last: u64,
}

impl Precedents {
    /// Takes note of a judgement.
    pub(super) fn note(&mut self, likeness: &Likeness, precedent: &Precedent) {
        let &Likeness { sort, kin, twin, fleet, burst, practice, volley, copy, .. } = likeness;
        let names = [Some(sort), Some(kin), twin, fleet, burst, practice, volley, copy];
        self.noted = self.noted.saturating_add(1);
        for name in names.into_iter().flatten() {
            self.note_as(name, precedent.clone());
        }
    }

    fn note_as(&mut self, name: u64, precedent: Precedent) {
        if self.by_name.len() >= NAMES_MAX && !self.by_name.contains_key(&name) {
            self.forget_older_half();
        }
        let known = self.by_name.entry(name).or_default();
        known.last = self.noted;
        known.judgements.retain(|one| one.incident_id != precedent.incident_id);
        known.judgements.push(precedent);
        if known.judgements.len() > OF_NAME_MAX {
            known.judgements.remove(0);
        }
    }

    /// Says as what an incident is like others that models judged. `coming` are those that are being judged, and how many of its kin and of its
    /// practice will be.
    /// What `is_serious` is like its kin at most, or part of a burst.
    pub(super) fn of(
        &self,
        id: &IncidentId,
        likeness: &Likeness,
        (is_serious, calls_are_short): (bool, bool),
        coming: (&[Likeness], usize, usize),
        now: Timestamp,
    ) -> Option<Like> {
        if !likeness.may_be_like {
            return None;
        }
        let (asked, kin, practice) = coming;
        let practice_min = if is_serious { PATTERN_MIN } else { PRACTICE_MIN };
        let known = |name: u64, holds| self.known(name, (id, likeness), asked, holds, now);
        if !is_serious && known(likeness.sort, sort_holds(likeness, calls_are_short)) > 0 {
            Some(Like::Sort)
        } else if likeness.burst.is_some_and(|burst| known(burst, BURST_HOLDS) >= BURST_MIN) {
            Some(Like::Burst)
        } else if known(likeness.kin, KIN_HOLDS) + kin >= PATTERN_MIN
            || likeness.fleet.is_some_and(|fleet| known(fleet, FLEET_HOLDS) >= PATTERN_MIN)
        {
            Some(Like::Kin)
        } else if likeness
            .practice
            .is_some_and(|name| known(name, KIN_HOLDS) + practice >= practice_min)
        {
            Some(Like::Practice)
        } else {
            None
        }
    }

    /// Tells whether a model judged a twin, or judges one: what was said in the same words at the same place, or of the same fleet
    /// if that has no words.
    /// `coming` are those that are being judged, and how many twins will be.
    pub(super) fn has_twin(
        &self,
        id: &IncidentId,
        likeness: &Likeness,
        (asked, twins, is_crowd): (&[Likeness], usize, bool),
        now: Timestamp,
    ) -> bool {
        let is_alone = likeness.is_told_by_class && !is_crowd;
        let least = if is_alone { FEW_TWINS_MIN } else { TWIN_MIN };
        let known = |name, holds| self.known(name, (id, likeness), asked, holds, now);
        let holds = if likeness.stands_out { UNUSUAL_HOLDS } else { KIN_HOLDS };
        let fleet = likeness.fleet.filter(|_| likeness.is_told_by_class);
        let is_one = || {
            likeness.twin.is_some_and(|twin| known(twin, holds) + twins >= least)
                || fleet.is_some_and(|fleet| known(fleet, FLEET_HOLDS) >= least)
        };
        likeness.may_be_like && is_one()
    }

    /// Counts what models said, or are `asked`, under a name of what looks no less serious.
    fn known(
        &self,
        name: u64,
        (id, likeness): (&IncidentId, &Likeness),
        asked: &[Likeness],
        holds: Duration,
        now: Timestamp,
    ) -> usize {
        let is_one = |other: &&Likeness| {
            other.level >= likeness.level
                && (other.sort == name
                    || other.kin == name
                    || [other.twin, other.fleet, other.burst, other.practice].contains(&Some(name)))
        };
        self.fitting(name, id, likeness, holds, now).count() + asked.iter().filter(is_one).count()
    }

    /// Says whether models judged the same requests with the same answers; or, if its volley `is_loud`, parts of that which tell no less.
    pub(super) fn of_part(
        &self,
        id: &IncidentId,
        likeness: &Likeness,
        is_loud: bool,
        now: Timestamp,
    ) -> bool {
        let copy = likeness.copy.filter(|_| likeness.may_be_part);
        let is_copied = copy.is_some_and(|copy| {
            self.fitting(copy, id, likeness, VOLLEY_HOLDS, now).next().is_some()
        });
        let judged: Vec<Success> = self
            .of_volley(id, likeness, now)
            .filter(|_| is_loud)
            .map(|precedent| precedent.success)
            .collect();
        is_copied
            || judged.len() >= VOLLEY_MIN
            || judged.iter().any(|success| *success > likeness.success)
    }

    /// Tells whether models judged lately what gave in further of the same volley, or as far and looked no less serious.
    pub(super) fn has_better(&self, id: &IncidentId, likeness: &Likeness, now: Timestamp) -> bool {
        likeness.volley.filter(|_| likeness.may_be_part).is_some_and(|name| {
            self.under(name).any(|one| {
                one.incident_id != *id
                    && (one.success, one.level) >= telling(likeness)
                    && is_within(one, VOLLEY_HOLDS, now)
            })
        })
    }

    /// Gives what models said lately of other parts of a volley that tell no less.
    fn of_volley(
        &self,
        id: &IncidentId,
        likeness: &Likeness,
        now: Timestamp,
    ) -> impl Iterator<Item = &Precedent> {
        let volley = likeness.volley.filter(|_| likeness.may_be_part);
        volley
            .into_iter()
            .flat_map(move |name| self.fitting(name, id, likeness, VOLLEY_HOLDS, now))
            .filter(|precedent| precedent.success >= likeness.success)
    }

    /// Tells whether a model judged this very incident within a day, as the kind of thing that it is now; a serious one, when it looked no less
    /// serious.
    pub(super) fn has_own(
        &self,
        id: &IncidentId,
        likeness: &Likeness,
        is_serious: bool,
        now: Timestamp,
    ) -> bool {
        likeness.may_be_like
            && self.under(likeness.kin).any(|one| {
                one.incident_id == *id
                    && (one.level >= likeness.level || !is_serious)
                    && is_within(one, KIN_HOLDS, now)
            })
    }

    /// Counts those of its kin that models judged lately, whatever they looked like.
    pub(super) fn of_kin(&self, likeness: &Likeness, now: Timestamp) -> usize {
        self.under(likeness.kin).filter(|one| is_within(one, KIN_LATELY, now)).count()
    }

    /// Tells whether a model judged another of its kin within a day.
    pub(super) fn of_kin_today(
        &self,
        id: &IncidentId,
        likeness: &Likeness,
        now: Timestamp,
    ) -> bool {
        let mut others = self.under(likeness.kin).filter(|one| one.incident_id != *id);
        others.any(|one| is_within(one, KIN_HOLDS, now))
    }

    /// Gives the judgements that an incident may take over, the closest first: of its sort, of the same requests, of its volley, its twins, of its burst, of
    /// its kin, of its fleet, of its practice.
    pub(super) fn closest(
        &self,
        id: &IncidentId,
        likeness: &Likeness,
        now: Timestamp,
    ) -> Vec<Precedent> {
        let under = |name: Option<u64>, holds| -> Vec<Precedent> {
            let fitting =
                name.into_iter().flat_map(|name| self.fitting(name, id, likeness, holds, now));
            fitting.cloned().collect()
        };
        let like = |name: Option<u64>| name.filter(|_| likeness.may_be_like);
        let by_closeness = [
            under(like(Some(likeness.sort)), sort_holds(likeness, true)),
            under(likeness.copy.filter(|_| likeness.may_be_part), VOLLEY_HOLDS),
            self.of_volley(id, likeness, now).cloned().collect(),
            under(like(likeness.twin), KIN_HOLDS),
            under(like(likeness.burst), BURST_HOLDS),
            under(like(Some(likeness.kin)), KIN_HOLDS),
            under(like(likeness.fleet), FLEET_HOLDS),
            under(like(likeness.practice), KIN_HOLDS),
        ];
        by_closeness.into_iter().find(|found| !found.is_empty()).unwrap_or_default()
    }

    fn fitting(
        &self,
        name: u64,
        id: &IncidentId,
        likeness: &Likeness,
        holds: Duration,
        now: Timestamp,
    ) -> impl Iterator<Item = &Precedent> {
        self.under(name).filter(move |one| {
            one.incident_id != *id && one.level >= likeness.level && is_within(one, holds, now)
        })
    }

    fn under(&self, name: u64) -> impl Iterator<Item = &Precedent> {
        self.by_name.get(&name).into_iter().flat_map(|known| &known.judgements)
    }

    fn forget_older_half(&mut self) {
        let mut order: Vec<u64> = self.by_name.values().map(|known| known.last).collect();
        order.sort_unstable();
        if let Some(middle) = order.get(order.len() / 2).copied() {
            self.by_name.retain(|_, known| known.last > middle);
        }
    }
}

/// Tells whether a judgement is of this time. One from the future was given before the clock was set back: how far off it is counts.
fn is_within(one: &Precedent, holds: Duration, now: Timestamp) -> bool {
    now.since(one.judged_at) <= holds && one.judged_at.since(now) <= holds.min(SORT_HOLDS)
}

const fn sort_holds(likeness: &Likeness, calls_are_short: bool) -> Duration {
    match (likeness.stands_out, calls_are_short) {
        (true, _) => UNUSUAL_HOLDS,
        (false, true) => SORT_HOLDS_LONG,
        (false, false) => SORT_HOLDS,
    }
}
