//! Scanners that name themselves, and calls of planted scripts.
//!
//! A tool's own name in the user agent is the plainest sign there is, and the easiest to change; it
//! is worth reporting because most attackers don't bother.

use super::WebClass::{Scanner, Webshell};
use super::rule::{Evidence, Place, Sign, sign as any_sign};
use super::view::View;
use super::{FRAGMENT_CHARS_MAX, Field, Request, clip};
use aho_corasick::AhoCorasick;
use std::sync::LazyLock;

pub(super) const SIGNS: &[Sign] = &[
    any_sign(
        Webshell,
        View::Plain,
        70,
        "gives a command to a planted script",
        &["id", "ls", "cat", "whoami", "dir", "uname", "wget", "curl", "net ", "ifconfig", "ipconfig", "pwd", "ping", "echo", "powershell", "nc "],
        r"^\s*(?:(?:id|ls|whoami|dir|pwd|ifconfig|ipconfig|uname|uname\s+-a|ps|netstat)\s*$|(?:ls|cat|dir|wget|curl|net|ping|echo|powershell|nc|uname|type|rm|chmod)\s+[-/~.\w$'\x22]\S*)",
    )
    .only(Place::Command),
    any_sign(Scanner, View::Plain, 80, "carries the mark of a tool", &["sqlmap", "nessus", "acunetix", "wvstest", "w00tw00t", "nikto", "netsparker", "burpcollab", "oastify", "interact.sh", "interactsh", "oast.", "nmaplower", "appscan", "sqlninja", "havij", "zmeu", "openvas", "qualys", "muieblackcat", "xsshunter", "xss.ht", "canarytokens", "dnslog.cn", "vulnweb"], r"\b(?:w00tw00t|wvstest|acunetix|nmaplowercheck|muieblackcat|sqlninja|netsparker)|appscan_|nikto[-/_.]|sqlmap[-/_.]|nessus[-/_.=]|(?:[\w-]+\.)(?:burpcollaborator\.net|oastify\.com|interact\.sh|oast\.(?:pro|live|site|online|fun|me)|xss\.ht|dnslog\.cn)\b").only(Place::Input),
];

/// Parameters through which planted scripts take their command.
const SHELL_PARAMETERS: &[&str] = &[
    "cmd", "exec", "command", "execute", "c", "run", "system", "shell", "do", "cmdline", "z0",
    "pass",
];

/// Says whether a parameter may carry the command of a planted script; elsewhere the same words are
/// a search.
pub(super) fn takes_commands(parameter: Option<&str>) -> bool {
    parameter
        .is_some_and(|name| SHELL_PARAMETERS.iter().any(|known| name.eq_ignore_ascii_case(known)))
}

/// File names of scripts that attackers plant, without their extension.
const SHELL_NAMES: &[&str] = &[
    "c99",
    "c99shell",
    "r57",
    "r57shell",
    "wso",
    "wso2",
    "b374k",
    "shell",
    "cmd",
    "webshell",
    "backdoor",
    "alfa",
    "alfashell",
    "indoxploit",
    "antsword",
    "chopper",
    "c100",
    "phpshell",
    "cmdasp",
    "cmdjsp",
    "aspxspy",
    "jspspy",
    "r00t",
    "hacked",
    "idx",
    "bypass",
    "mini",
    "marijuana",
    "priv8",
    "simple-backdoor",
    "php-backdoor",
    "gel4y",
    "0byte",
    "leafmailer",
    "shell1",
    "shell2",
    "x",
    "up",
];

/// Names too short or common to mean anything unless the script is given a command.
const SHELL_NAMES_COMMON: &[&str] = &["x", "up", "idx", "mini", "bypass", "cmd", "shell"];

