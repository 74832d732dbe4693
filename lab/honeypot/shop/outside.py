"""What the shop finds when it is told to fetch an address: a canary for addresses inside, nothing for all others.

This is where server-side request forgery would happen. No socket is opened here or anywhere else in the shop. An address is
only read: does it mean this machine or the metadata service of a cloud, in any of the spellings that attackers use?
"""

import ipaddress
import re
from urllib.parse import unquote, urlsplit

# Names that mean this machine or a cloud's metadata service.
INSIDE_NAMES = {"localhost", "localhost.localdomain", "metadata.google.internal", "metadata", "ip6-localhost"}

METADATA = {
    "/latest/meta-data/": "ami-id\nhostname\niam/\ninstance-id\nlocal-ipv4\n",
    "/latest/meta-data/iam/security-credentials/": "lab-canary-role\n",
    "/latest/meta-data/iam/security-credentials/lab-canary-role":
        '{"Code": "Success", "AccessKeyId": "LABCANARYNOTAKEY", "SecretAccessKey": "lab-canary", "Token": "lab-canary"}\n',
    "/latest/user-data": "#!/bin/sh\n# canary: nothing to see\n",
}
METADATA_ADDRESS = ipaddress.ip_address("169.254.169.254")

# One part of an IPv4 address as old libraries read it: decimal, octal with 0, hexadecimal with 0x.
NUMBER = re.compile(r"0x[0-9a-f]{1,8}|[0-9]{1,12}")


class Refused(Exception):
    """There is nothing to be had at this address."""


def fetch(url: str) -> str:
    """Gives the canary's answer for an inside address. Raises `Refused` for everything else."""
    try:
        parts = urlsplit(url.strip())
        host = unquote(parts.hostname or "").rstrip(".").lower()
    except ValueError:
        raise Refused("malformed address") from None
    if parts.scheme not in ("http", "https"):
        raise Refused(f"scheme refused: {parts.scheme[:20] or 'none'}")
    address = read_address(host)
    if host not in INSIDE_NAMES and (address is None or not _is_inside(address)):
        raise Refused("connection refused")
    is_metadata = address == METADATA_ADDRESS or host.startswith("metadata")
    if is_metadata:
        path = parts.path if parts.path in METADATA else parts.path.rstrip("/") + "/"
        return METADATA.get(path, "canary: metadata service\n" + METADATA["/latest/meta-data/"])
    return f"canary: inside service at port {_port(parts)}\nstatus: ok\nkey: lab-canary\n"


def read_address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Reads an address as careless libraries do: `127.1`, `2130706433`, `0x7f.0.0.1`, `0177.0.0.1`, `::ffff:127.0.0.1`."""
    try:
        address = ipaddress.ip_address(host.strip("[]"))
        return getattr(address, "ipv4_mapped", None) or address
    except ValueError:
        pass
    parts = host.split(".")
    if len(parts) > 4 or not all(NUMBER.fullmatch(part) for part in parts):
        return None
    try:
        numbers = [int(part, 16 if part.startswith("0x") else 8 if part.startswith("0") and part != "0" else 10) for part in parts]
    except ValueError:
        return None
    # The last number fills all bytes that are left.
    value = numbers[-1]
    if value >= 256 ** (5 - len(numbers)):
        return None
    for index, number in enumerate(numbers[:-1]):
        if number > 255:
            return None
        value += number << (24 - 8 * index)
    return ipaddress.ip_address(value) if value < 2**32 else None


def _is_inside(address) -> bool:
    return address.is_loopback or address == METADATA_ADDRESS or int(address) == 0


def _port(parts) -> int:
    try:
        return parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise Refused("malformed port") from None
