//! Who and what an alert is about: addresses, users, paths, files.

use std::borrow::Cow;
use std::net::IpAddr;

use alert::incident::Actor;
use alert::{Alert, Class, Fingerprint, sanitize};

/// Longest name taken over, in characters.
const NAME_CHARACTERS_MAX: usize = 160;

/// Where decoders put the address that did it, most specific first.
const ADDRESSES: &[&str] = &[
    "data.srcip",
    "data.src_ip",
    "data.srcip2",
    "data.win.eventdata.ipAddress",
    "data.win.eventdata.sourceIp",
    "data.ClientIP",
    "data.remoteAddr",
    "data.remote_ip",
    "data.remip",
    "data.client_ip",
    "data.aws.sourceIPAddress",
    "data.aws.source_ip_address",
    "data.office365.ClientIP",
    "data.gcp.jsonPayload.sourceIP",
    "data.okta.client.ipAddress",
    "data.client.ipAddress",
    "data.transaction.client_ip",
    "data.transaction.remote_address",
    "data.src",
    "data.id.orig_h",
    "data.source_address",
    "data.source_ip",
    "data.audit_record.ip",
    "data.ip",
];

/// Where decoders put users, most specific first: the one who acts, then the one who is acted on.
const USERS: &[&str] = &[
    "data.srcuser",
    "data.win.eventdata.subjectUserName",
    "data.audit.auid",
    "syscheck.audit.login_user.name",
    "syscheck.audit.user.name",
    "data.dstuser",
    "data.win.eventdata.targetUserName",
    "data.aws.userIdentity.userName",
    "data.office365.UserId",
    "data.github.actor",
    "data.okta.actor.alternateId",
    "data.actor.alternateId",
    "data.usrName",
    "data.user",
    CLUSTER_USER,
];

/// Who asked a cluster of containers. All its parts have a name of their own and do the same all day: whoever does what every part does is nobody.
const CLUSTER_USER: &str = "data.user.username";

/// Those of [`USERS`] who are acted on. Where an account is made or changed, that account did nothing.
const ACTED_ON: &[&str] = &["data.dstuser", "data.win.eventdata.targetUserName"];

/// Where decoders put the files that were touched.
const FILES: &[&str] = &[
    "data.virustotal.source.file",
    "data.file",
    "data.audit.exe",
    "data.audit.file.name",
    "data.win.eventdata.image",
];

/// Where decoders put what else was touched.
const OBJECTS: &[&str] = &[
    "data.win.eventdata.serviceName",
    "data.win.eventdata.targetUserName",
    "data.command",
    "data.dstuser",
    "data.dest_ip",
    "data.dstip",
    "data.system_name",
];

/// Where decoders put the name of an application that writes its own log.
const APPLICATIONS: &[&str] = &["data.app", "data.application", "data.service"];

/// Gives the address that did it, as the decoder names it.
pub(super) fn source(alert: &Alert) -> Option<String> {
    ADDRESSES.iter().find_map(|path| alert.field(path).and_then(address))
}

/// Says who did it, and who else took part. `client` is the address in a line that the decoder did not read.
pub(super) fn actors(alert: &Alert, class: Class, client: Option<String>) -> (Actor, Vec<String>) {
    let mut others = Vec::new();
    let address = source(alert).or(client);
    // `SYSTEM` and machine accounts act on everybody's behalf: they name nobody.
    let user = USERS
        .iter()
        .filter(|path| class != Class::AccountChange || !ACTED_ON.contains(path))
        .filter(|path| class != Class::Other || **path != CLUSTER_USER)
        .find_map(|path| alert.field(path).and_then(user));
    let actor = match (address, user) {
        (Some(address), user) => {
            // Who guesses passwords tries many users from one address; who is logged in has one of each.
            others.extend(user.filter(|_| class != Class::BruteForce));
            Actor::Address(address)
        }
        (None, Some(user)) => Actor::User(user),
        (None, None) => Actor::Host(host(alert)),
    };
    (actor, others)
}

/// Says what was touched: the path of a request, or what the decoder names.
pub(super) fn objects(alert: &Alert, target: Option<&str>) -> Vec<String> {
    if let Some(target) = target {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        return vec![sanitize::shown(
            if path.is_empty() { "/" } else { path },
            NAME_CHARACTERS_MAX,
        )];
    }
    let mut objects: Vec<String> = Vec::new();
    let files = FILES.iter().filter_map(|path| alert.field(path)).map(Cow::Borrowed);
    let files = watched(alert).into_iter().chain(files).map(|path| file_name(&path));
    let others = OBJECTS.iter().filter_map(|path| alert.field(path));
    let others = others.map(|text| sanitize::shown(text, NAME_CHARACTERS_MAX));
    for name in files.chain(others) {
        if !name.is_empty() && !objects.contains(&name) && objects.len() < 3 {
            objects.push(name);
        }
    }
    objects
}

/// Names the watched file that changed, if one did. Of the Windows registry, Wazuh has the key as the path and the value apart.
pub(super) fn watched(alert: &Alert) -> Option<Cow<'_, str>> {
    let path = alert.field("syscheck.path")?;
    Some(match alert.field("syscheck.value_name") {
        Some(value) => Cow::Owned(format!("{path}/{value}")),
        None => Cow::Borrowed(path),
    })
}

/// How much of a long file name is kept of its end, in characters. Of the rest, the beginning is kept.
const END_CHARACTERS: usize = NAME_CHARACTERS_MAX / 2;

/// Most of the end of a file name that is read, in bytes: enough for its characters and as many that are not shown.
const END_BYTES_MAX: usize = 8 * END_CHARACTERS;

