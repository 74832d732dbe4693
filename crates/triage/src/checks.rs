//! What is left of an analyst's draft after code has checked it.
//!
//! A language model invents quotes, addresses and technique ids, and does what the text it reads tells it to. So: quotes must occur in the
//! evidence, addresses and paths must come from the incident, techniques must exist, the level is clamped to what the evidence allows, and an
//! attack that was seen stays one. What fails is removed, said, and lowers the confidence. The playbook's drafts go through the same
//! checks: a test holds it to passing them all.

use std::net::IpAddr;
use std::sync::LazyLock;

use alert::incident::{Incident, Success};
use alert::verdict::{Bounds, Check, Draft, SUMMARY_MAX, TITLE_MAX};
use alert::{Class, Outcome, mitre, sanitize};
use regex::{Captures, Regex};

/// How much each failed grounding check takes from the confidence, in points of 100.
const CONFIDENCE_LOSS: u8 = 15;

/// Shortest quote that proves anything: single words occur everywhere.
const QUOTE_CHARACTERS_MIN: usize = 3;

/// The classifier's strength from which on its class stands against the analyst's, 1 to 100.
const STRENGTH_CERTAIN: u8 = 50;

/// Checks a draft against the incident, and gives what is left with the findings.
pub fn check(mut draft: Draft, incident: &Incident, bounds: &Bounds) -> (Draft, Vec<Check>) {
    let ground = Ground::of(incident);
    let mut checks = vec![
        quotes(&mut draft, &ground),
        entities(&mut draft, &ground),
        techniques(&mut draft),
        class(&mut draft, incident),
        outcome(&mut draft, incident),
    ];
    let failed = checks.iter().filter(|check| !check.passed).count();
    let loss = CONFIDENCE_LOSS.saturating_mul(u8::try_from(failed).unwrap_or(u8::MAX));
    draft.confidence = draft.confidence.saturating_sub(loss).clamp(5, 100);
    checks.push(level(&mut draft, bounds));
    if incident.injection.is_some() {
        checks.push(Check {
            name: "injection_suspected".to_owned(),
            passed: false,
            detail: "the log holds text aimed at a language model: the level may only rise"
                .to_owned(),
        });
    }
    (draft, checks)
}

/// Everything that a draft may refer to, in one searchable text.
struct Ground {
    text: String,
}

impl Ground {
    fn of(incident: &Incident) -> Self {
        let mut text = String::new();
        let mut add = |part: &str| {
            text.push_str(&flat(part));
            text.push('\n');
        };
        for evidence in &incident.evidence {
            add(evidence.excerpt.as_raw());
            add(&alert::redact::mask(&evidence.excerpt.shown(2000)));
            if let Some(decoded) = &evidence.decoded {
                add(decoded.as_raw());
                add(&alert::redact::mask(&decoded.shown(2000)));
            }
            if let Some(finding) = &evidence.finding {
                add(finding.fragment.as_raw());
            }
        }
        add(incident.rule_description.as_raw());
        add(incident.actor.name());
        incident.actors.names().for_each(&mut add);
        incident.objects.names().for_each(&mut add);
        for name in [&incident.agent.name, &incident.agent.id] {
            add(name);
        }
        if let Some(ip) = &incident.agent.ip {
            add(ip);
        }
        Self { text }
    }

    fn holds(&self, part: &str) -> bool {
        self.text.contains(&flat(part))
    }

    /// A name must stand there as a whole: `10.0.0.1` is not in `10.0.0.12`, and `rob` is not in `/robots.txt`.
    fn holds_name(&self, name: &str) -> bool {
        let needle = flat(name);
        self.text.match_indices(&needle).any(|(at, _)| {
            let before = self.text.get(..at).and_then(|text| text.chars().next_back());
            let after = self.text.get(at + needle.len()..).and_then(|text| text.chars().next());
            let apart =
                |side: Option<char>| side.is_none_or(|c| !c.is_ascii_alphanumeric() && c != '.');
            apart(before) && (apart(after) || after == Some('.'))
        })
    }
}

