"""Tests of `lab/compose.yaml` that need no container engine: what it mounts is there, and Quell's rules are all mounted.

`docker compose config` checks the rest of its form; nothing but starting it checks what it does.
"""

import re
import unittest
from pathlib import Path

LAB = Path(__file__).resolve().parent
TEXT = (LAB / "compose.yaml").read_text(encoding="utf-8")
MOUNTS = re.findall(r"source: (\.\.?/\S+?),?\s+target: ([^\s,}]+)", TEXT)


class Compose(unittest.TestCase):
    def test_every_file_of_the_lab_that_is_mounted_is_there(self):
        own = [source for source, _ in MOUNTS if source.startswith("./")]
        self.assertGreaterEqual(len(own), 7)
        for source in own:
            self.assertTrue((LAB / source).is_file(), source)

    def test_every_rules_file_of_the_project_is_mounted_where_the_manager_looks_for_it(self):
        files = sorted((LAB.parent / "rules").glob("*.xml"))
        self.assertTrue(files)
        for file in files:
            kind = "decoders" if "<decoder " in file.read_text(encoding="utf-8") else "rules"
            self.assertIn((f"../rules/{file.name}", f"/wazuh-config-mount/etc/{kind}/{file.name}"), MOUNTS)

    def test_every_dockerfile_is_there(self):
        for name in re.findall(r"dockerfile: ([^\s}]+)", TEXT):
            self.assertTrue((LAB / name).is_file() or (LAB.parent / name).is_file(), name)


if __name__ == "__main__":
    unittest.main()
