"""Tests of the attack side: what may be attacked, that runs end at their bounds, and how lines are told apart. Run by `make lab-test`."""

import os
import random
import subprocess
import sys
import tempfile
import time
import unittest

from attack import judgement, page, process, relay, truth
from attack.accesslog import AccessLog
from attack.encoding import all_of_it, percent, twice
from attack.hand import burglar, evader, intruder, prober
from attack.target import Refused, Target
from attack.truth import Row
from attack.visitor import SEARCHES, stay


def line(actor: str, target: str, status: int = 200, agent: str = "Mozilla/5.0") -> str:
    return f'{actor} - - [29/Nov/2026:18:48:50 +0000] "GET {target} HTTP/1.1" {status} 42 "-" "{agent}"'


def alert(number: int, rule: str, *groups: str) -> dict:
    return {"id": f"a{number}", "rule": {"id": rule, "groups": list(groups), "level": 6}, "data": {}}


class Targets(unittest.TestCase):
    def test_loopback_alone_may_be_attacked(self):
        for given, url in (("http://127.0.0.1:8000", "http://127.0.0.1:8000"), ("http://localhost:80", "http://127.0.0.1:80"),
                           ("http://[::1]:81", "http://[::1]:81"), ("http://127.9.9.9:8", "http://127.9.9.9:8")):
            self.assertEqual(Target.parse(given).url, url)
        for given in ("http://192.0.2.1", "http://10.0.0.1:8000", "http://shop.example", "https://127.0.0.1", "", "http://",
                      "http://127.0.0.1.shop.example", "http://0.0.0.0:80", "http://[::]:80", "http://2130706433", "http://localhost.example"):
            with self.subTest(given), self.assertRaises(Refused):
                Target.parse(given)

    def test_a_user_name_in_the_address_hides_nothing(self):
        with self.assertRaises(Refused):
            Target.parse("http://127.0.0.1@192.0.2.1/")


