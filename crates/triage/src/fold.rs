//! Joins each alert to the incident it belongs to: the heart of Quell.
//!
//! The key is what happened (class, behaviour, message shape) x who (address or user) x where (agent). Windows are anchored at the first
//! alert, so that a flood can't keep one open for ever. A merge may never hide anything: level, class, techniques and signs of success only rise,
//! and whatever rises makes a new revision that asks for a new verdict; mere growth asks at 10, 100, 1,000... alerts, mere
//! returns at the 1st, 2nd, 4th...
//!
//! The fold is a bounded cache of what the store holds. Before a batch, [`Fold::missing`] names the keys it would like to have looked up,
//! and [`Fold::restore`] takes what was found; so a restart reads no history, and a million sources cost disk, not memory. After
//! a batch, [`Fold::take_changed`] gives what must be committed. Deterministic: same alerts in, same incidents out.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use alert::answer::Effect;
use alert::incident::{Actor, Incident, Reason, State, Success};
use alert::parse::Agent;
use alert::setting::Setting;
use alert::{Class, Fingerprint, IncidentId, Timestamp};

use crate::admit::Admitted;
use crate::effect::Known;
use crate::guard::Origin;
use crate::observe::Observation;
use crate::threat;
use crate::usual::{Changes, Look, Usual};

mod absorb;
mod gather;
mod known;
mod worked;

use gather::{Crowds, Gatherings};

/// Failures after which a login by the same actor counts as the end of a brute force. Wazuh's own correlation rules use 8; people mistype 3 times.
const FAILURES_BEFORE_LOGIN: u64 = 5;

/// Windows of one key that are remembered, the current one among them. Alerts come out of order where a queue was held up or two sources
/// are read at different places: each must find the window of its own time. More than four at once has no honest cause.
pub const WINDOWS_MAX: usize = 4;

/// Keys remembered under which the store holds nothing: 3 MB. Beyond, all are forgotten and asked for again.
const ABSENT_MAX: usize = 65_536;

/// Limits and times of the fold.
#[derive(Debug, Clone, Copy)]
pub struct FoldLimits {
    /// The longest time between an incident's first alert and one that still joins it.
    pub window_max: Duration,
    /// The time without alerts after which the next one is a return.
    pub quiet_after: Duration,
    /// Incidents held in memory. The rest is in the store.
    pub incidents_max: usize,
}

impl Default for FoldLimits {
    fn default() -> Self {
        Self {
            window_max: Duration::from_secs(24 * 3600),
            quiet_after: Duration::from_secs(30 * 60),
            // Typical incidents take 2 to 4 kB, the largest 40 kB: between 20 and 320 MB.
            incidents_max: 8_000,
        }
    }
}

/// Where an alert went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Joined {
    /// The incident.
    pub incident_id: IncidentId,
    /// The revision the incident has now.
    pub revision: u32,
    /// The alert made a new revision: a verdict is wanted.
    pub asks: bool,
}

/// The open incidents.
#[derive(Debug)]
pub struct Fold {
    limits: FoldLimits,
    /// Per key its windows, never none and at most [`WINDOWS_MAX`].
    incidents: HashMap<Fingerprint, Vec<Held>>,
    /// Those that found no room among the windows of their key since they were last handed out, with whether each asks. At most one per alert of a batch.
    ended: Vec<(Incident, bool)>,
    /// Keys under which the store holds nothing. Only what is opened here gets there, so it stays true until then; most
    /// of what an alert may join does not exist, and is asked for once instead of with every batch.
    absent: HashSet<Fingerprint>,
    gatherings: Gatherings,
    crowds: Crowds,
    memory: known::Memory,
    usual: Usual,
}

#[derive(Debug)]
struct Held {
    incident: Incident,
    is_changed: bool,
    asks: bool,
}

impl Fold {
    /// Makes an empty fold that knows nothing of what is usual.
    pub fn new(limits: FoldLimits) -> Self {
        Self::with_memory(limits, Usual::default())
    }

