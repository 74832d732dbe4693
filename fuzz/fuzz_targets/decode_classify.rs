//! Any request: decoding ends, does not blow up, and what is classified is within bounds.
#![no_main]

use alert::decode::{self, Plus};
use libfuzzer_sys::fuzz_target;
use triage::classify::{FRAGMENT_CHARS_MAX, PARAMETER_CHARS_MAX, Request, classify, injection_text};

fuzz_target!(|parts: (&str, &str, &str, u16)| {
    let (target, user_agent, extra, status) = parts;
    for plus in [Plus::InQuery, Plus::Everywhere, Plus::Nowhere] {
        let decoded = decode::decode_with(target, plus);
        assert!(decoded.text.len() <= target.len() * 3 + decode::APPENDED_BYTES_MAX, "{}", decoded.text.len());
    }
    let request = Request {
        method: "GET",
        target,
        status: Some(status),
        user_agent,
        extra,
        ..Request::default()
    };
    for finding in classify(&request) {
        assert!((1..=100).contains(&finding.strength));
        assert!(finding.fragment.chars().count() <= FRAGMENT_CHARS_MAX);
        assert!(finding.parameter.is_none_or(|name| name.chars().count() <= PARAMETER_CHARS_MAX));
    }
    drop(injection_text(extra));
});
