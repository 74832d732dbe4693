//! The fold over random sequences: it counts exactly, forgets nothing that was serious, and does not depend on how alerts are batched.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use alert::setting::{Remembered, Setting};
use alert::{Incident, IncidentId};
use proptest::prelude::*;
use triage::admit::Admitted;
use triage::fold::WINDOWS_MAX;
use triage::usual::Usual;
use triage::{Fold, FoldLimits};

use crate::sequence::{admitted, on_days, sequences};

/// What a store would hold: incidents by name.
#[derive(Default)]
struct Shelf {
    incidents: BTreeMap<IncidentId, Incident>,
    joined: BTreeMap<IncidentId, u64>,
    habits: BTreeMap<(u64, u64), Remembered>,
    asked: HashSet<(IncidentId, u32)>,
}

impl Shelf {
    /// Folds a batch and keeps what changed, as the desk does.
    fn fold(&mut self, fold: &mut Fold, batch: &[Admitted]) {
        let mut found = Vec::new();
        let missing = fold.missing(batch);
        for key in &missing {
            let mut windows: Vec<&Incident> =
                self.incidents.values().filter(|incident| incident.fingerprint == *key).collect();
            windows.sort_by_key(|incident| Reverse(incident.last_seen));
            found.extend(windows.into_iter().take(WINDOWS_MAX).cloned());
        }
        fold.restore(&missing, found);
        for admitted in batch {
            let joined = fold.join(admitted);
            *self.joined.entry(joined.incident_id).or_default() += 1;
        }
        for one in fold.take_memory().kept {
            self.habits.insert((one.place, one.thing), one);
        }
        for (incident, asks) in fold.take_changed() {
            if let Some(before) = self.incidents.get(&incident.id) {
                assert_grew(before, &incident);
                assert_eq!(asks, incident.revision > before.revision, "a revision is what asks");
            } else {
                assert!(asks, "a new incident asks");
            }
            if asks {
                assert!(!incident.reasons.is_empty());
                assert!(
                    self.asked.insert((incident.id.clone(), incident.revision)),
                    "asked twice: {}",
                    incident.id
                );
            }
            self.incidents.insert(incident.id.clone(), incident);
        }
    }

    /// Gives the incidents without what a restart forgets: what came beside them within minutes.
    fn without_company(&self) -> Vec<Incident> {
        let alone = |incident: &Incident| {
            let setting = Setting { company: 0, sources: 0, ..incident.setting };
            Incident { setting, ..incident.clone() }
        };
        self.incidents.values().map(alone).collect()
    }
}

fn assert_grew(before: &Incident, after: &Incident) {
    assert!(after.level_max >= before.level_max);
    assert!(after.success >= before.success);
    assert!(after.class.rank() >= before.class.rank());
    assert!(after.revision >= before.revision);
    // Without an alert of its own only what came beside it can have changed.
    assert!(
        after.alert_count > before.alert_count
            || (after.alert_count == before.alert_count
                && (after.setting.company > before.setting.company
                    || after.setting.sources > before.setting.sources))
    );
    assert!(after.first_seen <= before.first_seen && after.last_seen >= before.last_seen);
    assert_eq!(after.anchored_at, before.anchored_at);
    assert!(before.techniques.iter().all(|id| after.techniques.contains(id)));
    assert!(before.injection.is_none() || after.injection == before.injection);
    assert!(after.forged_marks >= before.forged_marks);
    assert!(before.objects.names().all(|name| after.objects.contains(name)));
}

fn assert_counts(shelf: &Shelf, alerts: usize) {
    let sum: u64 = shelf.incidents.values().map(|incident| incident.alert_count).sum();
    assert_eq!(sum, alerts as u64, "every alert is counted in one incident");
    for (id, count) in &shelf.joined {
        let incident = shelf
            .incidents
            .get(id)
            .unwrap_or_else(|| panic!("{id} was joined and never handed out"));
        assert_eq!(incident.alert_count, *count, "{id}");
    }
    for incident in shelf.incidents.values() {
        let kept: u64 = incident.evidence.iter().map(|evidence| evidence.count).sum();
        assert_eq!(kept + incident.evidence_beyond, incident.alert_count, "{}", incident.id);
    }
}

/// Folds a sequence in batches of these sizes, each by a fold that knows nothing but what the shelf holds.
fn in_batches(alerts: &[Admitted], sizes: &[usize]) -> Shelf {
    let mut shelf = Shelf::default();
    let mut rest = alerts;
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (batch, after) = rest.split_at((*size).min(rest.len()));
        let usual = Usual::restore(shelf.habits.values().copied());
        shelf.fold(&mut Fold::with_memory(FoldLimits::default(), usual), batch);
        rest = after;
    }
    shelf
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn counts_are_exact_and_nothing_serious_shrinks(
        letters in sequences(30 * 3600, 120),
        sizes in prop::collection::vec(1_usize..40, 1..6),
    ) {
        let alerts = admitted(&letters);
        let mut shelf = Shelf::default();
        let mut fold = Fold::new(FoldLimits::default());
        let mut rest = alerts.as_slice();
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (batch, after) = rest.split_at((*size).min(rest.len()));
            shelf.fold(&mut fold, batch);
            rest = after;
        }
        assert_counts(&shelf, alerts.len());
    }

    #[test]
    fn counts_stay_exact_when_the_memory_is_tiny(letters in sequences(3600, 120)) {
        let alerts = admitted(&letters);
        let mut shelf = Shelf::default();
        let mut fold = Fold::new(FoldLimits { incidents_max: 3, ..FoldLimits::default() });
        for batch in alerts.chunks(5) {
            shelf.fold(&mut fold, batch);
            prop_assert!(fold.len() <= 3);
        }
        assert_counts(&shelf, alerts.len());
    }

    #[test]
    fn the_same_sequence_gives_the_same_incidents(letters in sequences(30 * 3600, 80)) {
        let alerts = admitted(&letters);
        let (once, again) = (in_batches(&alerts, &[usize::MAX]), in_batches(&alerts, &[usize::MAX]));
        prop_assert_eq!(once.incidents, again.incidents);
    }

    // Steps stay within what the window of a whole sequence holds: an alert from before the window opens an incident of its own,
    // and which of two the store gives back is then a matter of their last alerts.
    #[test]
    fn batches_and_restarts_make_no_difference(
        letters in sequences(1500, 60),
        sizes in prop::collection::vec(1_usize..20, 1..6),
    ) {
        let alerts = admitted(&letters);
        let once = in_batches(&alerts, &[usize::MAX]);
        let parts = in_batches(&alerts, &sizes);
        assert_counts(&parts, alerts.len());
        prop_assert_eq!(once.without_company(), parts.without_company());
    }

    // Two days of one behaviour, read at the same time from two places: every alert finds its own day, however the two mix, and whatever
    // is forgotten between batches.
    #[test]
    fn a_stream_that_alternates_between_two_windows_gives_two_incidents(
        days in prop::collection::vec((0_i64..2, 0_i64..3600), 2..80),
        sizes in prop::collection::vec(1_usize..20, 1..6),
    ) {
        let alerts = on_days(&days);
        let days: HashSet<i64> = days.iter().map(|(day, _)| *day).collect();
        let (once, parts) = (in_batches(&alerts, &[usize::MAX]), in_batches(&alerts, &sizes));
        for shelf in [&once, &parts] {
            assert_counts(shelf, alerts.len());
            prop_assert_eq!(shelf.incidents.len(), days.len());
        }
        prop_assert_eq!(once.without_company(), parts.without_company());
    }
}
