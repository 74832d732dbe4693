//! Writes the rules that are made of signs as Wazuh's XML.
//!
//! Gates stand before them. A gate is a rule of level 0 that is no result of its own: it lets only those lines pass to its
//! children that have some syntax in the request or in a header, so that an ordinary request costs two patterns instead of two
//! hundred. Where no child matches, Wazuh goes on with the gate's siblings, as if the gate weren't there.

use std::sync::LazyLock;

use ruleset::pattern::{Language, Pattern};
use triage::classify::sign::{Family, Place, Reader, Sign};

use super::encode::Start;
use super::{encode, sample};

/// The gate for what is in the request.
const TARGET_GATE: u32 = 116_200;

/// The gates for what is in a header.
const HEADER_GATES: &str = "116201, 116203";

/// The gate for requests in which letters are escapes.
const LETTERS_GATE: u32 = 116_204;

/// The gate for lines of which nothing but the whole is known.
const UNREAD_GATE: u32 = 116_202;

/// The rules of Wazuh below which rules about user agents hang: all web access logs, and those of them that Wazuh calls simple,
/// takes for wget's or for those of a tool.
const ACCESS_LOG: &str = "31100, 31108, 31508, 31511";

/// Wazuh drops the condition of a longer pattern with a line in its log and keeps the rule, which then matches everything.
pub(super) const PATTERN_BYTES_MAX: usize = 2048;

/// What stands before the value of a parameter; the name may be missing. An equals sign within a value is not enough, and of question
/// marks with only names between the last counts, as with slashes below.
const PARAMETER: &str = r"[?\x26](?![\w=.*+~-]*\?)(?:[\w.%\[\]-]{1,40}=)?";

/// What stands before the value of a parameter with a name, but for the first.
const NAMED_PARAMETER: &str = r"\x26[\w.%\[\]-]{1,40}=";

/// What stands before a segment of a path. A segment that is only a name begins no value: else each slash would begin one that reaches
/// to the end of the line.
const SEGMENT: &str = r"/(?!(?:[\w*+~-]*|\.\.?)/)";

/// The level of an attempt that a weak sign tells.
const WEAK_LEVEL: u8 = 8;

/// The level of an attempt that a strong sign tells.
const STRONG_LEVEL: u8 = 10;

/// The strength from which a sign is a strong one.
const STRONG_MIN: u8 = 60;

/// The level of an attempt that was answered with success.
pub(super) const ANSWERED_LEVEL: u8 = 12;

/// The file of rules, and the signs that found no place in it, each with the reason.
pub(super) struct Written {
    pub(super) text: String,
    /// The ids of the signs that became rules.
    pub(super) ids: Vec<u32>,
    pub(super) left_out: Vec<(u32, String)>,
}

pub(super) fn write(families: &[Family]) -> Written {
    let mut text = HEAD
        .replace("TARGET_PATTERN", TARGET_PATTERN)
        .replace("HEADER_PATTERN", HEADER_PATTERN)
        .replace("HEADER_WORDS_PATTERN", HEADER_WORDS_PATTERN)
        .replace("LETTERS_PATTERN", LETTERS_PATTERN)
        .replace("LETTER_CODES", encode::letters::CODES);
    let mut written = Vec::new();
    let mut left_out = Vec::new();
    for family in families {
        let mut ids = Vec::new();
        text.push_str(&format!(
            "\n<!-- {} -->\n<group name=\"web,web_attack,attack,{},\">\n",
            family.title,
            family.class.as_str()
        ));
        for sign in family.signs.iter().filter(|sign| sign.reader.reads_lines()) {
            match rules(family, sign) {
                Ok(rules) => {
                    for (id, rule) in rules {
                        text.push_str(&rule);
                        ids.push(id.to_string());
                        written.push(id);
                    }
                }
                Err(reason) => left_out.push((sign.id, reason)),
            }
        }
        if let Some(answered) = family.answered
            && !ids.is_empty()
        {
            answered_rule(&mut text, family, answered, &ids);
        }
        text.push_str("</group>\n");
    }
    Written { text, ids: written, left_out }
}

