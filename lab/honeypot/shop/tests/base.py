"""What the tests share: a seeded shop in a folder of its own, and a guard that fails a test which reaches for the machine."""

import contextlib
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path
from unittest import mock

from django.core.management import call_command
from django.test import SimpleTestCase, override_settings


# What a busy machine may add to the time of a request. Without its limit each of the tests would take minutes at least.
BUSY_SECONDS = 10


class ShopTestCase(SimpleTestCase):
    """The shop with its goods, in a temporary folder. Rows are committed, because weak queries open the database anew."""

    databases = {"default"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = Path(tempfile.mkdtemp(prefix="lab-shop-test-"))
        cls.enterClassContext(override_settings(LAB_DATA=cls.data))
        cls.addClassCleanup(shutil.rmtree, cls.data, ignore_errors=True)
        with mock.patch("sys.stdout"):
            call_command("seed")

    def page(self, path: str, **parameters) -> str:
        """Gets a page and gives its text."""
        return self.client.get(path, parameters).content.decode()


@contextlib.contextmanager
def machine_guard():
    """Makes every way to start a process or open a connection an error, and counts who tried."""
    names = ["os.system", "os.popen", "os.fork", "os.forkpty", "os.execv", "os.execve", "os.posix_spawn", "os.posix_spawnp"]
    tried = []

    def refuse(name):
        def refused(*arguments, **named):
            tried.append(name)
            raise AssertionError(f"{name} was called")

        return refused

    with contextlib.ExitStack() as stack:
        for name in names:
            stack.enter_context(mock.patch(name, refuse(name)))
        stack.enter_context(mock.patch.object(subprocess.Popen, "__init__", refuse("subprocess.Popen")))
        stack.enter_context(mock.patch.object(socket.socket, "connect", refuse("socket.connect")))
        stack.enter_context(mock.patch.object(socket.socket, "__init__", refuse("socket.socket")))
        stack.enter_context(mock.patch.object(socket, "getaddrinfo", refuse("socket.getaddrinfo")))
        yield tried
    assert not tried, tried
