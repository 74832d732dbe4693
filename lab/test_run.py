"""Tests of `lab/run.py` with the real servers: it listens on loopback only, logs in the form it promises, and stops.

`make lab-test` runs them. Standard library only; the servers come from the virtual environment that `run.py` makes.
"""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

RUN = Path(__file__).resolve().parent / "run.py"

# Making the virtual environment downloads Django.
SECONDS_TO_START = 180
SECONDS_TO_STOP = 15
SECONDS_TO_WRITE = 10

COMBINED = re.compile(
    r'^(\S+) - - \[\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET (\S+) HTTP/1\.1" (\d{3}) \d+ "-" "tester \\"quoted\\""$'
)
DEVELOPMENT = re.compile(r'^\[\d\d/[A-Z][a-z]{2}/\d{4} \d\d:\d\d:\d\d\] "GET (\S+) HTTP/1\.1" (\d{3}) \d+$')


def lines(log: Path, count: int) -> list[str]:
    deadline = time.monotonic() + SECONDS_TO_WRITE
    while len(log.read_text().splitlines()) < count and time.monotonic() < deadline:
        time.sleep(0.02)
    return log.read_text().splitlines()


class Shop:
    """A running shop, in a folder of its own."""

    def __init__(self, *options: str, python: str = sys.executable, **environment: str):
        self.folder = tempfile.TemporaryDirectory(prefix="lab-run-test-")
        # A name that means something in an address of SQLite.
        self.data = Path(self.folder.name) / "data ? # %41"
        ready = Path(self.folder.name) / "ready"
        command = [python, str(RUN), "--port", "0", "--data", str(self.data), "--ready-file", str(ready), *options]
        self.process = subprocess.Popen(
            command, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True
        )
        deadline = time.monotonic() + SECONDS_TO_START
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.close()
                raise AssertionError(f"the shop did not start: {self.process.poll()}")
            time.sleep(0.05)
        self.address = ready.read_text().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def get(self, path: str, **headers: str) -> int:
        request = urllib.request.Request(self.address + path, headers={"User-Agent": 'tester "quoted"'} | headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

    def lines(self, count: int, name: str = "access.log") -> list[str]:
        """Gives the log's lines. A server writes one after it has answered, so this waits until there are `count`."""
        return lines(self.data / name, count)

    def processes(self) -> list[int]:
        """The processes of this shop: those that have its data folder in their environment."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and f"LAB_DATA={self.data}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
        return found

    def listens_on(self) -> set[str]:
        """The local addresses, as the kernel writes them, of all listening sockets of the shop's processes."""
        own = set()
        for number in self.processes():
            for handle in Path(f"/proc/{number}/fd").iterdir():
                try:
                    own.add(os.readlink(handle))
                except OSError:
                    continue
        found = set()
        for table in ("/proc/net/tcp", "/proc/net/tcp6"):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and f"socket:[{fields[9]}]" in own:
                    found.add(fields[1].rpartition(":")[0])
        return found

    def close(self, number: int = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(number)
            try:
                self.process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                os.killpg(self.process.pid, signal.SIGKILL)
                raise
        self.process.stdout.close()
        self.folder.cleanup()


class Gunicorn(unittest.TestCase):
    def test_it_listens_on_loopback_and_logs_in_combined_form(self):
        with Shop() as shop:
            self.assertRegex(shop.address, r"^http://127\.0\.0\.1:\d+$")
            self.assertEqual(shop.listens_on(), {"0100007F"})
            self.assertEqual(shop.get("/product/?id=1"), 200)
            self.assertEqual(shop.get("/nosuch?q=%27", **{"X-Forwarded-For": "203.0.113.7"}), 404)
            matches = [COMBINED.match(line) for line in shop.lines(2)]
            self.assertEqual(
                [match.groups() for match in matches],
                [("127.0.0.1", "/product/?id=1", "200"), ("127.0.0.1", "/nosuch?q=%27", "404")],
            )

    def test_a_recorder_may_name_the_client(self):
        with Shop(LAB_TRUST_FORWARDED="1") as shop:
            shop.get("/product/?id='", **{"X-Forwarded-For": "203.0.113.7"})
            self.assertEqual(COMBINED.match(shop.lines(1)[0]).group(1), "203.0.113.7")
            self.assertEqual(json.loads(shop.lines(1, "security.log")[0])["srcip"], "203.0.113.7")

    def test_it_ends_with_its_processes_on_each_signal(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
            with self.subTest(number), Shop() as shop:
                self.assertTrue(shop.processes())
                shop.process.send_signal(number)
                shop.process.wait(SECONDS_TO_STOP)
                deadline = time.monotonic() + SECONDS_TO_STOP
                while shop.processes() and time.monotonic() < deadline:
                    time.sleep(0.1)
                self.assertEqual(shop.processes(), [])

    def test_a_second_start_keeps_the_logs_unless_it_is_to_be_fresh(self):
        with tempfile.TemporaryDirectory(prefix="lab-run-test-") as folder:
            data = Path(folder) / "kept"
            for options, count in ((("--data", str(data)), 1), (("--data", str(data)), 2), (("--data", str(data), "--fresh"), 1)):
                with Shop(*options) as shop:
                    shop.get("/")
                    self.assertEqual(len(lines(data / "access.log", count)), count)

    def test_a_python_that_has_the_packages_needs_no_environment_of_its_own(self):
        with Shop():
            pass  # Makes the environment where it is missing.
        with Shop("--no-venv", "--venv", "/nosuch", python=str(RUN.parent.parent / ".venv-lab/bin/python")) as shop:
            self.assertEqual(shop.get("/"), 200)

    def test_a_body_beyond_the_limit_is_refused_before_it_is_sent(self):
        with Shop() as shop:
            connection = http.client.HTTPConnection(shop.address.removeprefix("http://"), timeout=10)
            connection.putrequest("POST", "/upload/")
            connection.putheader("Content-Length", "1000000")
            connection.endheaders()
            self.assertEqual(connection.getresponse().status, 413)
            connection.close()


class DevelopmentServer(unittest.TestCase):
    def test_its_access_log_has_its_own_form_and_nothing_else(self):
        with Shop("--server", "django") as shop:
            self.assertEqual(shop.listens_on(), {"0100007F"})
            shop.get("/product/?id=1")
            shop.get("/nosuch")
            written = shop.lines(3)
            self.assertEqual(DEVELOPMENT.match(written[0]).groups(), ("/product/?id=1", "200"))
            self.assertEqual(written[1], "Not Found: /nosuch")
            self.assertEqual(DEVELOPMENT.match(written[2]).groups(), ("/nosuch", "404"))
            self.assertEqual(len(written), 3)


class Refusals(unittest.TestCase):
    def refused(self, *options: str) -> str:
        with tempfile.TemporaryDirectory(prefix="lab-run-test-") as folder:
            command = [sys.executable, str(RUN), "--data", f"{folder}/data", *options]
            done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_TO_START)
            self.assertNotEqual(done.returncode, 0)
            return f"{done.returncode} {done.stderr}"

    def test_another_address_needs_the_words(self):
        for address in ("0.0.0.0", "::", "192.0.2.1"):
            self.assertRegex(self.refused("--listen", address), "^2 (.|\n)*vulnerable on purpose")
        self.assertRegex(self.refused("--listen", "localhost"), "^2 ")

    def test_a_taken_port_is_named(self):
        with Shop() as shop:
            port = shop.address.rpartition(":")[2]
            self.assertRegex(self.refused("--port", port), f"^3 lab: the shop can't listen on 127.0.0.1 port {port}")


if __name__ == "__main__":
    unittest.main()
