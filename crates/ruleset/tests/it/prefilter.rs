//! The filters change nothing: a session that tries every decoder and rule gives the same alerts.

use std::sync::Arc;

use proptest::prelude::*;
use ruleset::{Options, Record, Ruleset, Session, SessionOptions, Source};

const DECODERS: &str = r#"
<decoder name="program"><program_name>^appd</program_name></decoder>
<decoder name="json"><prematch>^{\s*"</prematch><plugin_decoder>JSON_Decoder</plugin_decoder></decoder>
<decoder name="gate"><prematch>^gate: |^door: </prematch></decoder>
<decoder name="gate-f"><parent>gate</parent><regex offset="after_parent">^(\S+) (\S+)</regex><order>url, what</order></decoder>
<decoder name="pipe"><prematch>^\d+|\w+|</prematch></decoder>
<decoder name="any"><prematch type="pcre2">fail(ed|ure)?\s</prematch></decoder>
"#;

/// Rules whose siblings are many enough to be filtered, with patterns of each kind.
fn rules() -> String {
    let mut rules = String::from(
        r#"<group name="t,"><rule id="1" level="0" noalert="1"><category>syslog</category><description>r</description></rule>"#,
    );
    let conditions = [
        "<match>refused|denied</match>",
        "<match>^gate</match>",
        "<regex>us\\w+r</regex>",
        "<regex>\\d+ fail\\s</regex>",
        r#"<regex type="pcre2">(?i)re(fus|ject)ed</regex>"#,
        r#"<match negate="yes">door</match>"#,
        "<decoded_as>gate</decoded_as>",
        "<decoded_as>json</decoded_as>",
        "<decoded_as>gate</decoded_as><url>etc|shadow</url>",
        r#"<decoded_as>json</decoded_as><field name="a">^refused$</field>"#,
        r#"<field name="what" type="pcre2">user[0-9]</field>"#,
        r#"<field name="a" negate="yes">denied</field>"#,
    ];
    for (number, condition) in conditions.iter().cycle().take(36).enumerate() {
        let id = 100_000 + number;
        // What takes nearly everything stands last, or it would hide the others.
        let level =
            match condition.starts_with("<decoded_as>") && condition.matches('<').count() == 2 {
                true => 4,
                false if condition.contains("negate") => 3,
                false => 5 + number % 11,
            };
        rules.push_str(&format!(
            r#"<rule id="{id}" level="{level}">{condition}<match>{}</match><description>d</description></rule>"#,
            ["", "user", "e"].get(number / conditions.len()).copied().unwrap_or_default()
        ));
    }
    rules.push_str("</group>");
    rules
}

fn load() -> Arc<Ruleset> {
    let mut source = Source::default();
    source.add_decoders("d.xml", DECODERS);
    source.add_rules("r.xml", rules());
    let loaded = ruleset::load(&source, &Options::default());
    loaded.ruleset.expect("these rules load")
}

/// What a session says about these lines.
fn said(ruleset: &Arc<Ruleset>, lines: &[Vec<u8>], without_prefilter: bool) -> Vec<String> {
    let options = SessionOptions { without_prefilter, ..SessionOptions::default() };
    let mut session = Session::new(Arc::clone(ruleset), options);
    let say = |log: &Vec<u8>| {
        let mut out = Vec::new();
        session.process(&Record { time: 0, location: b"x", log }).write_json(None, &mut out);
        String::from_utf8_lossy(&out).into_owned()
    };
    lines.iter().map(say).collect()
}

/// Lines of the words that the rules look for, in shapes that the decoders know.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let word = prop::sample::select(vec![
        "refused",
        "DENIED",
        "user7",
        "uSer",
        "rejected",
        "door",
        "gate",
        "/etc/",
        "shadow",
        "fail ",
        "failure ",
        "12",
        "e",
        "\\u0072efused",
        "\u{e9}",
        "|",
    ]);
    let words = prop::collection::vec(word, 0..6).prop_map(|words| words.join(" "));
    let shape = prop::sample::select(vec![
        "{}",
        "gate: {}",
        "door: {}",
        "{\"a\":\"{}\"}",
        "7|x|{}",
        "Nov 25 10:00:00 h appd: {}",
    ]);
    (shape, words).prop_map(|(shape, words)| shape.replace("{}", &words).into_bytes())
}

