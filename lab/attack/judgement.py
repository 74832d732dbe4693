"""What a recording and Quell's answer to it come to: pure functions from lines, truth, alerts and incidents to figures.

**Which lines are attacks.** The truth says who attacked with what, in runs of hundreds of requests, and a tool's requests are not all
attacks: it also looks at pages as they are. A line of a tool counts as an attack if a decoded value in it has syntax that the
honeypot's own links and forms never have (`carries_payload`, which knows nothing of any rule). Requests of the hand-written
attacker are attacks because it says so. What travels in a body is in no access log; those lines are counted apart.

**What is a probe.** Before they attack, tools send stray quotes and brackets and look how the page reacts. A name such as O'Brien has
the same signs, so these lines are counted apart, and nothing is promised for them one by one.

**What is found.** `found`: the line raised an alert of a rule about attacks, not merely about an error status. `named`: the alert
also has the group of the right class.
"""

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from urllib.parse import unquote_plus

from attack.accesslog import actor_of
from attack.truth import Row

# Found as a whole and not request by request: each of their requests may be harmless.
BY_THE_WHOLE = {"scanner", "forced_browsing", "brute_force"}

# Classes that are right for a class of the truth, as rule groups and as incidents' classes. Where one attack is two
# classes (a remote file to include is an address too), either is right.
FITTING = {
    "sql_injection": {"sql_injection", "sqlinjection"},
    "xss": {"xss"},
    # A tool for commands also tries code by `data:` addresses, which are inclusions.
    "command_injection": {"command_injection", "code_injection", "ssti", "webshell", "file_inclusion"},
    "code_injection": {"command_injection", "code_injection", "ssti"},
    "path_traversal": {"path_traversal", "file_inclusion", "ssrf"},
    "file_inclusion": {"path_traversal", "file_inclusion", "ssrf"},
    "ssti": {"ssti", "code_injection"},
    "ssrf": {"ssrf", "file_inclusion"},
    "log4shell": {"log4shell"},
    "open_redirect": {"open_redirect", "ssrf", "xss", "file_inclusion"},
    "xxe": {"xxe"},
    "nosql_injection": {"nosql_injection"},
    "webshell": {"webshell", "command_injection"},
    "brute_force": {"brute_force"},
    "scanner": {"scanner", "forced_browsing"},
    "forced_browsing": {"forced_browsing", "scanner"},
}
CLASS_GROUPS = set().union(*FITTING.values())

# What a tool's success was, in the words of its class.
OF_THE_TOOL = {
    "sql_injection": "data read from the database", "xss": "script given back", "command_injection": "command run",
    "path_traversal": "file read", "open_redirect": "sent to another site", "brute_force": "login guessed",
}

# What a verdict may say of an attack, the most first.
OUTCOMES = ("succeeded", "unknown", "attempted", "blocked")

# Wazuh's rules about a status alone, which also have the group `attack`.
STATUS_RULES = {"31101", "31120", "31121", "31122", "31123"}

# What values of the honeypot's own links and forms don't have, and attacks do.
SYNTAX = re.compile(
    r"""[<>"'`;|&$(){}\[\]*\\=\x00\r\n]|\.\.|//|--|^/(?:etc|proc|var|home|root|tmp|usr|bin|dev|opt|srv|sys|windows)\b|^(?:file|data|php|gopher|dict):|\b(?:and|or|union|order\s+by)\s+[\w(]""", re.IGNORECASE
)


# What wapiti fills into a field for an address, when it only looks at the page.
FILLERS = {"http://localhost/"}

# Where a tool puts its signs behind the value that a page of the shop had there. Brackets behind a word of the shop's are no call.
OWN_BEGINNING = re.compile(r"^(?:/review/|/account/|http://localhost/|(?:chairs|tables|lamps|kitchen|garden|posters)(?!\w))")

# What a probe is made of, and what makes it more than a probe: an operator, a keyword, a tag, a call, a path.
PROBE = re.compile(r"""(?=.*['"()<>`])[\w\s.,'"()<>%\u00bf`-]*""")
MORE = re.compile(r"<[a-z/!]|--|\.\./|[a-z_]{2,}\([\w,]*\)|\b(?:and|or|union|select|order\s+by)\b|`\s*\w", re.IGNORECASE)


def carries_payload(line: str) -> bool:
    """Tells whether a logged request has the syntax of an attack in a value or in its path."""
    values = values_of(line)
    return values is None or any(SYNTAX.search(value) for value in values)


def is_probe(line: str) -> bool:
    """Tells whether the only syntax of a request is stray quotes and brackets."""
    values = values_of(line)
    signs = [OWN_BEGINNING.sub("", value) for value in values or [] if SYNTAX.search(value)]
    return bool(signs) and all(PROBE.fullmatch(value) and not MORE.search(value) for value in signs)