/// Makes texts comparable: cleaned, one kind of blank, lower case.
fn flat(text: &str) -> String {
    let (clean, _) = alert::sanitize::clean(text);
    clean.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

fn quotes(draft: &mut Draft, ground: &Ground) -> Check {
    let said = draft.evidence.len();
    draft.evidence.retain(|quote| {
        let bare = quote.trim().trim_matches(['"', '\'', '`', '…']).trim();
        bare.chars().count() >= QUOTE_CHARACTERS_MIN && ground.holds(bare)
    });
    removed("evidence_quoted", said - draft.evidence.len(), "quotes that are not in the evidence")
}

static ADDRESS: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"\b\d{1,3}(?:\.\d{1,3}){3}\b|\b[0-9A-Fa-f]{0,4}(?::[0-9A-Fa-f]{0,4}){2,7}\b").ok()
});

/// Finds addresses in a text that the incident knows nothing of.
fn strange_addresses(text: &str, ground: &Ground) -> Vec<String> {
    let Some(pattern) = ADDRESS.as_ref() else { return Vec::new() };
    pattern
        .find_iter(text)
        .map(|found| found.as_str())
        .filter(|found| found.parse::<IpAddr>().is_ok() && !ground.holds_name(found))
        .map(str::to_owned)
        .collect()
}

/// Puts a remark in the place of every address that the incident knows nothing of.
fn without_strange_addresses(text: &str, ground: &Ground) -> String {
    let Some(pattern) = ADDRESS.as_ref() else { return text.to_owned() };
    let replaced = pattern.replace_all(text, |found: &Captures<'_>| {
        let address = found.get(0).map_or("", |all| all.as_str());
        let is_strange = address.parse::<IpAddr>().is_ok() && !ground.holds_name(address);
        if is_strange { "[address not in the evidence]".to_owned() } else { address.to_owned() }
    });
    replaced.into_owned()
}

fn entities(draft: &mut Draft, ground: &Ground) -> Check {
    let said = draft.indicators.len() + draft.recommendations.len() + draft.unknowns.len();
    draft.indicators.retain(|text| is_grounded(text, ground));
    // Advice and open questions may name a file of ours that the log doesn't; an address that nobody saw they may not.
    for list in [&mut draft.recommendations, &mut draft.unknowns] {
        list.retain(|text| strange_addresses(text, ground).is_empty());
    }
    let left = draft.indicators.len() + draft.recommendations.len() + draft.unknowns.len();
    let mut count = said - left;
    for (text, characters_max) in [(&mut draft.title, TITLE_MAX), (&mut draft.summary, SUMMARY_MAX)]
    {
        let strange = strange_addresses(text, ground).len();
        if strange > 0 {
            // The remark is longer than an address.
            let remarked = without_strange_addresses(text, ground);
            *text = sanitize::cut(&remarked, characters_max, false);
            count += strange;
        }
    }
    removed("entities_known", count, "names, addresses or paths that are not in the incident")
}

/// Words that an indicator may carry beside the name it is about.
#[rustfmt::skip]
const LABELS: &[&str] = &[
    "account", "address", "agent", "and", "client", "command", "domain", "email", "file", "filename", "from", "hash", "host", "hostname",
    "id", "in", "ip", "ip-address", "ipv4", "ipv6", "md5", "name", "of", "on", "parameter", "path", "port", "process", "query", "sha1",
    "sha256", "source", "target", "the", "uri", "url", "user", "user-agent", "username", "with",
];

/// Tells whether the incident knows what an indicator names: all of it as it stands, or each name in it.
///
/// People search other logs for indicators, so one that is nowhere in this incident sends them after nothing, or after a bystander.
fn is_grounded(indicator: &str, ground: &Ground) -> bool {
    if !strange_addresses(indicator, ground).is_empty() {
        return false;
    }
    // Several words in this order are no coincidence, whatever stands around them.
    if indicator.trim().contains(' ') && ground.holds(indicator) {
        return true;
    }
    let (names, words): (Vec<&str>, Vec<&str>) = indicator
        .split(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '(' | ')' | '"' | '\'' | '`'))
        .map(|part| part.trim_matches([':', '=', '.']))
        .filter(|part| !part.is_empty() && !LABELS.contains(&part.to_lowercase().as_str()))
        .partition(|part| part.chars().any(|c| !c.is_alphabetic() && c != '-'));
    // Beside a name that is known, words are only talk about it. Alone they are the name.
    let asked = if names.is_empty() { &words } else { &names };
    !asked.is_empty() && asked.iter().all(|part| is_named(part, ground))
}