/// Puts a family's words into a pattern.
fn with_words(family: &Family, pattern: &str) -> String {
    let mut text = pattern.to_owned();
    for (name, words) in &family.words {
        let mark = format!("<<{name}>>");
        if text.contains(&mark) {
            let words: Vec<String> = words.iter().map(|word| regex_syntax::escape(word)).collect();
            text = text.replace(&mark, &format!("(?:{})", words.join("|")));
        }
    }
    text
}

/// What lets a request pass. Gates walk over what is ordinary, one way only, and ask whether anything is left: so each character
/// costs one comparison, and a line that is all ordinary costs nothing more.
const TARGET_PATTERN: &str = concat!(
    r"(?is)^(?=(?:[a-z1-9~]++|/(?!/|(?1))|-(?!-)",
    r"|\.(?!\.|internal|(?:php|phtml|phar|as[hp]x?|jspx?|cgi|pl)\d?(?:\?|\z)|(?1))",
    r"|\?(?!(?1)|(?2)|(?3))|=(?!/|1(?:69|00)\.|(?1)|(?2)|[\w.]+=)|\x26(?!(?1)|(?3))|_(?!_\w+__)|0(?!x(?:[25]|[2-7][0-9a-f]{9})))*+.)",
    r"(?!.{8000})",
    // A link of a page for script, taken for an address by a browser or a crawler. It carries no code, and nothing else is in the request.
    r"(?!(?:/(?!javascript|\.\.)[\w.~-]*+)*+/javascript(?::|%3a)(?:void(?:\(0\)|%280%29|(?:%20)?0)|(?:window\.|self\.)?",
    r"(?:history\.(?:back|forward|go)|print|close)(?:\(|%28)(?:-?\d)?(?:\)|%29)|return(?:%20|\+)(?:false|true))?(?:;|%3b)?\z)",
    r"(?(DEFINE)(processbuilder|xwork2|(?:invoker|instantiate|chained)transformer",
    r"|(?:instantiate|prototype\w*)factory|whileclosure|constructor|classloader|(?:classpath|filesystem)xml|document\.\w",
    r"|(?:web|meta)-inf|\.(?:ssh|aws|env|dockerenv|ht[adp]\w+|bash\w+|netrc|pgpass)\b|nmap\w{4}|acunetix)",
    r"(xp_|sp_|utl_|dbms_|sys\.(?:user|all|dba)_|javax?\.|pg_catalog|information_schema|sqlite_",
    r"|sysobjects|msysaccess|ro0ab|aced|gasv|aaeaaad",
    r"|whoami|i[fp]config|systeminfo|visudo|ansible-|(?:com\.)?sun\.\w|groovy\.",
    // Names that have no mark in them but dots and slashes, where a value begins; none of 213,000 recorded and honest requests has one.
    r"|(?:global(?:this)?\.)?process\.mainmodule|\.(?:git/(?:config|head|index)|svn/(?:entries|wc\.db))|etc/(?:passwd|shadow)|proc/self/",
    // What source and classes that break Java begin with in base64.
    r"|c(?:nvudgltz|hj(?:vy2vz|vdg90)|3lzdgvtk|mvxdwly)|aw5(?:2b2tlc|zdgfud)|d2hpbgu?[ov]|zm9yy2xvc|y2xvbmv0c",
    r"|phnjcmlwd|pd9waha|xhuwmd|l2v0yy9w|zxzhbcg)",
    r"((?:cmd|exec|execute|command|cmdline|shell|system)=[a-z]",
    r"|(?:c|do|run|action)=(?:id|ls|dir|pwd|ps|uname|uptime|netstat|hostname)(?:\x26|\z)))",
);

