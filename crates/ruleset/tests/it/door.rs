//! Which rules an event can end with, and which would turn it away.

use std::sync::Arc;

use ruleset::{Options, Record, Ruleset, Session, SessionOptions, Source, load};

/// Wazuh wants one of either kind.
const DECODERS: &str = r#"
<decoder name="program"><program_name>^doord</program_name></decoder>
<decoder name="door"><prematch>^door</prematch></decoder>"#;

const RULES: &str = r#"
<group name="syslog,">
  <rule id="1" level="0" noalert="1"><category>syslog</category><description>All.</description></rule>
  <rule id="100" level="0" noalert="1"><if_sid>1</if_sid><match>door</match><description>A group.</description></rule>
  <rule id="101" level="0"><if_sid>1</if_sid><match>gate</match><description>A passage.</description></rule>
  <rule id="102" level="3"><if_sid>101</if_sid><description>What is left.</description></rule>
  <rule id="103" level="5"><if_sid>101</if_sid><match>open</match><description>Open.</description></rule>
  <rule id="104" level="4"><if_sid>101</if_sid><match>shut</match><description>Shut.</description></rule>
</group>"#;

fn ruleset() -> Arc<Ruleset> {
    let mut source = Source::default();
    source.add_decoders("door_decoders.xml", DECODERS);
    source.add_rules("door_rules.xml", RULES);
    load(&source, &Options::default()).ruleset.unwrap()
}

#[test]
fn no_event_ends_with_a_rule_that_only_groups_or_below_which_another_takes_all() {
    let ruleset = ruleset();
    let can_end = [100, 101, 102, 103, 999].map(|id| ruleset.can_be_final(id));
    assert_eq!(can_end, [false, false, true, true, false]);
    assert!(ruleset.can_turn_away(103) && !ruleset.can_turn_away(102));
}

#[test]
fn a_rule_that_a_sibling_was_taken_before_says_whether_it_would_turn_the_event_away() {
    let mut session = Session::new(ruleset(), SessionOptions::default());
    let mut fails = |log: &str, id| {
        let outcome = session.process(&Record { time: 0, location: b"log", log: log.as_bytes() });
        assert_eq!(outcome.rule().map(|rule| rule.id), Some(103));
        outcome.fails_condition_of(id)
    };
    assert!(fails("gate open", 104));
    assert!(!fails("gate open and shut", 104));
    assert!(!fails("gate open", 102));
}
