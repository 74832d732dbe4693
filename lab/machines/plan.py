"""Who may reach whom on the lab's machines: the table of lab/README.md in numbers. `lab/test_machines.py` sees that the two agree."""

from typing import NamedTuple

# The overlay's addresses, as in firewall/addresses.nft. The second is the same machine's IPv6 address: ZeroTier can give one, and
# what is closed must be closed there too.
MACHINES = {
    "manager": ("10.77.0.10", "fd77::10"),
    "model": ("10.77.0.20", "fd77::20"),
    "honeypot": ("10.77.0.30", "fd77::30"),
    "attacker": ("10.77.0.40", "fd77::40"),
    "workstation": ("10.77.0.50", "fd77::50"),
}

# The workstation is somebody's own and has no file here.
GUARDED = ("manager", "model", "honeypot", "attacker")

# What the lab serves, what it must never show, and what the Internet serves.
SERVED = (22, 443, 1514, 1515, 8000, 9200, 9480, 9481, 11434, 55000)
ABROAD = (22, 53, 80, 443, 8000)

# ZeroTier speaks from this port to this port, on the real network.
ZEROTIER = 9993

# On the overlay, from whom to whom.
OVERLAY = {
    ("honeypot", "manager"): (1514, 1515),
    ("workstation", "manager"): (22, 443),
    ("manager", "model"): (11434,),
    ("workstation", "model"): (22,),
    ("attacker", "honeypot"): (8000,),
    ("workstation", "honeypot"): (22, 8000),
    ("workstation", "attacker"): (22,),
}

# On the real network: what each may begin with the Internet, by TCP and by UDP.
OUTWARD = {
    "manager": ((53, 80, 443), (53, 123, ZEROTIER)),
    "model": ((53, 443), (53, ZEROTIER)),
    "honeypot": ((), (ZEROTIER,)),
    "attacker": ((), (ZEROTIER,)),
}

# From a private address of the real network one may sign in; the Internet reaches nothing but ZeroTier's own port.
FROM_THE_HOUSE = (22,)

# The real network as it is played: a router, which is also the Internet, and the machines behind it.
ROUTER, INTERNET = "192.168.77.1", "198.51.100.1"


class Way(NamedTuple):
    """One connection to try."""

    source: str  # the machine that begins
    target: str  # the machine that is asked, for people
    address: str
    port: int
    by: str  # "tcp" or "udp"
    over: str  # "overlay", "overlay, IPv6" or "real network"
    may: bool
    bind: str = ""  # the address to begin from, where the machine has several


def ways() -> list[Way]:
    """All that is tried."""
    return [*overlay(), *outward(), *inward()]


def overlay() -> list[Way]:
    """Between any two machines, over both families. Nothing of the lab is served over IPv6."""
    found = []
    for source in MACHINES:
        for target, (four, six) in MACHINES.items():
            if source == target or (source not in GUARDED and target not in GUARDED):
                continue
            allowed = OVERLAY.get((source, target), ())
            found += [Way(source, target, four, port, "tcp", "overlay", port in allowed) for port in SERVED]
            found += [Way(source, target, six, port, "tcp", "overlay, IPv6", False) for port in SERVED]
            found.append(Way(source, target, four, ZEROTIER, "udp", "overlay", False))
    return found


def outward() -> list[Way]:
    """From each machine to the Internet."""
    found = []
    for source in GUARDED:
        tcp, udp = OUTWARD[source]
        found += [Way(source, "Internet", INTERNET, port, "tcp", "real network", port in tcp) for port in ABROAD]
        found += [Way(source, "Internet", INTERNET, port, "udp", "real network", port in udp) for port in (53, 123, ZEROTIER)]
    return found


def inward() -> list[Way]:
    """From the real network to each machine, from a neighbour and from far away."""
    found = []
    for number, target in enumerate(MACHINES, 10):
        if target not in GUARDED:
            continue
        address = real_address(number)
        for name, bind, allowed in (("house", ROUTER, FROM_THE_HOUSE), ("Internet", INTERNET, ())):
            found += [Way(name, target, address, port, "tcp", "real network", port in allowed, bind) for port in SERVED]
            found.append(Way(name, target, address, ZEROTIER, "udp", "real network", True, bind))
    return found


def real_address(number: int) -> str:
    return f"192.168.77.{number}"
