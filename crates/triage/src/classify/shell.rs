//! Signs of command injection: a separator or a substitution, followed by a command as a shell
//! would run it.
//!
//! Command names are English words (`find`, `cat`, `more`), and separators are punctuation, so
//! neither counts alone, nor do both together when ordinary words follow. What counts is a command
//! that ends there, or has arguments of the shape that commands take: an option, a path, an
//! address. Tricks that only an attacker needs (`${IFS}`, `c'a't`, `/dev/tcp`) count by themselves.

use super::WebClass::CommandInjection;
use super::rule::{Place, Sign, sign as any_sign};
use super::view::View;

const fn sign(
    strength: u8,
    reason: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
) -> Sign {
    any_sign(CommandInjection, View::Plain, strength, reason, anchors, pattern)
}

const fn squashed(
    strength: u8,
    reason: &'static str,
    anchors: &'static [&'static str],
    pattern: &'static str,
) -> Sign {
    any_sign(CommandInjection, View::Shell, strength, reason, anchors, pattern)
}

/// What separates two commands, or begins one.
const SEPARATORS: &[&str] = &[";", "|", "&", "\n", "\r", "$(", "<("];

pub(super) const SIGNS: &[Sign] = &[
    squashed(
        80,
        "separates and runs a command that takes no arguments",
        SEPARATORS,
        r#"(?:[;|&\n\r]|(?:^|[^\s=(])\$\(|<\()[\s+.'"(@]*(?:/(?:usr/)?(?:local/)?s?bin/|[a-z]:\\\S*\\)?(?:id|ls|pwd|whoami|uname|ifconfig|ipconfig|netstat|systeminfo|printenv|ps|dir|lastlog|htop|hostname|tasklist|phpinfo\(\)|getuid|lsof|lsblk|uptime|env)\s*(?:$|[;|&`)<>#'"\n\r]|//)"#,
    )
    .only(Place::Input),
    squashed(
        80,
        "separates and runs a command with arguments",
        SEPARATORS,
        r#"(?:[;|&\n\r]|(?:^|[^\s=(])\$\(|<\()[\s+.'"(@]*(?:/(?:usr/)?(?:local/)?s?bin/)?(?:id|ls|cat|nl|tac|head|tail|less|more|rev|wget|curl|fetch|lynx|nc|ncat|netcat|socat|bash|sh|zsh|ksh|csh|dash|ash|busybox|python[\d.]*|perl|ruby|php\d?|node|lua|ping6?|nslookup|dig|host|telnet|ftp|tftp|scp|ssh|rsync|chmod|chown|rm|cp|mv|ln|dd|mkdir|touch|echo|printf|uname|ps|kill|pkill|env|export|awk|gawk|sed|find|grep|egrep|xargs|xxd|od|base64|base32|openssl|crontab|at|dir|type|copy|del|cmd(?:\.exe)?|powershell(?:\.exe)?|pwsh|certutil|bitsadmin|rundll32|regsvr32|mshta|wmic|sudo|su|doas|tar|zip|unzip|gzip|gcc|go|nohup|time|timeout|column|cpulimit|strace|trap|netstat|ifconfig|ip|route|arp|iptables|mount|passwd|useradd|getent|stat|strings|cut|sort|uniq|tee|xterm|vi|vim|nano|ed|screen|tmux|bridge|c89|c99|rmt|flock|nmap|bcdboot|systemctl|docker|kubectl|mysql|psql|sqlite3|expr|eval|exec|source|builtin|alias)\s+(?:-[\w-]|/\S|~/|\.{1,2}/|\*|["'>(\\]|`\w|\$[({'"]|[a-z]:[\\/]|\w+://|\d{1,3}(?:\.\d{1,3}){3}|[\w.-]+\.(?:com|org|net|domain|sh|php|txt|py|pl|log|conf|ini|exe|test|io|gz|c)\b|\w+\s+-\w|\w+/[\w/]+)"#,
    )
    .only(Place::Input),
    squashed(
        70,
        "separates and runs a command with arguments",
        SEPARATORS,
        r#"(?:[;|&\n\r]|(?:^|[^\s=(])\$\(|<\()[\s+.'"(@]*(?:/(?:usr/)?(?:local/)?s?bin/)?(?:ls|cat|nl|tac|wget|curl|nc|bash|sh|python[\d.]*|perl|ping|nslookup|dig|chmod|chown|rm|cp|mv|ln|mkdir|echo|printf|kill|awk|sed|xxd|od|base64|column|cpulimit|strace|bridge|rmt|vi|vim|cd)\s+[\w=,.+-]+\s*(?:$|[;|&`)<>\n]|[\w.]+\s*$)"#,
    )
    .only(Place::Input),
    squashed(85, "separates and waits", &["sleep", "timeout", "ping"], r#"(?:^[\s'"]*|[;|&\n\r][\s+'"(@]*|\$\(\s*|<\(\s*)(?:/?\w+/)*(?:sleep|timeout(?:\s*/t)?|ping\s+-[a-z])\s+\d+\s*(?:$|[;|&`)#'"\n\r]|//|\d)"#),
    squashed(80, "separates and changes the system", SEPARATORS, r"(?:[;|&\n\r]|\$\()\s*(?:net\s+(?:user|localgroup|view|group|share|start|stop)\b|reg\s+(?:add|query|delete)\b|netsh\s+\w+|sc\s+(?:query|stop|config)\b|set\s+/a\b|schtasks\b|shutdown\s+[-/]|apt(?:-get)?\s+install|yum\s+install|iptables\s|ansible-?\w*|chef-?\w*\s+-)").only(Place::Input),
    sign(90, "opens a connection through the shell", &["/dev/tcp", "/dev/udp"], r"/dev/(?:tcp|udp)/"),
    sign(85, "puts a blank where none is allowed", &["$ifs", "${ifs"], r"\$\{?ifs"),
    squashed(85, "opens a connection through the shell", &["/tcp/", "/udp/"], r"\$\w+/(?:tcp|udp)/\S+/\d+"),
    squashed(
        70,
        "begins with a separator and a command",
        SEPARATORS,
        r"^\s*(?:[;|&<]+)\s*(?:/\S*/)?(?:(?:id|ls|whoami|uname|pwd|phpinfo\(\)|ifconfig)\b\s*(?:$|[;|&#])|(?:cat|chmod|chown|cp|mv|rm|wget|curl|ping|nc|echo|sleep|bash|sh|python\d?|perl|php|ls|id|dir|uname|kill|touch)\s+[-+/*~.\d\w]\S*)",
    ),
    sign(60, "separates and runs a command before a written line end", &["\\n", "\\r"], r"[;|&]\s*(?:id|ls|whoami|pwd|uname|ifconfig|dir)\\[nr]"),
    // Substitutions.
    squashed(
        80,
        "runs a command inside a value",
        &["$("],
        r#"(?:^|[^\s=(])\$\(\s*[`(<]?\s*(?:\S*/)?(?:id|ls|cat|whoami|uname|pwd|echo|printf|wget|curl|nslookup|dig|ping|sleep|ifconfig|env|ps|hostname|expr|nc|bash|sh|python\d?|perl|ruby|php|base64|head|tail|rev|tac|touch|rm|who|date|grep|find|awk|sed|getent|host)\b\s*(?:\)|[^\w\s]|\s)"#,
    ),
    sign(75, "computes inside a shell", &["$(("], r"\$\(\(\s*\d+\s*[-+*/%\s]\s*\d+\s*\)\)"),
    sign(
        75,
        "runs a command inside a value",
        &["`"],
        r#"(?:^|[=;|&$({<+.@>\d])\s*`\s*(?:\S*/)?(?:id|ls|cat|whoami|uname|pwd|echo|printf|wget|curl|nslookup|dig|ping|sleep|ifconfig|env|ps|hostname|cut|nc|bash|sh|top|php)\b[^`]*(?:`(?:$|[\s;|&)}>.#'"`]|//|<)|$)"#,
    ),
    squashed(70, "splits a command with braces", &["{"], r"\{,?\s*\$?(?:id|ls|cat|whoami|uname|ifconfig|curl|wget|nc|bash|sh|echo|ping|sleep)\s*,"),
    sign(60, "runs a quoted command", &["$'", "$\"", "$\\'", "$\\\""], r#"(?:^|[=;|&{,\s])\$\\?['"][a-z/][^'"]*\\?['"]"#).only(Place::Input),
    squashed(55, "sets a variable and runs it", &["$"], r"(?:^|[;|&^])\s*([a-z]{1,12})=.{1,80};\s*\$[a-z]{1,12}\b"),
    squashed(60, "feeds a string to a command", &["<<<"], r"[a-z]<<<\s*['\x22$(\w]"),
    // Spellings that only hide.
    squashed(75, "hides a path with wildcards", &["?", "*", "["], r"(?:^|[\s;|&`(])(?:cat|head|tail|more|less|nl|tac|od|xxd|/bin/\S*[?*]\S*|\S*ca\S?)\s+/?\S*[a-z?*\]]*[?*\]][a-z?*\[\]]*/\S*"),
    squashed(70, "hides a path with wildcards", &["?", "*", "["], r"/(?:e[?*]+c?|[?*]tc|et[?*]+|e?\?\?c?|\[[?e]\]tc)/[a-z?*\[\]]*(?:p[a-z?*\[\]]*|shadow|hosts)"),
    squashed(60, "hides a command name", &["'", "\"", "\\", "$"], r"(?:^|[;|&\n`(])\s*(?:cat|wget|curl|bash|nc|ping|whoami|uname)\s+(?:/|http)"),
    squashed(60, "reads a file of the system", &["cat ", "cat+", "type ", "more ", "less ", "tac ", "head ", "tail ", "nl "], r"(?:^|[;|&<\n`(@])\s*(?:\S*/)?(?:cat|type|more|less|tac|head|tail|nl|strings)[\s+]+(?:-\w+\s+)?(?:/(?:etc|proc|root|home|var|path|tmp|dev)\b|[a-z]:[\\/]|~/|%systemroot%|/path)"),
    // Shells by name.
    squashed(75, "starts a shell", &["sh -", "bash -", "cmd", "powershell", "shell -"], r#"(?:^|[;|&\s`'"(=<!])(?:/\S*/)?(?:ba|z|da|k|c|a)?sh\s+-(?:c|i)\b\s*\S|(?:^|[;|&\s(])cmd(?:\.exe)?\s*/[ck]\b|powershell(?:\.exe)?\s+-(?:e|enc|nop|c|w|exec)\w*\b|^\$\{?shell\b"#).only(Place::Input),
    squashed(75, "starts a shell", &["/bin/", "/sbin/"], r#"(?:^|[;|&(=<>@])\s*/(?:usr/)?(?:local/)?s?bin/[a-z\d?*]{1,20}(?:\s*$|\s+\S|[;|&`)])|\s-e\s+/bin/\w*sh\b|;\s*\}?\s*;?\s*/bin/"#),
    squashed(70, "pipes into a shell", &["sh", "php", "python", "perl"], r#"\|\s*(?:sudo\s+)?(?:/\S*/)?(?:ba|z|da|k)?sh\s*(?:$|[;&|`'")#]|-\w)"#).only(Place::Value),
    sign(70, "waits for a connection", &["nc ", "ncat ", "netcat ", "socat "], r"\b(?:nc|ncat|netcat|socat)\s+(?:-[a-z]*[elp]\w*\b|\d+\.\d+\.\d+\.\d+\s+\d+|tcp|exec:)"),
    // Functions.
    sign(85, "defines a function as Shellshock does", &["()", "(){", "() {", "().{"], r"\(\)[\s.]*\{[^}]{0,60};[^}]{0,60}\}|^\s*\(\)\s*\{|[?&]\(\)\s*\{"),
    sign(75, "defines a function that starts itself", &["()"], r"(?:^|[\s;])[\w:.]{1,12}\s*\(\)\s*\{\s*[\w:.]{1,12}\s*[|&]\s*[\w:.&]{1,12}"),
    sign(
        75,
        "calls a function that runs commands",
        &["system", "exec", "passthru", "popen", "proc_open"],
        r#"(?:^|[^\w.>-]|[;&|]\s*)(?:system|exec|shell_exec|passthru|popen|proc_open|pcntl_exec|backticks?)\s*\(\s*(?:['"`$]|print\s*\(|whoami|id\b|ls\b|uname|\\)"#,
    ),
    sign(70, "prints what a command says", &["print("], r#"(?:^|[\s'".;)}{(=])print\s*\(\s*`"#),
    // Windows.
    sign(70, "loops as Windows batch does", &["for "], r#"(?:^|[&|;\s(])for\s+(?:/[lfrd]\s+.{0,60})?%{1,2}\S+\s+in\s*\("#),
    sign(65, "branches as Windows batch does", &["if "], r#"^[\s&|]*if\s+(?:/i\b|(?:not\s+)?(?:exist|defined|errorlevel|cmdextversion)\s+\S.*(?:\s(?:echo|cmd|goto|del|call|\(?cmd\)?)\b|\($)|.{1,60}\b(?:equ|lss|gtr|geq|leq|neq)\b|(?:not\s+)?["'(\[]*[%!]\w|(?:not\s+)?\S+\s*={2,3}\s*\S+\s+echo\b)"#).only(Place::Value),
    sign(60, "names a directory of Windows", &["%systemroot%", "%windir%", "%comspec%", "%computername%"], r"%(?:systemroot|windir|comspec|computername|userprofile|programfiles)%"),
    sign(60, "reads a file of Windows", &["type", "dir", "del", "copy"], r"(?:^|[;|&])[\s+$]*(?:type|dir|del|copy)[\s+]+(?:c:[\\/]|%\w+%)"),
    // A whole value that is a command.
    squashed(
        60,
        "is a whole command",
        &["ansible", "chef-", "chef ", "cscli", "kill ", "nohup ", "visudo", "time ", "flock ", "strace ", "alias ", "wrapper", "crontab", "useradd", "systemctl", "iptables", "base64 ", "mkfifo", "certutil", "whoami", "ifconfig", "ls -", "rm -", "wget http", "curl http", "nc -", "uname -", "netstat -", "ping -", "curl "],
        r#"^[\s"']*(?:ansible-?\w*(?:\s+-*\w+|$)|chef(?:-\w+)?\s+(?:-\w|\w+\s+\w+)|cscli\s+\w+|kill\s+'?-|nohup\s+\S|visudo\s*$|flock\s+-\w|strace\s+\S|alias\s+(?:-\w+\s+)?\w+=|\S+\s+-wrapper\b|crontab\s+-|useradd\s|systemctl\s+\w+\s|iptables\s+-|base64\s+-|mkfifo\s+/|certutil\s+-|whoami\s*/|ls\s+-[a-z]+\s|rm\s+-r\w*\s+\S|(?:wget|curl)\s+https?://\S+\s*$|nc\s+-\w+\s|uname\s+-a|netstat\s+-|ping\s+-\w\s|(?:time|timeout|nice|env)\s+(?:sh|bash|whoami|id|curl|wget|ansible)\b)"#,
    )
    .only(Place::Value),
    squashed(55, "runs a command by another", &["time ", "nohup ", "strace ", "sudo ", "xargs ", "find "], r"(?:^|[;|&]\s*)(?:time|nohup|strace|sudo|xargs|env|nice|setsid)\s+(?:sh|bash|whoami|id|cat|curl|wget|nc|ifconfig)\b(?:\s*$|\s+[-/\w.])").only(Place::Value),
    squashed(55, "redirects into a file", &[">"], r"(?:^|[;|&\s'\x22])>{1,2}\s*/(?:tmp|var|dev|etc|home|www)/\S+|\becho\b.{1,200}>\s*\S+\.(?:php|sh|jsp|aspx?)"),
    squashed(55, "calls back to a shell variable", &["$"], r"\$\{?(?:shell|bash_version|ld_preload)\b\}?\s*(?:-c|$|[;|&])|[;|&]\s*\w+\s+\$\{?(?:path|home|pwd|user)\b|^\$\{?`"),
    sign(50, "uses a shortcut of the shell", &["!!", "~+", "~0", "~-"], r"^(?:!!|~[+\d-])$").only(Place::Value),
    sign(60, "calls a dot command of a database shell", &["shell ", ".databases", ".system"], r#"[;\n](?:\s|\\n)*\.\s*['"\\]*(?:shell|system|databases|import|output|load)\b|\.\\?['"]?shell\s+\S"#),
    sign(60, "assembles a call from pieces", &["execute", "server.", "cute("], r#"(?:ex['"]?\s*&\s*['"]|ev\s?al\s*\(\s*['"]|server\.scripttimeout)"#),
];
