//! Signs of SQL injection that are words: functions, tables and settings that no honest value
//! names.
//!
//! These need no broken quote, because an application that pastes a number into a statement gives
//! the attacker a place for an expression at once. Each word must stand as the language wants it,
//! with its bracket, dot or argument, for people also write *about* databases.

use super::WebClass::SqlInjection;
use super::rule::{Place, Sign, sign as any_sign};
use super::view::View;

const fn sign(
    strength: u8,
    reason: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
) -> Sign {
    any_sign(SqlInjection, View::Sql, strength, reason, anchors, pattern)
}

pub(super) const SIGNS: &[Sign] = &[
    // Delays tell one bit without any output.
    sign(75, "delays the answer", &["sleep"], r#"(?:^|[\s(,=|&'"+*/;-]|'\.|\b(?:or|and))(?:pg_)?sleep\s*\(\s*(?:[\d(_@]|$)"#),
    sign(60, "delays the answer", &["pg_sleep"], r"\bpg_sleep(?:_for|_until)?\b\s*(?:\(|$)"),
    sign(90, "delays the answer", &["benchmark"], r#"\bbenchmark\s*\(\s*\d+\s*,"#),
    sign(90, "delays the answer", &["delay"], r#"(?:\bwai?t?for\s+delay|delay\s*['"]\d+:\d+)"#),
    sign(85, "delays the answer", &["dbms_", "randomblob", "utl_"], r"\bdbms_(?:pipe|lock|session|xmlgen|java|export)\b\.|\brandomblob\s*\(|\butl_(?:inaddr|http|smtp|file|raw)\b\s*\."),
    sign(80, "delays the answer", &["heavy", "regexp_substring", "generate_series"], r"\bregexp_substring\s*\(\s*repeat|\bgenerate_series\s*\(\s*1\s*,\s*\d{5,}"),
    // Catalogues and settings.
    sign(
        70,
        "reads the catalogue",
        &["information_schema", "sqlite_master", "sqlite_schema", "pg_catalog", "sysobjects", "syscolumns", "all_tables", "user_tables", "mysql.", "sys.", "dba_", "pg_user", "pg_shadow", "msysaccess", "all_tab_columns", "master..", "sysibm.", "syscat.", "syscolumns", "v$"],
        r#"\bfrom[\s(]+[`"\[]?(?:information_schema|sqlite_master|sqlite_schema|pg_catalog|pg_user|pg_shadow|(?:master\.+)?sysobjects|syscolumns|sysdatabases|sysibm\.\w|syscat\.\w|v\$\w+|all_tables|all_tab_columns|user_tables|mysql\.\w|sys\.\w|dba_\w+|msysaccessobjects)|\bsys\.(?:user\$|login_user|database_name)|^\s*(?:pg_catalog|information_schema|sqlite_master|sysobjects|msysaccessobjects|mysql\.db)\b\.?\w*\s*$|\bmaster\.\.\w|\bdba_role_privs\b|\bmaster\.sys\.|\bmsysaccess"#,
    ),
    sign(70, "reads a setting of the database", &["@@"], r"@@(?:version|datadir|hostname|basedir|servername|global|session|language|spid|tmpdir|plugin|innodb)\w*"),
    sign(75, "asks for the version or structure", &["sqlite_"], r"\bsqlite_(?:version|compileoption_\w+|source_id)\s*\("),
    sign(
        60,
        "asks for the version or user",
        &["version", "user(", "database(", "current_user", "schema(", "user (", "_user"],
        r#"(?:[,(=|]|\bselect\s|\bunion\s|\band\s|\bor\s|^)\s*(?:version|user|database|schema|current_user|system_user|session_user|current_database)\s*\(\s*\)\s*(?:[,)=|<>]|--|#|/\*|from\b|$)|\b(?:and|or)\s+\(?(?:current|session|system)_user\b\s*[=<>]|^\s*select\s+(?:current_user|current\s+user|user|version\(\)|@@\w+|current_database\(\))\b\W*$"#,
    )
    .only(Place::Input),
    // Functions that run or read things.
    sign(85, "calls a procedure of the server", &["xp_", "sp_"], r"\bxp_(?:cmdshell|dirtree|reg\w+|fileexist|servicecontrol|subdirs|availablemedia|enumdsn|loginconfig|ntsec\w*|terminate\w*|makecab)\b|\bsp_(?:executesql|oacreate|oamethod|password|configure|addextendedproc|makewebtask|addsrvrolemember|sqlexec|who|help|addlogin)\b"),
    sign(75, "reads or writes a file through the database", &["load_file", "outfile", "dumpfile", "infile", "openrowset", "bulk insert", "pg_read_file", "lo_import"], r"\bload_file\s*\(|\binto\s+(?:out|dump)file\b|\bload\s+data\s+(?:local\s+)?infile\b|\bopenrowset\s*\(|\bpg_read_file\s*\(|\blo_import\s*\("),
    sign(70, "raises an error that shows a value", &["extractvalue", "updatexml", "xmltype", "gtid_sub", "st_lat", "json_keys", "exp(~", "name_const", "geometrycollection", "polygon("], r"\b(?:extractvalue|updatexml|xmltype|gtid_subset|gtid_subtract|st_latfromgeohash|json_keys|name_const|geometrycollection|multipolygon)\s*\(\s*(?:$|['(\d@\w])|\bexp\s*\(\s*~"),
    sign(75, "raises an error that shows a value", &["floor", "rand("], r"\bfloor\s*\(\s*rand\s*\(|\brand\s*\(\s*\d\s*\)\s*(?:\*|\|)"),
    // Strings without quotes, or out of columns.
    sign(60, "gathers columns into a string", &["concat"], r#"(?:^|[^.\w])(?:group_)?concat(?:_ws)?\s*\(\s*(?:0x|char|@@|version|user|database|\(?\s*select|\w+\s*,\s*0x|\w+\s*,\s*char|table_name|column_name|'|"|[\w.]+\s*,\s*[\w.(]|\w+\))"#),
    sign(65, "writes a string as numbers", &["char(", "char (", "chr("], r"\b(?:select\s*)?(?:n?char)\s*\(\s*\d+\s*(?:[),]|$)|\bchr\s*\(\s*\d+\s*\)\s*\|\|"),
    sign(60, "hides a value in hexadecimal", &["hex("], r"\b(?:unhex|hex)\s*\(\s*(?:hex|\(?\s*select|concat|version|user|char|upper|randomblob)\b"),
    sign(60, "hides a value in hexadecimal", &["aes_", "elt(", "make_set", "ord(", "bin("], r"\baes_(?:de|en)crypt\s*\(|\b(?:elt|make_set)\s*\(\s*[-+(\d]|\b(?:ord|bin)\s*\(\s*(?:mid|\(?select|\d)"),
    sign(55, "hides a statement in hexadecimal", &["0x"], r"0x[\da-f]{12,}[^a-z\d]*(?:,|from\b|exec|into|where|union|--|$).*(?:exec|select|union|from|--)|\b(?:select|union|exec|and|or|=)\b.*0x[\da-f]{6,}"),
    sign(
        75,
        "takes a value apart",
        &["substr", "mid(", "ascii", "ord(", "length(", "len(", "cast", "convert", "left(", "unicode("],
        r#"\b(?:substr(?:ing)?|mid|ascii|ord|unicode|len(?:gth)?|cast|convert|left|right|lower|upper|hex)\s*\(\s*(?:\(*\s*select\b|@@|(?:version|user|database|current_user)\s*\(|\(?substr|password\b)|\bcast\s*\(.{1,160}\bas\s+(?:int|char|varchar|numeric|signed|text|decimal|nvarchar)|\bconvert\s*\(\s*(?:int|varbinary|\(select)"#,
    ),
    sign(65, "takes a value apart", &["substr", "mid(", "ascii(", "strcmp"], r#"\b(?:substr(?:ing)?|mid|ascii|strcmp)\s*\([^)]{1,60}\)\s*(?:=|<|>|like\b|in\b|between\b)"#),
    sign(70, "branches on a condition", &["if(", "if (", "case", "iif("], r#"\bi?if\s*\(\s*[^,;{}]{1,80}[=<>()][^,;{}]{0,80},[^,;{}]{1,80},[^;{}]{0,80}\)|\bif\s*\(\s*\d+\s*=\s*\d+\s*\)\s*(?:select|waitfor|drop)|\bif\s*\(\s*(?:benchmark|sleep|ascii|substr|now\(\)|select|load_file)|(?:select|[(,=]|\band\b|\bor\b)\s*\(?\s*case\s+when\b.{1,120}\bthen\b"#).only(Place::Input),
    sign(60, "selects from a table", &["select"], r#"\bselect\s*(?:\*|[-+~!@]\s*[('"\d@]|'[^']{0,40}'\s*,|\d+\s*,|(?:top\s+\d+|distinct|count\(\*?\w*\))\s)[^;]{0,200}?\bfrom\b\s*[\w(`"\[]"#),
    sign(55, "selects from a table", &["select"], r#"\bselect\s+[^;]{0,120}\b(?:concat|count|sin|cos|user|version|database|char|substr|cast|convert|load_file|sleep|min|max|avg|sum|length|ascii|hex|group_concat)\s*\([^;]{0,160}\)[^;]{0,80}\bfrom\b\s+\w"#),
    sign(55, "selects a delay or a constant", &["select"], r#"^\W*select\s*(?:\(|sleep|pg_sleep|@@|\d+\s*/\s*0|char\(|load_file|version\(\))"#),
    sign(65, "selects from a table of users", &["from"], r"\bselect\b[^;]{1,120}\bfrom\s+(?:\w+\.)?\w*(?:users?|admins?|members?|accounts?|passwords?|customers|credentials|credit_cards)\b"),
    sign(55, "limits or analyses a statement", &["limit", "procedure", "having"], r"\blimit\s+\d+\s*,\s*\d+\s*(?:--|#|/\*|into\b|union\b|\))|\bprocedure\s+analyse|\bhaving\s+(?:\d+\s*=|min\(|max\()|\)\s*limit\s+\d"),
    // Operators of one database.
    sign(60, "casts as PostgreSQL does", &["::"], r#"['")\]]\s*::\s*(?:int(?:eger)?|jsonb?|text|double\s+precision|numeric|varchar|bool(?:ean)?|float\d?|regclass|xml)\b"#).only(Place::Input),
    sign(60, "compares JSON in the database", &["'{", "\"{", "->", "#>", "@>", "<@"], r#"(?:\bor\b|\band\b|^)\s*'\{|'\s*(?:->>?|#>>?|@>|<@|\?&)\s*'|::jsonb?\s*[-#@<?]"#),
    sign(55, "selects by a mapping of the database", &["like(", "like ("], r#"=\s*like\s*\(\s*'|\blike\s*\(\s*'[^']*'\s*,"#),
    sign(45, "is the call of a database function", &["("], r"^(?:floor|ceil|round|format|length|len|version|left|right|lower|upper|substr|substring|concat|concat_ws|group_concat|ascii|char|chr|hex|unhex|mid|md5|sha1|now|sysdate|current_date|database|schema|user|abs|mod|greatest|least|ifnull|nullif|coalesce|convert|cast|count|sum|avg|min|max|extractvalue|updatexml|xmltype|date_add|date_sub|dayname|day|month|year|hour|rand|benchmark|if|elt|field|find_in_set|instr|locate|position|repeat|replace|reverse|rpad|lpad|trim|truncate|to_char|to_date|nvl|decode|json_\w+|jsonb_\w+|str_to_date|row_count|found_rows|load_file|bin|oct|ord|soundex|space|starts_with|overlay|div|is_srid|pg_\w+)\.?\s*\((?:\s*$|.*::)").only(Place::Value),
    sign(50, "is the call of a database function", &["password", "div("], r"^(?:div|starts_with|overlay|jsonb?_\w+|strpos|split_part)\s*\((?:password\b|\d+\s*,|\.{3}|\(.*password)").only(Place::Value),
    sign(55, "calls a function of the database", &["current_setting", "query_to_xml", "database_to_xml", "likelihood", "load_extension", "lower(hex", "group_concat", "pragma_"], r"\b(?:current_setting|query_to_xml|database_to_xml|load_extension|pragma_\w+)\s*\(|\blikelihood\s*\(\w+\s*,"),
];
