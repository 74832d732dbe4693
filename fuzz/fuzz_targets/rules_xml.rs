//! Any bytes as a file of decoders and of rules: they load or are refused with a reason, are checked the same twice, and what
//! loads can be run.
#![no_main]

use libfuzzer_sys::fuzz_target;
use ruleset::{Options, Record, Session, SessionOptions, Severity, Source, lint, load};

const DECODERS: &str = "<decoder name=\"a\"><program_name>^a$</program_name></decoder>\
    <decoder name=\"b\"><prematch>^b</prematch></decoder>";
const ROOTS: &str = "<group name=\"r,\"><rule id=\"1\" level=\"0\" noalert=\"1\"><category>syslog</category></rule></group>";

fuzz_target!(|text: &[u8]| {
    for as_rules in [false, true] {
        let mut source = Source::default();
        source.add_decoders("base.xml", DECODERS);
        source.add_rules("roots.xml", ROOTS);
        if as_rules {
            source.add_rules("rules.xml", text);
        } else {
            source.add_decoders("decoders.xml", text);
        }
        let loaded = load(&source, &Options::default());
        let said = |d: &ruleset::Diagnostic| d.severity >= Severity::Error;
        assert!(loaded.ruleset.is_some() || loaded.diagnostics.iter().any(said), "refused without a reason");
        let found = lint::check(&source, &loaded, &|_| true);
        assert_eq!(found, lint::check(&source, &loaded, &|_| true));
        let Some(ruleset) = loaded.ruleset else { continue };
        let mut session = Session::new(ruleset, SessionOptions::default());
        for log in [&b"Nov 24 10:00:00 h a: b x"[..], b"b 1 2 3", b"{\"a\":1}", text] {
            let mut out = Vec::new();
            session.process(&Record { time: 1_795_530_360, location: b"l", log }).write_json(None, &mut out);
        }
    }
});
