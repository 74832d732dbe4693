"""Tests of the several machines: README.md, the firewall files and `machines/plan.py` say the same, and the files do what they say.

The latter plays the machines in namespaces (`check_machines.py`), and is skipped where the kernel doesn't allow that or `nft` is missing.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from machines import plan

LAB = Path(__file__).resolve().parent
README = (LAB / "README.md").read_text(encoding="utf-8")
# The part of the page that is about several machines.
SEVERAL = README.split("\n## On several machines")[1].split("\n## ")[0]
SECONDS_MAX = 180
ADDRESSES = {name: four for name, (four, _) in plan.MACHINES.items()}


def rows() -> dict[str, tuple[str, str]]:
    """The README's table: for each machine its address, and who may reach it."""
    section = README.split("### Addresses")[1].split("\n\n")[1]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines()[2:]]
    return {row[0]: (row[1], row[4]) for row in cells}


def check(*options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, str(LAB / "check_machines.py"), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)


class Said(unittest.TestCase):
    def test_the_readme_and_the_plan_name_the_same_addresses(self):
        self.assertEqual({name: address for name, (address, _) in rows().items()}, ADDRESSES)

    def test_the_firewall_files_name_the_same_addresses(self):
        text = (LAB / "firewall" / "addresses.nft").read_text(encoding="utf-8")
        said = {name.lower(): address for name, address in re.findall(r"define ([A-Z]+) = ([\d.]+)$", text, re.MULTILINE)}
        self.assertEqual(said, ADDRESSES)

    def test_the_readme_and_the_plan_say_the_same_of_who_may_reach_whom(self):
        said = {}
        for target, (_, reached_by) in rows().items():
            for part in reached_by.split(";"):
                if "→" in part:
                    sources, ports = part.split("→")
                    for source in sources.split(","):
                        said.setdefault((source.strip(), target), set()).update(int(port) for port in ports.split(","))
        self.assertEqual(said, {pair: set(ports) for pair, ports in plan.OVERLAY.items()})

    def test_every_guarded_machine_has_its_file(self):
        self.assertEqual({path.stem for path in (LAB / "firewall").glob("*.nft")}, {*plan.GUARDED, "addresses"})


    def test_every_machine_has_its_steps_and_the_firewalls_come_behind_what_is_installed(self):
        # In the order of the page: honeypot's and attacker's files leave no way to packages.
        headings = re.findall(r"^### (.*)$", SEVERAL, re.MULTILINE)
        for name in plan.GUARDED:
            self.assertIn(name.capitalize(), headings)
            self.assertLess(headings.index(name.capitalize()), headings.index("Firewalls"), name)
        self.assertLess(headings.index("Firewalls"), headings.index("Checks"))

    def test_the_models_command_is_told_where_the_model_is(self):
        # The server listens on the overlay alone, and the command asks loopback unless it is told otherwise.
        self.assertIn(f"OLLAMA_HOST={ADDRESSES['model']}:11434 ollama pull", SEVERAL)

    def test_the_units_are_such_as_systemd_takes(self):
        units = dict(re.findall(r"`/etc/systemd/system/([a-z-]+\.service)`.*?```ini\n(.*?)```", SEVERAL, re.DOTALL))
        self.assertEqual(set(units), {"lab-shop.service", "lab-firewall.service"})
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not here")
        with tempfile.TemporaryDirectory() as folder:
            for name, text in units.items():
                # What the page installs is not on this machine; what systemd says of the unit itself counts.
                text = re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
                text = re.sub(r"^(User|WorkingDirectory)=.*\n", "", text, flags=re.MULTILINE)
                unit = Path(folder) / name
                unit.write_text(text, encoding="utf-8")
                done = subprocess.run(["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=60, check=False)
                said = [line for line in done.stderr.splitlines() if name in line]
                self.assertEqual(said, [], name)


class Played(unittest.TestCase):
    def played(self, *options: str) -> subprocess.CompletedProcess:
        done = check(*options)
        if done.returncode == 3:
            self.skipTest(done.stderr.strip())
        return done

    def test_what_must_pass_passes_and_nothing_else(self):
        done = self.played("--", "sh", "-c", "ip netns exec honeypot ip -br address; exit 7")
        self.assertIn(f"of {len(plan.ways())} ways must pass; none went wrong", done.stdout, done.stdout + done.stderr)
        self.assertIn(f"without firewalls: {len(plan.ways())} of {len(plan.ways())} ways pass", done.stdout)
        # The command ran with the machines standing, and its exit code counts.
        self.assertRegex(done.stdout, rf"{re.escape(plan.MACHINES['honeypot'][0])}/24")
        self.assertEqual(done.returncode, 7)

    def test_a_hole_and_a_wall_too_many_are_both_seen(self):
        with tempfile.TemporaryDirectory() as folder:
            files = Path(shutil.copytree(LAB / "firewall", Path(folder) / "firewall"))
            for name, old, new in (("model.nft", "ip saddr $MANAGER tcp dport 11434", "tcp dport 11434"),
                                   ("honeypot.nft", "tcp dport { 1514, 1515 }", "tcp dport 1514")):
                text = (files / name).read_text(encoding="utf-8")
                self.assertIn(old, text)
                (files / name).write_text(text.replace(old, new), encoding="utf-8")
            done = self.played("--firewall", str(files))
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"\| workstation \| model \| overlay \|.*WRONG: 11434 passes")
        self.assertRegex(done.stdout, r"\| honeypot \| manager \| overlay \|.*WRONG: 1515 dropped")


if __name__ == "__main__":
    unittest.main()
