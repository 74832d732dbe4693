"""The runs of real tools, in the order in which an attacker would have them: look around, search, break in.

Each has an address of its own (203.0.113.0/24 is for documentation and belongs to nobody), keeps the user agent that the tool has by
itself unless its note says otherwise, and has bounds on seconds and requests. None of them is told to look for anything outside
the honeypot: wapiti goes without its `ssrf` module, nothing updates itself, nothing reports home.
"""

from attack.run import Job, Run
from attack.toolbox import word_list

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0"

# The large scan: what a person can't read any more, and short enough for a minute.
BIG_SCAN_WORDS = 5_000

# What people choose. The honeypot's weak account has one of them.
PASSWORDS = """123456 password 12345678 qwerty 123456789 12345 1234 111111 1234567 dragon 123123 baseball abc123 football monkey letmein
shadow master 666666 qwertyuiop 123321 mustang 1234567890 michael 654321 superman 1qaz2wsx 7777777 121212 000000 qazwsx 123qwe killer
trustno1 jordan jennifer zxcvbnm asdfgh hunter buster soccer harley batman andrew tigger sunshine iloveyou 2000 charlie robert thomas
hockey ranger daniel starwars klaster 112233 george computer michelle jessica pepper 1111 zxcvbn 555555 11111111 131313 freedom 777777
pass maggie 159753 aaaaaa ginger princess joshua cheese amanda summer love ashley nicole chelsea biteme matthew access yankees
admin administrator root toor admin1 admin12 admin123 changeme welcome welcome1""".split()


def sqlmap(*options: str):
    """Tells sqlmap its target and what keeps it quick and without questions."""

    def argv(job: Job) -> list[str]:
        common = ["--batch", "--flush-session", "--disable-coloring", "--threads=1", "--timeout=10", "--retries=0", "--time-sec=1"]
        told = [option.replace("{url}", job.target.url) for option in options]
        return [job.program, *told, *common, f"--headers={job.header}", f"--output-dir={job.folder}"]

    return argv


def dumped(job: Job) -> str:
    return job.said(r"table '[^\n]*' dumped to CSV file") and "the table is in sqlmap's CSV file"


def wapiti(modules: str):
    """Tells wapiti its modules and bounds."""

    def argv(job: Job) -> list[str]:
        return [
            job.program, "-u", job.target.url + "/", "-m", modules, "-H", job.header, "-d", "2", "--max-links-per-page", "25",
            "--max-scan-time", "60", "--max-attack-time", "40", "--tasks", "2", "-t", "8", "-S", "normal", "--flush-session",
            "--store-session", job.folder, "--store-config", job.folder, "--no-bugreport", "-v", "1", "-f", "json",
            "-o", f"{job.folder}/report.json", "-x", f"{job.target.url}/fetch/",
        ]

    return argv


def reported(kind: str):
    """Gives whether wapiti's report has a finding of a kind."""
    return lambda job: job.written("report.json", rf'"{kind}[^"]*": \[\s*\{{') and f"wapiti reports {kind}"


def directory_scan(job: Job, words: list[str]) -> str:
    return job.file("words.txt", words)


def hydra(job: Job, *logins: str) -> list[str]:
    host = job.header.replace(":", r"\:")
    return [
        job.program, *logins, "-t", "4", "-I", "-s", str(job.target.port), job.target.host, "http-post-form",
        f"/login/:username=^USER^&password=^PASS^:H={host}:F=Wrong name",
    ]