/// Adds a sign if a request calls a script that is named as planted ones are.
pub(super) fn shell_script(request: &Request<'_>, evidence: &mut Evidence) {
    let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
    let file = path.rsplit('/').next().unwrap_or_default();
    let Some((name, extension)) = file.rsplit_once('.') else { return };
    let runs = matches!(
        extension.to_ascii_lowercase().as_str(),
        "php"
            | "php3"
            | "php4"
            | "php5"
            | "php7"
            | "phtml"
            | "phar"
            | "asp"
            | "aspx"
            | "ashx"
            | "jsp"
            | "jspx"
            | "cgi"
            | "pl"
    );
    let name = name.to_ascii_lowercase();
    if !runs || !SHELL_NAMES.contains(&name.as_str()) {
        return;
    }
    let commanded = query
        .split('&')
        .filter_map(|piece| piece.split_once('='))
        .any(|(name, _)| takes_commands(Some(name)));
    let answered = request.status.is_some_and(|status| status == 200);
    let strength = match (commanded, SHELL_NAMES_COMMON.contains(&name.as_str()), answered) {
        (true, _, true) => 90,
        (true, _, false) => 75,
        (false, false, true) => 70,
        (false, false, false) => 55,
        (false, true, _) => return,
    };
    let shown = clip(request.target, FRAGMENT_CHARS_MAX);
    evidence.add_in(
        Webshell,
        strength,
        Field::Target,
        None,
        "calls a script named as planted ones are",
        shown,
    );
}

/// Names of tools that search for weaknesses, as they write themselves in the user agent.
const SCANNERS: &[&str] = &[
    "sqlmap",
    "nikto",
    "nuclei",
    "nmap",
    "masscan",
    "zgrab",
    "zmap",
    "dirbuster",
    "gobuster",
    "ffuf",
    "fuzz faster",
    "feroxbuster",
    "wfuzz",
    "dirb",
    "dirsearch",
    "wpscan",
    "joomscan",
    "joomla scanner",
    "droopescan",
    "cmsmap",
    "cmseek",
    "whatweb",
    "wappalyzer",
    "acunetix",
    "wvs",
    "netsparker",
    "invicti",
    "arachni",
    "w3af",
    "skipfish",
    "openvas",
    "greenbone",
    "nessus",
    "tenable",
    "qualys",
    "qualysguard",
    "appspider",
    "webinspect",
    "appscan",
    "burp",
    "burpsuite",
    "owasp zap",
    "zaproxy",
    "zap/",
    "vega",
    "paros",
    "webscarab",
    "havij",
    "pangolin",
    "absinthe",
    "bsqlbf",
    "sqlninja",
    "sqlsus",
    "jsql",
    "commix",
    "xsser",
    "xsstrike",
    "dalfox",
    "fimap",
    "liffy",
    "kadimus",
    "lfimap",
    "lfisuite",
    "dotdotpwn",
    "tplmap",
    "sstimap",
    "hydra",
    "medusa",
    "patator",
    "metasploit",
    "msf",
    "meterpreter",
    "morfeus",
    "zmeu",
    "w00tw00t",
    "jorgee",
    "libwhisker",
    "whisker",
    "n-stealth",
    "nstealth",
    "cgichk",
    "grendel",
    "wapiti",
    "uniscan",
    "golismero",
    "vulnx",
    "sitelockspider",
    "sysscan",
    "internetmeasurement",
    "censys",
    "censysinspect",
    "expanse",
    "l9explore",
    "l9tcpid",
    "l9scan",
    "leakix",
    "shodan",
    "projectdiscovery",
    "httpx",
    "katana",
    "aquatone",
    "eyewitness",
    "gospider",
    "hakrawler",
    "detectify",
    "pentest",
    "probely",
    "sslyze",
    "testssl",
    "rapid7",
    "nexpose",
    "immuniweb",
    "webshag",
    "blackwidow",
    "cgi-scan",
    "cisco-torch",
    "pmafind",
    "springenwerk",
    "panoptic",
    "rustbuster",
    "zollard",
    "mirai",
    "hajime",
    "nsauditor",
    "mysqloit",
    "brutus",
    "crackmapexec",
    "recon-ng",
    "theharvester",
    "photon",
    "xray",
    "awvs",
    "goby",
    "pocsuite",
    "yakit",
    "fscan",
    "jaeles",
    "osmedeus",
    "sn1per",
    "webcruiser",
    "safe3",
    "sqlpower",
    "sql power",
    "bbqsql",
    "ghauri",
    "nosqlmap",
    "crlfuzz",
    "ssrfmap",
    "xxeinjector",
    "jexboss",
    "clusterd",
    "davtest",
    "cadaver",
    "padbuster",
    "security scan",
    "vulnerability scan",
    "netlab360",
    "nimbostratus",
    "webtrends security",
    "webvulnscan",
    "websecurify",
    "ratproxy",
    "proxystrike",
    "powerfuzzer",
    "wsfuzzer",
    "vbscan",
    "drupwn",
    "wpforce",
    "wprecon",
    "siege/sql",
    "netcat",
    "core-project",
    "dominator",
    "evilscanner",
    "hacker",
    "inspath",
    "webbandit",
    "bilbo",
    "floodgate",
    "securityspider",
    "stretchoid",
    "odin",
    "gitleaks",
    "gitdumper",
    "git-dumper",
    "openvas-vt",
    "rawsec",
    "chopper",
    "teh forest",
    "toata dragostea",
    "stalker/sec",
    "whcc",
    "amass",
    "subfinder",
    "interactsh",
    "tsunami",
    "ronin",
    "x-scan",
];