    /// Makes an empty fold that knows what is usual.
    pub fn with_memory(limits: FoldLimits, usual: Usual) -> Self {
        let (incidents, ended) = (HashMap::new(), Vec::new());
        let (gatherings, crowds) = (Gatherings::default(), Crowds::default());
        let (absent, memory) = (HashSet::new(), known::Memory::default());
        Self { limits, incidents, ended, absent, gatherings, crowds, memory, usual }
    }

    /// Names the keys that these alerts may join and that are not in memory.
    pub fn missing<'a>(&self, batch: impl IntoIterator<Item = &'a Admitted>) -> Vec<Fingerprint> {
        let mut keys: Vec<Fingerprint> = batch
            .into_iter()
            .flat_map(|admitted| {
                let keys = &admitted.keys;
                let usually = [keys.own, keys.crowded, keys.various];
                // Wherever it would belong, what comes alone is beside that.
                let alone = self.is_alone(admitted).then(|| usually.map(alone));
                usually
                    .into_iter()
                    .chain(alone.into_iter().flatten())
                    .chain(keys.worked)
                    .chain(keys.guessed_before.into_iter().flat_map(Guessed::all))
            })
            .filter(|key| !self.incidents.contains_key(key) && !self.absent.contains(key))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    /// Takes incidents back from the store, as what it holds under the keys that were `asked` for: of each at most [`WINDOWS_MAX`], the
    /// latest. What is in memory already is newer and stays.
    pub fn restore(
        &mut self,
        asked: &[Fingerprint],
        incidents: impl IntoIterator<Item = Incident>,
    ) {
        if self.absent.len().saturating_add(asked.len()) > ABSENT_MAX {
            self.absent.clear();
        }
        self.absent.extend(asked);
        for incident in incidents {
            self.absent.remove(&incident.fingerprint);
            let windows = self.incidents.entry(incident.fingerprint).or_default();
            if windows.len() < WINDOWS_MAX
                && windows.iter().all(|held| held.incident.id != incident.id)
            {
                windows.push(Held { incident, is_changed: false, asks: false });
            }
        }
    }

    /// Joins one alert to its incident, opening one if need be.
    pub fn join(&mut self, admitted: &Admitted) -> Joined {
        let mut key = self.key_for(admitted);
        if self.is_alone(admitted) {
            // What came another way than ever is not more of what came the usual way.
            key.fingerprint = alone(key.fingerprint);
        }
        let mut known = self.memory.of(admitted);
        self.set_apart(&mut key, admitted, &mut known);
        let look = match admitted.origin {
            // What comes back of Quell's own output is no habit of anybody.
            Origin::Echo => Look::default(),
            _ => self.usual.look(&admitted.trace, admitted.time, key.fingerprint),
        };
        for other in &look.raised {
            self.accompany(other, admitted.time, &look.setting);
        }
        let windows = self.incidents.entry(key.fingerprint).or_default();
        let place = window_of(windows, admitted.time, self.limits.window_max);
        if let Some(held) = place.and_then(|place| windows.get_mut(place)) {
            let quiet_after = self.limits.quiet_after;
            let mut reasons =
                absorb::absorb(&mut held.incident, admitted, key.success, &known, quiet_after);
            if stands_out_more(&mut held.incident, |setting| setting.merge(&look.setting)) {
                reasons.push(Reason::Unusual);
            }
            self.memory.note(admitted, key.effect.is_some() || gave_in(&held.incident, admitted));
            held.is_changed = true;
            let asks = revise(held, reasons);
            return held.joined(asks);
        }
        self.absent.remove(&key.fingerprint);
        let mut incident = open(&key, admitted, &known);
        incident.setting = look.setting;
        if key.is_loud {
            incident.reasons.push(Reason::Loud);
            // The crowd's incident has the first hundred of what he did.
            incident.growth_mark = incident.growth_mark.saturating_mul(gather::LOUD_MIN);
        }
        self.memory.note(admitted, gave_in(&incident, admitted));
        let opened = Held { incident, is_changed: true, asks: true };
        let joined = opened.joined(true);
        if windows.len() >= WINDOWS_MAX
            && let Some((oldest, _)) =
                windows.iter().enumerate().min_by_key(|(_, held)| held.incident.last_seen)
        {
            let held = windows.swap_remove(oldest);
            // It may hold alerts of this batch: they must not go with it.
            if held.is_changed {
                self.ended.push((held.incident, held.asks));
            }
        }
        windows.push(opened);
        joined
    }

    /// Gives the incidents that changed since the last call, each with whether it asks for a verdict, and makes room.
    ///
    /// An incident leaves memory only here, after it was handed out: nothing that was not committed can be forgotten.
    pub fn take_changed(&mut self) -> Vec<(Incident, bool)> {
        let mut changed: Vec<(Incident, bool)> = std::mem::take(&mut self.ended);
        for held in self.incidents.values_mut().flatten().filter(|held| held.is_changed) {
            changed.push((held.incident.clone(), held.asks));
            held.is_changed = false;
            held.asks = false;
        }
        changed.sort_by(|(a, _), (b, _)| a.id.cmp(&b.id));
        self.make_room();
        changed
    }

    /// Gives what is remembered of the usual and changed since the last call.
    pub fn take_memory(&mut self) -> Changes {
        self.usual.take_changes()
    }

    /// Tells an incident that it is in larger company than it knew.
    fn accompany(&mut self, key: &Fingerprint, time: Timestamp, with: &Setting) {
        let window_max = self.limits.window_max;
        let Some(windows) = self.incidents.get_mut(key) else { return };
        let Some(place) = window_of(windows, time, window_max) else { return };
        let Some(held) = windows.get_mut(place) else { return };
        let before = held.incident.setting;
        if stands_out_more(&mut held.incident, |setting| {
            setting.accompany(with.company, with.sources);
        }) {
            revise(held, vec![Reason::Unusual]);
        }
        held.is_changed |= held.incident.setting != before;
    }

    /// Changes an incident outside the flow of alerts: a person closed it, a verdict asks for the next. Gives it as it is now, or none if
    /// it is not in memory. The caller commits it.
    pub fn update(
        &mut self,
        id: &IncidentId,
        change: impl FnOnce(&mut Incident),
    ) -> Option<Incident> {
        let held = self.incidents.values_mut().flatten().find(|held| held.incident.id == *id)?;
        change(&mut held.incident);
        Some(held.incident.clone())
    }

    /// Marks incidents without alerts since `quiet_after` as quiet, and gives how many.
    pub fn settle(&mut self, now: Timestamp) -> usize {
        let mut settled = 0;
        for held in self.incidents.values_mut().flatten() {
            if held.incident.state == State::Open
                && now.since(held.incident.last_seen) > self.limits.quiet_after
            {
                held.incident.state = State::Quiet;
                held.is_changed = true;
                settled += 1;
            }
        }
        settled
    }

    /// Counts the incidents in memory.
    pub fn len(&self) -> usize {
        self.incidents.values().map(Vec::len).sum()
    }

    /// Tells whether no incident is in memory.
    pub fn is_empty(&self) -> bool {
        self.incidents.is_empty()
    }

    /// Decides which incident an alert belongs to.
    fn key_for(&mut self, admitted: &Admitted) -> Key {
        let keys = &admitted.keys;
        let own = Key {
            fingerprint: keys.own,
            actor: admitted.observation.actor.clone(),
            class: admitted.observation.class,
            success: admitted.observation.success,
            effect: None,
            is_loud: false,
        };
        // A login by whoever was just guessing passwords is not another login: it is the success of the guessing. What was tried is one of
        // thousands, alone or in a crowd; that it worked is a thing of its own.
        if let Some(guessed) = keys.guessed_before
            && (self.was_guessing(guessed.alone, admitted)
                || self.was_guessing(guessed.crowded, admitted)
                || self.was_in_crowd(guessed.crowded, admitted)
                || self.was_in(guessed.got_in, admitted))
        {
            return Key {
                fingerprint: guessed.got_in,
                class: Class::BruteForce,
                success: Success::Confirmed,
                ..own
            };
        }
        if self.incidents.contains_key(&keys.own) {
            return own;
        }
        match self.gatherings.place(keys, admitted, self.limits.window_max) {
            gather::Place::Own => own,
            gather::Place::Crowd => {
                if self.crowds.note(keys.crowded, own.actor.name(), admitted.time) {
                    return Key { is_loud: true, ..own };
                }
                Key { fingerprint: keys.crowded, actor: Actor::Many, ..own }
            }
            gather::Place::Various => Key { fingerprint: keys.various, ..own },
        }
    }

    /// Turns to what worked of the same class, actor and machine, if an alert is shown to have and would be lost in the flood of what didn't.
    fn set_apart(&self, key: &mut Key, admitted: &Admitted, known: &mut Known) {
        let Some(worked) = admitted.keys.worked.filter(|_| key.fingerprint == admitted.keys.own)
        else {
            return;
        };
        let window = |of: &Fingerprint| {
            let windows = self.incidents.get(of)?;
            windows.get(window_of(windows, admitted.time, self.limits.window_max)?)
        };
        let flood = window(&key.fingerprint);
        if let Some(effect) = flood.and_then(|held| worked::beside(&held.incident, admitted, known))
        {
            (key.fingerprint, key.success, key.effect) = (worked, Success::Shown, Some(effect));
        } else if window(&worked).is_some() {
            // The place gave in to what stands beside the flood. That it did is no argument for the rest, which is answered like before.
            known.is_weak = false;
        }
    }

    /// Tells whether an alert opens or joins an incident of what came alone against its habit. Where an address or a user did it, all of that is
    /// one thing, whichever way it came; and Quell's own output is nobody's habit.
    fn is_alone(&self, admitted: &Admitted) -> bool {
        matches!(admitted.observation.actor, Actor::Host(_))
            && admitted.origin != Origin::Echo
            && self.usual.is_alone(&admitted.trace, admitted.time)
    }

    /// Tells whether the actor of a login is one of a crowd that was guessing until just now, whose names an incident can't all hold.
    fn was_in_crowd(&self, crowd: Fingerprint, login: &Admitted) -> bool {
        let seen = self.crowds.last_seen(crowd, login.observation.actor.name());
        seen.is_some_and(|seen| login.time.since(seen) <= self.limits.quiet_after)
    }

    /// Tells whether the actor of a login got in by guessing before, and was there until just now.
    fn was_in(&self, key: Fingerprint, login: &Admitted) -> bool {
        self.incidents.get(&key).into_iter().flatten().any(|held| {
            login.time.since(held.incident.last_seen) <= self.limits.quiet_after
                && login.time >= held.incident.first_seen
        })
    }

    /// Tells whether the actor of a login was guessing passwords in this incident until just now.
    fn was_guessing(&self, key: Fingerprint, login: &Admitted) -> bool {
        self.incidents.get(&key).into_iter().flatten().any(|held| {
            let incident = &held.incident;
            incident.alert_count >= FAILURES_BEFORE_LOGIN
                && login.time.since(incident.last_seen) <= self.limits.quiet_after
                && login.time >= incident.first_seen
                && incident.actors.contains(login.observation.actor.name())
        })
    }

    /// Drops the incidents that were quiet longest, until a tenth of the room is free again.
    fn make_room(&mut self) {
        let mut count = self.len();
        if count <= self.limits.incidents_max {
            return;
        }
        let keep = self.limits.incidents_max - self.limits.incidents_max / 10;
        // The windows of a key go together: half of what the store has of a key would look like all of it.
        let last_seen =
            |windows: &Vec<Held>| windows.iter().map(|held| held.incident.last_seen).max();
        let mut ages: Vec<(Option<Timestamp>, Fingerprint)> =
            self.incidents.iter().map(|(key, windows)| (last_seen(windows), *key)).collect();
        ages.sort_unstable();
        for (_, key) in ages {
            if count <= keep {
                break;
            }
            count -= self.incidents.remove(&key).map_or(0, |windows| windows.len());
        }
    }
}

