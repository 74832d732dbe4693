//! What the doctor says of Quell's rules in a manager: to somebody who has just copied them, or meant to.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::command::repository;
use crate::daemon::Daemon;

/// A manager's home with roots for rules in place of the stock ones, and Quell's files as a person would copy them.
struct Home(Daemon);

impl Home {
    /// Has all of Quell's files.
    fn whole() -> Self {
        let home = Self::stock();
        for name in [
            "quell_results",
            "quell_web_base",
            "quell_web_attacks",
            "quell_web_calm",
            "quell_web_correlation",
        ] {
            home.copy(name, "rules");
        }
        home.copy("quell_web_decoders", "decoders");
        home
    }

    /// Has none of them.
    fn stock() -> Self {
        let home = Self(Daemon::configured(""));
        for folder in ["ruleset/rules", "ruleset/decoders", "etc/rules", "etc/decoders", "var/run"]
        {
            std::fs::create_dir_all(home.path(folder)).unwrap();
        }
        for (name, folder) in
            [("base_decoders", "decoders"), ("base_rules", "rules"), ("base_web", "rules")]
        {
            let from = repository(&format!("crates/quell/src/rulebook/{name}.xml"));
            std::fs::copy(from, home.path(&format!("ruleset/{folder}/{name}.xml"))).unwrap();
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path("ossec").join(name)
    }

    fn copy(&self, name: &str, folder: &str) {
        let from = repository(&format!("rules/{name}.xml"));
        std::fs::copy(from, self.path(&format!("etc/{folder}/{name}.xml"))).unwrap();
    }

    fn remove(&self, name: &str) {
        std::fs::remove_file(self.path(name)).unwrap();
    }

    /// Changes a file's text.
    fn edit(&self, name: &str, change: impl Fn(String) -> String) {
        let path = self.path(name);
        let text = std::fs::read_to_string(&path).unwrap();
        let changed = change(text.clone());
        assert_ne!(changed, text, "{name}");
        std::fs::write(path, changed).unwrap();
    }

    /// A file of the site's own with a rule of this number on its second line.
    fn own_rule(&self, file: &str, id: u32) {
        let text = format!(
            "<group name=\"local,\">\n  <rule id=\"{id}\" level=\"3\">\n    <if_sid>31100</if_sid>\n    <url>x</url>\n    \
             <description>ours</description>\n  </rule>\n</group>\n"
        );
        std::fs::write(self.path(&format!("etc/rules/{file}")), text).unwrap();
    }

    /// The lines that the doctor says of rules, with the home's path left out.
    fn said(&self, arguments: &[&str]) -> Vec<String> {
        let mut all = vec!["doctor"];
        all.extend(arguments);
        let said = self.0.quell(&all);
        let lines = said.out.lines().filter(|line| line.contains(" rules in Wazuh "));
        let lines: Vec<String> = lines
            .map(|line| {
                line.replace(
                    &format!("{}/", self.path("").display().to_string().trim_end_matches('/')),
                    "",
                )
            })
            .collect();
        assert!(said.err.is_empty(), "{}", said.err);
        if lines.iter().any(|line| line.starts_with("BAD")) {
            assert_eq!(said.code, 1, "{}", said.out);
        }
        lines
    }

    fn told(&self) -> Vec<String> {
        self.said(&["--wazuh", self.path("").to_str().unwrap()])
    }
}

/// One line begins so and says all of this.
#[track_caller]
fn expect(lines: &[String], mark: &str, parts: &[&str]) {
    let is_it =
        |line: &&String| line.starts_with(mark) && parts.iter().all(|part| line.contains(part));
    assert!(lines.iter().any(|line| is_it(&line)), "no {mark} with {parts:?} in {lines:#?}");
}

#[test]
fn rules_that_are_whole_and_up_to_date_are_fine() {
    let home = Home::whole();
    let said = home.told();
    assert_eq!(said.len(), 1, "{said:#?}");
    expect(&said, "ok ", &["etc: 6 files of Quell's, as this program carries them"]);
}

#[test]
fn a_manager_is_found_by_where_the_configuration_says_its_alerts_are() {
    let home = Home::whole();
    let config = home.0.config();
    let text = std::fs::read_to_string(&config).unwrap();
    let alerts = home.path("logs/alerts/alerts.json");
    let text = text.replace(home.0.path("alerts.json").to_str().unwrap(), alerts.to_str().unwrap());
    std::fs::write(config, text).unwrap();
    expect(&home.said(&[]), "ok ", &["6 files of Quell's"]);
}

#[test]
fn a_folder_that_is_no_manager_s_is_said_to_be_none_and_without_a_manager_nothing_is_said() {
    let home = Home(Daemon::configured(""));
    expect(&home.told(), "BAD", &["is no home of a Wazuh manager", "`ruleset/rules`"]);
    if !Path::new("/var/ossec").exists() {
        assert!(home.said(&[]).is_empty());
    }
}

#[test]
fn a_number_that_a_site_has_too_is_told_with_both_places_and_which_of_them_wazuh_takes() {
    let home = Home::whole();
    home.own_rule("local_rules.xml", 116_210);
    home.own_rule("zz_site.xml", 116_801);
    let said = home.told();
    assert_eq!(said.len(), 2, "{said:#?}");
    let earlier = "is left out, because `etc/rules/local_rules.xml:2` has its number 116210 too and is read first";
    expect(
        &said,
        "BAD",
        &["`etc/rules/quell_web_attacks.xml:", earlier, "outside 116100 to 117699"],
    );
    let later =
        "`etc/rules/zz_site.xml:2` is left out, because `etc/rules/quell_web_correlation.xml:";
    expect(&said, "BAD", &[later, "give yours a number"]);
}

#[test]
fn a_copy_under_another_name_is_one_line_and_no_number_is_asked_for() {
    let home = Home::whole();
    std::fs::copy(
        home.path("etc/rules/quell_web_base.xml"),
        home.path("etc/rules/quell_web_base.old.xml"),
    )
    .unwrap();
    let said = home.told();
    assert_eq!(said.len(), 1, "{said:#?}");
    expect(
        &said,
        "BAD",
        &["more numbers)", "etc/rules/quell_web_base.old.xml` is a copy of Quell's, remove it"],
    );
}

#[test]
fn a_number_that_quell_s_rules_would_need_is_told_before_they_are_copied() {
    let home = Home::stock();
    home.own_rule("local_rules.xml", 116_210);
    let said = home.told();
    expect(
        &said,
        "note",
        &["`etc/rules/local_rules.xml:2` has the number 116210, which Quell keeps"],
    );
    expect(&said, "note", &["none of Quell's rules for web servers"]);
    expect(
        &said,
        "BAD",
        &["`quell_results.xml` is missing: verdicts that are given back to Wazuh make no alert"],
    );
}

#[test]
fn half_a_copy_is_told_by_what_is_missing_and_what_that_costs() {
    let home = Home::whole();
    home.remove("etc/decoders/quell_web_decoders.xml");
    let said = home.told();
    assert_eq!(said.len(), 1, "{said:#?}");
    expect(
        &said,
        "BAD",
        &["`quell_web_decoders.xml` is missing: Wazuh won't start", "copy it to", "etc/decoders`"],
    );
    let home = Home::whole();
    home.remove("etc/rules/quell_web_base.xml");
    home.remove("etc/rules/quell_web_calm.xml");
    let said = home.told();
    assert_eq!(said.len(), 2, "{said:#?}");
    expect(&said, "BAD", &["`quell_web_base.xml` is missing: sequences"]);
    expect(&said, "note", &["`quell_web_calm.xml` is missing: stock rules"]);
}

#[test]
fn decoders_among_the_rules_are_sent_to_their_folder() {
    let home = Home::whole();
    home.remove("etc/decoders/quell_web_decoders.xml");
    home.copy("quell_web_decoders", "rules");
    let said = home.told();
    assert_eq!(said.len(), 1, "{said:#?}");
    expect(
        &said,
        "BAD",
        &["`etc/rules/quell_web_decoders.xml` holds decoders", "move it to", "etc/decoders`"],
    );
}

#[test]
fn files_of_another_version_are_told_from_changed_ones_with_the_line() {
    let home = Home::whole();
    home.edit("etc/rules/quell_web_attacks.xml", |text| {
        let (before, last) = text.rsplit_once("  <rule id=").unwrap();
        let (_, behind) = last.split_once("</rule>").unwrap();
        format!("{before}{behind}")
    });
    home.edit("etc/rules/quell_web_calm.xml", |text| {
        text.replacen("<rule id=", "<rule id=\"117699\" level=\"0\"><if_sid>31100</if_sid><url>x</url><description>x</description></rule>\n<rule id=", 1)
    });
    home.edit("etc/rules/quell_web_base.xml", |text| {
        text.replacen("Django's development server.", "Ours.", 1)
    });
    home.edit("etc/rules/quell_results.xml", |text| text.replace('\n', "\r\n"));
    let said = home.told();
    assert_eq!(said.len(), 3, "{said:#?}");
    expect(
        &said,
        "note",
        &["quell_web_attacks.xml:", "has 1 rule that it lacks: copy the file again"],
    );
    expect(
        &said,
        "note",
        &["quell_web_calm.xml:", "lacks 1 rule of it: is the program older than the file?"],
    );
    expect(&said, "note", &["quell_web_base.xml:26` differs", "in a file of yours"]);
}

#[test]
fn files_that_came_after_the_start_of_the_manager_wait_for_the_next() {
    let home = Home::whole();
    let pid = home.path("var/run/wazuh-analysisd-4711.pid");
    std::fs::write(&pid, "4711\n").unwrap();
    let file = std::fs::File::options().write(true).open(&pid).unwrap();
    file.set_modified(SystemTime::now() + Duration::from_secs(60)).unwrap();
    expect(&home.told(), "ok ", &["6 files"]);
    file.set_modified(SystemTime::now() - Duration::from_secs(3_600)).unwrap();
    expect(&home.told(), "note", &["came after the manager had started", "restart wazuh-manager"]);
}

#[test]
fn a_site_s_own_mistake_that_keeps_the_manager_from_starting_is_told_with_its_line() {
    let home = Home::whole();
    home.own_rule("local_rules.xml", 100_100);
    home.edit("etc/rules/local_rules.xml", |text| text.replace("<url>x</url>", "<urll>x</urll>"));
    expect(&home.told(), "BAD", &["Wazuh would refuse to start: `etc/rules/local_rules.xml:4`"]);
}
