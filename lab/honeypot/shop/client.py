"""Who sent a request. Shared by the shop and by gunicorn's access log, so that both logs name the same address."""

import ipaddress


def client_address(peer: str, forwarded: str, trust_forwarded: bool) -> str:
    """Returns the socket's address; the first one of `X-Forwarded-For` only where that header is trusted and reads as an
    address. Attackers put payloads into this header, and no payload may end up where an address belongs."""
    if trust_forwarded:
        first = forwarded.split(",", 1)[0].strip()
        try:
            return str(ipaddress.ip_address(first))
        except ValueError:
            pass
    return peer
