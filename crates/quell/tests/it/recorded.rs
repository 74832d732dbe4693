//! Recordings of other people's networks, where they are at hand: they are too large to be part of the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::command::{assert_conserved, number, repository, run, run_with_input};

/// Gives a file beside the repository, or says that the test is skipped.
pub(crate) fn beside(path: &str) -> Option<PathBuf> {
    let found = repository("../shared").join(path);
    if found.exists() {
        return Some(found);
    }
    eprintln!("SKIPPED: `../shared/{path}` is not there");
    None
}

fn conserved(file: &Path) -> (Vec<Value>, Value) {
    let said =
        run(["triage", file.to_str().unwrap(), "--analyst", "playbook", "--json", "--alert-ids"])
            .expect_code(0);
    let mut incidents = said.lines();
    let summary = incidents.pop().unwrap()["summary"].clone();
    assert_conserved(&summary, number(&summary, "/waiting"));
    let counted: u64 = incidents.iter().map(|incident| number(incident, "/alert_count")).sum();
    assert_eq!(counted, number(&summary, "/folded"));
    (incidents, summary)
}

#[test]
fn mixed_alerts_of_a_real_manager_are_all_accounted_for() {
    let Some(file) = beside("data/alerts-mixed.json") else { return };
    let (incidents, summary) = conserved(&file);
    eprintln!("{} mixed alerts -> {} incidents", number(&summary, "/accepted"), incidents.len());
    assert_eq!(number(&summary, "/malformed"), 0);
}

#[test]
fn ait_russellmitchell_shrinks_and_its_phases_show() {
    ait("russellmitchell");
}

#[test]
fn ait_shaw_shrinks_and_its_phases_show() {
    ait("shaw");
}

/// Converts one scenario of the AIT alert data set into alerts and a truth of its phases, or says that the test is skipped.
pub(crate) fn converted(scenario: &str, dir: &Path) -> Option<(PathBuf, PathBuf)> {
    let csv = beside(&format!("data/ait-ads/{scenario}_alerts.csv.gz"))?;
    let (convert, rules) = (beside("data/ait-ads/to_wazuh.py")?, beside("wazuh-4.14.7/rules")?);
    let (plain, truth, alerts) =
        (dir.join("plain.csv"), dir.join("truth.json"), dir.join("alerts.json"));
    let mut unpacked = flate2::read::MultiGzDecoder::new(std::fs::File::open(csv).unwrap());
    std::io::copy(&mut unpacked, &mut std::fs::File::create(&plain).unwrap()).unwrap();
    let converted = Command::new("python3")
        .args([&convert, &plain, &rules, &truth])
        .stdout(std::fs::File::create(&alerts).unwrap())
        .status();
    if !converted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: python3 could not convert the scenario {scenario}");
        return None;
    }
    Some((alerts, truth))
}

/// Runs one scenario of the AIT alert data set and says which of its attack phases have an incident of their own.
fn ait(scenario: &str) {
    let dir = tempfile::TempDir::new().unwrap();
    let Some((alerts, truth)) = converted(scenario, dir.path()) else { return };
    let (incidents, summary) = conserved(&alerts);
    let truth: Value = serde_json::from_str(&std::fs::read_to_string(truth).unwrap()).unwrap();
    let accepted = number(&summary, "/accepted");
    assert_eq!(accepted, number(&truth, "/total"));
    eprintln!(
        "{scenario}: {accepted} alerts -> {} incidents ({:.0} to 1)",
        incidents.len(),
        accepted as f64 / incidents.len() as f64
    );
    let phase_of: BTreeMap<&str, &str> = truth["phases"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(name, phase)| {
            phase["alerts"]
                .as_array()
                .unwrap()
                .iter()
                .map(move |id| (id.as_str().unwrap(), name.as_str()))
        })
        .collect();
    let mut shown: BTreeSet<String> = BTreeSet::new();
    for (name, phase) in truth["phases"].as_object().unwrap() {
        let total = phase["alerts"].as_array().unwrap().len();
        let best = incidents
            .iter()
            .filter_map(|incident| {
                let ids = incident["alert_ids"].as_array().unwrap();
                let own = ids
                    .iter()
                    .filter(|id| phase_of.get(id.as_str().unwrap()) == Some(&name.as_str()))
                    .count();
                (own * 2 > ids.len())
                    .then(|| (number(incident, "/verdict/threat_level"), own, ids.len(), incident))
            })
            .max_by_key(|(level, own, ..)| (*level, *own));
        match best {
            Some((level, own, all, incident)) => {
                shown.insert(name.clone());
                let (class, target) = (&incident["class"], &incident["targets"][0]);
                eprintln!(
                    "  {name:<20} {total:>6} alerts; best incident: level {level}, {own} of its {all} alerts, {class} on {target}"
                );
            }
            None => {
                eprintln!("  {name:<20} {total:>6} alerts; no incident is mostly of this phase")
            }
        }
    }
    assert!(!shown.is_empty(), "no phase of the attack has an incident");
    // Two orders of magnitude are what makes a person able to read it.
    assert!(incidents.len() as u64 * 100 <= accepted, "{} incidents", incidents.len());
}

#[test]
fn alerts_on_standard_input_are_judged_as_from_a_file() {
    let Some(file) = beside("data/alerts-mixed.json") else { return };
    let text = std::fs::read(&file).unwrap();
    let said =
        run_with_input(&["triage", "-", "--analyst", "playbook", "--json"], &text).expect_code(0);
    let (incidents, _) = conserved(&file);
    assert_eq!(said.lines().len(), incidents.len() + 1);
}
