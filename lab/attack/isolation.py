"""Cuts the whole run off from every network: a namespace with nothing but a loopback of its own.

The tools are told to attack loopback only. Where the kernel allows it, the driver and the honeypot that it starts are also put
where nothing else can be reached, so that a tool with ideas of its own (a redirect that it follows, an update that it looks for)
gets nowhere.
"""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

MARK = "LAB_ISOLATED"

# From Linux' if.h and sockios.h.
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1


def isolate() -> bool:
    """Starts this program again inside a namespace, or tells that the machine doesn't allow it."""
    if os.environ.get(MARK):
        loopback_up()
        return True
    unshare = shutil.which("unshare")
    prefix = [unshare or "", "--map-root-user", "--net"]
    if not unshare or subprocess.run([*prefix, "true"], stderr=subprocess.DEVNULL, check=False).returncode != 0:
        return False
    os.environ[MARK] = "1"
    sys.stdout.flush()
    os.execv(unshare, [*prefix, sys.executable, *sys.argv])


def loopback_up() -> None:
    """A new namespace's loopback is down."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as handle:
        asked = struct.pack("16sh14x", b"lo", 0)
        (flags,) = struct.unpack("16xh14x", fcntl.ioctl(handle, SIOCGIFFLAGS, asked))
        fcntl.ioctl(handle, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))