impl Held {
    fn joined(&self, asks: bool) -> Joined {
        let (incident_id, revision) = (self.incident.id.clone(), self.incident.revision);
        Joined { incident_id, revision, asks }
    }
}

/// Changes what an incident knows of its setting, and tells whether that makes it more serious.
fn stands_out_more(incident: &mut Incident, change: impl Fn(&mut Setting)) -> bool {
    let mut setting = incident.setting;
    change(&mut setting);
    if setting.points() <= incident.setting.points() {
        incident.setting = setting;
        return false;
    }
    let before = threat::assess(incident).typical;
    incident.setting = setting;
    threat::assess(incident).typical > before
}

/// Finds the window that covers a time: of those that began before it the latest, else of those that began soon after it the first.
fn window_of(windows: &[Held], time: Timestamp, window_max: Duration) -> Option<usize> {
    let covering = windows.iter().enumerate().filter_map(|(place, held)| {
        let anchor = held.incident.anchored_at;
        let apart = time.since(anchor).max(anchor.since(time));
        let covers = apart <= window_max && !is_forgotten(&held.incident, time, window_max);
        covers.then_some(((anchor > time, apart), place))
    });
    covering.min().map(|(_, place)| place)
}

/// Tells whether what a machine reports, with nobody's name on it, is too long ago to be the same thing. An address or a user holds what it does
/// in a day together, however slowly. What only a machine ties together, and was silent for half a window, is two things: the rotation
/// of logs at midnight, and the service that somebody stops at noon.
fn is_forgotten(incident: &Incident, time: Timestamp, window_max: Duration) -> bool {
    matches!(incident.actor, Actor::Host(_)) && time.since(incident.last_seen) > window_max / 2
}

