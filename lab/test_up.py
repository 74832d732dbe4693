"""Tests of `lab/up.py` with the real shop and a stand-in for Quell: it fills in the configuration, and leaves nothing running.

The stand-in answers `/readyz` as Quell does; that Quell itself takes the configuration is seen by `make lab`.
"""

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
import urllib.request
from pathlib import Path

UP = Path(__file__).resolve().parent / "up.py"
SECONDS_TO_START = 180
SECONDS_TO_STOP = 30

STAND_IN = """#!{python}
import http.server, sys, tomllib
if {code} is not None:
    sys.exit({code})
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == "/readyz" else 404)
        self.end_headers()
    def log_message(self, *_):
        pass
config = tomllib.load(open(sys.argv[sys.argv.index("--config") + 1], "rb"))
host, port = config["http"]["listen"].split(":")
http.server.HTTPServer((host, int(port)), Page).serve_forever()
"""


class Up(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="lab up test ")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.data = self.folder / "data"

    def start(self, code: int | None = None) -> subprocess.Popen:
        stand_in = self.folder / "quell"
        stand_in.write_text(STAND_IN.format(python=sys.executable, code=code))
        stand_in.chmod(0o755)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        command = [sys.executable, str(UP), "--port", "0", "--quell-port", str(port), "--data", str(self.data), "--quell", str(stand_in)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(self.end, process)
        return process

    def end(self, process: subprocess.Popen) -> None:
        """Ends what a test that failed left running: killed at once, it would leave the shop and the stand-in behind."""
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(SECONDS_TO_STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def is_served(self) -> bool:
        try:
            with urllib.request.urlopen((self.data / "shop.address").read_text().strip(), timeout=5) as answer:
                return answer.status == 200
        except OSError:
            return False

    def running(self) -> list[str]:
        """The command lines of all processes that name the test's folder, but for the one under test."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                if entry.name.isdecimal() and int(entry.name) != os.getpid():
                    words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                    if str(self.folder).encode() in words:
                        found.append(words.split(b"\0")[0].decode())
            except OSError:
                continue
        return found

    def test_it_starts_both_tells_where_they_are_and_ends_both(self):
        process = self.start()
        text = ""
        while "Ctrl-C" not in text:
            line = process.stdout.readline()
            self.assertTrue(line, text)
            text += line
        self.assertTrue(self.is_served())
        for part in ((self.data / "shop.address").read_text().strip(), "/metrics"):
            self.assertIn(part, text)
        # The commands can be typed as they stand there, whatever the folder is called.
        said = {name: shlex.split(command) for name, command in re.findall(r"^(console|incidents) +(.*)$", text, re.MULTILINE)}
        quell, config = str(self.folder / "quell"), f"{self.data}/quell.toml"
        self.assertEqual(said["console"], [quell, "top", "-c", config])
        self.assertEqual(said["incidents"], [quell, "incidents", "-c", config, "list"])
        self.assertGreaterEqual(len(self.running()), 3)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(SECONDS_TO_STOP), 0)
        self.assertEqual(self.running(), [])

    def test_the_configuration_names_the_logs_and_the_rules(self):
        process = self.start()
        while "Ctrl-C" not in process.stdout.readline():
            self.assertIsNone(process.poll())
        config = tomllib.loads((self.data / "quell.toml").read_text())
        self.assertEqual([source["path"] for source in config["source"]], [f"{self.data}/access.log", f"{self.data}/security.log"])
        self.assertEqual(config["source"][0]["ruleset"], [str(UP.parent.parent / "rules")])
        self.assertEqual(config["general"]["data_dir"], f"{self.data}/quell")
        self.assertTrue(config["http"]["listen"].startswith("127.0.0.1:"))
        process.terminate()
        self.assertEqual(process.wait(SECONDS_TO_STOP), 0)

    def test_it_stops_the_shop_when_quell_does_not_start(self):
        process = self.start(code=2)
        text, _ = process.communicate(timeout=SECONDS_TO_START)
        self.assertEqual(process.returncode, 3)
        self.assertIn("Quell did not start (code 2)", text)
        deadline = time.monotonic() + SECONDS_TO_STOP
        while self.running() and time.monotonic() < deadline:
            time.sleep(0.1)
        self.assertEqual(self.running(), [])


if __name__ == "__main__":
    unittest.main()
