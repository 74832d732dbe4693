//! The names of things hang on what they are, not on how they were written.

use alert::tag::TagKey;
use alert::{Alert, Limits, Timestamp};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use triage::admit::{Admission, Gate, admit};
use triage::policy::Policy;
use triage::{Fold, FoldLimits};

/// Rebuilds every object with its keys in the order that `turn` picks.
fn reordered(value: &Value, turn: usize) -> Value {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            let by = turn % entries.len().max(1);
            entries.rotate_left(by);
            if turn % 2 == 1 {
                entries.reverse();
            }
            Value::Object(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.clone(), reordered(value, turn / 2)))
                    .collect::<Map<_, _>>(),
            )
        }
        other => other.clone(),
    }
}

fn joined(text: &str) -> (String, String, String) {
    let gate = Gate::new(Policy::default(), TagKey::new([1; 32]));
    let Admission::Admitted(admitted) =
        admit(&gate, text.as_bytes(), Timestamp::from_millis(1_795_530_360_000))
    else {
        panic!("not admitted: {text}")
    };
    let mut fold = Fold::new(FoldLimits::default());
    let joined = fold.join(&admitted);
    let fingerprint = fold.take_changed().remove(0).0.fingerprint;
    (admitted.alert.key.hash.to_string(), joined.incident_id.to_string(), fingerprint.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn key_and_fingerprint_do_not_hang_on_the_order_of_fields(
        turn in 0_usize..10_000,
        user in "[a-z]{1,8}",
        path in "/[a-z0-9]{0,12}",
        level in 3_u8..16,
    ) {
        let alert = json!({
            "timestamp": "2026-11-24T14:26:00.003+0000",
            "rule": {"level": level, "id": "31101", "description": "client error", "groups": ["web", "accesslog"]},
            "agent": {"id": "001", "name": "web01"},
            "manager": {"name": "m"},
            "id": "1795530360.0",
            "full_log": format!("203.0.113.9 - {user} [x] \"GET {path} HTTP/1.1\" 404 5 \"-\" \"x\""),
            "data": {"protocol": "GET", "srcip": "203.0.113.9", "id": "404", "url": path, "srcuser": user},
            "location": "/var/log/any",
        });
        prop_assert_eq!(joined(&alert.to_string()), joined(&reordered(&alert, turn).to_string()));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        // Whatever comes of it, it comes as a value.
        let _whatever = Alert::parse(&bytes, &Limits::default());
    }
}
