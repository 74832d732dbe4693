"""Tests of `lab/compose.yaml` that need no container engine: what it mounts is there, and Quell's rules are all mounted.

They also hold fast what only starting it told, or reading how Wazuh's images start. `docker compose config` checks the rest of its form.
"""

import re
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

    def test_the_manager_has_the_name_by_which_the_dashboards_start_script_knows_it(self):
        # Under another name the script appends a second `hosts`, and the dashboard ends on a duplicated key.
        self.assertIn("\n  - 1513629884013:\n", (LAB / "compose" / "wazuh.yml").read_text(encoding="utf-8"))

    def test_the_indexer_makes_its_users_by_itself(self):
        text = (LAB / "compose" / "indexer.yml").read_text(encoding="utf-8")
        self.assertIn("\nplugins.security.allow_default_init_securityindex: true\n", text)


if __name__ == "__main__":
    unittest.main()
