//! Which alerts are worth folding: a minimum level, and lists of what to take and what to leave.
//!
//! A person wrote these rules in the configuration. An alert that they leave out is counted as `below_policy` and goes no further;
//! the count says how much a rule hides. Excluding wins over including.

use alert::Alert;

/// A rule id or a range of them, as in `31100-31199`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RuleRange {
    /// The first id.
    pub first: u32,
    /// The last id, included.
    pub last: u32,
}

impl RuleRange {
    /// Reads `31101` or `31100-31199`.
    pub fn parse(text: &str) -> Option<Self> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        let range = Self { first: first.trim().parse().ok()?, last: last.trim().parse().ok()? };
        (range.first <= range.last).then_some(range)
    }

    fn contains(self, id: &str) -> bool {
        id.parse::<u32>().is_ok_and(|id| (self.first..=self.last).contains(&id))
    }
}

/// What to take or to leave. Empty lists say nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// By rule id.
    pub rules: Vec<RuleRange>,
    /// By rule group, exactly.
    pub groups: Vec<String>,
    /// By agent id or name, exactly.
    pub agents: Vec<String>,
    /// By a part of the location.
    pub locations: Vec<String>,
}

impl Selection {
    fn is_empty(&self) -> bool {
        self.rules.is_empty()
            && self.groups.is_empty()
            && self.agents.is_empty()
            && self.locations.is_empty()
    }

    fn matches(&self, alert: &Alert) -> bool {
        self.rules.iter().any(|range| range.contains(&alert.rule.id))
            || self.groups.iter().any(|group| alert.rule.groups.contains(group))
            || self
                .agents
                .iter()
                .any(|agent| *agent == alert.agent.id || *agent == alert.agent.name)
            || self.locations.iter().any(|part| alert.location.contains(part.as_str()))
    }
}

/// The whole policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Alerts of a lower rule level are left out, unless `include` names them.
    pub level_min: u8,
    /// Taken whatever their level.
    pub include: Selection,
    /// Left out whatever else holds.
    pub exclude: Selection,
}

impl Default for Policy {
    fn default() -> Self {
        // Wazuh's own floor for writing an alert is level 3. Taking all of them is what folding is for.
        Self { level_min: 3, include: Selection::default(), exclude: Selection::default() }
    }
}

impl Policy {
    /// Tells whether an alert is taken.
    pub fn takes(&self, alert: &Alert) -> bool {
        if !self.exclude.is_empty() && self.exclude.matches(alert) {
            return false;
        }
        alert.rule.level >= self.level_min
            || (!self.include.is_empty() && self.include.matches(alert))
    }
}

#[cfg(test)]
mod tests {
    use alert::Limits;

    use super::*;

    fn alert(level: u8) -> Alert {
        let json = format!(
            r#"{{"rule":{{"id":"31101","level":{level},"groups":["web"]}},"agent":{{"id":"001","name":"web01"}},"location":"/var/log/a"}}"#
        );
        Alert::parse(json.as_bytes(), &Limits::default()).expect("an alert")
    }

    #[test]
    fn a_low_alert_is_taken_only_if_it_is_named() {
        let mut policy = Policy { level_min: 7, ..Policy::default() };
        assert!(!policy.takes(&alert(5)));
        policy.include.rules = vec![RuleRange::parse("31100-31199").expect("a range")];
        assert!(policy.takes(&alert(5)));
        policy.exclude.agents = vec!["web01".to_owned()];
        assert!(!policy.takes(&alert(15)));
    }

    #[test]
    fn a_range_that_runs_backwards_is_no_range() {
        assert_eq!(RuleRange::parse("9-3"), None);
        assert_eq!(RuleRange::parse("x"), None);
    }
}