def values_of(line: str) -> list[str] | None:
    """Gives the decoded path, names and values of a logged request, or nothing where it can't be read."""
    found = re.search(r'"[A-Z]+ (\S+)(?: HTTP/[\d.]+)?" \d', line)
    if not found:
        return None
    path, _, query = found.group(1).partition("?")
    parts = [value for part in query.split("&") for value in part.split("=", 1)] if query else []
    values = [decoded(part) for part in parts]
    return [decoded(path)[1:], *(value for value in values if value not in FILLERS)]


def decoded(value: str) -> str:
    """Takes off two layers of percent-encoding: more are not seen in the lab."""
    return unquote_plus(unquote_plus(value))


@dataclass
class Recording:
    """One recording with what Quell made of it. Alerts are by line number; an incident knows its alerts' ids."""

    lines: list[str]
    truth: list[Row]
    alerts: dict[int, dict]
    security_alerts: list[dict]
    incidents: list[dict]


@dataclass
class Figures:
    """What came of one tool, or one class."""

    requests: int = 0
    attacks: int = 0
    probes: int = 0
    probes_found: int = 0
    unseen: int = 0
    """Attacks that are in no access log."""
    found: int = 0
    named: int = 0
    incidents: set[str] = field(default_factory=set)
    misses: list[int] = field(default_factory=list)


@dataclass
class Exploit:
    """All that succeeded of one actor in one class, and where it ended."""

    tool: str
    actor: str
    kind: str
    what: str
    lines: list[int]
    incidents: list[dict]
    strangers: int
    """Alerts of other people in those incidents."""
    is_unseen: bool
    """Whether all of it went in bodies, which no access log has."""

    @property
    def is_told(self) -> bool:
        """Whether it has an incident of its own with a verdict of the right class."""
        fitting = FITTING[self.kind]
        return self.strangers == 0 and any(incident["class"] in fitting and incident.get("verdict") for incident in self.incidents)

    @property
    def level(self) -> int:
        """The highest threat level of its incidents."""
        return max((incident["verdict"]["threat_level"] for incident in self.incidents if incident.get("verdict")), default=0)

    @property
    def outcome(self) -> str:
        """The most that is said of it: one incident that tells of the success is enough, others hold what was tried in vain."""
        return next((word for word in OUTCOMES if word in self.outcomes), "-")

    @property
    def outcomes(self) -> list[str]:
        fitting = FITTING[self.kind]
        return sorted({incident["verdict"]["outcome"] for incident in self.incidents if incident["class"] in fitting and incident.get("verdict")})


def groups_of(alert: dict) -> set[str]:
    return set(alert["rule"]["groups"])


def is_about_attack(alert: dict) -> bool:
    """Tells whether an alert's rule is about an attack, and not about a status alone."""
    groups = groups_of(alert)
    if "web_attack" in groups or groups & CLASS_GROUPS:
        return True
    return "attack" in groups and alert["rule"]["id"] not in STATUS_RULES