/// Tells whether a name stands in the incident, itself or as the value in `key=value` and `key:value`.
fn is_named(name: &str, ground: &Ground) -> bool {
    let value =
        name.split_once(['=', ':']).map(|(_, value)| value).filter(|value| !value.is_empty());
    let is_there = |part: &str| {
        if part.starts_with('/') { ground.holds(part) } else { ground.holds_name(part) }
    };
    is_there(name) || value.is_some_and(is_there)
}

fn techniques(draft: &mut Draft) -> Check {
    let mut kept: Vec<String> = Vec::new();
    let (mut unknown, mut renamed) = (0, Vec::new());
    for said in &draft.mitre {
        let Some(technique) = mitre::technique(said) else {
            unknown += 1;
            continue;
        };
        if !said.trim().eq_ignore_ascii_case(technique.id) {
            renamed.push(format!("{} is called {} today", said.trim(), technique.id));
        }
        if kept.iter().all(|id| id != technique.id) {
            kept.push(technique.id.to_owned());
        }
    }
    draft.mitre = kept;
    let mut check = removed("techniques_exist", unknown, "ATT&CK ids that don't exist");
    if check.passed {
        check.detail = renamed.join("; ");
    }
    check
}

fn class(draft: &mut Draft, incident: &Incident) -> Check {
    let seen = incident.finding().filter(|(_, finding)| finding.strength >= STRENGTH_CERTAIN);
    let is_certain =
        seen.is_some() || incident.injection.is_some() || incident.success == Success::Confirmed;
    let mut detail = String::new();
    if is_certain && draft.class != incident.class {
        detail = format!("the analyst said {}, the evidence shows {}", draft.class, incident.class);
        draft.class = incident.class;
    }
    if is_certain && draft.false_positive {
        detail.push_str(if detail.is_empty() { "" } else { "; " });
        detail.push_str("called a false positive against the evidence");
        draft.false_positive = false;
    }
    if draft.class == Class::Benign && !draft.false_positive && !is_certain {
        // One of the two is enough for a person to know what was meant.
        draft.false_positive = true;
    }
    Check { name: "class_supported".to_owned(), passed: detail.is_empty(), detail }
}

fn outcome(draft: &mut Draft, incident: &Incident) -> Check {
    let supported = match (draft.outcome, incident.success) {
        (Outcome::Succeeded, Success::None | Success::Reaction) => Outcome::Attempted,
        (
            Outcome::Blocked | Outcome::Attempted | Outcome::Unknown,
            Success::Shown | Success::Confirmed,
        ) => Outcome::Succeeded,
        (Outcome::Blocked, Success::Answered) => Outcome::Unknown,
        (said, _) => said,
    };
    let passed = supported == draft.outcome;
    let detail = if passed {
        String::new()
    } else {
        format!("the analyst said {}, the evidence supports {supported}", draft.outcome)
    };
    draft.outcome = supported;
    Check { name: "outcome_supported".to_owned(), passed, detail }
}

fn level(draft: &mut Draft, bounds: &Bounds) -> Check {
    let said = draft.threat_level;
    draft.threat_level = said.clamp(bounds.floor, bounds.ceiling);
    let detail = match said.cmp(&draft.threat_level) {
        std::cmp::Ordering::Less => {
            format!("raised from {said} to {}: {}", draft.threat_level, bounds.floor_reason)
        }
        std::cmp::Ordering::Greater => {
            format!("lowered from {said} to {}: {}", draft.threat_level, bounds.ceiling_reason)
        }
        std::cmp::Ordering::Equal => String::new(),
    };
    Check { name: "level_in_bounds".to_owned(), passed: detail.is_empty(), detail }
}

fn removed(name: &str, count: usize, what: &str) -> Check {
    let detail = if count == 0 { String::new() } else { format!("removed {count} {what}") };
    Check { name: name.to_owned(), passed: count == 0, detail }
}

#[cfg(test)]
mod tests;
