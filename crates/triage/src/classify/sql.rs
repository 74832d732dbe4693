//! Signs of SQL injection that are structure: a value that ends early and goes on as a statement.
//!
//! A value leaves its place in a statement in few ways: it closes the quote that the application
//! opened, it follows a number with an operator, it begins with an operator, or it starts another
//! statement. The quote that counts is the *first* of the value, for a quoted word in a search
//! opens before it closes: `"foo" and "bar"` is harmless, `admin' and '1` is not. Statements that
//! need no such break are in `sqlwords`.

use super::WebClass::SqlInjection;
use super::rule::{Sign, sign as any_sign};
use super::view::View;
use regex::Captures;

const fn sign(
    strength: u8,
    reason: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
) -> Sign {
    any_sign(SqlInjection, View::Sql, strength, reason, anchors, pattern)
}

const QUOTES: &[&str] = &["'", "\"", "`"];

/// Operators that compare; `like` with what follows, for every browser is "like Gecko".
const COMPARISONS: &[&str] = &[
    "=", "<", ">", "like '", "like'", "like \"", "like (", "like(", "like 0", "like 1", "like 2",
    "between", " in (", " in(",
];

pub(super) const SIGNS: &[Sign] = &[
    // A union needs a second column list: `union select committee` is prose.
    sign(
        95,
        "joins the result of a second SELECT",
        &["union"],
        r#"(?:\b|\d)union\b[\s(+]*(?:all|distinct)?[\s(+]*select\s*(?:[-+~!@'"(`.\d*$\\]|null\b|(?:all|distinct|top)\s|[a-z_@.`\d]+\s*[,(]|[a-z_.`"]+\s+from\b|char\()"#,
    ),
    sign(80, "joins the result of a second SELECT", &["union"], r#"(?:^|[\d'")])[\s(]*union\s+(?:all\s+|distinct\s+)?select\b\s*(?:$|--|#|/\*|\S+\s*--)|['")]\s*union\s+(?:all\s+|distinct\s+)?select\s+\S+\s*$"#),
    sign(80, "joins the result of a second SELECT", &["union"], r"\bunion[^a-z]{1,12}(?:all[^a-z]{1,12})?select[^a-z]{1,6}(?:\d|null|user|concat|from)"),
    // Tautologies and their like.
    sign(
        85,
        "adds a condition on constants",
        COMPARISONS,
        r#"(?:^|[\s'"`)(\d;%])(?:or|and|xor|\|\||&&|where|having|not)\b?[\s(!~+'"-]*(?:\d+|'[^']{0,40}'|"[^"]{0,40}")['")]*\s*(?:=|<=>|<>|!=|>=|<=|<|>|like\b|between\b|in\s*\()\s*[('"\-~!]*(?:[\w@]|$)"#,
    ),
    sign(
        80,
        "compares a name with itself",
        COMPARISONS,
        r#"(?:\b|\d)(?:or|and|xor|where|having)\b[\s(!'"]*(\w{1,24})['")]*\s*(?:=|like\b)\s*['"(]*(\w{1,24})"#,
    )
    .checked(compares_with_itself),
    sign(
        75,
        "follows a value with a constant condition",
        &["true", "false", "null"],
        r#"(?:^|^-?(?:0x)?[\da-f]+|^[^'"]*['"])[\s)]*(?:\b|[^\w\s]|\s)(?:or|and|xor|\|\||&&)\s*(?:not\s+|!)?\(?(?:true|false|null)\b[\s)]*(?:$|--|#|/\*|['";=]|union\b|or\b|and\b)"#,
    ),
    sign(70, "follows a value with a constant condition", &["--", "#", "/*"], r#"(?:^|[\s'")\d])(?:or|and|xor|\|\|)\s+\(?(?:\d+|'\w*')['")\s]*(?:--|#|/\*)"#),
    sign(60, "begins with a comparison", &["=", "<", ">"], r#"^\s*(?:and|or)\s*\(?\s*[\w.]+\s*(?:=|!=|<>|<|>)\s*['"(\d]"#),
    // The first quote closes, and an operator follows.
    sign(
        80,
        "closes a quote and goes on with an operator",
        QUOTES,
        r#"^[^'"`]*['"`][\s)]*(?:or|and|xor|having|\|\||&&)\s*\(*\s*(?:['"][^'"]{0,40}['"]?\s*(?:[-=<>!|*^&+]|like\b|in\b|between\b|is\b|--|#|/\*)|[!~@]|\(?\s*(?:select\b|\d+\s*[-=<>!+*)])|-?\d+\s*(?:$|=|<|>|!|--|#|or\b|and\b|\))|not[\s(]|exists\b|null\b|[\w.\[\]]+\s*(?:=|<|>|!|like\b|glob\b|regexp\b|rlike\b|in\s*\(|is\s+(?:not|null|\?)|is\b|between\b|\(|notnull\b|isnull\b))"#,
    ),
    sign(
        70,
        "closes a quote and goes on with an operator",
        QUOTES,
        r#"^[^'"`]*['"`]\s*\)*\s*(?:(?:not\s+)?(?:like|glob|in|regexp|rlike|between|match)\b(?:\s+['"(\d!~@%-]|\s*[(!~@%-]|['"][\w%]|\s*\w+\s*(?:--|#|/\*|;))|is\s+(?:not|null)\b|collate\b|sounds\s+like\b|notnull\b|isnull\b|union\b\s*(?:all\b\s*)?[\s(]*select|(?:order|group)\s+by\b|having\s|limit\s+\d|into\s+(?:out|dump)file|waitfor\b|div\s+\d|mod\s+\d|exec\s+(?:master|xp_|sp_)|;\s*(?:select|insert|update|delete|drop|exec|declare)\s+\S+\s|\(\s*select\b|procedure\s+analyse)"#,
    ),
    sign(75, "closes a quote and joins strings", QUOTES, r#"^[^'"`]*['"`]\s*\|\|\s*(?:'|"|true\b|false\b|\(|\w+[.(]|\d)"#),
    sign(60, "closes a quote and compares", QUOTES, r#"^[^'"`<=]*['"]\s*(?:=|<>|!=|<=>)\s*(?:['"`!+(-]|\d)"#),
    sign(55, "closes a quote and computes with it", &["'-'", "'*'", "'+'", "'^'", "'&'", "''-", "\"-\"", "\"^\"", "\"*\"", "'|'"], r#"^[\w\s]{0,20}(?:or\s*)?['"]{1,2}\s*[-*^&]\s*['"]{1,2}[\s)]*$"#),
    sign(60, "closes a quote and continues with a list", QUOTES, r#"^[^'"`]*['"`]?\)*\s*,\s*(?:null\s*,|null\s*\)|\(\s*select\b|0x[\da-f]+\s*,)"#),
    sign(45, "repeats a quoted word around an operator", &["'or'", "'and'", "\"or\"", "'xor'"], r#"^\w*\\?['"](?:or|and|xor)['"]\w*$"#),
    sign(45, "closes a quote and goes on with an operator", &["'or ", "'and ", "'or(", "'and(", "\"or ", "\"and ", "'xor "], r#"^[\w@.\\]*['"](?:or|and|xor)[\s(]+\S+(?:\s*[<>=(]|\s+(?:like|glob|in|is|regexp)\b)"#),
    // Comment terminators.
    sign(
        75,
        "closes a quote and comments out the rest",
        &["--", "#", "/*", ";%00"],
        r#"^[^'"`]{0,80}['"]\s*\)*\s*;?\s*(?:--(?:\s*[+-]?\s*$|\s)|/\*)"#,
    ),
    sign(65, "closes a quote and comments out the rest", &["#"], r#"^(?:[^'"`\s]{1,80})?['"]\)*;?\s*#"#),
    sign(
        60,
        "closes a quote and comments out the rest",
        &["--", "#", "/*"],
        r#"^[^'"`]{0,60}\\?['"](?:[^\w'"]|or\b|and\b|not\b|is\b|in\b|like\b|collate\b|union\b|having\b|select\b).{0,120}\b(?:or|and|not|is|in|like|glob|null|notnull|isnull|select|collate|between|having|exists|all|union|where|by|sleep|drop)\b.{0,80}(?:--|#|/\*)[\s+;-]*$"#,
    ),
    sign(45, "ends a number with a comment", &["--", "#", "/*"], r"^-?\d+\)+\s*(?:--|#|/\*)|^-?\d+\)*(?:--[\s+-]*|/\*)$"),
    sign(50, "closes brackets and comments out the rest", &[")--", ") --", ")#", ") #", ")/*", ") /*"], r"[=(,@\d'].*\)\s?(?:--|/\*|#)[\s;+-]*$"),
    sign(45, "is only a comment", &["--"], r"^\s+--\s*(?:$|&)"),
    sign(70, "joins the result of a second SELECT", &["select"], r"\b(?:except|intersect|minus)\s+(?:all\s+)?select\b\s*[.\d(*'\x22@]"),
    sign(55, "names a column and a table", &["from"], r#"^-?\d+\s+as\s+["'`]\w+["'`]\s+from\s+\w"#),
    sign(50, "begins with a comparison", &["=", "(exists"], r"^\s*(?:or|and)\s+(?:\(exists\)|\(*\w{1,12}\)*\s*=\s*\w{1,12})\s*$"),
    sign(50, "closes a quote and ends the statement", &["';", "\";", "');"], r#"^[\w@.\s-]{0,40}['"]\)*;\s*(?:$|--|#|/\*)"#),
    // Order and group tell how many columns there are.
    sign(75, "orders by a column number", &["order", "group"], r#"^[\s'"`)\d.-]*(?:order|group)\s+by\s+(?:\d+(?:\s*,\s*[\w(]|\s*$|\s*--|\s*#|\s*/\*|\s+(?:asc|desc)\b)|\()"#),
    sign(75, "groups by an expression to raise an error", &["group by"], r"\bgroup\s+by\s+(?:concat|floor|x\b.*having|\d+\s*having)"),
    // Another statement.
    sign(
        85,
        "starts another statement",
        &["drop", "insert", "update", "delete", "alter", "create", "exec", "declare", "truncate", "shutdown", "select", "waitfor", "copy ", "attach", "grant", "(load_file"],
        r#";\s*(?:drop\s+(?:table|database|schema|view|index|user|column|procedure|function|trigger)\b|insert\s+into\s|update\s+\S+\s+set\s|delete\s+from\s|(?:alter|create)\s+(?:table|user|database|view|function|procedure|login|or\s+replace)\b|exec(?:ute)?\s*(?:\(|@|master|xp_|sp_|immediate)|declare\s+@|truncate\s+table|truncate\s*\[|shutdown\b\s*(?:--|;|$|with)|select\s+(?:[*\d'"(@]|\w+\s*\(|[\w,.\s]+\sfrom\s)|waitfor\s|begin\s+declare|copy\s+\w+\s+(?:from|to)\b|attach\s+database|grant\s+\w+\s+(?:on|to)\b|\(load_file)"#,
    ),
    sign(
        70,
        "is a whole statement",
        &["drop", "insert", "delete", "create", "alter", "update", "declare", "truncate", "exec"],
        r#"^\s*(?:drop\s*(?:table|database)\s+\w|insert\s+into\s+\w+\s*(?:\(|values)|delete\s+from\s+\w+\s*(?:where|;|--)|create\s+table\s+\w+\s*\(|alter\s+table\s+\w+\s+(?:add|drop)|update\s+\w+\s+set\s+\w+\s*=|declare\s+@|exec(?:ute)?\s*\(\s*@|execute\s+immediate\s+['"]|exec\s+(?:master|xp_|sp_))"#,
    ),
    sign(75, "builds a statement in a variable", &["declare", "exec"], r"\bdeclare\s+@\w+\s+\w*(?:char|int)|\bexec(?:ute)?\s*\(\s*@\w+"),
    sign(60, "splits a keyword with a comment", &["select", "drop"], r"^(?:select\s+\d.*\bfrom\s+\w+$|drop\s?\w+table$|drop\s+sample)"),
    // Conditions without quotes.
    sign(60, "adds a condition to a value", &["xor ", "xor("], r#"^[\s'"\d]*xor\s*['"(]?[\w]+['")]*\s*[<>=]"#),
    sign(55, "adds a condition to a value", &["'or ", "\"or ", "' or ", "' and ", "' xor "], r#"^[^'"\s]{0,20}['"]\s*(?:or|and|xor)\s+\d+\s*[<>=]"#),
    sign(65, "asks for a value by a subquery", &["select"], r#"(?:^|[=,(|+*/'"<>-]|\b(?:and|or|not|exists|in|select|union|all|if|cast|where)\b)\s*\(\s*select\b\s*(?:\(|[*@\d'"]|distinct|top\s+\d|null|\w+\s*\(|[\w.`"]+\s+from\s|[\w.`"]+\s*,)"#),
    sign(60, "asks for a value by a subquery", &["(select*", "(select("], r"\(\s*select(?:\*|\()"),
    sign(60, "matches against a subquery", &[")like(", ") like (", "rlike (", "rlike(", "=any", "= any", "= all", "=all", "! all"], r"\)\s*like\s*\(|\brlike\s*\(\s*(?:select|sleep)|[=!<>]\s*(?:all|any)\s*\(\s*select"),
];

fn compares_with_itself(captures: &Captures<'_>) -> bool {
    match (captures.get(1), captures.get(2)) {
        (Some(left), Some(right)) => left.as_str() == right.as_str(),
        _ => false,
    }
}
