//! An incident: all the alerts that are one thing, in bounded space.
//!
//! It keeps exact counts, first and last time, the most telling evidence, and every actor and object up to a limit with a counter
//! beyond it. It is what the store keeps, what a prompt is made of, and what a person works on. How alerts
//! join it is decided in `triage`; here is only what it holds, and the rule that nothing it holds ever shrinks.

use serde::{Deserialize, Serialize};

use crate::answer::Answers;
use crate::distinct::Distinct;
use crate::sanitize::Removed;
use crate::setting::Setting;
use crate::{Class, Fingerprint, IncidentId, Timestamp, Untrusted, parse::Agent};

/// Names kept per list (actors, objects, rules). A person reads ten; the rest is counted.
pub const NAMES_MAX: usize = 32;

/// Pieces of evidence kept. A prompt shows half of them; more would not be read.
pub const EVIDENCE_MAX: usize = 16;

/// Techniques kept. Correlation rules name up to five.
pub const TECHNIQUES_MAX: usize = 16;

/// Who did it, as far as the alerts say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "name", rename_all = "snake_case")]
pub enum Actor {
    /// A network address.
    Address(String),
    /// A user of the machine concerned.
    User(String),
    /// The machine itself: no address and no user in the alert.
    Host(String),
    /// Too many addresses for one behaviour: a botnet, or a source that rotates.
    Many,
}

impl Actor {
    /// Gives the name that people and the fold key use.
    pub fn name(&self) -> &str {
        match self {
            Self::Address(name) | Self::User(name) | Self::Host(name) => name,
            Self::Many => "many sources",
        }
    }

    /// Gives the word for the kind of actor.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Address(_) => "address",
            Self::User(_) => "user",
            Self::Host(_) => "host",
            Self::Many => "many",
        }
    }
}

/// Counted names, up to [`NAMES_MAX`] of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    names: Vec<(String, u64)>,
    /// Occurrences of names beyond the limit.
    pub beyond: u64,
}

impl Tally {
    /// Counts a name. Gives true if it is new here.
    pub fn count(&mut self, name: &str) -> bool {
        if let Some((_, count)) = self.names.iter_mut().find(|(known, _)| known == name) {
            *count = count.saturating_add(1);
            return false;
        }
        if self.names.len() < NAMES_MAX {
            self.names.push((name.to_owned(), 1));
            true
        } else {
            self.beyond = self.beyond.saturating_add(1);
            false
        }
    }

    /// Goes through the names in the order they were first seen.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.names.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Gives the names alone.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// Counts the names kept.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Tells whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Tells whether a name is kept.
    pub fn contains(&self, name: &str) -> bool {
        self.names.iter().any(|(known, _)| known == name)
    }
}

/// What a web server answered, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Responses {
    /// 2xx.
    pub ok: u64,
    /// 3xx.
    pub redirected: u64,
    /// 401, 403, 405, 406, 429, 444 and the like: refused.
    pub refused: u64,
    /// 404 and 410.
    pub missing: u64,
    /// Other 4xx.
    pub rejected: u64,
    /// 5xx.
    pub failed: u64,
}

impl Responses {
    /// Counts a status code.
    pub fn count(&mut self, status: u16) {
        let counter = match status {
            200..=299 => &mut self.ok,
            300..=399 => &mut self.redirected,
            401 | 403 | 405 | 406 | 429 | 444 | 451 => &mut self.refused,
            404 | 410 => &mut self.missing,
            500..=599 => &mut self.failed,
            _ => &mut self.rejected,
        };
        *counter = counter.saturating_add(1);
    }

    /// Counts all answers.
    pub const fn total(&self) -> u64 {
        self.ok
            .saturating_add(self.redirected)
            .saturating_add(self.refused)
            .saturating_add(self.missing)
            .saturating_add(self.rejected)
            .saturating_add(self.failed)
    }
}

/// How much the alerts say about success. Ordered: merging only ever raises it.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Success {
    /// Nothing speaks for it.
    #[default]
    None,
    /// The target reacted to it: a server error on an attack.
    Reaction,
    /// The target answered it as if all were well: 2xx on an attack.
    Answered,
    /// The answers show that it took effect: they differ as only an attack that works makes them differ.
    Shown,
    /// It worked: a login after many failures, a file written, a shell run.
    Confirmed,
}

/// One kept piece of evidence: the first alert of one shape.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The shape, hashed: near-duplicates share it.
    pub shape: u64,
    /// Alerts of this shape.
    pub count: u64,
    /// Highest level of this shape.
    pub level: u8,
    /// The first of them, by time.
    pub first_seen: Timestamp,
    /// The last of them.
    pub last_seen: Timestamp,
    /// Wazuh's id of the first.
    pub alert_id: String,
    /// The rule that raised the first.
    pub rule_id: String,
    /// The log line or event of the first, cut to a bound.
    pub excerpt: Untrusted,
    /// The decoded view, where it differs from the excerpt.
    pub decoded: Option<Untrusted>,
    /// The highest status a web server answered with.
    pub status: Option<u16>,
    /// What the classifier saw, where it saw an attack.
    pub finding: Option<Finding>,
    /// How much this shape says about success.
    pub success: Success,
}

/// What the classifier saw in a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The class it points to.
    pub class: Class,
    /// How sure the classifier is, 1 to 100.
    pub strength: u8,
    /// The query parameter that carries it.
    pub parameter: Option<String>,
    /// The decoded bit that gave it away.
    pub fragment: Untrusted,
    /// Why that bit is telling, in our words.
    pub reason: String,
}

