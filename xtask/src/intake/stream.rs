//! Alerts as a manager writes them during a flood, made up but shaped like recorded ones, about 1.5 kB each.
//!
//! Every alert is different where real ones are: paths, ports, addresses, user agents, ids, times. What repeats is what repeats in an
//! `alerts.json` too: the rule with its compliance groups, the agent, the manager. So neither parsing nor compression has it easier than
//! with a real file; a run of one padding character would compress to nothing and cost nothing to look at. The same number gives the same
//! alert on every machine.

use std::fmt::Write as _;

/// Who and where the alerts come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    /// Different addresses.
    pub(crate) sources: usize,
    /// Different agents.
    pub(crate) agents: usize,
    /// Of a hundred alerts so many are of a level that the policy leaves out.
    pub(crate) quiet_percent: usize,
}

/// Alerts of one second of the stream's own time: a manager under a flood writes some thousands.
const ALERTS_PER_SECOND: usize = 5_000;

/// When the stream begins: 24 November 2026, 14:26:00 UTC.
const BEGIN_SECONDS: usize = 1_795_530_360;

const WORDS: [&str; 24] = [
    "admin", "backup", "config", "data", "export", "forum", "gallery", "home", "images", "jobs",
    "login", "media", "news", "old", "portal", "report", "search", "shop", "static", "test",
    "upload", "user", "video", "wiki",
];

const ENDINGS: [&str; 8] = ["", ".php", ".html", ".bak", ".zip", ".asp", "/", ".json"];

const AGENTS: [&str; 6] = [
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15",
    "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
    "python-requests/2.32.3",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
];

/// Attacks with what the server answered. The number of the alert is woven in, so no two are the same.
const ATTACKS: [(&str, u16); 6] = [
    ("/item/?id=1%27%20UNION%20SELECT%20username,password,#%20FROM%20users--%20-", 403),
    ("/search?q=%3Cscript%3Efetch(%27//evil.example/#%27)%3C/script%3E&lang=en", 200),
    ("/download?file=..%2F..%2F..%2F..%2Fetc%2Fpasswd%00#.png", 404),
    ("/ping?host=127.0.0.1%3Bcat%20/etc/passwd%20%23#", 500),
    ("/item/?id=#%20AND%20SLEEP(5)&sort=price&page=2", 200),
    ("/login?next=https%3A%2F%2Fevil.example%2F#", 302),
];

/// Compliance groups as the stock rules carry them, and what a pipeline adds before an alert is written.
const COMPLIANCE: &str = r#""pci_dss":["6.5","11.4","10.2.4","10.2.5"],"gdpr":["IV_35.7.d","IV_32.2"],"gpg13":["7.1","4.12"],"hipaa":["164.312.b","164.312.a.1"],"nist_800_53":["SA.11","SI.4","AU.14","AC.7"],"tsc":["CC6.6","CC7.1","CC8.1","CC6.1","CC6.8","CC7.2","CC7.3"]"#;

const ORIGIN: &str = r#""manager":{"name":"wazuh-manager.lab.example"},"cluster":{"name":"wazuh","node":"worker-02"},"input":{"type":"log"}"#;

const LABELS: &str = r#""labels":{"site":"north-2","owner":"platform team","service":"customer portal","stage":"production","ticket_queue":"SECOPS-EMEA","contact":"platform-oncall@corp.example","rack":"n2-r17-u23","image":"debian-12.11-hardened-2026.10","criticality":"high","network":"dmz-front-10.200.0.0/16"}"#;

/// Writes alert number `n` to the end of `line`, with a line end.
pub(crate) fn write(line: &mut String, n: usize, shape: &Shape) {
    // A few multiplications by odd constants spread what varies, the same way everywhere.
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 17;
    if n % 100 < shape.quiet_percent {
        return session(line, n, mixed, shape);
    }
    match n % 20 {
        0..=13 => probe(line, n, mixed, shape),
        14 | 15 => attack(line, n, mixed, shape),
        16..=18 => guess(line, n, mixed, shape),
        _ => scan(line, n, mixed, shape),
    }
}

fn address(n: usize, shape: &Shape) -> String {
    // Each round begins one further, so that a source does in turn all that sources do.
    let source = (n + n / shape.sources.max(1)) % shape.sources.max(1);
    format!("10.{}.{}.{}", (source >> 16) & 255, (source >> 8) & 255, source & 255)
}

