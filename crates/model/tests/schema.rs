//! What the schema lets a model say and what our reader takes are the same: a server that enforces one serves the other.
#![cfg(test)]

use alert::verdict::{Draft, LIST_MAX, SUMMARY_MAX, TEXT_MAX, TITLE_MAX};
use serde_json::{Value, json};

/// Xorshift: the same answers in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % end as u64).expect("small")
    }

    fn text(&mut self, most: usize) -> String {
        let alphabet = ['a', 'Z', '0', '"', '\\', '/', '\u{e9}', '\u{1d518}', '\'', '{'];
        // Never blank: an empty title is refused by the reader for a reason that no schema word of the servers can say.
        let length = 1 + self.below(most);
        (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect()
    }

    /// Draws a value that a part of the schema allows.
    fn value(&mut self, schema: &Value) -> Value {
        let limit =
            |name: &str| usize::try_from(schema[name].as_u64().expect("a limit")).expect("small");
        if let Some(words) = schema["enum"].as_array() {
            return words[self.below(words.len())].clone();
        }
        match schema["type"].as_str().expect("a type") {
            "boolean" => json!(self.below(2) == 0),
            "integer" => {
                json!(limit("minimum") + self.below(limit("maximum") - limit("minimum") + 1))
            }
            "string" if schema.get("pattern").is_some() => {
                json!(format!("T{:04}", self.below(10_000)))
            }
            "string" => json!(self.text(limit("maxLength"))),
            "array" => (0..self.below(limit("maxItems") + 1))
                .map(|_| self.value(&schema["items"]))
                .collect(),
            other => panic!("the schema has a type that no test draws: {other}"),
        }
    }

    fn answer(&mut self) -> Value {
        let schema = Draft::schema();
        let properties = schema["properties"].as_object().expect("properties");
        properties.iter().map(|(name, part)| (name.clone(), self.value(part))).collect()
    }
}

fn validator() -> jsonschema::Validator {
    jsonschema::validator_for(&Draft::schema()).expect("the schema is one")
}

#[test]
fn what_the_schema_allows_the_reader_takes_word_for_word() {
    let (validator, mut dice) = (validator(), Dice(0x9e37_79b9_7f4a_7c15));
    for round in 0..500 {
        let answer = dice.answer();
        if let Err(error) = validator.validate(&answer) {
            panic!("round {round}: {error} in {answer}");
        }
        let draft = Draft::parse(&answer.to_string())
            .unwrap_or_else(|error| panic!("round {round}: {error} in {answer}"));
        assert_eq!(serde_json::to_value(&draft).expect("json"), answer, "round {round}");
    }
}

#[test]
fn what_a_server_without_a_grammar_lets_through_is_cut_to_the_limits() {
    let mut dice = Dice(77);
    for _ in 0..100 {
        let mut answer = dice.answer();
        answer["title"] = json!("long ".repeat(100));
        answer["summary"] = json!("long ".repeat(1000));
        answer["recommendations"] = json!(vec!["long ".repeat(500); 20]);
        let draft = Draft::parse(&answer.to_string()).expect("a draft");
        assert!(
            draft.title.chars().count() <= TITLE_MAX
                && draft.summary.chars().count() <= SUMMARY_MAX
        );
        assert!(draft.recommendations.len() <= LIST_MAX);
        assert!(draft.recommendations.iter().all(|text| text.chars().count() <= TEXT_MAX));
    }
}

/// Makes a good answer a bad one.
type Spoil = fn(&mut Value);

#[test]
fn what_is_wrong_is_wrong_for_both() {
    let validator = validator();
    let mut dice = Dice(5);
    let cases: &[(&str, Spoil)] = &[
        ("no title", |answer| drop(answer.as_object_mut().and_then(|map| map.remove("title")))),
        ("no mitre", |answer| drop(answer.as_object_mut().and_then(|map| map.remove("mitre")))),
        ("a word that is no class", |answer| answer["class"] = json!("hacking")),
        ("a word that is no outcome", |answer| answer["outcome"] = json!("maybe")),
        ("a level of 11", |answer| answer["threat_level"] = json!(11)),
        ("a negative level", |answer| answer["threat_level"] = json!(-1)),
        ("half a level", |answer| answer["threat_level"] = json!(2.5)),
        ("a level as text", |answer| answer["threat_level"] = json!("7")),
        ("a confidence of 101", |answer| answer["confidence"] = json!(101)),
        ("a list that is a text", |answer| answer["evidence"] = json!("a quote")),
        ("a list of numbers", |answer| answer["indicators"] = json!([1])),
        ("a yes that is a text", |answer| answer["false_positive"] = json!("yes")),
        ("nothing", |answer| *answer = json!(null)),
    ];
    for (what, spoil) in cases {
        let mut answer = dice.answer();
        spoil(&mut answer);
        assert!(!validator.is_valid(&answer), "the schema allows {what}");
        assert!(Draft::parse(&answer.to_string()).is_err(), "the reader takes {what}");
    }
}

#[test]
fn the_reader_forgives_what_a_model_without_a_grammar_adds() {
    let mut answer = Dice(9).answer();
    answer["reasoning"] = json!("because");
    assert!(!validator().is_valid(&answer));
    assert!(Draft::parse(&answer.to_string()).is_ok());
}
