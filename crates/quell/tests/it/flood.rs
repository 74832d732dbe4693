//! The main promise, on a recorded flood: fourteen thousand alerts become a handful of incidents, and no attack hides among them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use crate::command::{Said, assert_conserved, number, repository, run};
use crate::sample;

/// Model calls that the flood may cost, and so its incidents: 0.2 % of its alerts.
const INCIDENTS_MAX: usize = 28;

/// Highest threat level that somebody who searches for `union jack flag` may get.
const BENIGN_LEVEL_MAX: u64 = 2;

fn judged() -> (Vec<Value>, Value) {
    let flood = repository("fixtures/flood14k/alerts.json.gz");
    let said =
        run(["triage", flood.to_str().unwrap(), "--analyst", "playbook", "--json", "--alert-ids"])
            .expect_code(0);
    split(&said)
}

/// Parts the incidents from the summary behind them.
fn split(said: &Said) -> (Vec<Value>, Value) {
    let mut incidents = said.lines();
    let summary = incidents.pop().unwrap()["summary"].clone();
    (incidents, summary)
}

fn ids(incident: &Value) -> BTreeSet<String> {
    incident["alert_ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap().to_owned())
        .collect()
}

/// Gives, for each class of attack and source that was sprinkled into the flood, the alerts that Wazuh raised for it.
fn needles() -> BTreeMap<(String, String), BTreeSet<String>> {
    let truth = std::fs::read_to_string(repository("fixtures/flood14k/truth.tsv")).unwrap();
    let sprinkled: HashMap<(&str, &str), &str> = truth
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .map(|columns| ((columns[1], columns[4]), columns[2]))
        .collect();
    let mut needles: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for line in sample::flood() {
        let alert: Value = serde_json::from_str(&line).unwrap();
        let (Some(source), Some(url)) = (
            alert.pointer("/data/srcip").and_then(Value::as_str),
            alert.pointer("/data/url").and_then(Value::as_str),
        ) else {
            continue;
        };
        if let Some(class) = sprinkled.get(&(source, url)) {
            let id = alert["id"].as_str().unwrap().to_owned();
            needles.entry(((*class).to_owned(), source.to_owned())).or_default().insert(id);
        }
    }
    needles
}

/// Gives the classes that are right for a class of the lab.
fn fitting(class: &str) -> &'static [&'static str] {
    match class {
        "sqli" => &["sql_injection"],
        "xss" => &["xss"],
        "rce" => &["command_injection", "ssti", "code_injection"],
        "lfi" => &["path_traversal", "file_inclusion"],
        other => panic!("the lab has no class {other}"),
    }
}

#[test]
fn every_alert_of_the_flood_is_in_one_incident_and_there_are_few() {
    let (incidents, summary) = judged();
    assert_conserved(&summary, number(&summary, "/waiting"));
    assert_eq!(number(&summary, "/accepted"), 14_067);
    assert_eq!(number(&summary, "/incidents"), incidents.len() as u64);
    assert!(incidents.len() <= INCIDENTS_MAX, "{} incidents", incidents.len());
    let mut seen = BTreeSet::new();
    for incident in &incidents {
        let own = ids(incident);
        assert_eq!(number(incident, "/alert_count"), own.len() as u64);
        for id in own {
            assert!(seen.insert(id.clone()), "{id} is in two incidents");
        }
    }
    let all: BTreeSet<String> = sample::flood()
        .iter()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(seen, all);
}

#[test]
fn each_needle_in_the_flood_has_its_own_incident_and_searches_are_harmless() {
    let (incidents, _) = judged();
    let needles = needles();
    let attacks: Vec<_> = needles.iter().filter(|((class, _), _)| class != "benign").collect();
    assert!(attacks.len() >= 7, "the fixture lost its needles: {:?}", needles.keys());
    let mut wrong = Vec::new();
    for ((class, source), wanted) in attacks {
        let holders: Vec<&Value> =
            incidents.iter().filter(|incident| !ids(incident).is_disjoint(wanted)).collect();
        // One class of the lab may be two of ours (a traversal and a wrapper are both `lfi`), and no stranger may be among them.
        let held: BTreeSet<String> = holders.iter().flat_map(|incident| ids(incident)).collect();
        if held != *wanted {
            let strangers = held.difference(wanted).count();
            wrong.push(format!("{class} from {source}: {} needles share their incident with {strangers} other alerts", wanted.len()));
        }
        for incident in holders {
            let got = incident["class"].as_str().unwrap();
            if !fitting(class).contains(&got) {
                wrong.push(format!("{class} from {source} is in an incident of class {got}"));
            }
            if incident["actors"][0] != source.as_str() {
                wrong.push(format!(
                    "{class} from {source} is put down to {}",
                    incident["actors"][0]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_no_needle_is_in_the_scan(&incidents, &needles);
    assert_ordinary_searches_are_harmless(&incidents);
}

fn assert_no_needle_is_in_the_scan(
    incidents: &[Value],
    needles: &BTreeMap<(String, String), BTreeSet<String>>,
) {
    let scan = incidents.iter().max_by_key(|incident| number(incident, "/alert_count")).unwrap();
    assert!(number(scan, "/alert_count") > 13_000, "{scan}");
    let scanned = ids(scan);
    for ((class, source), wanted) in needles {
        assert!(
            class == "benign" || scanned.is_disjoint(wanted),
            "{class} from {source} hides in the scan"
        );
    }
}

fn assert_ordinary_searches_are_harmless(incidents: &[Value]) {
    let benign: Vec<&Value> =
        incidents.iter().filter(|incident| incident["actors"][0] == "127.0.0.3").collect();
    assert!(!benign.is_empty());
    for incident in benign {
        assert!(number(incident, "/verdict/threat_level") <= BENIGN_LEVEL_MAX, "{incident}");
    }
}