/// Names the incident of what came alone against its habit, beside that of what came the usual way.
fn alone(usually: Fingerprint) -> Fingerprint {
    Fingerprint::of([usually.to_string().as_str(), "alone"])
}

/// The keys that an alert may fold under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keys {
    /// What x who x where, with the shape of the message where the class alone is not the behaviour.
    own: Fingerprint,
    /// What x anybody x where: for behaviours that come from too many sources.
    crowded: Fingerprint,
    /// What x who x where without the shape: for behaviours of too many shapes.
    various: Fingerprint,
    /// For an attack that was answered with success: where folds what of its flood is shown to have worked.
    worked: Option<Fingerprint>,
    /// For a login: where guessing by the same actor folds.
    guessed_before: Option<Guessed>,
}

/// Where guessing by one actor folds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Guessed {
    /// What failed, in an incident of its own.
    alone: Fingerprint,
    /// What failed, in a crowd.
    crowded: Fingerprint,
    /// What worked.
    got_in: Fingerprint,
}

impl Guessed {
    fn all(self) -> [Fingerprint; 3] {
        [self.alone, self.crowded, self.got_in]
    }
}

impl Keys {
    pub(crate) fn of(agent: &Agent, seen: &Observation, origin: Origin) -> Self {
        let echo = if origin == Origin::Echo { "echo" } else { "" };
        let (kind, name) = (seen.actor.kind(), seen.actor.name());
        let class = seen.class.fold_name();
        let variant = if seen.behaviour.is_empty() { hit(seen) } else { seen.variant.as_str() };
        // Those who got an answer are few among those who only tried, and must not be lost among them: they are a crowd of their own.
        let answered = if seen.success >= Success::Answered { "answered" } else { "" };
        let key = |class: &str, behaviour: &str, variant: &str, kind: &str, name: &str| {
            Fingerprint::of([
                echo,
                class,
                behaviour,
                variant,
                kind,
                name,
                agent.id.as_str(),
                agent.name.as_str(),
            ])
        };
        let own = key(class, &seen.behaviour, variant, kind, name);
        // Where the class alone is the behaviour there are no shapes to gather.
        let has_shapes = !seen.behaviour.is_empty();
        Self {
            own,
            crowded: key(class, &seen.behaviour, answered, "many", ""),
            various: if has_shapes {
                key(class, &seen.behaviour, "various", kind, name)
            } else {
                own
            },
            worked: (worked::does_something(seen.class)
                && seen.asked.as_ref().is_some_and(|asked| asked.answer.is_success()))
            .then(|| key(class, &seen.behaviour, WORKED, kind, name)),
            guessed_before: match (seen.class, &seen.actor) {
                // Without an address or a user there is nobody of whom to say that it is the same one.
                (Class::Login, Actor::Address(_) | Actor::User(_)) => {
                    let guessing = Class::BruteForce.fold_name();
                    Some(Guessed {
                        alone: key(guessing, "", "", kind, name),
                        crowded: key(guessing, "", "", "many", ""),
                        got_in: key(guessing, "", GOT_IN, kind, name),
                    })
                }
                _ => None,
            },
        }
    }
}

