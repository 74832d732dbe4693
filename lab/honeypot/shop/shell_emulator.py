"""A small shell that only pretends: what command injection and web shells of the lab talk to.

It reads a line as a Bourne shell does (`;`, `|`, `||`, `&&`, `&`, line ends, quotes, `$( )`, backticks, `$(( ))`, `${IFS}`,
globs, redirections) and answers from the fake file tree. It never starts a process, opens no socket and writes no file: the
commands are the Python functions of `shell_commands`. What it can't do it answers as a shell without that program would.

Reading happens here in two steps: `Reader` turns text into commands, `Shell` runs them.
"""

import fnmatch
import re
import time
from dataclasses import dataclass, field

from django.conf import settings

from shop import file_tree

# Longer than any command line that a request can carry: gunicorn takes 8 kB.
TEXT_CHARACTERS_MAX = 8_192

# Commands of one request, those inside `$( )` included.
COMMANDS_MAX = 100

# How deep `$( )`, backticks, `sh -c` and parentheses may be nested. Attackers need two.
DEPTH_MAX = 8

# What one request may print, and what one pipe or variable may carry.
OUTPUT_CHARACTERS_MAX = 64_000

BLANK = " \t"
WORD_ENDS = BLANK + "\n;|&<>()"
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*|[0-9?$#@*!-]")
ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
# Numbers of up to 12 digits and four operations are what attackers let a shell compute to prove that it runs.
SUM = re.compile(r"\s*(-?\d{1,12})\s*(?:([-+*/%])\s*(-?\d{1,12})\s*)?")


class ShellError(Exception):
    """The shell gives up on the whole text; the text is what it prints."""


@dataclass
class Piece:
    """A part of a word. `kind` is text, run (command substitution), sum (arithmetic) or name (a variable)."""

    kind: str
    text: str
    is_quoted: bool


@dataclass
class Command:
    """One command: its words, where its output goes, or the text of a subshell, and how it hangs on the one before."""

    words: list = field(default_factory=list)
    redirections: list = field(default_factory=list)
    subshell: str | None = None
    joined_by: str = ";"


class Reader:
    """Turns text into commands."""

    def __init__(self, text: str):
        self.text = text
        self.at = 0

    def commands(self) -> list[Command]:
        """Reads all of the text."""
        found, current = [], Command()
        while self.at < len(self.text):
            character = self.text[self.at]
            if character in BLANK:
                self.at += 1
            elif character == "#" and (self.at == 0 or self.text[self.at - 1] in WORD_ENDS):
                end = self.text.find("\n", self.at)
                self.at = end if end >= 0 else len(self.text)
            elif character in "<>" or self.text.startswith("&>", self.at):
                self._redirection(current, "1")
            elif character in ";|&\n":
                operator = self.text[self.at : self.at + 2]
                operator = operator if operator in ("&&", "||") else character
                self.at += len(operator)
                if current.words or current.redirections or current.subshell is not None:
                    found.append(current)
                elif operator != "\n":
                    # An empty command: a real shell calls it an error, but the payload behind it is what is of interest.
                    operator = current.joined_by if not found else operator
                current = Command(joined_by="\n" if operator == "&" else operator)
            elif character == "(" and not current.words:
                current.subshell = self._balanced()
            elif character in "()":
                raise ShellError(f'sh: 1: Syntax error: "{character}" unexpected')
            else:
                self._word_or_number(current)
        if current.words or current.redirections or current.subshell is not None:
            found.append(current)
        return found

    def _word_or_number(self, current: Command) -> None:
        digit = re.compile(r"[0-9](?=[<>])").match(self.text, self.at)
        if digit:
            self.at += 1
            self._redirection(current, digit.group())
        else:
            current.words.append(self._word())

    def _redirection(self, current: Command, number: str) -> None:
        match = re.compile(r"&?>>?&?|<<?<?&?").match(self.text, self.at)
        self.at = match.end()
        while self.at < len(self.text) and self.text[self.at] in BLANK:
            self.at += 1
        target = self._word() if self.at < len(self.text) and self.text[self.at] not in WORD_ENDS else []
        if not target:
            raise ShellError("sh: 1: Syntax error: redirection unexpected")
        current.redirections.append((number, match.group(), target))

    def _word(self) -> list[Piece]:
        pieces: list[Piece] = []
        while self.at < len(self.text) and self.text[self.at] not in WORD_ENDS:
            character = self.text[self.at]
            if character == "'":
                pieces.append(Piece("text", self._until("'"), True))
            elif character == '"':
                self.at += 1
                self._double_quoted(pieces)
            elif character == "\\":
                escaped = self.text[self.at + 1 : self.at + 2]
                # A line end behind a backslash goes on with the same word.
                pieces.append(Piece("text", "" if escaped == "\n" else escaped, True))
                self.at += 2
            elif character in "$`":
                pieces.append(self._dollar(False))
            else:
                start = self.at
                while self.at < len(self.text) and self.text[self.at] not in WORD_ENDS + "'\"\\$`":
                    self.at += 1
                pieces.append(Piece("text", self.text[start : self.at], False))
        return pieces

    def _double_quoted(self, pieces: list[Piece]) -> None:
        pieces.append(Piece("text", "", True))
        while self.at < len(self.text) and self.text[self.at] != '"':
            character = self.text[self.at]
            if character in "$`":
                pieces.append(self._dollar(True))
            elif character == "\\" and self.text[self.at + 1 : self.at + 2] in ('"', "\\", "$", "`"):
                pieces.append(Piece("text", self.text[self.at + 1], True))
                self.at += 2
            else:
                pieces.append(Piece("text", character, True))
                self.at += 1
        if self.at >= len(self.text):
            raise ShellError("sh: 1: Syntax error: Unterminated quoted string")
        self.at += 1

    def _dollar(self, is_quoted: bool) -> Piece:
        if self.text[self.at] == "`":
            return Piece("run", self._until("`"), is_quoted)
        if self.text.startswith("$((", self.at):
            end = self.text.find("))", self.at)
            if end >= 0:
                inner, self.at = self.text[self.at + 3 : end], end + 2
                return Piece("sum", inner, is_quoted)
        if self.text.startswith("$(", self.at):
            self.at += 1
            return Piece("run", self._balanced(), is_quoted)
        if self.text.startswith("${", self.at):
            self.at += 1
            return Piece("name", self._until("}"), is_quoted)
        name = NAME.match(self.text, self.at + 1)
        self.at = name.end() if name else self.at + 1
        return Piece("name", name.group(), is_quoted) if name else Piece("text", "$", is_quoted)

    def _until(self, end: str) -> str:
        """Gives what stands between the character here and the next `end`, and goes behind it."""
        found = self.text.find(end, self.at + 1)
        if found < 0:
            raise ShellError("sh: 1: Syntax error: Unterminated quoted string")
        inner, self.at = self.text[self.at + 1 : found], found + 1
        return inner

    def _balanced(self) -> str:
        """Gives what stands between the parenthesis here and its partner, and goes behind it."""
        start, depth, quote = self.at + 1, 0, ""
        while self.at < len(self.text):
            character = self.text[self.at]
            if quote:
                quote = "" if character == quote else quote
            elif character in "'\"":
                quote = character
            elif character in "()":
                depth += 1 if character == "(" else -1
            self.at += 1
            if depth == 0:
                return self.text[start : self.at - 1]
        raise ShellError('sh: 1: Syntax error: end of file unexpected (expecting ")")')


@dataclass
class Budget:
    """What one request may still use up, shared by all shells that it nests."""

    deadline: float
    commands: int = COMMANDS_MAX

    def wait(self, seconds: float) -> None:
        """Sleeps, but never past the deadline."""
        time.sleep(max(0.0, min(seconds, self.deadline - time.monotonic())))

    def spend(self) -> None:
        """Counts a command."""
        self.commands -= 1
        if self.commands < 0 or time.monotonic() > self.deadline + 1:
            raise ShellError("sh: 1: Cannot fork")


class Shell:
    """Runs commands. `output` collects what the attacker sees, errors included."""

    def __init__(self, folder: str = file_tree.HOME_FOLDER, budget: Budget | None = None, depth: int = 0):
        self.folder = folder
        self.budget = budget or Budget(time.monotonic() + settings.LAB_SECONDS_MAX)
        self.depth = depth
        self.code = 0
        self.errors: list[str] = []
        self.variables = {"IFS": " \t\n", "PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": "/home/shop", "USER": "shop",
                          "SHELL": "/bin/sh", "LANG": "C.UTF-8", "SHOP_KEY": "lab-canary"}

    def run(self, text: str, given: str = "") -> str:
        """Runs a text and gives all that it printed. `given` is its standard input."""
        if self.depth > DEPTH_MAX:
            raise ShellError("sh: 1: Maximum function recursion depth reached")
        output, piped, is_left_out = "", given, False
        commands = Reader(text[:TEXT_CHARACTERS_MAX].replace("\r", "")).commands()
        for index, command in enumerate(commands):
            if command.joined_by != "|":
                # What is piped on from a command that is left out is left out too.
                is_left_out = (command.joined_by == "&&" and self.code != 0) or (command.joined_by == "||" and self.code == 0)
            if is_left_out:
                continue
            given_here = piped if command.joined_by == "|" or index == 0 else ""
            printed = self._command(command, given_here)
            goes_on = index + 1 < len(commands) and commands[index + 1].joined_by == "|"
            output += "".join(self.errors) + ("" if goes_on else printed)
            self.errors.clear()
            piped = printed
            output = output[:OUTPUT_CHARACTERS_MAX]
        return output

    def nested(self, text: str, given: str = "") -> str:
        """Runs a text as a shell inside this one does: what it changes stays there."""
        inner = Shell(self.folder, self.budget, self.depth + 1)
        inner.variables = dict(self.variables)
        output = inner.run(text, given)
        self.code = inner.code
        return output

    def _command(self, command: Command, given: str) -> str:
        from shop.shell_commands import COMMANDS

        self.budget.spend()
        if command.subshell is not None:
            printed = self.nested(command.subshell, given)
        else:
            words = [word for pieces in command.words for word in self.expand(pieces)]
            while words and ASSIGNMENT.match(words[0]):
                name, value = words.pop(0).split("=", 1)
                self.variables[name] = value[:OUTPUT_CHARACTERS_MAX]
            if not words:
                self.code = 0
                printed = ""
            else:
                name = self._program(words[0])
                if name in COMMANDS:
                    self.code = 0
                    printed = COMMANDS[name](self, words[1:], given)
                else:
                    self.fail(f"sh: 1: {words[0][:200]}: not found", 127)
                    printed = ""
        for number, operator, target in command.redirections:
            printed = self._redirect(number, operator, "".join(self.expand(target)), printed)
        return printed[:OUTPUT_CHARACTERS_MAX]

    def _redirect(self, number: str, operator: str, target: str, printed: str) -> str:
        # `2>&1` joins two streams that are one here; `>& FILE` is a file.
        if operator.startswith("<") or (operator.endswith("&") and (target.isdecimal() or target == "-")):
            return printed
        if number == "2" or operator.startswith("&"):
            self.errors.clear()
        if target not in ("/dev/null", "/dev/stdout", "/dev/stderr"):
            folder = file_tree.resolve(target, self.folder).rpartition("/")[0] or "/"
            if not file_tree.is_folder(folder):
                self.fail(f"sh: 1: cannot create {target[:200]}: Directory nonexistent", 2)
        # What is written to a file is gone: nothing here can be changed.
        return printed if number == "2" or target == "/dev/stdout" else ""

    def fail(self, text: str, code: int = 1) -> str:
        """Prints an error and sets the exit code; gives the empty output of the command that failed."""
        self.errors.append(text + "\n")
        self.code = code
        return ""

    def expand(self, pieces: list[Piece]) -> list[str]:
        """Turns a word as it was written into the words that the command gets."""
        words, current, has_word, is_quoted = [], "", False, any(piece.is_quoted for piece in pieces)
        for piece in pieces:
            value = self._value(piece)
            if piece.is_quoted or piece.kind == "text":
                current, has_word = current + value, True
                continue
            parts = re.split(r"[ \t\n]+", value)
            for index, part in enumerate(parts):
                if index and (has_word or current):
                    words.append(current)
                    current, has_word = "", False
                current, has_word = current + part, has_word or bool(part)
        if has_word or current:
            words.append(current)
        braces = re.fullmatch(r"\{([^{}]+,[^{}]*)\}", words[0]) if len(words) == 1 and not is_quoted else None
        if braces:
            words = braces.group(1).split(",")
        return [match for word in words for match in ([word] if is_quoted else self._glob(word))]

    def _value(self, piece: Piece) -> str:
        if piece.kind == "run":
            return self.nested(piece.text).rstrip("\n")
        if piece.kind == "sum":
            return _compute(piece.text)
        if piece.kind == "name":
            special = {"?": str(self.code), "$": "412", "#": "0", "0": "sh", "PWD": self.folder}
            name, _, otherwise = piece.text.partition(":-")
            return special.get(name) or self.variables.get(name, otherwise)
        return piece.text

    def _glob(self, word: str) -> list[str]:
        if not any(character in word for character in "*?["):
            return [word]
        found = [""] if word.startswith("/") else [self.folder]
        for part in [part for part in word.split("/") if part][:16]:
            above, found = found, []
            for folder in above:
                if file_tree.is_folder(folder or "/"):
                    inside = file_tree.names(folder or "/")
                    found += [f"{folder}/{name}" for name in fnmatch.filter(inside, part)
                              if part.startswith(".") or not name.startswith(".")]
            found = found[: file_tree.ENTRIES_MAX]
        if not word.startswith("/"):
            found = [path.removeprefix(self.folder + "/") for path in found]
        return found or [word]

    @staticmethod
    def _program(word: str) -> str:
        folder, slash, name = word.rpartition("/")
        return name if not slash or folder in ("/bin", "/usr/bin", "/sbin", "/usr/sbin") else word


def _compute(text: str) -> str:
    match = SUM.fullmatch(text)
    if not match:
        raise ShellError(f'sh: 1: arithmetic expression: expecting primary: "{text[:80]}"')
    left, operator, right = int(match.group(1)), match.group(2), int(match.group(3) or 0)
    if operator in ("/", "%") and right == 0:
        raise ShellError(f'sh: 1: arithmetic expression: division by zero: "{text[:80]}"')
    results = {None: lambda: left, "+": lambda: left + right, "-": lambda: left - right, "*": lambda: left * right,
               "/": lambda: left // right, "%": lambda: left % right}
    return str(results[operator]())


def answer(text: str) -> str:
    """Gives what a shell would print for this text."""
    shell = Shell()
    try:
        return shell.run(text)
    except ShellError as error:
        return f"{error}\n"
    except file_tree.NoFile as error:
        return f"sh: 1: {error}\n"