fn path(mixed: usize) -> String {
    let word = |at: usize| WORDS.get((mixed >> at) % WORDS.len()).copied().unwrap_or_default();
    let ending = ENDINGS.get((mixed >> 3) % ENDINGS.len()).copied().unwrap_or_default();
    format!("/{}/{}_{:x}{ending}", word(2), word(9), mixed & 0xff_ffff)
}

fn user_agent(mixed: usize) -> &'static str {
    AGENTS.get((mixed >> 5) % AGENTS.len()).copied().unwrap_or_default()
}

/// The time of an alert: of the day, and with milliseconds as Wazuh writes it.
fn time(n: usize) -> (usize, String, String) {
    let (second, milli) = (n / ALERTS_PER_SECOND, n % ALERTS_PER_SECOND * 1000 / ALERTS_PER_SECOND);
    let (hour, minute, rest) = (14 + (26 + second / 60) / 60, (26 + second / 60) % 60, second % 60);
    let clock = format!("{hour:02}:{minute:02}:{rest:02}");
    (BEGIN_SECONDS + second, format!("2026-11-24T{clock}.{milli:03}+0000"), clock)
}

/// The rule and everything of an alert that comes before the event.
fn head(line: &mut String, n: usize, shape: &Shape, rule: &str) {
    let (seconds, stamp, _) = time(n);
    let agent = n % shape.agents.max(1) + 1;
    let place = (agent >> 8) & 255;
    let near = agent & 255;
    let result = write!(
        line,
        r#"{{"timestamp":"{stamp}","rule":{{{rule},"firedtimes":{n},"mail":false,{COMPLIANCE}}},"agent":{{"id":"{agent:03}","name":"web{agent:02}","ip":"10.200.{place}.{near}",{LABELS}}},{ORIGIN},"id":"{seconds}.{n}","#
    );
    // Writing to a text can't fail.
    debug_assert!(result.is_ok());
}

fn tail(line: &mut String, rest: std::fmt::Arguments<'_>) {
    let result = line.write_fmt(rest);
    debug_assert!(result.is_ok());
    line.push('\n');
}

/// A line of the access log in a JSON text.
fn access(n: usize, from: &str, target: &str, status: u16, agent: &str) -> String {
    let (_, _, clock) = time(n);
    let size = 3_800 + n % 90;
    format!(
        r#"{from} - - [24/Nov/2026:{clock} +0000] \"GET {target} HTTP/1.1\" {status} {size} \"https://www.shop.example/catalogue/page-{}.html\" \"{agent}\""#,
        n % 977
    )
}

fn probe(line: &mut String, n: usize, mixed: usize, shape: &Shape) {
    head(
        line,
        n,
        shape,
        r#""level":5,"description":"Web server answered a request with a client error.","id":"31101","groups":["web","access_log","client_error","attack_surface"]"#,
    );
    let (from, target) = (address(n, shape), path(mixed));
    let log = access(n, &from, &target, 404, user_agent(mixed));
    tail(
        line,
        format_args!(
            r#""full_log":"{log}","decoder":{{"name":"web-accesslog"}},"data":{{"protocol":"GET","srcip":"{from}","id":"404","url":"{target}"}},"location":"/var/log/nginx/access.log"}}"#
        ),
    );
}

fn attack(line: &mut String, n: usize, mixed: usize, shape: &Shape) {
    head(
        line,
        n,
        shape,
        r#""level":7,"description":"An attempt against a web application was seen.","id":"31103","mitre":{"id":["T1190"],"tactic":["Initial Access"],"technique":["Exploit Public-Facing Application"]},"groups":["web","access_log","attack"]"#,
    );
    let (form, status) = ATTACKS.get((mixed >> 4) % ATTACKS.len()).copied().unwrap_or_default();
    let (from, target) = (address(n, shape), form.replace('#', &format!("{:x}", mixed & 0xffff)));
    let log = access(n, &from, &target, status, user_agent(mixed));
    tail(
        line,
        format_args!(
            r#""full_log":"{log}","decoder":{{"name":"web-accesslog"}},"data":{{"protocol":"GET","srcip":"{from}","id":"{status}","url":"{target}"}},"location":"/var/log/nginx/access.log"}}"#
        ),
    );
}

