"""The programs of the emulated shell, as functions: `(shell, arguments, given) -> printed`.

They know the fake file tree and nothing else of the machine. An error goes to `shell.fail`, in the words of the real program.
"""

import base64
import binascii
import re

from shop import file_tree

# Lines that `head` and `tail` give when nobody says how many.
LINES = 10

UNAME = {"s": "Linux", "n": "lab-shop", "r": "6.1.0-lab-amd64", "v": "#1 SMP PREEMPT_DYNAMIC", "m": "x86_64", "o": "GNU/Linux"}
ID = "uid=1000(shop) gid=1000(shop) groups=1000(shop)\n"
PS = "  PID TTY          TIME CMD\n    1 ?        00:00:01 init\n  412 ?        00:00:04 gunicorn\n  977 ?        00:00:00 sh\n"
IFCONFIG = (
    "eth0: flags=4163<UP,BROADCAST,RUNNING,MULTICAST>  mtu 1500\n        inet 192.0.2.10  netmask 255.255.255.0\n"
    "lo: flags=73<UP,LOOPBACK,RUNNING>  mtu 65536\n        inet 127.0.0.1  netmask 255.0.0.0\n"
)
HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")


def _options(arguments: list[str]) -> tuple[str, list[str]]:
    """Parts the letters of the options from the names."""
    letters = "".join(word[1:] for word in arguments if word.startswith("-") and len(word) > 1)
    return letters, [word for word in arguments if not word.startswith("-") or word == "-"]


def _input(shell, program: str, names: list[str], given: str) -> str:
    """Gives the text of the named files, or what was piped in."""
    if not names:
        return given
    texts = []
    for name in names:
        if name == "-":
            texts.append(given)
            continue
        try:
            texts.append(file_tree.read(name, shell.folder).decode("utf-8", "replace"))
        except file_tree.NoFile as error:
            shell.fail(f"{program}: {name[:200]}: {error}")
    return "".join(texts)


def _cat(shell, arguments, given):
    return _input(shell, "cat", _options(arguments)[1], given)


def _count(arguments: list[str]) -> tuple[int, list[str]]:
    """Reads `-n 5`, `-5` and the names."""
    names, count, words = [], LINES, list(arguments)
    while words:
        word = words.pop(0)
        value = words.pop(0) if word in ("-n", "-c") and words else word.lstrip("-nc")
        if word.startswith("-") and len(word) > 1:
            count = min(int(value), 10_000) if value.isdecimal() else count
        else:
            names.append(word)
    return count, names


def _head(shell, arguments, given):
    count, names = _count(arguments)
    return "".join(_input(shell, "head", names, given).splitlines(keepends=True)[:count])


def _tail(shell, arguments, given):
    count, names = _count(arguments)
    lines = _input(shell, "tail", names, given).splitlines(keepends=True)
    return "".join(lines[max(0, len(lines) - count):])


def _grep(shell, arguments, given):
    letters, names = _options(arguments)
    if not names:
        return shell.fail("Usage: grep [OPTION]... PATTERNS [FILE]...", 2)
    wanted, lines = names[0], _input(shell, "grep", names[1:], given).splitlines(keepends=True)
    # Plain text only: a pattern of a stranger could keep a regular expression busy for hours.
    wanted, fold = (wanted.lower(), str.lower) if "i" in letters else (wanted, str)
    found = [line for line in lines if (wanted.strip("^$") in fold(line)) != ("v" in letters)]
    shell.code = 0 if found else 1
    return "".join(found)


def _ls(shell, arguments, given):
    letters, names = _options(arguments)
    printed = ""
    for name in names or [shell.folder]:
        try:
            inside = file_tree.names(name, shell.folder) if file_tree.is_folder(name, shell.folder) else None
        except file_tree.NoFile:
            inside = None
        if inside is None:
            if not file_tree.is_file(name, shell.folder):
                shell.fail(f"ls: cannot access '{name[:200]}': No such file or directory", 2)
                continue
            inside, where = [name], ""
        else:
            where = name
            inside = inside if "a" in letters or "A" in letters else [entry for entry in inside if not entry.startswith(".")]
        printed += f"{name}:\n" if len(names) > 1 else ""
        for entry in inside:
            kind = "drwxr-xr-x" if file_tree.is_folder(f"{where}/{entry}" if where else entry, shell.folder) else "-rw-r--r--"
            printed += f"{kind} 1 shop shop 4096 Nov 24 14:16 {entry}\n" if "l" in letters else f"{entry}\n"
    return printed


