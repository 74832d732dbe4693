//! What readers find ahead changes nothing: a session that is given read lines says what one says that reads them itself.

use std::sync::Arc;

use proptest::prelude::*;
use ruleset::{LineReader, Options, Record, Ruleset, Session, SessionOptions, Source};

/// Midnight at the beginning of a Monday.
const MONDAY: i64 = 1_764_547_200;

const DECODERS: &str = r#"
<decoder name="program"><program_name>^appd</program_name></decoder>
<decoder name="gate"><prematch>^gate: </prematch><fts>name, user</fts></decoder>
<decoder name="gate-f"><parent>gate</parent><regex offset="after_parent">^(\S+) (\S+)</regex><order>user, url</order></decoder>
<decoder name="mail"><prematch>^mail: </prematch><accumulate/></decoder>
<decoder name="mail-f"><parent>mail</parent><regex offset="after_parent">^(\S+) from (\S+)</regex><order>id, srcuser</order></decoder>
<decoder name="mail-f"><parent>mail</parent><regex offset="after_parent">^(\S+) to (\S+)</regex><order>id, dstuser</order></decoder>
"#;

/// Rules that ask for more than the event, before, between and above rules that don't.
const RULES: &str = r#"<group name="t,">
<rule id="1" level="0" noalert="1"><category>syslog</category><description>r</description></rule>
<rule id="100" level="3"><if_sid>1</if_sid><decoded_as>gate</decoded_as><description>a gate</description></rule>
<rule id="102" level="9"><if_sid>100</if_sid><if_fts/><description>a new user</description></rule>
<rule id="103" level="5"><if_sid>100</if_sid><url>shadow</url><description>shadow</description></rule>
<rule id="101" level="12" frequency="3" timeframe="60"><if_matched_sid>103</if_matched_sid><same_user/><description>many</description></rule>
<rule id="104" level="7"><if_sid>103</if_sid><time>6 pm - 8 am</time><description>by night</description></rule>
<rule id="105" level="8"><if_sid>104</if_sid><match>root</match><description>root by night</description></rule>
<rule id="106" level="6" noalert="1"><if_sid>100</if_sid><weekday>weekends</weekday><description>a weekend's group</description></rule>
<rule id="107" level="4"><if_sid>106</if_sid><url>door</url><description>a door on a weekend</description></rule>
<rule id="108" level="11"><if_sid>100</if_sid><url>state</url><check_diff/><list field="url" lookup="match_key">etc/lists/l</list><description>changed</description></rule>
<rule id="110" level="3"><if_sid>1</if_sid><decoded_as>mail</decoded_as><description>mail</description></rule>
<rule id="111" level="6"><if_sid>110</if_sid><user>root</user><match>from eve</match><description>eve's mail to root</description></rule>
</group>"#;

fn load() -> Arc<Ruleset> {
    load_rules(RULES)
}

fn load_rules(rules: &str) -> Arc<Ruleset> {
    let mut source = Source::default();
    source.add_decoders("d.xml", DECODERS);
    source.add_rules("r.xml", rules);
    source.add_list("etc/lists/l", Some(b"/state:1\n".to_vec()));
    let loaded = ruleset::load(&source, &Options::default());
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    loaded.ruleset.expect("these rules load")
}