fn guess(line: &mut String, n: usize, mixed: usize, shape: &Shape) {
    head(
        line,
        n,
        shape,
        r#""level":5,"description":"sshd: authentication failed.","id":"5760","mitre":{"id":["T1110.001","T1021.004"],"tactic":["Credential Access","Lateral Movement"],"technique":["Password Guessing","SSH"]},"groups":["syslog","sshd","authentication_failed"]"#,
    );
    let (_, _, clock) = time(n);
    let (from, port, process) = (address(n, shape), 1024 + mixed % 60_000, 1000 + mixed % 8_999);
    let user = WORDS.get((mixed >> 7) % WORDS.len()).copied().unwrap_or_default();
    tail(
        line,
        format_args!(
            r#""full_log":"Nov 24 {clock} web01 sshd[{process}]: Failed password for {user} from {from} port {port} ssh2","predecoder":{{"program_name":"sshd","timestamp":"Nov 24 {clock}","hostname":"web01"}},"decoder":{{"parent":"sshd","name":"sshd"}},"data":{{"srcip":"{from}","srcport":"{port}","dstuser":"{user}"}},"location":"/var/log/auth.log"}}"#
        ),
    );
}

/// The alert of a rule that counts: it carries the lines before it.
fn scan(line: &mut String, n: usize, mixed: usize, shape: &Shape) {
    head(
        line,
        n,
        shape,
        r#""level":10,"description":"One address caused many client errors within a short time.","id":"31151","mitre":{"id":["T1595.002"],"tactic":["Reconnaissance"],"technique":["Vulnerability Scanning"]},"frequency":14,"groups":["web","access_log","web_scanning"]"#,
    );
    let (from, target, agent) = (address(n, shape), path(mixed), user_agent(mixed));
    let earlier: Vec<String> = (1..=8)
        .map(|back| access(n, &from, &path(mixed.wrapping_add(back * 7919)), 404, agent))
        .collect();
    let log = access(n, &from, &target, 404, agent);
    tail(
        line,
        format_args!(
            r#""previous_output":"{}","full_log":"{log}","decoder":{{"name":"web-accesslog"}},"data":{{"protocol":"GET","srcip":"{from}","id":"404","url":"{target}"}},"location":"/var/log/nginx/access.log"}}"#,
            earlier.join(r"\n")
        ),
    );
}

/// What a manager writes all day and the policy leaves out: level 2.
fn session(line: &mut String, n: usize, mixed: usize, shape: &Shape) {
    head(
        line,
        n,
        shape,
        r#""level":2,"description":"PAM: login session opened.","id":"5501","groups":["pam","syslog","authentication_success"]"#,
    );
    let (_, _, clock) = time(n);
    let process = 1000 + mixed % 8_999;
    tail(
        line,
        format_args!(
            r#""full_log":"Nov 24 {clock} web01 sudo[{process}]: pam_unix(sudo:session): session opened for user root(uid=0) by deploy(uid=1001)","predecoder":{{"program_name":"sudo","timestamp":"Nov 24 {clock}","hostname":"web01"}},"decoder":{{"parent":"pam","name":"pam"}},"data":{{"dstuser":"root(uid=0)","uid":"1001"}},"location":"/var/log/auth.log"}}"#
        ),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: Shape = Shape { sources: 1_000, agents: 3, quiet_percent: 0 };

    fn alert(n: usize, shape: &Shape) -> serde_json::Value {
        let mut line = String::new();
        write(&mut line, n, shape);
        serde_json::from_str(&line).expect("JSON")
    }

    #[test]
    fn alerts_are_json_of_about_a_kilobyte_and_a_half_and_no_two_are_the_same() {
        let mut text = String::new();
        (0..2_000).for_each(|n| write(&mut text, n, &SHAPE));
        let mut lines: Vec<&str> = text.lines().collect();
        assert!(lines.iter().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()));
        assert!((1_400..1_600).contains(&(text.len() / 2_000)), "{}", text.len() / 2_000);
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), 2_000);
    }

    #[test]
    fn time_goes_on_and_ids_carry_it() {
        let later = alert(300_000, &SHAPE);
        assert_eq!(later["timestamp"], "2026-11-24T14:27:00.000+0000");
        assert_eq!(later["id"], "1795530420.300000");
    }

    #[test]
    fn what_the_policy_leaves_out_is_as_much_as_was_asked_for() {
        let shape = Shape { quiet_percent: 30, ..SHAPE };
        let quiet = (0..1_000).filter(|n| alert(*n, &shape)["rule"]["level"] == 2).count();
        assert_eq!(quiet, 300);
    }
}