def _echo(shell, arguments, given):
    end, words, escapes = "\n", list(arguments), False
    while words and re.fullmatch(r"-[neE]+", words[0]):
        end, escapes = ("" if "n" in words[0] else end), escapes or "e" in words[0]
        words.pop(0)
    text = " ".join(words)
    return (_unescape(text) if escapes else text) + end


def _printf(shell, arguments, given):
    if not arguments:
        return shell.fail("printf: usage: printf format [arguments]", 2)
    text, rest = _unescape(arguments[0]), arguments[1:]
    for word in rest[:50]:
        text = re.sub(r"%[sd]", lambda _, word=word: word, text, count=1)
    return re.sub(r"%[sd]", "", text)


def _unescape(text: str) -> str:
    """Replaces `\\n`, `\\t`, `\\x41` and `\\101`."""
    named = {"n": "\n", "t": "\t", "r": "\r", "\\": "\\", "e": "\x1b"}

    def one(match):
        code = match.group(1)
        if code[0] == "x":
            return chr(int(code[1:], 16))
        return chr(int(code, 8) & 0xFF) if code[0].isdecimal() else named[code]

    return re.sub(r"\\(x[0-9A-Fa-f]{1,2}|[0-7]{1,3}|[ntre\\])", one, text)


def _uname(shell, arguments, given):
    letters = _options(arguments)[0] or "s"
    wanted = "snrvmo" if "a" in letters else [letter for letter in "snrvmo" if letter in letters]
    return " ".join(UNAME[letter] for letter in wanted) + "\n"


def _cd(shell, arguments, given):
    target = arguments[0] if arguments else "/home/shop"
    if not file_tree.is_folder(target, shell.folder):
        return shell.fail(f"sh: 1: cd: can't cd to {target[:200]}", 2)
    shell.folder = file_tree.resolve(target, shell.folder)
    return ""


def _env(shell, arguments, given):
    if arguments and "=" not in arguments[0] and not arguments[0].startswith("-"):
        return shell.variables.get(arguments[0], "") + "\n"
    return "".join(f"{name}={value}\n" for name, value in shell.variables.items() if name != "IFS") + f"PWD={shell.folder}\n"


def _ping(shell, arguments, given):
    count, names, words = 4, [], list(arguments)
    while words:
        word = words.pop(0)
        if word in ("-c", "-i", "-w", "-W", "-s", "-n") and words and word != "-n":
            value = words.pop(0)
            count = int(value) if word == "-c" and value.isdecimal() else count
        elif not word.startswith("-"):
            names.append(word)
    if not names:
        return shell.fail("ping: usage error: Destination address required")
    host = names[-1]
    if not HOST.fullmatch(host):
        return shell.fail(f"ping: {host[:200]}: Name or service not known", 2)
    count = min(count, 20)
    # A real ping waits a second between two packets, which attackers use as a clock.
    shell.budget.wait(count - 1)
    lines = "".join(f"64 bytes from {host}: icmp_seq={number + 1} ttl=64 time=0.04 ms\n" for number in range(count))
    return f"PING {host} ({host}) 56(84) bytes of data.\n{lines}\n{count} packets transmitted, {count} received, 0% packet loss\n"


def _sleep(shell, arguments, given):
    match = re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?)([smh]?)", arguments[0]) if arguments else None
    if not match:
        return shell.fail("sleep: missing operand" if not arguments else f"sleep: invalid time interval '{arguments[0][:80]}'")
    shell.budget.wait(float(match.group(1)) * {"": 1, "s": 1, "m": 60, "h": 3600}[match.group(2)])
    return ""


