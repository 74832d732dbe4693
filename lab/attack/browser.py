"""Sends one request exactly as it is written: no encoding is added, none is taken away.

The standard library's clients tidy what they send. An attacker's encoding is the point here, so the request is written by hand.
"""

import socket
from dataclasses import dataclass, field

from attack.target import Target

# An answer of the honeypot is a page; what is longer is cut.
ANSWER_BYTES_MAX = 262_144

# No page takes longer, the emulated `sleep` included.
WAIT_SECS = 20


@dataclass
class Answer:
    """What the honeypot said."""

    status: int
    head: str
    body: str

    def header(self, name: str) -> str:
        for line in self.head.split("\r\n"):
            key, _, value = line.partition(":")
            if key.strip().lower() == name.lower():
                return value.strip()
        return ""


@dataclass
class Browser:
    """One client with an address, a user agent and its cookies."""

    target: Target
    actor: str
    agent: str
    cookies: dict[str, str] = field(default_factory=dict)

    def send(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        kind: str = "application/x-www-form-urlencoded",
        agent: str = "",
        referer: str = "",
    ) -> Answer:
        """Sends a request. `target` goes out as it is and must have neither blank nor line break in it."""
        head = [
            f"{method} {target} HTTP/1.1",
            f"Host: {self.target.host}:{self.target.port}",
            f"X-Forwarded-For: {self.actor}",
            f"User-Agent: {agent or self.agent}",
            "Accept: text/html,application/xhtml+xml,*/*;q=0.8",
            "Connection: close",
        ]
        if referer:
            head.append(f"Referer: {referer}")
        if self.cookies:
            head.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        if body or method == "POST":
            head += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
        raw = "\r\n".join(head).encode("utf-8") + b"\r\n\r\n" + body
        with socket.create_connection((self.target.host, self.target.port), timeout=WAIT_SECS) as connection:
            connection.sendall(raw)
            received = b""
            while len(received) < ANSWER_BYTES_MAX:
                piece = connection.recv(65_536)
                if not piece:
                    break
                received += piece
        answer_head, _, answer_body = received.partition(b"\r\n\r\n")
        text = answer_head.decode("latin-1")
        status = text.split(" ", 2)[1] if text.startswith("HTTP/") else "0"
        answer = Answer(int(status), text, answer_body.decode("utf-8", "replace"))
        self._keep_cookies(answer)
        return answer

    def upload(self, target: str, name: str, content: bytes, field_name: str = "file") -> Answer:
        """Sends a file as a form does."""
        edge = "----quell-lab-form"
        body = (
            f'--{edge}\r\nContent-Disposition: form-data; name="{field_name}"; filename="{name}"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n"
        ).encode() + content + f"\r\n--{edge}--\r\n".encode()
        return self.send("POST", target, body, f"multipart/form-data; boundary={edge}")

    def _keep_cookies(self, answer: Answer) -> None:
        for line in answer.head.split("\r\n"):
            key, _, value = line.partition(":")
            if key.strip().lower() == "set-cookie":
                name, _, content = value.strip().split(";", 1)[0].partition("=")
                self.cookies[name] = content