/// What lets a request pass for a letter or a digit that is an escape. No client writes one so (not one of 100,000 recorded requests had one), and an
/// application reads it like another. Old Chinese and Japanese encodings may have it as the second half of a character, behind a byte that is no ASCII.
const LETTERS_PATTERN: &str = concat!(
    r"(?is)^(?!.{8000})(?:(?>%(?:25|u00)*[89a-f][0-9a-f](?:%(?:25)*[0-9a-f]{2})?|(?!(?1)).))*+(?1)",
    r"(?(DEFINE)(%(?:25|u00)*LETTER_CODES))",
);

/// What lets a line pass for a sign in its headers that browsers don't write there, as it is or in percent.
const HEADER_PATTERN: &str = concat!(
    r#"(?is)^(?=(?:[^"]++|"(?! \d{3} \S+ "))*+" \d{3} \S+ "#,
    r#"(?:[\w?~!@*:,./;)"\x26=+-]++(?: (?!/)\(?)?+| (?!/\w+/[\w.])\(?+|\((?![^();]*+\)[^ ;]|[\d.,]*+\))|#(?=\w)"#,
    r"|%(?!25|2[1247-9a]|23\W|3[bce]|40%40|5[bce]|60|7[b-d]|0))*+.)",
    r"(?!.{8000})",
);

/// What lets a line pass for words or pairs of signs in its headers. They are looked for together with what other rules need of a line,
/// so an ordinary line does not meet this pattern.
const HEADER_WORDS_PATTERN: &str = concat!(
    r#"(?is)^(?!.{8000})(?:[^"]++|"(?! \d{3} \S+ "))*+" \d{3} \S+ (?:[\w:,!?~@]++|(?!(?1)).)*+(?1)"#,
    r#"(?(DEFINE)(\.\./|--|\x26\x26|/\*|;/|=;|=%26|" ?[;/\x26]|(?:[ ()"+]|%20)(?:select|union|sleep)\W"#,
    r#"|(?:["+]|%20) ?(?:or|and|xor|having|order|group|union)[+%\s]"#,
    r"|(?:/|%2f)(?:etc|proc|root|home|var|windows|winnt|web-inf)\b",
    // An address of a cloud's metadata, and places to which a tool lets servers talk.
    r"|/(?:169\.254|100\.100\.100)\.|\.(?:oast[.i]|interact\.sh|burpc|dnslog\.)",
    // Wrappers of PHP and schemes that no browser follows.
    r#"|[" =](?:php|phar|expect|gopher|dict)(?::|%3a)(?:/|%2f)))"#,
);

static HEADER_GATE_PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let patterns = [HEADER_PATTERN, HEADER_WORDS_PATTERN].into_iter();
    patterns.filter_map(|text| Pattern::compile(Language::Pcre2, text.as_bytes()).ok()).collect()
});

/// Tells whether a line passes a gate for headers.
pub(super) fn passes_header_gate(line: &str) -> bool {
    HEADER_GATE_PATTERNS.iter().any(|pattern| pattern.is_match(line.as_bytes()))
}

/// How far the id of the rule for headers is from that of the rule for the request.
pub(super) const HEADER_OFFSET: u32 = 1_000;

/// Tells whether a sign is looked for in headers too. A weak one is common in what browsers write there, and one of which no example
/// passes the gate would never be seen.
pub(super) fn has_header_rule(sign: &Sign) -> bool {
    sign.place == Place::Any
        && sign.strength >= STRONG_MIN
        && sign
            .attack
            .iter()
            .any(|value| passes_header_gate(&sample::header_line(value, sample::REFUSED)))
}

