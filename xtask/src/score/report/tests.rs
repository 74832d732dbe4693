//! The tables as they look, on a corpus of a few lines and three small rulesets.

use std::sync::Arc;

use ruleset::{Ruleset, Source};

use super::super::corpus::Part;
use super::super::ruling::{self, Book};
use super::super::target;
use super::*;

/// Every line is a request of the category `web-log` with the whole line as its URL.
const DECODERS: &str = r#"
  <decoder name="web-test"><prematch>^GET </prematch><type>web-log</type></decoder>
  <decoder name="web-test-url"><parent>web-test</parent><type>web-log</type>
    <regex offset="after_parent">^(\.+)</regex><order>url</order></decoder>
  <decoder name="program"><program_name>^never$</program_name></decoder>"#;

/// A root, and one rule for each class; the last is one that repeats make.
const RULES: &str = r#"
  <group name="web,">
    <rule id="1" level="0"><category>web-log</category><description>Requests.</description></rule>
    <rule id="100200" level="10"><if_sid>1</if_sid><url>union</url>
      <group>web_attack,sql_injection,</group><description>SQL.</description></rule>
    <rule id="100300" level="10"><if_sid>1</if_sid><url>script</url>
      <group>web_attack,xss,</group><description>Script.</description></rule>
    <rule id="100400" level="5"><if_sid>1</if_sid><url>missing</url>
      <description>A page that isn't there.</description></rule>
    <rule id="100500" level="12" frequency="2" timeframe="60"><if_matched_sid>100200</if_matched_sid>
      <group>web_attack,brute_force,</group><description>Again.</description></rule>
  </group>"#;

fn ruleset(rules: &str) -> Arc<Ruleset> {
    let mut source = Source::default();
    source.add_decoders("d.xml", DECODERS);
    source.add_rules("r.xml", rules);
    ruleset::load(&source, &ruleset::Options::default()).ruleset.unwrap()
}

fn corpus() -> Corpus {
    let row = |label: &str| Row::for_tests(label, "own");
    let weak = Row { is_core: false, ..row("sqli") };
    let agent = Row { place: "user_agent".to_owned(), ..row("xss") };
    Corpus {
        attacks: Part::for_tests(
            vec![row("sqli"), row("sqli"), row("sqli"), weak, row("xss"), agent],
            Form::Apache,
            &[
                "GET /?q=union",
                "GET /?q=union+script",
                "GET /missing\u{1b}[31m",
                "GET /",
                "GET /?q=union",
                "GET /?q=script",
            ],
        ),
        benign: Part::for_tests(
            vec![row("prose"), row("prose"), row("real-log")],
            Form::Apache,
            &["GET /?q=the+union+jack", "GET /?q=missing", "GET /index.html"],
        ),
    }
}

fn with_view(check: impl Fn(View<'_>)) {
    let without_xss = RULES.replace("script<", "nothing-like-it<");
    let book = |name: &str, is_judged, rules| Book {
        name: name.to_owned(),
        is_judged,
        ruleset: ruleset(rules),
    };
    let books = [book("old", false, without_xss.as_str()), book("new", true, RULES)];
    let corpus = corpus();
    let rulings = ruling::run(&books, &corpus, &[Form::Apache]).unwrap();
    check(View { corpus: &corpus, rulings: &rulings, form: Form::Apache });
}

#[test]
fn recall_counts_what_is_found_and_what_is_found_under_the_right_name() {
    with_view(|view| {
        let wanted = "
Recall by class, core rows, percent
  class   rows   old found   named   new found   named
  sqli       3        66.6    66.6        66.6    66.6
  xss        2        50.0     0.0       100.0    50.0
  ~ all      5        60.0    40.0        80.0    60.0
";
        assert_eq!(view.by_class(Rows::Core).text(), wanted);
        let weak = view.by_class(Rows::Weak).text();
        assert!(weak.contains("  sqli       1         0.0"), "{weak}");
    });
}

#[test]
fn a_line_is_judged_without_the_lines_before_it() {
    with_view(|view| {
        // Three lines of `union` from one source would make rule 100500 speak.
        let wanted = "
Hits by rule: right class / other class / benign, core and weak rows
  rule                        old         new
  100200 (10) SQL.      2 / 1 / 1   2 / 1 / 1
  100300 (10) Script.           -   1 / 0 / 0
";
        assert_eq!(view.by_rule().text(), wanted);
    });
}

#[test]
fn false_alarms_are_those_of_attack_rules_and_other_alerts_stand_beside() {
    with_view(|view| {
        let wanted = "
False alarms: by attack rules, and for information any alert of level 3 or more
  benign     rows   old false      %   any alert   new false      %   any alert
  prose         2           1   50.0           2           1   50.0           2
  real-log      1           0    0.0           0           0    0.0           0
  ~ all         3           1   33.3           2           1   33.3           2
";
        assert_eq!(view.false_alarms_by_class().text(), wanted);
        assert!(view.loud_rules().text().contains("100200 (10) SQL.           1           1"));
    });
}

#[test]
fn a_form_that_hides_the_agent_does_not_count_rows_about_it() {
    let mut corpus = corpus();
    let rows = std::mem::take(&mut corpus.attacks.rows);
    corpus.attacks = Part::for_tests(rows, Form::Django, &["GET /"; 6]);
    corpus.benign = Part::for_tests(Vec::new(), Form::Django, &[]);
    let books = [Book { name: "new".into(), is_judged: true, ruleset: ruleset(RULES) }];
    let rulings = ruling::run(&books, &corpus, &[Form::Django]).unwrap();
    let view = View { corpus: &corpus, rulings: &rulings, form: Form::Django };
    assert!(view.by_form(&[Form::Django]).text().contains("  django              4        0"));
}

#[test]
fn listings_name_the_rule_and_show_the_line_without_what_acts_on_a_terminal() {
    with_view(|view| {
        let misses = view.misses(Some("sqli"));
        assert_eq!(misses, "sqli [new:100400] own-sqli: GET /missing\n1 lines\n");
        assert_eq!(view.misses(Some("xss")), "0 lines\n");
        let misnamed = "xss [new:100200] own-xss: GET /?q=union\n1 lines\n";
        assert_eq!(view.misnamed(None), misnamed);
        let alarms = "prose [new:100200] own-prose: GET /?q=the+union+jack\n1 lines\n";
        assert_eq!(view.false_alarms(), alarms);
    });
}

#[test]
fn only_judged_rulesets_can_miss_a_target() {
    with_view(|view| {
        let (table, is_reached) = target::table(view);
        assert!(!is_reached);
        let text = table.text();
        assert!(
            text.contains(
                "SQL injection                 3   >= 95.0       66.6          66.6   FAIL"
            ),
            "{text}"
        );
        assert!(
            text.contains(
                "cross-site scripting          2   >= 97.0       50.0         100.0   pass"
            ),
            "{text}"
        );
        let spared = View { rulings: &view.rulings[..1], ..view };
        assert!(target::table(spared).1);
    });
}
