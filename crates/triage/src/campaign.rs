//! A campaign: the incidents of one actor over time, in order, with the stages they belong to.
//!
//! It is derived from the incidents whenever it is wanted, so there is no second copy that could disagree. An actor with one
//! incident has no campaign yet.

use alert::class::Stage;
use alert::{Class, IncidentId, Timestamp};
use serde::Serialize;

/// Incidents of a campaign that are listed. The rest is counted.
pub const INCIDENTS_MAX: usize = 50;

/// What a campaign needs to know of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// The incident.
    pub incident_id: IncidentId,
    /// Its class.
    pub class: Class,
    /// The agent concerned.
    pub target: String,
    /// Its first alert.
    pub first_seen: Timestamp,
    /// Its last alert.
    pub last_seen: Timestamp,
    /// Its alerts.
    pub alert_count: u64,
}

/// The incidents of one actor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Campaign {
    /// Whose.
    pub actor: String,
    /// In the order of their first alerts.
    pub steps: Vec<Step>,
    /// The stages reached, in the order in which they were first reached.
    pub stages: Vec<Stage>,
}

impl Campaign {
    /// Puts the incidents of `actor` in order. Gives none for fewer than two.
    pub fn of(actor: &str, mut steps: Vec<Step>) -> Option<Self> {
        if steps.len() < 2 {
            return None;
        }
        steps.sort_by(|a, b| (a.first_seen, &a.incident_id).cmp(&(b.first_seen, &b.incident_id)));
        let mut stages = Vec::new();
        for stage in
            steps.iter().map(|step| step.class.stage()).filter(|stage| *stage != Stage::Other)
        {
            if !stages.contains(&stage) {
                stages.push(stage);
            }
        }
        steps.truncate(INCIDENTS_MAX);
        Some(Self { actor: actor.to_owned(), steps, stages })
    }

    /// Tells the campaign in one line: `reconnaissance, exploit (3 incidents on 2 targets)`.
    pub fn line(&self) -> String {
        let stages: Vec<&str> = self.stages.iter().map(|stage| stage.as_str()).collect();
        let mut targets: Vec<&str> = self.steps.iter().map(|step| step.target.as_str()).collect();
        targets.sort_unstable();
        targets.dedup();
        let stages =
            if stages.is_empty() { "no known stage".to_owned() } else { stages.join(", ") };
        format!("{stages} ({} incidents on {} targets)", self.steps.len(), targets.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(second: i64, class: Class, target: &str) -> Step {
        Step {
            incident_id: IncidentId::parse(&format!("Q-{second}")).expect("an id"),
            class,
            target: target.to_owned(),
            first_seen: Timestamp::from_millis(second * 1000),
            last_seen: Timestamp::from_millis(second * 1000),
            alert_count: 1,
        }
    }

    #[test]
    fn incidents_of_one_actor_are_told_in_order() {
        let steps = vec![
            step(9, Class::Webshell, "b"),
            step(1, Class::ForcedBrowsing, "a"),
            step(5, Class::SqlInjection, "a"),
        ];
        let campaign = Campaign::of("203.0.113.9", steps).expect("a campaign");
        assert_eq!(
            campaign.line(),
            "reconnaissance, exploit, persistence (3 incidents on 2 targets)"
        );
        assert_eq!(Campaign::of("x", vec![step(1, Class::Xss, "a")]), None);
    }
}
