"""Tests of `lab/compose.yaml` that need no container engine: what it mounts is there, and Quell's rules are all mounted.

They also hold fast what only starting it told, or reading how Wazuh's images start. `docker compose config` checks the rest of its form.
"""

import os
import re
import stat
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

LAB = Path(__file__).resolve().parent
TEXT = (LAB / "compose.yaml").read_text(encoding="utf-8")
MOUNTS = re.findall(r"source: (\.\.?/\S+?),?\s+target: ([^\s,}]+)", TEXT)


# Who is on which network: what speaks to the attacker shares none with what defends.
NETWORKS = {
    "shop": "[attack]",
    "attacker": "[attack]",
    "wazuh.manager": "[siem]",
    "wazuh.indexer": "[siem]",
    "wazuh.dashboard": "[siem, view]",
    "ollama": "[model]",
    "quell": "[siem, model]",
    "certificates": "[setup]",
    "model-download": "[setup]",
}


def service(name: str) -> str:
    """The text of one service."""
    return re.search(rf"^  {re.escape(name)}:\n((?:    .*\n|\n)+)", TEXT, re.MULTILINE).group(1)


def make_passwords(folder: str, *options: str) -> None:
    """Runs compose/passwords.py for a lab in another folder."""
    command = [sys.executable, "-W", "error", str(LAB / "compose" / "passwords.py"), "--lab", folder, *options]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def read_word(folder: str) -> str:
    """The password that compose.yaml would take."""
    return re.fullmatch(r"LAB_PASSWORD=(\S+)\n", (Path(folder) / ".env").read_text(encoding="ascii")).group(1)


def is_hash_of(hashed: str, word: str) -> bool:
    """Hashes the word again as an indexer does, with the salt of the first time."""
    script = "import sys, passwords; print(passwords.hash_with(*sys.argv[1:]))"
    command = [sys.executable, "-c", script, word, hashed[:29]]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(LAB / "compose")})
    return said.stdout.strip() == hashed


