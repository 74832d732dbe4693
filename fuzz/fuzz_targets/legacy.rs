//! The alert file of a hook that was not asked for JSON: what is taken for one becomes an alert that can be read.
#![no_main]

use alert::{Alert, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let Some(json) = wazuh::intake::legacy::to_json(bytes) else { return };
    assert!(serde_json::from_slice::<serde_json::Value>(&json).is_ok());
    if json.len() <= Limits::default().bytes_max {
        let alert = Alert::parse(&json, &Limits::default()).expect("a legacy alert is an alert");
        assert!(!alert.rule.id.is_empty());
    }
});