/// Why an incident asks for a (new) verdict.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It is new.
    New,
    /// Alerts of a higher level joined.
    Level {
        /// The level before.
        from: u8,
        /// The level now.
        to: u8,
    },
    /// The class became more serious.
    Class {
        /// The class before.
        from: Class,
        /// The class now.
        to: Class,
    },
    /// There is more evidence of success than before.
    Success(Success),
    /// A technique that was not seen before.
    Technique(String),
    /// Text that looks like instructions to a language model.
    Injection,
    /// It grew tenfold since it was last judged.
    Growth(u64),
    /// It was quiet, and came back.
    Returned,
    /// It is more unusual where it happens than it seemed: something else of it is new there, or other unusual things came within minutes.
    Unusual,
    /// Its actor left a crowd that does the same: he does many times as much as the others.
    Loud,
    /// The playbook stood in, and a model is still to be asked.
    ModelPending,
    /// A person asked.
    Requested,
}

impl Reason {
    /// Says the reason in a few words.
    pub fn text(&self) -> String {
        match self {
            Self::New => "new incident".to_owned(),
            Self::Level { from, to } => format!("rule level rose from {from} to {to}"),
            Self::Class { from, to } => format!("class rose from {from} to {to}"),
            Self::Success(Success::Confirmed) => "evidence that it worked".to_owned(),
            Self::Success(Success::Shown) => "the answers show that it worked".to_owned(),
            Self::Success(_) => "the target answered it".to_owned(),
            Self::Technique(id) => format!("new technique {id}"),
            Self::Injection => "text aimed at a language model".to_owned(),
            Self::Growth(count) => format!("grew to {count} alerts"),
            Self::Returned => "came back after a quiet time".to_owned(),
            Self::Unusual => "it stands out more than before from what is usual there".to_owned(),
            Self::Loud => "its actor does many times as much as the others of a crowd".to_owned(),
            Self::ModelPending => "the playbook stood in for a model".to_owned(),
            Self::Requested => "a person asked".to_owned(),
        }
    }
}

/// Where an incident is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Alerts still join.
    #[default]
    Open,
    /// No alert for a while; one that comes back opens it again.
    Quiet,
    /// A person closed it. Repeats still count; more serious news opens it again.
    Closed,
}

impl State {
    /// Gives the word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Quiet => "quiet",
            Self::Closed => "closed",
        }
    }
}

/// All the alerts that are one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its name.
    pub id: IncidentId,
    /// The key under which alerts fold into it.
    pub fingerprint: Fingerprint,
    /// The most serious class seen.
    pub class: Class,
    /// Who, as folded.
    pub actor: Actor,
    /// Where.
    pub agent: Agent,
    /// The time its window is anchored at: the first alert's, never moved by later ones.
    pub anchored_at: Timestamp,
    /// The earliest alert.
    pub first_seen: Timestamp,
    /// The latest alert.
    pub last_seen: Timestamp,
    /// Alerts folded into it, exactly.
    pub alert_count: u64,
    /// The highest rule level seen.
    pub level_max: u8,
    /// Rules that fired, as `id`.
    pub rules: Tally,
    /// What the most serious rule says.
    pub rule_description: Untrusted,
    /// Groups of the rules that fired.
    pub groups: Tally,
    /// Addresses and users that took part.
    pub actors: Tally,
    /// What was touched: paths, accounts, files.
    pub objects: Tally,
    /// About how many different objects there were.
    pub objects_distinct: Distinct,
    /// ATT&CK technique ids that the rules named.
    pub techniques: Vec<String>,
    /// What the web server answered.
    pub responses: Responses,
    /// The most that the alerts say about success.
    pub success: Success,
    /// How unusual it is where it happens. Incidents from before this was kept don't say.
    #[serde(default, skip_serializing_if = "Setting::is_blank")]
    pub setting: Setting,
    /// What was answered to the attacks in it, for comparison. Incidents from before this was kept have none.
    #[serde(default)]
    pub answers: Answers,
    /// The most telling evidence, distinct by shape.
    pub evidence: Vec<Evidence>,
    /// Alerts whose shape found no place in the evidence.
    pub evidence_beyond: u64,
    /// Hidden and acting characters found in its texts.
    pub hidden: Removed,
    /// Text that looks like instructions to a language model: the first found.
    pub injection: Option<Untrusted>,
    /// Alerts that claimed to be Quell's own output without a genuine mark.
    pub forged_marks: u64,
    /// All of it came in at the location where Quell's own results come in. Never asked of a model and never
    /// published to Wazuh: the last layer that keeps the loop broken if marks were lost on the way.
    pub echo: bool,
    /// Counts changes that ask for a verdict. Starts at 1.
    pub revision: u32,
    /// Why the current revision asks for one.
    pub reasons: Vec<Reason>,
    /// Times it came back after a quiet time.
    pub returns: u32,
    /// The number of alerts at which growth alone asks for a verdict again.
    pub growth_mark: u64,
    /// Where it is in its life.
    pub state: State,
}

impl Incident {
    /// Names what the incident is about for a person: agents and, for web attacks, paths.
    pub fn target(&self) -> &str {
        if self.agent.name.is_empty() { &self.agent.id } else { &self.agent.name }
    }

    /// Estimates how many different objects were touched: exact while they fit the list.
    pub fn object_count(&self) -> u64 {
        if self.objects.beyond == 0 {
            u64::try_from(self.objects.len()).unwrap_or(u64::MAX)
        } else {
            self.objects_distinct.estimate().max(u64::try_from(self.objects.len()).unwrap_or(0))
        }
    }

    /// Gives the strongest finding of the classifier among the evidence.
    pub fn finding(&self) -> Option<(&Evidence, &Finding)> {
        self.evidence
            .iter()
            .filter_map(|evidence| evidence.finding.as_ref().map(|finding| (evidence, finding)))
            .max_by_key(|(evidence, finding)| (evidence.success, finding.strength))
    }
}
