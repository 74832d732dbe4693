//! What an analyst says about an incident (a [`Draft`]), and what is left after code has checked it (a [`Verdict`]).
//!
//! The draft's JSON Schema is written here by hand, next to the type, because its order and its keywords are chosen for language
//! models: the reasons come before the numbers, numbers are integers (llama.cpp ignores the bounds of `number`), and only
//! plain objects, enums and bounds are used. A test proves that schema and reader accept the same.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::class::{Class, Outcome};
use crate::sanitize;
use crate::{IncidentId, Timestamp};

/// The highest threat level.
pub const THREAT_LEVEL_MAX: u8 = 10;

/// Longest title taken from an analyst, in characters.
pub const TITLE_MAX: usize = 120;
/// Longest summary, in characters.
pub const SUMMARY_MAX: usize = 900;
/// Longest other text (a quote, a recommendation), in characters.
pub const TEXT_MAX: usize = 300;
/// Most entries in any list.
pub const LIST_MAX: usize = 6;
/// Most entries of a list that are looked at for the [`LIST_MAX`] that differ: a model caught in a loop fills its whole answer with one.
const LIST_READ_MAX: usize = 64;

/// The version of the prompt and schema; goes with every verdict, so that verdicts can be compared over time.
pub const PROMPT_VERSION: &str = "1";

/// What an analyst says, unchecked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// One line.
    pub title: String,
    /// What happened, in a few sentences.
    pub summary: String,
    /// Words of the evidence that carry the judgement, verbatim.
    pub evidence: Vec<String>,
    /// What kind of thing it is.
    pub class: Class,
    /// How it likely ended.
    pub outcome: Outcome,
    /// How bad it is, 0 to 10.
    pub threat_level: u8,
    /// How sure the analyst is, 0 to 100.
    pub confidence: u8,
    /// It is no attack at all.
    pub false_positive: bool,
    /// ATT&CK technique ids.
    pub mitre: Vec<String>,
    /// Addresses, users, paths and hashes to look for elsewhere.
    pub indicators: Vec<String>,
    /// What to do, in order.
    pub recommendations: Vec<String>,
    /// What the evidence doesn't say.
    pub unknowns: Vec<String>,
}

impl Draft {
    /// Gives the JSON Schema that a model's answer must obey.
    ///
    /// It asks for less than [`Draft::parse`] takes: 75 to 90 % of a verdict's time goes into writing it, so every list is short. All
    /// of it filled to the brim is about 1,900 characters, which fits 700 tokens.
    pub fn schema() -> Value {
        let words = |all: Vec<&str>| json!({"type": "string", "enum": all});
        let texts = |most: usize, characters: usize| json!({"type": "array", "maxItems": most, "items": {"type": "string", "maxLength": characters}});
        json!({
            "type": "object",
            "properties": {
                "title": {"type": "string", "maxLength": 100},
                "summary": {"type": "string", "maxLength": 400},
                "evidence": texts(3, 140),
                "class": words(Class::ALL.iter().map(|class| class.as_str()).collect()),
                "outcome": words(Outcome::ALL.iter().map(|outcome| outcome.as_str()).collect()),
                "threat_level": {"type": "integer", "minimum": 0, "maximum": THREAT_LEVEL_MAX},
                "confidence": {"type": "integer", "minimum": 0, "maximum": 100},
                "false_positive": {"type": "boolean"},
                "mitre": {
                    "type": "array", "maxItems": 3,
                    "items": {"type": "string", "pattern": "^T[0-9]{4}(\\.[0-9]{3})?$"}
                },
                "indicators": texts(3, 60),
                "recommendations": texts(4, 140),
                "unknowns": texts(2, 100),
            },
            "required": [
                "title", "summary", "evidence", "class", "outcome", "threat_level", "confidence", "false_positive",
                "mitre", "indicators", "recommendations", "unknowns"
            ],
            "additionalProperties": false,
        })
    }

    /// Reads a model's answer and brings its texts within bounds.
    ///
    /// # Errors
    /// Says what is wrong with it, in words that go back to the model for its one repair.
    pub fn parse(answer: &str) -> Result<Self, String> {
        let body = json_object(answer).ok_or("the answer holds no JSON object")?;
        let mut draft: Self = serde_json::from_str(body).map_err(|error| error.to_string())?;
        if draft.threat_level > THREAT_LEVEL_MAX {
            return Err(format!(
                "threat_level is {}, expected 0 to {THREAT_LEVEL_MAX}",
                draft.threat_level
            ));
        }
        if draft.confidence > 100 {
            return Err(format!("confidence is {}, expected 0 to 100", draft.confidence));
        }
        draft.bound();
        if draft.title.trim().is_empty() || draft.summary.trim().is_empty() {
            return Err("title and summary must say something".to_owned());
        }
        Ok(draft)
    }

