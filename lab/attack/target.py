"""The one thing that may be attacked: a honeypot on this machine's loopback.

The address is checked once, here, and everything else takes a `Target`. A name is refused even where it would resolve to
loopback, except `localhost`, which is replaced by the address: nobody can point a name elsewhere between the check and its use.
"""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit


class Refused(Exception):
    """The address is not one that the lab may attack."""


@dataclass(frozen=True)
class Target:
    """A honeypot's address, known to be loopback."""

    host: str
    port: int

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    @staticmethod
    def parse(text: str) -> "Target":
        """Takes `http://127.0.0.1:8000`, and nothing that is not loopback."""
        parts = urlsplit(text.strip())
        if parts.scheme != "http" or not parts.hostname:
            raise Refused(f"`{text}` is not the address of a honeypot\nhint: give it as http://127.0.0.1:8000")
        host = "127.0.0.1" if parts.hostname == "localhost" else parts.hostname
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            address = None
        if address is None or not address.is_loopback:
            raise Refused(
                f"`{parts.hostname}` is not a loopback address, and the lab attacks nothing else\n"
                "hint: run it on the honeypot's own machine, against 127.0.0.1"
            )
        return Target(str(address), parts.port or 80)