/// Cuts the name of a file in the middle: where it lies and how it ends say what it is.
fn file_name(path: &str) -> String {
    let plain = sanitize::shown(path, NAME_CHARACTERS_MAX);
    if path.len() <= NAME_CHARACTERS_MAX || path.chars().count() <= NAME_CHARACTERS_MAX {
        return plain;
    }
    let from = path.len().saturating_sub(END_BYTES_MAX);
    let tail = (from..path.len()).find_map(|at| path.get(at..)).unwrap_or_default();
    let (tail, _) = sanitize::clean(tail);
    let skipped = tail.chars().count().saturating_sub(END_CHARACTERS);
    let head = sanitize::shown(path, NAME_CHARACTERS_MAX - END_CHARACTERS);
    head.chars().chain(tail.chars().skip(skipped)).collect()
}

/// Says which service an alert is of, as far as the alert tells: the log, the program and the application.
pub(super) fn service(alert: &Alert) -> String {
    let program = alert.field("predecoder.program_name").unwrap_or_default();
    let application = alert.first_field(APPLICATIONS).unwrap_or_default();
    [alert.location.as_str(), alert.decoder.as_str(), program, application].join("\n")
}

fn host(alert: &Alert) -> String {
    [&alert.agent.name, &alert.agent.id, &alert.manager]
        .into_iter()
        .find(|name| !name.is_empty())
        .map_or_else(|| "unknown".to_owned(), String::clone)
}

/// Reads an address, with or without a port. Names and dashes are none.
pub(super) fn address(text: &str) -> Option<String> {
    let text = text.trim().trim_matches(['[', ']']);
    let bare = text.parse::<IpAddr>().ok().or_else(|| {
        let (head, port) = text.rsplit_once(':')?;
        port.parse::<u16>().ok()?;
        head.trim_matches(['[', ']']).parse().ok()
    })?;
    let bare = match bare {
        IpAddr::V6(six) => six.to_ipv4_mapped().map_or(IpAddr::V6(six), IpAddr::V4),
        four @ IpAddr::V4(_) => four,
    };
    (!bare.is_unspecified()).then(|| bare.to_string())
}

/// Longest user name taken over, in characters.
const USER_CHARACTERS_MAX: usize = 64;

/// Reads a user's name. What is cut off it still tells it from others: who chooses a name must not be able to pass for somebody else.
fn user(text: &str) -> Option<String> {
    let text = text.trim();
    let name = sanitize::shown(text, USER_CHARACTERS_MAX);
    // Windows writes whose the name is before it: `NT AUTHORITY\SYSTEM`.
    let bare = name.rsplit('\\').next().unwrap_or_default();
    let nobody = name.is_empty()
        || name == "-"
        || name == "4294967295"
        || name.ends_with('$')
        || ["system", "unknown", "null", "n/a", "local service", "network service"]
            .iter()
            .any(|word| bare.eq_ignore_ascii_case(word));
    if nobody {
        None
    } else if name == text {
        Some(name)
    } else {
        // What nobody sees of a name, and what is cut off it, tells two users apart all the same.
        let whole = Fingerprint::of([text]).as_u64();
        Some(format!("{}~{:08x}", sanitize::shown(text, USER_CHARACTERS_MAX - 9), whole >> 32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_in_the_forms_that_decoders_leave() {
        assert_eq!(address("192.168.18.53:41437").as_deref(), Some("192.168.18.53"));
        assert_eq!(address("::ffff:10.0.0.1").as_deref(), Some("10.0.0.1"));
        assert_eq!(address("[2001:db8::1]:443").as_deref(), Some("2001:db8::1"));
        assert_eq!(address("web01"), None);
        assert_eq!(address("-"), None);
    }

    #[test]
    fn names_that_differ_only_behind_the_cut_are_two() {
        let long = "x".repeat(70);
        let (one, other) = (user(&format!("{long}a")), user(&format!("{long}b")));
        assert!(one.is_some() && one != other, "{one:?}");
        assert!(one.is_some_and(|name| name.chars().count() <= USER_CHARACTERS_MAX));
        assert_eq!(user(&"x".repeat(64)), Some("x".repeat(64)));
    }

    #[test]
    fn names_that_differ_in_what_nobody_sees_are_two() {
        let names = ["admin", "adm\u{200b}in", "admin\u{0}", "adm\u{202e}in"].map(user);
        for (at, name) in names.iter().enumerate() {
            assert!(name.as_ref().is_some_and(|name| name.starts_with("admin")), "{name:?}");
            assert!(!names.iter().skip(at + 1).any(|other| other == name), "{names:?}");
        }
        assert_eq!(user("PC-1$\u{0}"), None, "what is seen is a machine's");
    }

    #[test]
    fn a_long_path_keeps_its_beginning_and_its_end() {
        let path = format!("/var/www/html/{}/x.php", "folder/".repeat(80));
        let name = file_name(&path);
        assert_eq!(name.chars().count(), NAME_CHARACTERS_MAX);
        assert!(alert::detail::is_web_script(&name), "{name}");
        let name = file_name(&format!("{path}\u{202e}\u{0}"));
        assert!(name.ends_with("/x.php"), "{name}");
        assert_eq!(file_name("/var/www/html/x.php"), "/var/www/html/x.php");
    }

    #[test]
    fn machine_accounts_name_nobody() {
        assert_eq!(user("PC-1$"), None);
        assert_eq!(user("SYSTEM"), None);
        assert_eq!(user("deploy").as_deref(), Some("deploy"));
    }
}