/// Writes the rules of a sign: for the request, and for its headers where it counts there.
fn rules(family: &Family, sign: &Sign) -> Result<Vec<(u32, String)>, String> {
    let source = with_words(family, sign.line_pattern.as_ref().unwrap_or(&sign.pattern));
    let pattern = |start: &Start| {
        encode::line_pattern(family.class, sign, &source, start)
            .map_err(|error| error.to_string())
            .and_then(within_limit)
    };
    if sign.place == Place::Agent {
        // The agent is the last thing in quotes. Which quotes these are is settled before the sign is looked for, once for each pair.
        let whole = pattern(&start(family, sign))?;
        let body = whole.strip_prefix("(?is)").unwrap_or(&whole);
        let whole =
            within_limit(format!(r#"(?is)\s"(?=(?:[^"\\]++|\\.)*+"\s*\z)(?:[^"\\]|\\.)*?{body}"#))?;
        return Ok(vec![(sign.id, rule(family, sign, sign.id, ACCESS_LOG, ("regex", &whole), ""))]);
    }
    let of_headers = |id: u32, place: &str| {
        let of_header = pattern(&Start {
            of_value: format!(r#"(?:\s"|{PARAMETER}|{SEGMENT})"#),
            before_anything: format!(r#"(?:\s"|{NAMED_PARAMETER})"#),
        })?;
        let gate = format!("{HEADER_GATES}, {UNREAD_GATE}");
        Ok::<_, String>((id, rule(family, sign, id, &gate, ("regex", &of_header), place)))
    };
    if sign.place == Place::Header {
        return Ok(vec![of_headers(sign.id, "")?]);
    }
    let gate = match sign.reader {
        Reader::EscapedLetters => LETTERS_GATE,
        Reader::Both | Reader::Values | Reader::Lines => TARGET_GATE,
    };
    let gate = gate.to_string();
    let of_request = pattern(&start(family, sign))?;
    let mut rules = vec![(sign.id, rule(family, sign, sign.id, &gate, ("url", &of_request), ""))];
    if has_header_rule(sign) {
        // Below the gate for lines that were not taken apart, the sign may as well stand in the request.
        let place = ", in a header or a request of an odd form";
        rules.push(of_headers(sign.id + HEADER_OFFSET, place)?);
    }
    Ok(rules)
}

fn within_limit(pattern: String) -> Result<String, String> {
    if pattern.len() > PATTERN_BYTES_MAX {
        let length = pattern.len();
        return Err(format!(
            "its pattern has {length} bytes, and of one with more than {PATTERN_BYTES_MAX} Wazuh drops the condition: the rule would match everything"
        ));
    }
    Ok(pattern)
}

fn rule(
    family: &Family,
    sign: &Sign,
    id: u32,
    parents: &str,
    (element, pattern): (&str, &str),
    place: &str,
) -> String {
    format!(
        "\n  <rule id=\"{id}\" level=\"{}\">\n    <if_sid>{parents}</if_sid>\n    <{element} \
         type=\"pcre2\">{pattern}</{element}>\n    <description>{}: {}{place}.</description>\n{}  </rule>\n",
        level(family, sign),
        family.title,
        sign.reason,
        mitre(family)
    )
}

/// The level of the rule for a sign.
pub(super) fn level(family: &Family, sign: &Sign) -> u8 {
    let by_strength = if sign.strength >= STRONG_MIN { STRONG_LEVEL } else { WEAK_LEVEL };
    family.level.unwrap_or(by_strength)
}

/// What stands before a value.
fn start(family: &Family, sign: &Sign) -> Start {
    let whole = |of_value: String| Start { before_anything: of_value.clone(), of_value };
    match sign.place {
        Place::Value => match family.words.get("own_parameters") {
            // In these the value is ordinary.
            Some(names) => {
                let others = format!(r"[?\x26](?!(?:{})=)", names.join("|"));
                whole(PARAMETER.replacen(r"[?\x26]", &others, 1))
            }
            None => Start {
                of_value: PARAMETER.to_owned(),
                before_anything: format!(r"(?:^[^?]*+\?|{NAMED_PARAMETER})"),
            },
        },
        Place::Command => {
            let names =
                family.words.get("parameters").map(|names| names.join("|")).unwrap_or_default();
            whole(format!(r"[?\x26](?:{names})="))
        }
        Place::Target => whole("^".to_owned()),
        Place::Agent => whole(String::new()),
        Place::Any | Place::Input | Place::Header => Start {
            of_value: format!("(?:{PARAMETER}|{SEGMENT})"),
            before_anything: format!(r"(?:^|{NAMED_PARAMETER})"),
        },
    }
}

fn answered_rule(text: &mut String, family: &Family, id: u32, ids: &[String]) {
    text.push_str(&format!("\n  <rule id=\"{id}\" level=\"{ANSWERED_LEVEL}\">\n    <if_sid>{}</if_sid>\n    <id>^2</id>\n    \
         <description>{}: an attempt that the server answered with success.</description>\n{}    <group>attack_answered,</group>\n  </rule>\n",
        ids.join(", "),
        family.title,
        mitre(family)
    ));
}

fn mitre(family: &Family) -> String {
    let ids: String = family.mitre.iter().map(|id| format!("      <id>{id}</id>\n")).collect();
    format!("    <mitre>\n{ids}    </mitre>\n")
}

const HEAD: &str = r#"<!--
  Attacks on web applications, in access logs. Ids 116200 to 116799 and 117200 to 117699.

  Made by `quell rules build` of rules/signs, where each pattern stands as one reads it. A change belongs there: a test compares.

  The tree
    116200  a gate: the request has some syntax in it
    116201  a gate: a header has some syntax in it
    116203  a gate: a header has words or pairs of signs of an attack in it
    116202  a gate: a request with a quote or without a protocol, which the stock decoder for FTP took; below it are the
            signs for headers, which read whole lines. A transfer is not one: it has the name of a user, and nothing behind its size
    116204  a gate: a request in which letters are escapes that need none
    1162NN to 1166NN  one rule for each sign of an attack in the request
    1172NN to 1176NN  the same sign in a header, or in a request below 116202, if it is a clear one
    1167NN  the same kind of attack, and the server answered 2xx
  Wazuh tries siblings by level, and by order where levels are equal; so what carries another attack inside stands before it.
  A request of 8,000 bytes or more passes neither: stock rule 31115 (level 13) stands for it, and no pattern may take long.
  The gates have level 0, which is tried first, and `noalert`, which makes Wazuh go on where no child matched.
-->

<group name="web,quell_gate,">

  <rule id="116200" level="0" noalert="1">
    <if_sid>31100, 31108, 31511</if_sid>
    <url type="pcre2">TARGET_PATTERN</url>
    <description>A request with syntax in it.</description>
  </rule>

  <rule id="116201" level="0" noalert="1">
    <if_sid>31100, 31108, 31511</if_sid>
    <regex type="pcre2">HEADER_PATTERN</regex>
    <description>A request with syntax in a header.</description>
  </rule>

  <rule id="116203" level="0" noalert="1">
    <if_sid>31100, 31108, 31511</if_sid>
    <regex type="pcre2">HEADER_WORDS_PATTERN</regex>
    <description>A request with words of an attack in a header.</description>
  </rule>

  <rule id="116204" level="0" noalert="1">
    <if_sid>31100, 31108, 31511</if_sid>
    <url type="pcre2">LETTERS_PATTERN</url>
    <description>A request with letters as escapes.</description>
  </rule>

  <rule id="116202" level="0" noalert="1">
    <if_sid>11310</if_sid>
    <regex type="pcre2">^(?:\S++ - (-) (?=\[))?+(?>(?:[^\]]++|\](?! "))*+\] ")[A-Za-z_-]{1,32} .{1,8000}(?: HTTP/\d[\d.]{0,4}" \d{3} |" \d{3} (?:\d{1,20}|-)(?: "|(?(1)$|(?!))))</regex>
    <description>A request with a quote in it or without a protocol, which the decoder for FTP took.</description>
  </rule>

</group>
"#;
