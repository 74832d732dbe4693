//! A sequence of alerts, one a line: counts are exact, bounds are ordered, and a restart in the middle changes no sum.
#![no_main]

use alert::Timestamp;
use alert::tag::TagKey;
use libfuzzer_sys::fuzz_target;
use triage::admit::{Admission, Gate, admit};
use triage::policy::Policy;
use triage::{Fold, FoldLimits, threat};

fuzz_target!(|bytes: &[u8]| {
    let mut gate = Gate::new(Policy { level_min: 0, ..Policy::default() }, TagKey::new([1; 32]));
    gate.skew_max = std::time::Duration::MAX;
    let mut fold = Fold::new(FoldLimits::default());
    let mut joined = 0;
    for line in bytes.split(|byte| *byte == b'\n').take(64) {
        if let Admission::Admitted(admitted) = admit(&gate, line, Timestamp::from_millis(1_795_530_360_000)) {
            fold.join(&admitted);
            joined += 1;
        }
    }
    let changed = fold.take_changed();
    let sum: u64 = changed.iter().map(|(incident, _)| incident.alert_count).sum();
    assert_eq!(sum, joined);
    for (incident, asks) in changed {
        assert!(asks && incident.revision >= 1 && !incident.reasons.is_empty());
        let bounds = threat::assess(&incident);
        assert!(bounds.floor <= bounds.typical && bounds.typical <= bounds.ceiling && bounds.ceiling <= 10);
        let kept: u64 = incident.evidence.iter().map(|evidence| evidence.count).sum();
        assert_eq!(kept + incident.evidence_beyond, incident.alert_count);
        // What the store writes, it must be able to read.
        let body = serde_json::to_string(&incident).expect("an incident can be written");
        assert_eq!(serde_json::from_str::<alert::Incident>(&body).expect("and read"), incident);
    }
});