class Judgement:
    """The figures of one recording."""

    def __init__(self, recording: Recording):
        self.recording = recording
        self.by_tool: dict[str, Figures] = {}
        self.by_class: dict[str, Figures] = defaultdict(Figures)
        self._owner = {number: actor_of(line) for number, line in enumerate(recording.lines, 1)}
        self._numbers: dict[str, list[int]] = defaultdict(list)
        for number, actor in self._owner.items():
            self._numbers[actor].append(number)
        self._incident_of = {alert_id: incident for incident in recording.incidents for alert_id in incident["alert_ids"]}
        self._actor_of_alert = {alert["id"]: self._owner[number] for number, alert in recording.alerts.items()}
        self._actor_of_alert |= {alert["id"]: alert["data"].get("srcip", "") for alert in recording.security_alerts}
        for row in recording.truth:
            self._count(row)
        self.exploits = self._exploits()

    def numbers(self, row: Row) -> list[int]:
        """Gives the line numbers of a row."""
        return [number for number in self._numbers[row.actor] if row.start <= number <= row.end]

    def attacks(self, row: Row) -> list[int]:
        """Gives the lines of a row that are attacks which the log shows."""
        if row.kind == "benign":
            return []
        numbers = self.numbers(row)
        if row.tool.startswith("hand-"):
            return [] if row.note.startswith("body:") else numbers
        return [number for number in numbers if carries_payload(self.recording.lines[number - 1])]

    def _count(self, row: Row) -> None:
        tool = self.by_tool.setdefault(row.tool, Figures())
        numbers = self.numbers(row)
        tool.requests += len(numbers)
        tool.incidents |= {incident["incident_id"] for incident in self.incidents_of(numbers)}
        if row.kind == "benign":
            # What visitors raise is a false alarm; there is nothing to be found.
            tool.found += sum(is_about_attack(alert) for number in numbers if (alert := self.recording.alerts.get(number)))
            return
        is_whole = row.kind in BY_THE_WHOLE and not (row.tool.startswith("hand-") and row.kind == "forced_browsing")
        attacks = self.attacks(row)
        if row.note.startswith("body:"):
            unseen = len(numbers) - len(attacks)
            tool.unseen += unseen
            if not is_whole:
                self.by_class[row.kind].unseen += unseen
        for number in attacks:
            alert = self.recording.alerts.get(number)
            found = alert is not None and is_about_attack(alert)
            # A scanner tries attacks of every class, so none is the right one.
            named = found and (is_whole or bool(groups_of(alert) & FITTING[row.kind]))
            for figures in [tool] if is_whole else [tool, self.by_class[row.kind]]:
                if is_probe(self.recording.lines[number - 1]):
                    figures.probes += 1
                    figures.probes_found += found
                    continue
                figures.attacks += 1
                figures.found += found
                figures.named += named
                if not named and not is_whole:
                    figures.misses.append(number)

    def incidents_of(self, numbers: list[int]) -> list[dict]:
        """Gives the incidents that hold alerts of these lines, each once."""
        alerts = [self.recording.alerts[number] for number in numbers if number in self.recording.alerts]
        return list({incident["incident_id"]: incident for alert in alerts if (incident := self._incident_of.get(alert["id"]))}.values())

    def strangers(self, incident: dict, actor: str) -> int:
        """Counts the alerts of others in an incident."""
        return sum(self._actor_of_alert.get(alert_id) != actor for alert_id in incident["alert_ids"])

    def _exploits(self) -> list[Exploit]:
        rows: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
        for row in self.recording.truth:
            if row.outcome == "succeeded":
                rows[row.tool, row.actor, row.kind].append(row)
        exploits = []
        for (tool, actor, kind), those in sorted(rows.items()):
            visible = [row for row in those if not row.note.startswith("body:")]
            lines = [number for row in visible or those for number in (self.numbers(row) if kind in BY_THE_WHOLE else self.attacks(row))]
            incidents = self.incidents_of(lines)
            if kind == "brute_force":
                # The shop's security log tells of logins; its alerts are not of these lines.
                incidents += [incident for incident in self.recording.incidents
                              if actor in incident["actors"] and incident["class"] == kind and incident not in incidents]
            # So it does of statements that are sent as a name.
            incidents += [incident for incident in self._told_by_the_shop(actor, kind) if incident not in incidents]
            fitting = [incident for incident in incidents if incident["class"] in FITTING[kind]]
            what = OF_THE_TOOL.get(kind) if not tool.startswith("hand-") else Counter(row.note for row in those).most_common(1)[0][0]
            strangers = sum(self.strangers(incident, actor) for incident in fitting)
            is_unseen = not visible and not lines and not incidents and kind not in BY_THE_WHOLE
            exploits.append(Exploit(tool, actor, kind, what or those[0].note, lines, incidents, strangers, is_unseen))
        return exploits

    def shown_by_the_shop(self, actor: str, kind: str) -> list[dict]:
        """Gives the alerts of the shop's security log that tell of an attack of one actor and class."""
        return [alert for alert in self.recording.security_alerts
                if alert["data"].get("srcip") == actor and groups_of(alert) & FITTING[kind]]

    def _told_by_the_shop(self, actor: str, kind: str) -> list[dict]:
        """Gives the incidents that hold such alerts."""
        ids = {alert["id"] for alert in self.shown_by_the_shop(actor, kind)}
        return [incident for incident in self.recording.incidents if not ids.isdisjoint(incident["alert_ids"])]

    def overclaimed(self) -> list[dict]:
        """Gives the incidents that are said to have worked although nothing of the kind did, by the truth."""
        worked = [row for row in self.recording.truth if row.outcome == "succeeded"]
        return [incident for incident in self.recording.incidents
                if (incident.get("verdict") or {}).get("outcome") == "succeeded"
                and not any(row.actor in incident["actors"] and incident["class"] in FITTING[row.kind] for row in worked)]

    def failed(self) -> list[dict]:
        """Gives the incidents of exploits that didn't work, by the truth: those of actors who had no success with such a class."""
        worked = [row for row in self.recording.truth if row.outcome == "succeeded"]
        exploits = CLASS_GROUPS - BY_THE_WHOLE
        return [incident for incident in self.recording.incidents
                if incident["class"] in exploits
                and not any(row.actor in incident["actors"] and incident["class"] in FITTING[row.kind] for row in worked)]

    def largest_share(self, row: Row) -> tuple[int, int, int]:
        """Gives, for a scan, how many incidents of scans hold its alerts, how many alerts the largest has of it, and how many it raised."""
        numbers = self.numbers(row)
        held = Counter(incident["incident_id"] for number in numbers if (alert := self.recording.alerts.get(number))
                       and (incident := self._incident_of.get(alert["id"])) and incident["class"] in BY_THE_WHOLE)
        return len(held), max(held.values(), default=0), sum(number in self.recording.alerts for number in numbers)