def words_of_ours(count: int) -> list[str]:
    """Words for where dirb's lists are missing: enough for a scan to be a scan."""
    return [f"{stem}{number}" for number in range(1, count // 10 + 1) for stem in
            ("backup", "old", "test", "admin", "data", "site", "dev", "www", "tmp", "log")]


CATALOGUE = [
    Run("whatweb", "whatweb", "scanner", "203.0.113.10", 30, 200,
        lambda job: [job.program, "-a", "3", "--color=never", "-H", job.header, job.target.url + "/"]),
    Run("nmap", "nmap", "scanner", "203.0.113.11", 90, 4_000,
        lambda job: [job.program, "-sT", "-Pn", "-n", "-p", str(job.target.port), "--script",
                     "+http-enum,+http-methods,+http-sql-injection,+http-headers", "--script-timeout", "60s", job.target.host],
        relay=True),
    Run("nikto", "nikto", "scanner", "203.0.113.12", 90, 9_000,
        lambda job: [job.program, "-host", job.target.host, "-port", str(job.target.port), "-nointeractive", "-ask", "no",
                     "-nossl", "-nolookup", "-maxtime", "75s"],
        relay=True),
    Run("dirb", "dirb", "forced_browsing", "203.0.113.20", 90, 6_000,
        lambda job: [job.program, job.target.url + "/", directory_scan(job, word_list("common.txt") or words_of_ours(2_000)),
                     "-r", "-S", "-w", "-H", job.header]),
    Run("dirb-short", "dirb", "forced_browsing", "203.0.113.23", 60, 1_000,
        lambda job: [job.program, job.target.url + "/", directory_scan(job, words_of_ours(300)), "-r", "-S", "-w", "-H", job.header],
        note="our own short list", by_name=True),
    Run("gobuster", "gobuster", "forced_browsing", "203.0.113.21", 60, 1_500,
        lambda job: [job.program, "dir", "-u", job.target.url + "/", "-w",
                     directory_scan(job, word_list("small.txt") or words_of_ours(900)),
                     "-H", job.header, "-t", "4", "-q", "-z"]),
    Run("ffuf", "ffuf", "forced_browsing", "203.0.113.22", 120, BIG_SCAN_WORDS + 500,
        lambda job: [job.program, "-u", job.target.url + "/FUZZ", "-w",
                     directory_scan(job, word_list("big.txt")[:BIG_SCAN_WORDS] or words_of_ours(BIG_SCAN_WORDS)),
                     "-H", job.header, "-t", "8", "-maxtime", "110", "-s"]),
    Run("wapiti-sql", "wapiti", "sql_injection", "203.0.113.30", 120, 3_000, wapiti("sql"),
        note="looks for it and takes nothing"),
    Run("wapiti-xss", "wapiti", "xss", "203.0.113.31", 150, 4_000, wapiti("xss,permanentxss"),
        reported("(Reflected|Stored) Cross Site Scripting")),
    Run("wapiti-exec", "wapiti", "command_injection", "203.0.113.32", 150, 4_000, wapiti("exec"), reported("Command execution")),
    Run("wapiti-file", "wapiti", "path_traversal", "203.0.113.33", 150, 4_000, wapiti("file"), reported("Path Traversal")),
    Run("wapiti-redirect", "wapiti", "open_redirect", "203.0.113.34", 120, 2_000, wapiti("redirect"), reported("Open Redirect")),
    Run("xsstrike", "xsstrike", "xss", "203.0.113.40", 90, 600,
        lambda job: [job.program, "-u", job.target.url + "/search/?q=chair", "--headers", job.header, "--skip", "-t", "1",
                     "--timeout", "8"],
        lambda job: job.said(r"Payload: .*") and "the page gives its payload back"),
    Run("sqlmap-find", "sqlmap", "sql_injection", "203.0.113.50", 120, 1_500,
        sqlmap("-u", "{url}/product/?id=1", "--banner"), lambda job: job.said(r"banner: '[^']+'")),
    Run("sqlmap-dump", "sqlmap", "sql_injection", "203.0.113.51", 120, 1_500,
        sqlmap("-u", "{url}/product/?id=1", "--dbms=sqlite", "-T", "users", "--dump"), dumped),
    Run("sqlmap-blind", "sqlmap", "sql_injection", "203.0.113.52", 120, 2_500,
        sqlmap("-u", "{url}/category/?name=chairs", "--dbms=sqlite", "--technique=B", "-T", "users", "-C", "username,password",
               "--dump", "--start=1", "--stop=2"), dumped),
    Run("sqlmap-evade", "sqlmap", "sql_injection", "203.0.113.53", 120, 1_500,
        sqlmap("-u", "{url}/product/?id=1", "--dbms=sqlite", "--technique=U", "--tamper=space2comment,randomcase", "-T", "users",
               "--dump", f"--user-agent={BROWSER}"), dumped, note="a browser's user agent; comments for blanks, mixed case"),
    Run("sqlmap-encode", "sqlmap", "sql_injection", "203.0.113.54", 120, 1_500,
        sqlmap("-u", "{url}/category/?name=chairs", "--dbms=sqlite", "--technique=BU", "--tamper=charencode", "-T", "users",
               "--dump", f"--user-agent={BROWSER}"), dumped, note="a browser's user agent; every character percent-encoded"),
    Run("sqlmap-login", "sqlmap", "sql_injection", "203.0.113.55", 120, 1_500,
        sqlmap("-u", "{url}/login/", "--data=username=alice&password=sunshine", "-p", "username", "--dbms=sqlite", "--technique=BE",
               "--code=302", "--ignore-redirects", "--current-user", "--banner"),
        lambda job: job.said(r"banner: '[^']+'"),
        note="body: an access log doesn't show it"),
    Run("hydra", "hydra", "brute_force", "203.0.113.60", 90, 1_500,
        lambda job: hydra(job, "-l", "admin", "-P", job.file("passwords.txt", PASSWORDS), "-f"),
        lambda job: job.said(r"login: admin\s+password: \S+")),
    Run("hydra-spray", "hydra", "brute_force", "203.0.113.61", 90, 1_500,
        lambda job: hydra(job, "-L", job.file("users.txt", [f"user{number:02}" for number in range(1, 21)]),
                          "-P", job.file("passwords.txt", ["Summer2026", "Welcome1"]), "-u"),
        note="many users, few passwords, none right"),
]
