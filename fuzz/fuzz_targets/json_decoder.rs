//! Any bytes as a JSON log line, in each of the decoder's modes: fields within their bounds, and an alert that is JSON.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::fuzz_target;
use ruleset::{Options, Record, Ruleset, Session, SessionOptions, Source, load};

fn ruleset(options: &str) -> Arc<Ruleset> {
    let mut source = Source::default();
    let decoders = format!(
        "<decoder name=\"p\"><program_name>^p$</program_name></decoder>\
         <decoder name=\"json\"><prematch>^{{</prematch><plugin_decoder>JSON_Decoder</plugin_decoder>{options}</decoder>"
    );
    source.add_decoders("d.xml", decoders);
    source.add_rules(
        "r.xml",
        "<group name=\"r,\"><rule id=\"1\" level=\"3\"><category>syslog</category><description>$(a) $(id)</description></rule></group>",
    );
    load(&source, &Options::default()).ruleset.expect("they load")
}

static RULESETS: LazyLock<[Arc<Ruleset>; 3]> = LazyLock::new(|| {
    [
        ruleset(""),
        ruleset("<json_null_field>discard</json_null_field>"),
        ruleset("<json_array_structure>csv</json_array_structure>"),
    ]
});

fuzz_target!(|log: &[u8]| {
    for ruleset in RULESETS.iter() {
        let mut session = Session::new(Arc::clone(ruleset), SessionOptions::default());
        let mut out = Vec::new();
        session.process(&Record { time: 1_795_530_360, location: b"l", log }).write_json(None, &mut out);
        // Bytes that are no UTF-8 are passed on as they are.
        let text = String::from_utf8_lossy(&out);
        if let Err(error) = serde_json::from_str::<serde_json::Value>(&text) {
            // Dots in names may nest deeper than this reader goes.
            assert!(error.to_string().contains("recursion limit"), "{error}: {text}");
        }
    }
});
