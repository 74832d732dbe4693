"""Stands on one machine: serves every port that is asked for, and tries connections. Orders come as JSON lines, answers go the same way.

It is started inside a machine's namespace by `machines.bench`, and ends when its standard input closes.
"""

import asyncio
import contextlib
import json
import sys

# The kernel sends a second packet after a second, should the first get lost on a busy machine.
SECONDS_TO_ANSWER = 2.5

# At once, from one machine.
CONNECTIONS_MAX = 200

GREETING, QUESTION = b"here\n", b"who?\n"

# A datagram that is lost is sent again by nobody else.
SECONDS_TO_ASK_AGAIN = 0.4

# As in plan.py; this file is started by itself.
ZEROTIER = 9993


class Echo(asyncio.DatagramProtocol):
    """Answers what asks."""

    def connection_made(self, transport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr) -> None:
        if data == QUESTION:
            self.transport.sendto(GREETING, addr)


class Once(Echo):
    """Waits for an answer. Where two machines ask each other from the same ports at once, the one who asks is asked too."""

    def __init__(self) -> None:
        self.answered = asyncio.Event()

    def datagram_received(self, data: bytes, addr) -> None:
        super().datagram_received(data, addr)
        if data == GREETING:
            self.answered.set()


async def greet(_reader, writer: asyncio.StreamWriter) -> None:
    writer.write(GREETING)
    await writer.drain()
    writer.close()


async def serve(tcp: list[int], udp: list[int], addresses: list[str]) -> None:
    for port in tcp:
        await asyncio.start_server(greet, ["0.0.0.0", "::"], port)
    for port in udp:
        # One for each address, since an answer must come from the address that was asked.
        for address in addresses:
            await datagrams(Echo, (address, port))


async def datagrams(kind: type, local: tuple[str, int], remote: tuple[str, int] | None = None):
    """Opens a socket that shares its port: ZeroTier's rule asks for its own port on both ends, where the echo is as well."""
    return await asyncio.get_running_loop().create_datagram_endpoint(kind, local_addr=local, remote_addr=remote, reuse_port=True)


async def try_tcp(address: str, port: int, bind: str) -> str:
    """Passes only if a greeting comes back: that one packet got through is not enough."""
    local = (bind, 0) if bind else None
    reader, writer = await asyncio.open_connection(address, port, local_addr=local)
    try:
        return "passes" if await reader.readline() == GREETING else "silent"
    finally:
        writer.close()


async def try_udp(address: str, port: int, bind: str) -> str:
    transport, once = await datagrams(Once, (bind or "0.0.0.0", port if port == ZEROTIER else 0), (address, port))
    try:
        while not once.answered.is_set():
            transport.sendto(QUESTION)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(once.answered.wait(), SECONDS_TO_ASK_AGAIN)
        return "passes"
    finally:
        transport.close()


async def attempt(way: dict, limit: asyncio.Semaphore) -> str:
    kind = try_tcp if way["by"] == "tcp" else try_udp
    async with limit:
        try:
            return await asyncio.wait_for(kind(way["address"], way["port"], way["bind"]), SECONDS_TO_ANSWER)
        except TimeoutError:
            return "dropped"
        except OSError as error:
            return f"fails: {error.strerror or error}"


async def main() -> None:
    limit = asyncio.Semaphore(CONNECTIONS_MAX)
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        if "serve" in order:
            await serve(*order["serve"])
            answer = "ready"
        else:
            answer = await asyncio.gather(*(attempt(way, limit) for way in order["try"]))
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    asyncio.run(main())
