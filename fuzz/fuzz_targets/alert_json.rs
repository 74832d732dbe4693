//! Any bytes as an alert: whatever comes of them comes as a value, within its bounds, and twice the same.
#![no_main]

use alert::tag::TagKey;
use alert::{Alert, Limits, Timestamp};
use libfuzzer_sys::fuzz_target;
use triage::admit::{Admission, Gate, admit};
use triage::policy::Policy;

fuzz_target!(|bytes: &[u8]| {
    let gate = Gate::new(Policy::default(), TagKey::new([1; 32]));
    let now = Timestamp::from_millis(1_795_530_360_000);
    let admission = admit(&gate, bytes, now);
    assert_eq!(admission, admit(&gate, bytes, now));
    let Admission::Admitted(admitted) = admission else { return };
    let alert = Alert::parse(bytes, &Limits::default()).expect("what was admitted can be read");
    assert_eq!(alert.key, admitted.alert.key);
    assert!(alert.rule.level <= 16);
    let seen = &admitted.observation;
    assert!(seen.excerpt.as_raw().len() <= 1024, "an excerpt is bounded");
    assert!(seen.objects.len() <= 4 && seen.others.len() <= 4);
    assert!(!seen.actor.name().is_empty());
    assert!(seen.finding.as_ref().is_none_or(|finding| (1..=100).contains(&finding.strength)));
});
