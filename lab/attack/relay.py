"""Gives an address of its own to a tool that can't send a header: a relay on loopback that adds `X-Forwarded-For` to each request.

It takes one request a connection, in whatever shape: what is sent is passed on as it is, and only that header and
`Connection: close` are put in. Requests that are no HTTP at all are passed on untouched.
"""

import socket
import socketserver
import threading

from attack.target import Target

# Where the head of a request ends at the latest; gunicorn refuses more anyway.
HEAD_BYTES_MAX = 65_536

# No answer of the honeypot takes longer; a silent client must not hold a thread for ever.
QUIET_SECS = 20


class Relay:
    """A relay to one target for one actor, on a free port until `stop`."""

    def __init__(self, target: Target, actor: str):
        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                try:
                    relay_one(self.request, target, actor)
                except OSError:
                    # Scanners hang up in the middle; that is theirs to do.
                    pass

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler, bind_and_activate=False)
        self._server.daemon_threads = True
        self._server.allow_reuse_address = True
        self._server.request_queue_size = 128
        self._server.server_bind()
        self._server.server_activate()
        self.target = Target("127.0.0.1", self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def relay_one(client: socket.socket, target: Target, actor: str) -> None:
    """Passes one request on, and its answer back."""
    client.settimeout(QUIET_SECS)
    head = b""
    while b"\r\n\r\n" not in head and len(head) < HEAD_BYTES_MAX:
        piece = client.recv(65_536)
        if not piece:
            break
        head += piece
    if not head:
        return
    with socket.create_connection((target.host, target.port), timeout=QUIET_SECS) as server:
        server.sendall(with_actor(head, actor))
        rest = threading.Thread(target=copy, args=(client, server), daemon=True)
        rest.start()
        copy(server, client)


def with_actor(head: bytes, actor: str) -> bytes:
    """Puts the actor into a request's head, behind the request line."""
    line, end, rest = head.partition(b"\r\n")
    if not end or b" HTTP/" not in line:
        return head
    headers, blank, body = rest.partition(b"\r\n\r\n")
    kept = [header for header in headers.split(b"\r\n") if header and not header.lower().startswith(b"connection:")]
    kept += [b"X-Forwarded-For: " + actor.encode(), b"Connection: close"]
    return line + end + b"\r\n".join(kept) + (blank or b"\r\n\r\n") + body


def copy(source: socket.socket, sink: socket.socket) -> None:
    """Copies until the source ends, then ends the sink's half."""
    try:
        while piece := source.recv(65_536):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