class Compose(unittest.TestCase):
    def test_every_file_of_the_lab_that_is_mounted_is_there(self):
        own = [source for source, _ in MOUNTS if source.startswith("./")]
        self.assertGreaterEqual(len(own), 7)
        with tempfile.TemporaryDirectory() as folder:
            make_passwords(folder)
            for source in own:
                # What holds the password is made by compose/passwords.py, and is nowhere in the project.
                root = Path(folder) if source.startswith("./compose/secret/") else LAB
                self.assertTrue((root / source).is_file(), source)

    def test_every_rules_file_of_the_project_is_mounted_where_the_manager_looks_for_it(self):
        files = sorted((LAB.parent / "rules").glob("*.xml"))
        self.assertTrue(files)
        for file in files:
            kind = "decoders" if "<decoder " in file.read_text(encoding="utf-8") else "rules"
            self.assertIn((f"../rules/{file.name}", f"/wazuh-config-mount/etc/{kind}/{file.name}"), MOUNTS)

    def test_every_dockerfile_is_there(self):
        for name in re.findall(r"dockerfile: ([^\s}]+)", TEXT):
            self.assertTrue((LAB / name).is_file() or (LAB.parent / name).is_file(), name)

    def test_everyone_is_on_the_networks_of_the_readme_alone(self):
        services = TEXT.split("\nservices:\n")[1].split("\nnetworks:\n")[0]
        self.assertEqual(set(re.findall(r"^  (\S+):$", services, re.MULTILINE)), set(NETWORKS))
        for name, networks in NETWORKS.items():
            self.assertEqual(re.findall(r"networks: (.*)", service(name)), [networks], name)

    def test_the_closed_networks_have_neither_a_way_out_nor_the_host(self):
        for name in ("attack", "siem", "model"):
            self.assertIn(f"\n  {name}: *closed\n", TEXT)
        closed = TEXT.split("x-closed: &closed\n")[1].split("\n\n")[0]
        self.assertIn("internal: true", closed)
        # Without it the bridge has an address of the host, and what listens on all addresses listens there.
        self.assertIn('com.docker.network.bridge.inhibit_ipv4: "true"', closed)

    def test_no_container_can_write_into_the_project(self):
        mounts = re.findall(r"type: bind.*?(?:\}|\n(?!        ))", TEXT, re.DOTALL)
        self.assertEqual(len(mounts), len(MOUNTS))
        for mount in mounts:
            self.assertIn("read_only: true", mount)

    def test_what_faces_the_attacker_has_no_rights(self):
        confined = TEXT.split("x-confined: &confined\n")[1].split("\n\n")[0]
        self.assertIn("cap_drop: [ALL]", confined)
        self.assertIn("no-new-privileges:true", confined)
        for name in ("shop", "attacker"):
            self.assertIn("<<: *confined", service(name))
            self.assertNotIn("cap_add", service(name))
            self.assertIn("mem_limit", service(name))
            self.assertIn("pids_limit", service(name))

    def test_the_dashboard_alone_has_a_port_and_on_loopback(self):
        self.assertEqual(re.findall(r"ports: (.*)", TEXT), ['["127.0.0.1:5601:5601"]'])

    def test_whoever_runs_for_long_says_whether_it_works(self):
        for name in NETWORKS:
            if name in ("attacker", "certificates", "model-download"):
                continue
            text = service(name)
            check = text.split("    healthcheck:\n")
            self.assertEqual(len(check), 2, name)
            self.assertRegex(check[1], r"^      <<: \*(often|seldom)\n      test: \[CMD, ", name)

    def test_a_check_of_the_shop_leaves_no_line_in_the_logs_that_are_watched(self):
        check = service("shop").split("    healthcheck:\n")[1]
        self.assertIn("create_connection(('127.0.0.1', 8000)", check)
        self.assertNotIn("http", check)

    def test_what_detects_waits_for_nobody(self):
        # An indexer that doesn't start (a kernel setting is enough) must not keep attacks from being seen.
        for name in ("wazuh.manager", "quell", "shop"):
            self.assertNotIn("depends_on", service(name), name)

    def test_the_others_wait_until_what_they_need_works(self):
        for name, needed in {"attacker": ["shop"], "wazuh.dashboard": ["wazuh.indexer", "wazuh.manager"]}.items():
            lines = re.search(r"    depends_on:\n((?:      .*\n)+)", service(name)).group(1).splitlines()
            self.assertEqual(lines, [f"      {other}: {{condition: service_healthy}}" for other in needed])

    def test_no_password_is_in_the_project(self):
        self.assertIn("\nx-wazuh-password: &password ${LAB_PASSWORD:?", TEXT)
        words = re.findall(r"_PASSWORD: (.*)", TEXT)
        self.assertEqual(words, ["*password"] * len(words))
        self.assertGreaterEqual(len(words), 5)
        users = (LAB / "compose" / "internal_users.yml").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"hash: (.*)", users), ['"@HASH@"'] * 2)
        interface = (LAB / "compose" / "wazuh.yml").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"password: (.*)", interface), ['"@PASSWORD@"'])

    def test_each_lab_has_a_password_of_its_own(self):
        words = set()
        for _ in range(2):
            with tempfile.TemporaryDirectory() as folder:
                make_passwords(folder)
                word = read_word(folder)
                words.add(word)
                # What Wazuh's API asks for.
                self.assertRegex(word, r"^(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])[A-Za-z0-9]+-[A-Za-z0-9]+$")
                self.assertTrue(8 <= len(word) <= 64)
                secret = Path(folder) / "compose" / "secret"
                self.assertIn(f'password: "{word}"', (secret / "wazuh.yml").read_text(encoding="ascii"))
                hashes = re.findall(r'hash: "(.*)"', (secret / "internal_users.yml").read_text(encoding="ascii"))
                self.assertEqual(len(hashes), 2)
                self.assertTrue(is_hash_of(hashes[0], word))
                self.assertFalse(is_hash_of(hashes[0], f"{word}x"))
                self.assertNotIn("@", "".join(path.read_text(encoding="ascii") for path in secret.iterdir()))
                # The neighbours on this machine read none of it, a container's user each file.
                self.assertEqual(stat.S_IMODE(secret.stat().st_mode), 0o700)
                self.assertEqual({stat.S_IMODE(path.stat().st_mode) for path in secret.iterdir()}, {0o644})
                self.assertEqual(stat.S_IMODE((Path(folder) / ".env").stat().st_mode), 0o600)
        self.assertEqual(len(words), 2)

    def test_the_password_stays_until_another_is_asked_for(self):
        with tempfile.TemporaryDirectory() as folder:
            make_passwords(folder)
            first = read_word(folder)
            make_passwords(folder)
            self.assertEqual(read_word(folder), first)
            make_passwords(folder, "--new")
            self.assertNotEqual(read_word(folder), first)

    def test_git_leaves_the_password_alone(self):
        ignored = (LAB.parent / ".gitignore").read_text(encoding="utf-8").splitlines()
        self.assertIn("/lab/.env", ignored)
        self.assertIn("/lab/compose/secret", ignored)

    def test_the_manager_has_the_name_by_which_the_dashboards_start_script_knows_it(self):
        # Under another name the script appends a second `hosts`, and the dashboard ends on a duplicated key.
        self.assertIn("\n  - 1513629884013:\n", (LAB / "compose" / "wazuh.yml").read_text(encoding="utf-8"))

    def test_the_indexer_makes_its_users_by_itself(self):
        text = (LAB / "compose" / "indexer.yml").read_text(encoding="utf-8")
        self.assertIn("\nplugins.security.allow_default_init_securityindex: true\n", text)


if __name__ == "__main__":
    unittest.main()
