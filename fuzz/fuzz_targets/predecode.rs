//! Any bytes as a log line and its origin: the header is taken off and the line decoded without a panic, and the alert is JSON.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use ruleset::{Options, Record, Ruleset, Session, SessionOptions, Source, load};

const DECODERS: &str = "<decoder name=\"app\"><program_name>^app</program_name></decoder>\
    <decoder name=\"app-one\"><parent>app</parent><prematch>^one </prematch>\
    <regex offset=\"after_prematch\">(\\w+) (\\S+)</regex><order>user,srcip</order></decoder>\
    <decoder name=\"b\"><prematch>^\\S+ </prematch><regex>(\\d+)</regex><order>x.y</order></decoder>";
const RULES: &str = "<group name=\"r,\"><rule id=\"1\" level=\"3\"><category>syslog</category>\
    <description>$(hostname) $(srcip) $(x.y)</description></rule></group>";

static RULESET: LazyLock<Arc<Ruleset>> = LazyLock::new(|| {
    let mut source = Source::default();
    source.add_decoders("d.xml", DECODERS);
    source.add_rules("r.xml", RULES);
    load(&source, &Options::default()).ruleset.expect("they load")
});

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (location, log) = input;
    let mut session = Session::new(Arc::clone(&RULESET), SessionOptions::default());
    let record = Record { time: 1_795_530_360, location: &location, log: &log };
    let mut out = Vec::new();
    session.process(&record).write_json(None, &mut out);
    // Bytes that are no UTF-8 are passed on as they are.
    let text = String::from_utf8_lossy(&out);
    if let Err(error) = serde_json::from_str::<serde_json::Value>(&text) {
        panic!("{error}: {text}");
    }
});
