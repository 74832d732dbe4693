//! Signs of path traversal and file inclusion: a path that climbs, a file of the system, or a
//! wrapper instead of a file.
//!
//! Evasion suites write the dots and the slash in dozens of ways, many of which only one old server
//! understood. The view for paths makes separators slashes; what is left is matched by a generous
//! separator (`SEP` in the patterns: any sign that is no letter, or the hexadecimal code of a slash
//! without its percent sign) between the parts of a file name that attackers ask for.

use super::WebClass::{FileInclusion, PathTraversal};
use super::rule::{Place, Sign, sign as any_sign};
use super::view::View;

const fn sign(
    strength: u8,
    reason: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
) -> Sign {
    any_sign(PathTraversal, View::Path, strength, reason, anchors, pattern)
}

const fn include(
    strength: u8,
    reason: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
) -> Sign {
    any_sign(FileInclusion, View::Path, strength, reason, anchors, pattern)
}

pub(super) const SIGNS: &[Sign] = &[
    sign(85, "climbs out of its directory", &["../", "..;/"], r"(?:^|/)(?:\.{2,4};?/+){2,}|(?:\.{2,4};?/+){3,}"),
    sign(75, "climbs out of its directory", &["..", "/./"], r"^\W{0,3}(?:\.{2,6}[/\s\u{fffd}]*/+){2,}|(?:\.{2,6}[/\s\u{fffd}]*/+){3,}|(?:/\.{1,2}){4,}/|(?:\.{1,2}/+){4,}"),
    sign(60, "climbs out of its directory", &["../"], r"^/?\.\./+(?:\.|[\w-]+)").only(Place::Value),
    sign(55, "climbs out of its directory", &["/../", "/..;/"], r"[\w/]/\.\.;?/+[\w.-]"),
    sign(70, "climbs with odd separators", &[".."], r"(?:\.\.(?:0x(?:2f|5c)|2f|5c|%[\da-z]{2}|%u[\da-f]{4}|%[\da-z]%[\da-z]|[^\x20-\x7e]+[/%]?\w{0,2})){2,}"),
    sign(70, "climbs with odd dots", &["0x2e", "%2e", "\u{fffd}.", "%uff0e"], r"(?:(?:0x2e|%2e|2e|\u{fffd}\.|%uff0e){2}[^a-z\s]{0,12}(?:0x(?:2f|5c)|%\w{2}|/)?){2,}|0x2e0x2e"),
    sign(65, "climbs with odd dots", &["\u{fffd}"], r"(?:\u{fffd}[./^\u{fffd}%]{1,8}){4,}(?:[/%]|$|\w)"),
    sign(65, "climbs with wildcards or blanks for dots", &[".?", "?.", ". .", "..."], r"(?:(?:\?\.|\.\?|\?\?|\. \.|\.{3,6})(?:/+|0x(?:2f|5c)|[^\x20-\x7e]+|%\w{2}|%u\w{4})\.{0,2}/*){2,}"),
    sign(65, "climbs through doubled slashes", &["/./", "./."], r"(?:/\.?/?\.{1,2}/+){3,}|(?:/\./+\.+/*){2,}"),
    // Files that attackers ask for, however they are joined.
    sign(
        85,
        "asks for a file of the system",
        &["etc"],
        r"(?:^|[^a-z]|0x(?:2f|5c)|%?[25][fc]|%[\da-z]{2}|%[\da-z]%[\da-z]|[\u{fffd}%]\S{0,8})etc(?:[^a-z\d\s]|0x(?:2f|5c)|%?[25][fc]|%[\da-z]{2}|%u[\da-f]{4}|%[\da-z]%[\da-z]){1,12}(?:passwd|shadow|group|gshadow|issue|hosts|sudoers|master\.passwd|security|crontab|my\.cnf)(?:[^a-z]|$)",
    ),
    sign(75, "asks for a file of the system", &["etc/", "etc2f", "etc0x"], r"^[^a-z\s]*(?:[\w./-]*\.\./)?/*etc/[\w.-]+[^\s]*\s*$").only(Place::Value),
    sign(80, "asks for a file of Windows", &["boot.ini", "win.ini", "system.ini", "ntuser.dat", "global.asa", "web.config", "sysprep.inf", "unattend.xml"], r"(?:[^a-z\s,(]|^|0x(?:2f|5c)|%?[25][fc]|%\w{2}|%\w%\w|[\u{fffd}%]\S{0,12}|\.\./+\S{0,3})(?:boot|win|system)\.ini|[^\w\s]ntuser\.dat|[/=]global\.asax?\b|\.\./+[\w/]*web\.config|sysprep/"),
    sign(80, "asks for a file of Windows", &["system32", "win.ini", "repair", "system.ini", "windows/system", "winnt/system", "/system/"], r"(?:windows|winnt)(?:[^a-z\d\s]|0x(?:2f|5c)|%?[25][fc]|%[\da-z]{2}|%u[\da-f]{4}|%[\da-z]%[\da-z]){1,12}(?:system32|win\.ini|repair|system\.ini|system(?:[^a-z\d\s]|0x(?:2f|5c)))|[^\w\s]system32[^\w\s]"),
    sign(65, "asks for a path of Windows", &[":/"], r"^/?[a-z]:/+(?:windows|winnt|inetpub|appserv|xampp|wamp|users|program files|documents|boot|mysql|apache|php|oracle|sysprep|minint|nginx|home)").only(Place::Value),
    sign(
        65,
        "asks for a file of the system",
        &["/proc/", "/var/", "/root/", "/home/", "/usr/", "/opt/", "/tmp/", "/sys/", "/logs/", "/dev/"],
        r"^/*(?:proc/(?:self|version|cpuinfo|net|\d+|cmdline|mounts|sched|meminfo|stat)|root/[.\w]|home/[\w$]+/\.|var/(?:log|www|local|mail|lib|spool|run|adm|cron|saf|tmp|db)(?:/|$)|usr/(?:local/)?(?:apache2?|etc|lib|ports|cpanel|pkg|www)/|opt/(?:lampp|xampp|apache)|tmp/sess|dev/(?:null|random|zero|fd))\S*$",
    )
    .only(Place::Value),
    sign(70, "asks for a file of the system", &["/proc/self", "/proc/net", "/.ssh/", "id_rsa", ".aws/cred", ".bash_history", "/var/log", ".htpasswd", "php.ini", "httpd.conf", "access_log", "access.log", "error_log", ".passwd", ".history"], r"(?:\.\./+[\w./ -]*|^cat\s+)(?:proc/(?:self|net|version)|/\.ssh/|id_rsa|\.aws/credentials|\.bash_history|var/log/|\.htpasswd|php\.ini|httpd\.conf|access[._]log|error[._]log|\.passwd|\.history)"),
    // As the path itself it is a probe for a file that lies about, which every directory scan makes, and climbs nowhere.
    sign(70, "asks for a file of the system", &["/proc/self", "/proc/net", "/.ssh/", "id_rsa", ".aws/cred", ".bash_history", "/var/log", ".htpasswd", "php.ini", "httpd.conf", "access_log", "access.log", "error_log", ".passwd", ".history"], r"^/+\S*(?:proc/(?:self|net|version)|/\.ssh/|id_rsa|\.aws/credentials|\.bash_history|var/log/|\.htpasswd|php\.ini|httpd\.conf|access[._]log|error[._]log|\.passwd|\.history)").only(Place::Value),
    sign(55, "asks for a configuration by its path", &["php.ini", "httpd.conf", "my.cnf", "mysql.user", ".htaccess"], r"^[\w.:/ -]*/[\w./ -]*(?:php\.ini|httpd\.conf|my\.cnf|my\.ini|\.htpasswd)$").only(Place::Value),
    sign(60, "asks for a path with a file that only climbs", &["..\u{fffd}", "\u{fffd}/", "%c0", "\u{fffd}\u{fffd}"], r"\u{fffd}+(?:etc|windows|boot)\W|[^\w\s](?:etc|windows)\u{fffd}+\w"),
    sign(55, "asks for an administrative share", &["c$/", "d$/", "admin$/"], r"(?:^|/)(?:\S*::\S*/)?[cd]\$/|/admin\$/"),
    sign(55, "cuts a path with a zero byte", &["\0"], r"\w\x00(?:\.\w{2,4})?$|\x00\.(?:jpe?g|png|gif|html?|php|txt|pdf)").only(Place::Value),
    sign(55, "asks for a hidden file above", &["/."], r"^\.\./+\.\w+"),
    sign(50, "writes a path beyond any length", &["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"], r"^/?(?:[\w-]+/)?a{128,}"),
    // Wrappers.
    include(90, "asks for a stream wrapper", &["php:", "expect:", "phar:", "zip:", "glob:", "ogg:", "ssh2.", "compress.", "zlib:", "rar:"], r"(?:^|[=('\x22:])\s*(?:php:/*(?:filter|input|stdin|memory|temp|output|fd)\b|expect:/+|phar:/+|zip:/+|compress\.\w+:/+|glob:/+|ogg:/+|rar:/+|ssh2\.\w+:/+|zlib:\S)"),
    include(70, "asks for a local file by its scheme", &["file:"], r"^(?:url:)?\s*file:/{1,3}\S").only(Place::Value),
    include(75, "carries code in a data URL", &["data:"], r"^data:/*(?:text/(?:plain|x-php|php)|application/x-(?:httpd-)?php)?[^,]{0,30}[;,]").only(Place::Value),
    include(65, "names a remote script", &["tp://", "tps://", "smb:/"], r"(?:https?|ftps?|smb)://[^\s&?]+(?:\.(?:txt|inc|phtml)\?*|\.php\d?\?+|/[a-z]{1,4}\d{1,3}\.(?:php|txt|gif|jpg)\?*)$").only(Place::Value),
    include(60, "names a remote file for a transfer by FTP", &["ftp"], r"^(?:\w*=)?ftps?(?:://|\?)\S*$|ftp://\S+\?$").only(Place::Value),
    include(60, "names a remote file and cuts what follows", &["://"], r"^\s*https?://[^?#\s]+\?+$").only(Place::Value),
    include(50, "names a remote file by its address", &["://"], r"^\s*https?://\d{1,3}(?:\.\d{1,3}){3}/\S+\.(?:php|txt|inc|sh|pl|jsp|asp)\b").only(Place::Value),
    include(55, "names a file on another machine", &["//"], r"^//\d{1,3}(?:\.\d{1,3}){3}/\w+").only(Place::Value),
];