static SCANNER_FINDER: LazyLock<Option<AhoCorasick>> = LazyLock::new(|| {
    AhoCorasick::builder()
        .ascii_case_insensitive(true)
        .match_kind(aho_corasick::MatchKind::LeftmostLongest)
        .kind(Some(aho_corasick::AhoCorasickKind::DFA))
        .build(SCANNERS)
        .ok()
});

/// Endings of words by which tools that we don't know describe themselves.
const SCANNER_ENDINGS: &[&str] = &[
    "scan",
    "scanner",
    "fuzz",
    "fuzzer",
    "exploit",
    "exploiter",
    "pwn",
    "map",
    "buster",
    "injector",
    "bruter",
];

/// Endings that count only right before a version, for ordinary programs have them too.
const ENDINGS_WITH_VERSION: &[&str] = &["scan", "map", "pwn"];

/// Programs with such an ending that are no scanners: map services, and scanners of paper.
const ORDINARY_PROGRAMS: &[&str] = &[
    "sitemap",
    "imap",
    "maps",
    "googlemap",
    "bitmap",
    "openstreetmap",
    "linkscan",
    "bookscan",
    "docscan",
    "qrscan",
];

/// Adds a sign if the user agent names a scanner.
pub(super) fn scanner(user_agent: &str, evidence: &mut Evidence) {
    let Some(finder) = SCANNER_FINDER.as_ref() else { return };
    let bytes = user_agent.as_bytes();
    let is_letter =
        |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic);
    let named = finder.find_iter(user_agent).any(|hit| {
        // A name inside a longer word is another word.
        !is_letter(hit.start().checked_sub(1)) && !is_letter(Some(hit.end()))
    });
    if named {
        let shown = clip(user_agent, FRAGMENT_CHARS_MAX);
        evidence.add_in(
            Scanner,
            90,
            Field::UserAgent,
            None,
            "is a tool that searches for weaknesses",
            shown,
        );
    } else if user_agent
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '/')
        .any(describes_scanner)
    {
        let shown = clip(user_agent, FRAGMENT_CHARS_MAX);
        evidence.add_in(Scanner, 65, Field::UserAgent, None, "calls itself a scanner", shown);
    }
}

fn describes_scanner(word: &str) -> bool {
    let (name, has_version) = match word.split_once('/') {
        Some((name, version)) => (name, version.starts_with(|digit: char| digit.is_ascii_digit())),
        None => (word, false),
    };
    // Most words of a browser's agent are settled by their last letter.
    if !name.ends_with(['n', 'r', 'z', 't', 'p', 'N', 'R', 'Z', 'T', 'P']) {
        return false;
    }
    let ends = |ending: &&str| {
        name.len()
            .checked_sub(ending.len())
            .and_then(|at| name.get(at..))
            .is_some_and(|end| end.eq_ignore_ascii_case(ending))
    };
    SCANNER_ENDINGS.iter().filter(|ending| ends(ending)).any(|ending| {
        (has_version || !ENDINGS_WITH_VERSION.contains(ending))
            && !ORDINARY_PROGRAMS.iter().any(|known| name.eq_ignore_ascii_case(known))
    })
}