class Bounds(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp()
        self.log = os.path.join(self.folder, "output.log")

    def run_for(self, script: str, seconds: float, requests=lambda: 0):
        return process.run([sys.executable, "-c", script], self.log, self.folder, seconds, requests, 10)

    def test_a_run_that_does_not_end_is_ended_with_its_children(self):
        started = time.monotonic()
        script = "import os, time; pid = os.fork(); print(os.getpid(), flush=True); time.sleep(60)"
        ended = self.run_for(script, 0.5)
        self.assertLess(time.monotonic() - started, 10)
        self.assertIn("after 0.5 s", ended.stopped)
        with open(self.log, encoding="ascii") as file:
            pids = [int(word) for word in file.read().split()]
        self.assertEqual(len(pids), 2)
        # A killed child is gone when the kernel comes to it, which may be a moment after its parent.
        while any(map(is_running, pids)) and time.monotonic() - started < 10:
            time.sleep(0.01)
        for pid in pids:
            self.assertFalse(is_running(pid), pid)

    def test_a_run_that_asks_too_much_is_ended(self):
        self.assertIn("at 10 requests", self.run_for("import time; time.sleep(60)", 30, lambda: 11).stopped)

    def test_a_run_that_ends_is_not_called_stopped(self):
        ended = self.run_for("print('done')", 30)
        self.assertEqual((ended.code, ended.stopped), (0, ""))


def is_running(pid: int) -> bool:
    """A child of a dead parent may stay as a zombie where no init takes it in; that is not running."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


class Relays(unittest.TestCase):
    def test_the_actor_is_put_into_the_head_and_the_body_stays(self):
        sent = relay.with_actor(b"POST /x HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\nbody\r\n\r\nmore", "203.0.113.11")
        self.assertEqual(sent, b"POST /x HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 203.0.113.11\r\nConnection: close\r\n\r\nbody\r\n\r\nmore")

    def test_what_is_no_http_is_passed_on(self):
        self.assertEqual(relay.with_actor(b"\x16\x03\x01\x00", "203.0.113.11"), b"\x16\x03\x01\x00")


class Logs(unittest.TestCase):
    def test_lines_belong_to_their_actors_and_half_lines_wait(self):
        path = os.path.join(tempfile.mkdtemp(), "access.log")
        log = AccessLog(path)
        self.assertEqual(log.refresh(), 0)
        with open(path, "w", encoding="ascii") as file:
            file.write(line("203.0.113.1", "/") + "\n" + line("203.0.113.2", "/a") + "\n" + "203.0.113.1 - - half")
            file.flush()
            self.assertEqual(log.refresh(), 2)
            file.write(" whole\n")
        self.assertEqual(log.refresh(), 3)
        self.assertEqual((log.of("203.0.113.1"), log.of("203.0.113.1", after=1), log.count["203.0.113.2"]), ([1, 3], [3], 1))

    def test_the_truth_is_read_as_it_was_written(self):
        path = os.path.join(tempfile.mkdtemp(), "truth.tsv")
        rows = [Row(3, 9, "203.0.113.1", "sqlmap", "sql_injection", "succeeded", "a\ttab"), Row(1, 1, "198.51.100.10", "visitor", "benign", "-", "")]
        truth.write(path, rows)
        self.assertEqual(truth.read(path), [rows[1], Row(3, 9, "203.0.113.1", "sqlmap", "sql_injection", "succeeded", "a tab")])


class Payloads(unittest.TestCase):
    def test_an_attack_is_known_by_its_syntax_in_any_encoding(self):
        for target in ("/product/?id=1'", "/product/?id=1%20AND%202=2", "/product/?id=" + all_of_it("1 or 1=1"), "/search/?q=" + twice("<b>"),
                       "/download/?file=../a", "/download/?file=/etc/passwd", "/ping/?host=x%0aid", "/page/?name=php://filter", "/a%00b", "/x/..%2f"):
            with self.subTest(target):
                self.assertTrue(judgement.carries_payload(line("203.0.113.1", target)))

    def test_a_page_of_the_shop_is_no_attack(self):
        for target in ("/", "/product/?id=12", "/category/?name=chairs", "/go/?next=/account/", "/go/?next=%2Freview%2F", "/download/?file=terms.txt",
                       "/page/?name=about", "/admin.php", "/search/?q=oak+chair", "/ping/?host=127.0.0.1"):
            with self.subTest(target):
                self.assertFalse(judgement.carries_payload(line("203.0.113.1", target)))


    def test_stray_quotes_are_a_probe_and_code_is_not(self):
        for value in ("3'", "chairs'Qcnqyb<'\">)IoxnUA", "chairs()'()\"),..", "1))(')\".,))", "lamp\u00bf'\"(", "st4r7s<3nd", "`)`", "/review/\u00bf'\"("):
            with self.subTest(value):
                self.assertTrue(judgement.is_probe(line("203.0.113.1", "/product/?id=" + percent(value))))
        for value in ("3' or 'a'='a", "1) AND (2", "<b>", "x;id", "1--", "../a", "$(id)", "`id`", "1 union select 2", "alert(1)", "3'--",
                      "http://shop.example/"):
            with self.subTest(value):
                self.assertFalse(judgement.is_probe(line("203.0.113.1", "/product/?id=" + percent(value))))


class Figures(unittest.TestCase):
    """One tool, one visitor and one hand-written attacker in the same range of lines."""

    def setUp(self):
        lines = [line("203.0.113.50", "/product/?id=1"), line("198.51.100.10", "/search/?q=union+jack"), line("203.0.113.50", "/product/?id=1'--"),
                 line("203.0.113.50", "/product/?id=1%20AND%201=1"), line("203.0.113.70", "/ping/?host=x;id")]
        rows = [Row(1, 4, "203.0.113.50", "sqlmap-dump", "sql_injection", "succeeded", "dump"),
                Row(2, 2, "198.51.100.10", "visitor", "benign", "-", ""),
                Row(5, 5, "203.0.113.70", "hand-burglar", "command_injection", "succeeded", "command run")]
        alerts = {2: alert(2, "31106", "web", "attack"), 3: alert(3, "31122", "web", "attack"), 4: alert(4, "116200", "web_attack", "sql_injection")}
        incident = {"incident_id": "Q1", "class": "sql_injection", "actors": ["203.0.113.50"], "alert_ids": ["a3", "a4"],
                    "verdict": {"outcome": "succeeded", "threat_level": 8}}
        self.judged = judgement.Judgement(judgement.Recording(lines, rows, alerts, [], [incident]))

    def test_plain_requests_are_not_counted_and_an_error_status_is_not_a_find(self):
        figures = self.judged.by_tool["sqlmap-dump"]
        self.assertEqual((figures.requests, figures.attacks, figures.found, figures.named, figures.misses), (3, 2, 1, 1, [3]))
        self.assertEqual((figures.probes, figures.probes_found), (0, 0))

    def test_a_visitor_in_the_range_is_not_the_tools(self):
        self.assertEqual(self.judged.by_tool["visitor"].found, 1)

    def test_an_exploit_is_told_only_with_an_incident_of_its_own(self):
        told = {exploit.tool: exploit.is_told for exploit in self.judged.exploits}
        self.assertEqual(told, {"hand-burglar": False, "sqlmap-dump": True})
        self.judged.recording.incidents[0]["alert_ids"].append("a2")
        again = judgement.Judgement(self.judged.recording)
        self.assertFalse({exploit.tool: exploit.is_told for exploit in again.exploits}["sqlmap-dump"])


class Report(unittest.TestCase):
    def test_a_folder_without_a_recording_is_named_and_what_makes_one(self):
        with tempfile.TemporaryDirectory() as empty:
            script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "report.py")
            done = subprocess.run([sys.executable, script, "--recording", empty], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn(f"error: there is no recording in {empty}", done.stderr)
        self.assertIn("make lab-attack", done.stderr)


class Page(unittest.TestCase):
    def test_only_all_is_a_hundred_percent(self):
        self.assertEqual([page.share(*pair) for pair in ((9999, 10000), (3, 3), (0, 0), (0, 5))], ["99.9 %", "100 %", "-", "0.0 %"])

    def test_what_would_break_a_table_is_taken_out(self):
        self.assertEqual(page.table(["a"], [["x|y\nz"]]), "| a |\n|---|\n| x y z |\n")


class Episodes(unittest.TestCase):
    def test_every_request_can_stand_in_a_request_line(self):
        for step in burglar() + evader() + prober() + intruder():
            with self.subTest(step.what):
                self.assertRegex(step.target, r"^/[!-~]*$")

    def test_each_attack_has_a_class_that_the_report_knows(self):
        for step in burglar() + evader() + prober() + intruder():
            self.assertTrue(step.kind == "benign" or step.kind in judgement.FITTING, step.kind)

    def test_visitors_search_for_words_that_look_like_attacks_and_are_the_same_for_a_seed(self):
        self.assertEqual(stay(random.Random("4-1")), stay(random.Random("4-1")))
        for word in ("select", "union", "where", "script", "drop", "insert"):
            self.assertTrue(any(word in search for search in SEARCHES), word)


if __name__ == "__main__":
    unittest.main()