    /// Cleans every text, takes repeats out of every list, and cuts texts and lists to their limits.
    ///
    /// Small models fill a list by saying one thing several times. The first of them stays, so that the order is kept.
    pub fn bound(&mut self) {
        self.title = sanitize::shown(&self.title, TITLE_MAX);
        self.summary = sanitize::shown(&self.summary, SUMMARY_MAX);
        for (list, same) in [
            (&mut self.evidence, same_letters as fn(&str) -> String),
            (&mut self.mitre, same_words),
            (&mut self.indicators, same_letters),
            (&mut self.recommendations, same_words),
            (&mut self.unknowns, same_words),
        ] {
            // A repeat must not take the place of an entry that says something, so the cut comes last; and the bound comes first,
            // because a list may be as long as an answer.
            list.truncate(LIST_READ_MAX);
            for text in list.iter_mut() {
                *text = sanitize::shown(text, TEXT_MAX);
            }
            let mut said = HashSet::new();
            list.retain(|text| {
                let core = same(text);
                !core.is_empty() && said.insert(core)
            });
            list.truncate(LIST_MAX);
        }
    }
}

/// Gives what two quotes or names have in common if they are the same: only blanks don't count, `/Admin` and `/admin` are two paths.
fn same_letters(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Gives what two sentences have in common if they say the same: neither the case of letters nor the last stop counts.
fn same_words(text: &str) -> String {
    same_letters(text).to_lowercase().trim_end_matches(['.', '!']).trim_end().to_owned()
}

/// Finds the JSON object in an answer: models like to wrap it in a fence or a sentence.
fn json_object(answer: &str) -> Option<&str> {
    let start = answer.find('{')?;
    let end = answer.rfind('}')?;
    answer.get(start..=end)
}

/// Who judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Analyst {
    /// The deterministic one.
    Playbook,
    /// A language model.
    Model {
        /// The backend's name in the configuration.
        backend: String,
        /// The model that answered.
        model: String,
    },
}

impl Analyst {
    /// Gives the label that goes with every verdict: `playbook` or `backend/model`.
    pub fn label(&self) -> String {
        match self {
            Self::Playbook => "playbook".to_owned(),
            Self::Model { backend, model } => format!("{backend}/{model}"),
        }
    }

    /// Tells whether a language model was asked.
    pub const fn is_model(&self) -> bool {
        matches!(self, Self::Model { .. })
    }
}

/// One check that code made on a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub name: String,
    /// Whether it held.
    pub passed: bool,
    /// What was found, removed or changed.
    pub detail: String,
}

/// The range that code allows a threat level to have, with the reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// The lowest level, given the evidence.
    pub floor: u8,
    /// Why not lower.
    pub floor_reason: String,
    /// The highest level, given the evidence.
    pub ceiling: u8,
    /// Why not higher.
    pub ceiling_reason: String,
    /// The level that rule knowledge alone gives, between the two.
    pub typical: u8,
    /// What that level is made of.
    pub typical_reason: String,
}

/// What a verdict cost.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cost {
    /// Model calls made for it, failed ones too.
    pub calls: u32,
    /// Tokens of the prompt.
    pub prompt_tokens: u32,
    /// Tokens of the answer.
    pub completion_tokens: u32,
    /// From the first call to the last answer, in milliseconds.
    pub elapsed_ms: u64,
    /// What went wrong on the way, in order.
    pub failures: Vec<String>,
}

/// How far the models were behind when the playbook stood in for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Backlog {
    /// Incidents that waited for a model, the one judged among them.
    pub incidents: u64,
    /// How long the one that waited longest had waited, in seconds.
    pub oldest_s: u64,
}

impl Backlog {
    /// Says it in words.
    pub fn text(&self) -> String {
        let who = match self.incidents {
            1 => "1 incident waited for a model,".to_owned(),
            many => format!("{many} incidents waited for a model, the oldest"),
        };
        format!("{who} for {} s", self.oldest_s)
    }
}