proptest! {
    #[test]
    fn a_session_without_filters_says_the_same(lines in prop::collection::vec(line(), 1..12)) {
        let ruleset = load();
        prop_assert_eq!(said(&ruleset, &lines, false), said(&ruleset, &lines, true));
    }

    #[test]
    fn bytes_of_any_kind_are_taken(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6)) {
        let ruleset = load();
        prop_assert_eq!(said(&ruleset, &lines, false), said(&ruleset, &lines, true));
    }
}

/// Rules over URLs, enough of them for every filter, which share their words. Some ask for more than the URL, before it or behind.
fn url_rules() -> Arc<Ruleset> {
    const WORDS: [&str; 6] = ["union", "select", "from", "order", "having", "script"];
    let mut rules = String::from(
        r#"<group name="t,"><rule id="1" level="0" noalert="1"><category>syslog</category><description>r</description></rule>
        <rule id="100" level="3"><if_sid>1</if_sid><decoded_as>gate</decoded_as><description>r</description></rule>"#,
    );
    let pairs = WORDS.iter().flat_map(|one| WORDS.iter().map(move |other| (one, other)));
    for (number, (one, other)) in pairs.enumerate() {
        let (id, level) = (2000 + number, 5 + number % 11);
        let more = ["", "<match>user1</match>", r#"<field name="what">^user2$</field>"#];
        let more = more.get(number / 11 % 3).copied().unwrap_or_default();
        rules.push_str(&format!(
            r#"<rule id="{id}" level="{level}"><if_sid>100</if_sid><url type="pcre2">(?i)\b{one}(?>%(?:25|u00)*(?:2[0b]|0a)|[+ ]){{1,4}}{other}\b</url>{more}<description>d</description></rule>"#
        ));
    }
    rules.push_str("</group>");
    let mut source = Source::default();
    source.add_decoders("d.xml", DECODERS);
    source.add_rules("r.xml", rules);
    ruleset::load(&source, &Options::default()).ruleset.expect("these rules load")
}

/// Lines with URLs of a few words, numbered; of those with one number the URLs are alike, and what stands behind is not.
fn url_line(number: u64, random: u64) -> Vec<u8> {
    const PIECES: [&str; 11] =
        ["union", "select", "from", "order", "having", "script", "SELECT", "+", "+", "%20", "%2b"];
    /// One URL in so many encodes more.
    const ODD_ONE_IN: u64 = 8;
    let mut log = b"gate: /?q=".to_vec();
    let mut pieces = number;
    for _ in 0..9 {
        pieces = next(pieces);
        let piece = PIECES.get((pieces >> 33) as usize % PIECES.len());
        log.extend_from_slice(piece.copied().unwrap_or_default().as_bytes());
    }
    if number.is_multiple_of(ODD_ONE_IN) {
        log.extend_from_slice(b"+order%2520by\\");
    }
    log.extend_from_slice(format!(" user{} end", random % 4).as_bytes());
    log
}

fn next(random: u64) -> u64 {
    random.wrapping_add(1).wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)
}

/// Fails where the filters change what is said. Tells how many lines match a pattern over URLs.
fn found_with_and_without(lines: &[Vec<u8>]) -> usize {
    let ruleset = url_rules();
    let filtered = said(&ruleset, lines, false);
    let whole = said(&ruleset, lines, true);
    let differs = filtered.iter().zip(&whole).position(|(filtered, whole)| filtered != whole);
    assert_eq!(differs.map(|at| String::from_utf8_lossy(&lines[at]).into_owned()), None);
    filtered.iter().filter(|said| said.contains(r#""id":"20"#)).count()
}

/// So many lines that patterns are made for URLs that encode little, and groups for those that are asked most.
#[test]
fn filters_that_are_made_after_many_urls_change_nothing() {
    let lines: Vec<Vec<u8>> = (0..12_000).map(|number| url_line(number, next(number))).collect();
    let found = found_with_and_without(&lines);
    assert!((1_000..11_000).contains(&found), "{found} lines match a pattern");
}

/// URLs that come again, with something else behind them.
#[test]
fn what_is_remembered_of_urls_changes_nothing() {
    let mut random = 7;
    let lines = std::iter::repeat_with(|| {
        random = next(random);
        url_line((random >> 33) % 1_000, random >> 50)
    });
    let lines: Vec<Vec<u8>> = lines.take(12_000).collect();
    let found = found_with_and_without(&lines);
    assert!((1_000..11_000).contains(&found), "{found} lines match a pattern");
}