/// What a session says that reads each line itself, without any filter.
fn said(ruleset: &Arc<Ruleset>, lines: &[(i64, String)]) -> Vec<String> {
    let options = SessionOptions { without_prefilter: true, ..SessionOptions::default() };
    let mut session = Session::new(Arc::clone(ruleset), options);
    let mut say = |(time, log): &(i64, String)| {
        let mut out = Vec::new();
        let record = Record { time: *time, location: b"x", log: log.as_bytes() };
        session.process(&record).write_json(None, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    lines.iter().map(&mut say).collect()
}

/// What a session says of lines that two readers in turn have read, all of them before the first is decided.
fn said_of_read(ruleset: &Arc<Ruleset>, lines: &[(i64, String)]) -> Vec<String> {
    let mut session = Session::new(Arc::clone(ruleset), SessionOptions::default());
    let mut readers = [LineReader::default(), LineReader::default()];
    let read = lines.iter().enumerate().map(|(number, (time, log))| {
        let reader = &mut readers[number % 2];
        (*time, reader.read(ruleset, b"x", log.as_bytes(), "quell"))
    });
    let read: Vec<_> = read.collect();
    let say = |(time, line)| {
        let mut out = Vec::new();
        session.decide(ruleset, line, time).write_json(None, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    read.into_iter().map(say).collect()
}

/// The rules that lines end with, by both ways.
fn rules_of(lines: &[(i64, &str)]) -> Vec<Option<u32>> {
    rules_by(&load(), lines)
}

fn rules_by(ruleset: &Arc<Ruleset>, lines: &[(i64, &str)]) -> Vec<Option<u32>> {
    let lines: Vec<(i64, String)> =
        lines.iter().map(|(time, log)| (*time, (*log).to_owned())).collect();
    let said = said(ruleset, &lines);
    assert_eq!(said_of_read(ruleset, &lines), said);
    let id = |said: &String| {
        let rule = said.split_once(r#""id":"1"#)?.1.split_once('"')?.0;
        format!("1{rule}").parse().ok()
    };
    said.iter().map(id).collect()
}

#[test]
fn what_came_before_is_asked_before_rules_of_lower_levels() {
    let noon = MONDAY + 12 * 3600;
    let line = "gate: eve /shadow";
    let times = [0, 1, 2, 3].map(|second| (noon + second, line));
    assert_eq!(rules_of(&times), [102, 103, 103, 101].map(Some));
}

#[test]
fn the_time_is_that_of_the_decision() {
    let (noon, night) = (MONDAY + 12 * 3600, MONDAY + 22 * 3600);
    let lines =
        [(noon, "gate: root /"), (noon, "gate: root /shadow"), (night, "gate: root /shadow")];
    assert_eq!(rules_of(&lines), [102, 103, 105].map(Some));
    let lines = [(noon, "gate: eve /"), (night, "gate: eve /shadow")];
    assert_eq!(rules_of(&lines), [102, 104].map(Some));
}

#[test]
fn a_group_that_waits_for_its_day_leaves_what_is_behind_it() {
    let (monday, sunday) = (MONDAY, MONDAY - 1);
    let lines = [
        (monday, "gate: eve /"),
        (monday, "gate: eve /door"),
        (sunday, "gate: eve /door"),
        (sunday, "gate: eve /shadow"),
    ];
    assert_eq!(rules_of(&lines), [102, 100, 107, 104].map(Some));
}

#[test]
fn what_an_earlier_condition_leaves_is_remembered_whatever_a_later_one_says() {
    // The third text is no key of the list, but the one that the fourth differs from.
    let lines = ["gate: eve /", "gate: eve /state", "gate: eve /state/2", "gate: eve /state"];
    assert_eq!(rules_of(&lines.map(|line| (MONDAY, line))), [102, 100, 100, 108].map(Some));
}

#[test]
fn what_a_decoder_shares_between_events_is_known_to_the_rules() {
    let lines =
        ["mail: A1 to root", "mail: B2 from root", "mail: A1 from eve", "mail: B2 from eve"];
    assert_eq!(rules_of(&lines.map(|line| (MONDAY, line))), [110, 110, 111, 110].map(Some));
}

/// Each rule of a layer waits and hangs below all of the layer before, so that there are 2 to the 40th ways to the last.
#[test]
fn ever_more_ways_to_rules_that_wait_cost_no_more_than_the_rules_and_hide_nothing() {
    const LAYERS: usize = 40;
    let mut rules = String::from(
        r#"<group name="t,"><rule id="1" level="0" noalert="1"><category>syslog</category><description>r</description></rule>"#,
    );
    let mut above = "1".to_owned();
    for layer in 0..LAYERS {
        let ids = [0, 1].map(|side| 1000 + 2 * layer + side);
        for id in ids {
            // Where each layer held, each way would be walked: here one more does, once.
            let asks = match layer {
                0 => "<weekday>sunday</weekday>",
                _ => "<if_fts/>",
            };
            rules.push_str(&format!(
                r#"<rule id="{id}" level="5"><if_sid>{above}</if_sid>{asks}<description>d</description></rule>"#
            ));
        }
        above = ids.map(|id| id.to_string()).join(",");
    }
    rules.push_str(
        r#"<rule id="102" level="3"><if_sid>1</if_sid><match>eve</match><description>the last</description></rule></group>"#,
    );
    let ruleset = load_rules(&rules);
    let (sunday, line) = (MONDAY - 1, "gate: eve /");
    let lines = [(MONDAY, line), (sunday, line), (sunday, line), (MONDAY, line)];
    assert_eq!(rules_by(&ruleset, &lines), [102, 1002, 1000, 102].map(Some));
}

fn line() -> impl Strategy<Value = (i64, String)> {
    let user = prop::sample::select(vec!["eve", "root", "bob"]);
    let what = prop::sample::select(vec!["/shadow", "/door", "/state", "/state/2", "/"]);
    let gate = (user.clone(), what).prop_map(|(user, what)| format!("gate: {user} {what}"));
    let id = prop::sample::select(vec!["A1", "B2"]);
    let way = prop::sample::select(vec!["from", "to"]);
    let mail = (id, way, user).prop_map(|(id, way, user)| format!("mail: {id} {way} {user}"));
    // Two weeks before and behind, in steps of five hours, or within some minutes.
    let time = prop_oneof![
        (-70..70i64).prop_map(|step| MONDAY + step * 5 * 3600),
        (0..240i64).prop_map(|second| MONDAY + second),
    ];
    (time, prop_oneof![3 => gate, 1 => mail])
}

proptest! {
    #[test]
    fn lines_read_ahead_are_decided_alike(lines in prop::collection::vec(line(), 1..40)) {
        let ruleset = load();
        prop_assert_eq!(said_of_read(&ruleset, &lines), said(&ruleset, &lines));
    }
}