def _base64(shell, arguments, given):
    letters, names = _options(arguments)
    text = _input(shell, "base64", names, given)
    if "d" not in letters:
        return base64.b64encode(text.encode()).decode() + "\n"
    try:
        return base64.b64decode("".join(text.split())).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return shell.fail("base64: invalid input")


def _wc(shell, arguments, given):
    text = _input(shell, "wc", _options(arguments)[1], given)
    figures = {"l": text.count("\n"), "w": len(text.split()), "c": len(text)}
    letters = _options(arguments)[0]
    return " ".join(str(value) for letter, value in figures.items() if not letters or letter in letters) + "\n"


def _sh(shell, arguments, given):
    if "-c" in arguments[:-1]:
        return shell.nested(arguments[arguments.index("-c") + 1])
    if "-i" in arguments:
        return shell.fail("sh: 0: can't access tty; job control turned off")
    names = _options(arguments)[1]
    return shell.nested(_input(shell, "sh", names, given))


def _which(shell, arguments, given):
    return "".join(f"/usr/bin/{name}\n" for name in arguments if name in COMMANDS)


def _rev(shell, arguments, given):
    return "".join(line[::-1] + "\n" for line in _input(shell, "rev", arguments, given).splitlines())


def _constant(text: str, code: int = 0):
    def program(shell, arguments, given):
        shell.code = code
        return text

    return program


def _no_network(text: str, code: int):
    """A program that would open a connection: here every network is down."""

    def program(shell, arguments, given):
        names = _options(arguments)[1]
        return shell.fail(text.format(names[0][:200] if names else "host"), code)

    return program


def _pass_through(shell, arguments, given):
    return _input(shell, "cat", _options(arguments)[1], given)


COMMANDS = {
    "id": _constant(ID), "whoami": _constant("shop\n"), "hostname": _constant("lab-shop\n"), "ps": _constant(PS),
    "ifconfig": _constant(IFCONFIG), "ip": _constant(IFCONFIG), "true": _constant(""), ":": _constant(""),
    "false": _constant("", 1), "exit": _constant(""), "date": _constant("Tue Nov 24 14:16:37 UTC 2026\n"),
    "uptime": _constant(" 14:16:37 up 12 days,  3:02,  0 users,  load average: 0.02, 0.01, 0.00\n"),
    "w": _constant(" 14:16:37 up 12 days,  3:02,  0 users\n"), "who": _constant(""), "groups": _constant("shop\n"),
    "netstat": _constant("tcp        0      0 0.0.0.0:8000            0.0.0.0:*               LISTEN\n"),
    "ss": _constant("LISTEN 0      2048         0.0.0.0:8000       0.0.0.0:*\n"),
    "pwd": lambda shell, arguments, given: shell.folder + "\n", "uname": _uname, "ls": _ls, "dir": _ls, "cat": _cat,
    "tac": _cat, "more": _cat, "less": _cat, "nl": _cat, "strings": _cat, "head": _head, "tail": _tail, "grep": _grep,
    "echo": _echo, "printf": _printf, "cd": _cd, "env": _env, "printenv": _env, "set": _env, "export": _constant(""),
    "ping": _ping, "sleep": _sleep, "base64": _base64, "wc": _wc, "sh": _sh, "bash": _sh, "dash": _sh, "which": _which,
    "rev": _rev, "sort": _pass_through, "uniq": _pass_through, "tee": _pass_through, "rm": _constant(""),
    "touch": _constant(""), "mkdir": _constant(""), "chmod": _constant(""), "kill": _constant(""),
    "curl": _no_network("curl: (7) Failed to connect to {0}: Network is unreachable", 7),
    "wget": _no_network("wget: unable to resolve host address '{0}'", 4),
    "nc": _no_network("nc: connect to {0}: Network is unreachable", 1),
    "ncat": _no_network("Ncat: Network is unreachable.", 1),
    "telnet": _no_network("telnet: Unable to connect to remote host: Network is unreachable", 1),
    "nslookup": _no_network(";; connection timed out; no servers could be reached", 1),
    "dig": _no_network(";; connection timed out; no servers could be reached", 9),
    "ssh": _no_network("ssh: connect to host {0} port 22: Network is unreachable", 255),
}