/// What sets a guess that worked apart from those that failed.
const GOT_IN: &str = "got in";

/// What sets an attack that worked apart from the flood of those that did not.
const WORKED: &str = "worked";

/// What sets a page apart that a scan found and that should not be public.
const FOUND: &str = "found";

/// Says what an alert has that guessing and scanning are for. Among thousands that failed nobody would look for it.
fn hit(seen: &Observation) -> &'static str {
    match seen.class {
        Class::BruteForce if seen.success == Success::Confirmed => GOT_IN,
        Class::ForcedBrowsing if seen.success >= Success::Answered => FOUND,
        _ => "",
    }
}

/// The incident that an alert belongs to.
struct Key {
    fingerprint: Fingerprint,
    actor: Actor,
    class: Class,
    success: Success,
    /// What an alert shows that was set apart from its flood.
    effect: Option<Effect>,
    /// Its actor does so much more than a crowd that he leaves it.
    is_loud: bool,
}

fn incident_id(key: &Key, admitted: &Admitted) -> IncidentId {
    IncidentId::derive(admitted.time, key.fingerprint, admitted.alert.key)
}

/// Tells whether an incident shows that the place of an alert gave in to its attacks.
fn gave_in(incident: &Incident, admitted: &Admitted) -> bool {
    incident.answers.effect.as_ref().is_some_and(|effect| {
        admitted.observation.asked.as_ref().is_some_and(|asked| asked.name == effect.place)
    })
}

fn open(key: &Key, admitted: &Admitted, known: &Known) -> Incident {
    let mut incident =
        absorb::blank(incident_id(key, admitted), key.fingerprint, key.actor.clone(), admitted);
    incident.class = key.class;
    incident.answers.effect = key.effect.clone();
    absorb::absorb(&mut incident, admitted, key.success, known, Duration::MAX);
    incident.revision = 1;
    incident.reasons = vec![Reason::New];
    incident
}

/// Makes a new revision if there is reason to. Gives whether a verdict is wanted.
fn revise(held: &mut Held, reasons: Vec<Reason>) -> bool {
    if reasons.is_empty() {
        return false;
    }
    let is_news =
        reasons.iter().any(|reason| !matches!(reason, Reason::Growth(_) | Reason::Returned));
    if held.incident.state == State::Closed && !is_news {
        // A person closed it knowing what it is. More of the same changes nothing.
        return false;
    }
    held.incident.state = State::Open;
    held.incident.revision = held.incident.revision.saturating_add(1);
    held.incident.reasons = reasons;
    held.asks = true;
    true
}

#[cfg(test)]
mod tests;
