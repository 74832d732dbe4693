"""Gunicorn's settings for the shop: the access log in combined form, and who the client was.

`lab/run.py` gives the address as an open socket; without it the shop listens on loopback only.
"""

import os

from gunicorn.glogging import Logger

from shop.client import client_address
from shop.ready import announce

DATA = os.environ.get("LAB_DATA", ".")
TRUST_FORWARDED = os.environ.get("LAB_TRUST_FORWARDED") == "1"


class ShopLogger(Logger):
    """Gunicorn's own logger, but for the client's address: a recorder may set it with `X-Forwarded-For`."""

    def atoms(self, resp, req, environ, request_time):
        atoms = super().atoms(resp, req, environ, request_time)
        atoms["h"] = client_address(atoms["h"], environ.get("HTTP_X_FORWARDED_FOR", ""), TRUST_FORWARDED)
        return atoms


bind = os.environ.get("LAB_BIND", "127.0.0.1:8000")
# One process, so that its lines are in the order of the requests; threads, because an emulated `sleep` waits.
workers = 1
worker_class = "gthread"
threads = 16
# A scanner keeps hundreds of connections open; a slow one must not starve the others for long.
timeout = 30
keepalive = 5
# Attacks are long. Gunicorn's own limits on headers stay.
limit_request_line = 8190
accesslog = os.path.join(DATA, "access.log")
errorlog = os.path.join(DATA, "server.log")
logger_class = ShopLogger
control_socket_disable = True


def post_worker_init(worker):
    """The application is loaded and the socket is open: the shop answers."""
    announce()