/// A checked judgement on an incident at one revision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The incident.
    pub incident_id: IncidentId,
    /// The revision judged.
    pub revision: u32,
    /// Who judged.
    pub analyst: Analyst,
    /// Since when the incident had asked for it. Verdicts of older versions don't say.
    #[serde(default)]
    pub asked_at: Option<Timestamp>,
    /// When.
    pub judged_at: Timestamp,
    /// What was said, after the checks.
    pub draft: Draft,
    /// What the checks found.
    pub checks: Vec<Check>,
    /// The range the level was held to.
    pub bounds: Bounds,
    /// The playbook stands in: a model is still to be asked.
    pub model_pending: bool,
    /// How far the models were behind, where the playbook stands in.
    #[serde(default)]
    pub backlog: Option<Backlog>,
    /// Why the playbook judged, where it did. Empty if a model did.
    pub playbook_reason: String,
    /// The version of prompt and schema.
    pub prompt_version: String,
    /// What it cost.
    pub cost: Cost,
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"{"title":"SQL injection","summary":"One request.","evidence":[],"class":"sql_injection",
        "outcome":"attempted","threat_level":6,"confidence":80,"false_positive":false,"mitre":["T1190"],
        "indicators":[],"recommendations":["Block it."],"unknowns":[]}"#;

    #[test]
    fn a_backlog_says_how_many_waited_and_how_long() {
        let text = |incidents, oldest_s| Backlog { incidents, oldest_s }.text();
        assert_eq!(text(1, 20), "1 incident waited for a model, for 20 s");
        assert_eq!(text(41, 724), "41 incidents waited for a model, the oldest for 724 s");
    }

    #[test]
    fn a_verdict_of_an_older_version_is_read_without_what_it_does_not_say() {
        let body = json!({
            "incident_id": "Q-1", "revision": 1, "analyst": Analyst::Playbook, "judged_at": 5,
            "draft": Draft::parse(GOOD).expect("a draft"), "checks": [],
            "bounds": {"floor": 0, "floor_reason": "", "ceiling": 10, "ceiling_reason": "", "typical": 5, "typical_reason": ""},
            "model_pending": true, "playbook_reason": "", "prompt_version": "1", "cost": Cost::default(),
        });
        let verdict: Verdict = serde_json::from_value(body).expect("a verdict");
        assert_eq!((verdict.asked_at, verdict.backlog), (None, None));
    }

    #[test]
    fn an_answer_in_a_fence_is_read() {
        let draft = Draft::parse(&format!("Sure!\n```json\n{GOOD}\n```")).expect("a draft");
        assert_eq!((draft.class, draft.threat_level), (Class::SqlInjection, 6));
    }

    #[test]
    fn prose_half_json_and_wrong_types_say_what_is_wrong() {
        for (answer, reason) in [
            ("I think this is bad.", "the answer holds no JSON object"),
            ("{\"title\":\"x\"", "the answer holds no JSON object"),
            ("{\"title\":\"x\"}", "missing field `summary` at line 1 column 13"),
        ] {
            assert_eq!(Draft::parse(answer).expect_err("refused"), reason);
        }
        let wrong = GOOD.replace(":6,", ":\"six\",");
        assert!(
            Draft::parse(&wrong).expect_err("refused").contains("invalid type: string \"six\"")
        );
        let high = GOOD.replace(":6,", ":11,");
        assert_eq!(
            Draft::parse(&high).expect_err("refused"),
            "threat_level is 11, expected 0 to 10"
        );
    }

    #[test]
    fn texts_of_a_model_are_cleaned_and_cut() {
        let long = GOOD.replace("One request.", &format!("\\u001b[31m{}", "x".repeat(5000)));
        let draft = Draft::parse(&long).expect("a draft");
        assert_eq!(draft.summary.chars().count(), SUMMARY_MAX);
        assert!(!draft.summary.contains('\u{1b}'));
    }

    #[test]
    fn repeats_are_taken_out_of_every_list_and_their_order_stays() {
        let mut draft = Draft::parse(GOOD).expect("a draft");
        let repeated = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        draft.recommendations =
            repeated(&["Block it.", "Look at it.", "block  it", "Block it!", "Look at it."]);
        draft.evidence = repeated(&["GET /a", "GET /a ", "GET /b"]);
        draft.mitre = repeated(&["T1190", "t1190", "T1059"]);
        draft.indicators = repeated(&["203.0.113.9", "/Admin", "203.0.113.9", "/admin"]);
        draft.unknowns = repeated(&["Whether it ran.", ".", "Whether it ran"]);
        draft.bound();
        assert_eq!(draft.recommendations, ["Block it.", "Look at it."]);
        assert_eq!(draft.evidence, ["GET /a", "GET /b"]);
        assert_eq!(draft.mitre, ["T1190", "T1059"]);
        assert_eq!(draft.indicators, ["203.0.113.9", "/Admin", "/admin"]);
        assert_eq!(draft.unknowns, ["Whether it ran."]);
    }

    #[test]
    fn a_repeat_takes_no_place_from_what_differs() {
        let mut draft = Draft::parse(GOOD).expect("a draft");
        draft.recommendations = vec!["Block it.".to_owned(); 10];
        draft.recommendations.push("Look at it.".to_owned());
        draft.bound();
        assert_eq!(draft.recommendations, ["Block it.", "Look at it."]);
    }

    #[test]
    fn schema_and_type_name_the_same_fields_in_the_same_order() {
        let draft = serde_json::to_value(Draft::parse(GOOD).expect("a draft")).expect("json");
        let schema = Draft::schema();
        let of = |value: &Value| -> Vec<String> {
            value.as_object().map(|map| map.keys().cloned().collect()).unwrap_or_default()
        };
        assert_eq!(of(&draft), of(&schema["properties"]));
    }
}
