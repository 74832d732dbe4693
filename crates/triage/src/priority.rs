//! How urgent it is to judge an incident, in parts that explain themselves.

use std::time::Duration;

use alert::Class;
use alert::incident::{Actor, Incident, Reason, Success};
use alert::verdict::Bounds;
use serde::{Deserialize, Serialize};

use crate::observe::is_told_by_class;
use crate::threat;

/// How serious an incident looks before anybody judged it. Decides deadlines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Threat level 0 to 2.
    Low,
    /// 3 or 4.
    Medium,
    /// 5 to 7.
    High,
    /// 8 to 10.
    Critical,
}

impl Severity {
    /// Every severity, in order.
    pub const ALL: [Self; 4] = [Self::Low, Self::Medium, Self::High, Self::Critical];

    /// Classes a threat level.
    pub const fn of(threat_level: u8) -> Self {
        match threat_level {
            0..=2 => Self::Low,
            3..=4 => Self::Medium,
            5..=7 => Self::High,
            _ => Self::Critical,
        }
    }

    /// Gives the word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How long an incident may wait for its first verdict, by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadlines {
    /// For threat level 8 to 10.
    pub critical: Duration,
    /// For 5 to 7.
    pub high: Duration,
    /// For 3 and 4.
    pub medium: Duration,
    /// For 0 to 2.
    pub low: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        Self { critical: minutes(2), high: minutes(10), medium: minutes(60), low: minutes(24 * 60) }
    }
}

impl Deadlines {
    /// Gives the deadline of a severity.
    pub const fn of(&self, severity: Severity) -> Duration {
        match severity {
            Severity::Low => self.low,
            Severity::Medium => self.medium,
            Severity::High => self.high,
            Severity::Critical => self.critical,
        }
    }
}

/// One factor of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is about.
    pub name: String,
    /// What it multiplies the score by.
    pub factor: f64,
    /// Why.
    pub reason: String,
}

/// How urgent an incident is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Priority {
    /// The product of the parts.
    pub score: f64,
    /// The factors.
    pub parts: Vec<Part>,
    /// How serious it looks.
    pub severity: Severity,
}

/// An agent's weight where nobody set one, on a scale of 1 to 10.
pub const ASSET_WEIGHT_DEFAULT: u8 = 5;

/// Tells whether the last revision brought nothing but more alerts.
pub fn is_only_more(incident: &Incident) -> bool {
    incident.reasons.iter().all(|reason| matches!(reason, Reason::Growth(_) | Reason::Returned))
}

/// Tells whether nothing sets an incident apart from others of its class: it is not serious, the target did not give in, no text in it is
/// aimed at a model, and its last revision brought nothing that may make it different.
pub fn may_be_like_others(incident: &Incident, severity: Severity) -> bool {
    // What has no class is alike in nothing but that, and what two users did is two things.
    let is_interchangeable = incident.class != Class::Other
        && (is_told_by_class(incident.class) || !matches!(incident.actor, Actor::User(_)));
    is_interchangeable
        && severity < Severity::High
        && incident.success < Success::Answered
        && incident.injection.is_none()
        && (is_only_more(incident) || incident.reasons == [Reason::New])
}

/// By how much less of a level something weighs that only a floor holds there, as a rule's level does: among equals, what happened counts.
const HELD_UP: f64 = 0.5;

/// What a search for a way in weighs beside an attempt that looks as serious: a scan tells little beyond its numbers, which the playbook has too.
const SEARCH_FACTOR: f64 = 0.7;

/// Tells whether an incident is a scan that found nothing.
fn is_only_a_search(incident: &Incident) -> bool {
    matches!(incident.class, Class::Scanner | Class::ForcedBrowsing | Class::NetworkScan)
        && incident.success < Success::Answered
}

/// Scores an incident. `asset_weight` is 1 to 10; `has_verdict` says whether somebody judged an earlier revision.
pub fn score(
    incident: &Incident,
    bounds: &Bounds,
    asset_weight: u8,
    has_verdict: bool,
) -> Priority {
    let only_more = is_only_more(incident);
    let novelty = match (has_verdict, only_more) {
        (false, _) => (3.0, "nobody judged it yet"),
        (true, false) => (1.5, "news since the last verdict"),
        (true, true) => (0.3, "more of the same since the last verdict"),
    };
    let success = match incident.success {
        Success::None => (1.0, "nothing says that it worked"),
        Success::Reaction => (1.2, "the target failed on it"),
        Success::Answered => (1.5, "the target answered it"),
        Success::Shown => (2.5, "the answers show that it worked"),
        Success::Confirmed => (3.0, "it worked"),
    };
    let held_up = if threat::is_held_up(incident) { HELD_UP } else { 0.0 };
    let stage = if is_only_a_search(incident) {
        (SEARCH_FACTOR, "it looks for a way in, and tried none")
    } else {
        (1.0, "more than a search for a way in")
    };
    let asset = f64::from(asset_weight.clamp(1, 10)) / f64::from(ASSET_WEIGHT_DEFAULT);
    let parts = vec![
        Part {
            name: "severity".to_owned(),
            factor: f64::from(bounds.typical) + 1.0 - held_up,
            reason: bounds.typical_reason.clone(),
        },
        Part { name: "novelty".to_owned(), factor: novelty.0, reason: novelty.1.to_owned() },
        Part { name: "success".to_owned(), factor: success.0, reason: success.1.to_owned() },
        Part { name: "stage".to_owned(), factor: stage.0, reason: stage.1.to_owned() },
        Part {
            name: "asset".to_owned(),
            factor: asset,
            reason: format!("{} weighs {asset_weight} of 10", incident.target()),
        },
    ];
    Priority {
        score: parts.iter().map(|part| part.factor).product(),
        parts,
        severity: Severity::of(bounds.typical),
    }
}
