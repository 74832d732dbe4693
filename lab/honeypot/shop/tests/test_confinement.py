"""Nothing outside the fake tree is ever read or written: a canary that lies beside it never shows."""

import os
import socket
from pathlib import Path
from urllib.parse import quote

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from shop import file_tree, shell_emulator
from shop.tests.base import ShopTestCase, machine_guard
from shop.views.upload import safe_name

CANARY = "outside-the-tree-canary"


class Confinement(ShopTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.canary = cls.data / "canary.txt"
        cls.canary.write_text(CANARY)
        root = cls.data / "root"
        # Links that somebody planted: to a file, to a folder, relative ones, and one in the middle of a path.
        (root / "link-file").symlink_to(cls.canary)
        (root / "link-folder").symlink_to(cls.data)
        (root / "srv/shop/files/link-up").symlink_to("../../../../canary.txt")
        (root / "link-etc").symlink_to("/etc")
        os.mkfifo(root / "pipe")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(root / "socket"))
        listener.close()

    def paths(self) -> list[str]:
        depths = [1, 3, 4, 6, 12, 40]
        climbs = ["../", "..//", "./../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%252f", "....//", "..\\", "%c0%ae%c0%ae/", "..;/"]
        names = ["canary.txt", str(self.canary)[1:], f"root/../{self.canary.name}"]
        found = [climb * depth + name for climb in climbs for depth in depths for name in names]
        return found + [
            str(self.canary), f"/{self.canary}", quote(str(self.canary), safe=""), "link-file", "/link-file", "/link-folder/canary.txt",
            "link-up", "/srv/shop/files/link-up", "/link-folder/root/../canary.txt", "/link-etc/passwd", f"catalogue.txt\0{self.canary}",
            f"{self.canary}%00.html", f"file://{self.canary}", f"php://filter/convert.base64-encode/resource={self.canary}", "/pipe",
            "/socket", "/proc/self/root" + str(self.canary), "/proc/self/cwd/manage.py", "/dev/fd/0", "~/canary.txt",
        ]

    def test_the_canary_never_shows(self):
        encoded = "b3V0c2lkZS10aGUtdHJlZS1jYW5hcnk"  # its Base64 form
        for path in self.paths():
            for address in (f"/download/?file={path}", f"/page/?name={path}", f"/fetch/?url=file://{path}", f"/download/?file={quote(path)}",
                            f"/page/?name={quote(path)}", f"/ping/?host={quote(f';cat {path}')}", f"/{path}", f"/uploads/{path}"):
                with self.subTest(address):
                    text = self.client.get(address).content.decode("utf-8", "replace")
                    self.assertNotIn(CANARY, text)
                    self.assertNotIn(encoded, text)

    def test_the_real_password_file_never_shows(self):
        real = Path("/etc/passwd").read_text(encoding="utf-8", errors="replace")
        only_real = [line for line in real.splitlines() if line not in file_tree.PASSWD]
        self.assertTrue(only_real, "the machine's own file has a line that the fake one lacks")
        for climb in ("/etc/passwd", "../" * 4 + "etc/passwd", "../" * 40 + "etc/passwd", "..%2f" * 9 + "etc%2fpasswd", "link-etc/passwd"):
            for address in ("/download/?file=", "/page/?name=", "/fetch/?url=file://"):
                text = self.client.get(address + climb).content.decode()
                with self.subTest(address + climb):
                    self.assertFalse([line for line in only_real if line in text])

    def test_the_fake_password_file_is_what_climbing_finds(self):
        for address in ("/download/?file=../../../etc/passwd", "/download/?file=../../../../../../../etc/passwd", "/download/?file=/etc/passwd",
                        "/download/?file=..%2f..%2f..%2fetc%2fpasswd", "/page/?name=../../../../etc/passwd", "/page/?name=/etc/passwd%00.html",
                        "/page/?name=..%252f..%252f..%252fetc%252fpasswd", "/page/?name=file:///etc/passwd"):
            with self.subTest(address):
                self.assertContains(self.client.get(address), "backup-canary")

    def test_inclusion_knows_its_schemes_and_fetches_nothing(self):
        with machine_guard():
            answer = self.client.get("/page/?name=php://filter/convert.base64-encode/resource=/etc/passwd")
            self.assertContains(answer, "cm9vdDp4OjA6MDpyb290")
            self.assertContains(self.client.get("/page/?name=data:text/plain,hello"), "hello")
            self.assertContains(self.client.get("/page/?name=data:text/plain;base64,aGVsbG8="), "hello")
            for remote in ("http://203.0.113.5/x.txt", "https://203.0.113.5/x", "ftp://203.0.113.5/x", "expect://id", "php://input"):
                self.assertContains(self.client.get("/page/", {"name": remote}), "remote include is off", status_code=404)

    def test_the_shell_sees_no_link_either(self):
        for text in ("cat /link-file", "ls /link-folder", "cat /link-folder/canary.txt", "cat /link*", "cat /*/canary.txt", "cd /link-folder; ls",
                     "head /link-folder/*", "cat /pipe"):
            with self.subTest(text):
                printed = shell_emulator.answer(text)
                self.assertNotIn(CANARY, printed)
                self.assertNotIn("shop.sqlite3", printed)

    def test_the_tree_is_not_changed_from_outside(self):
        before = sorted(str(path) for path in (self.data / "root").rglob("*"))
        shell_emulator.answer("echo x > /tmp/x; touch /tmp/y; rm -rf /; mkdir /z; echo y >> /etc/passwd; tee /tmp/z; cat a > /srv/b")
        self.assertEqual(before, sorted(str(path) for path in (self.data / "root").rglob("*")))
        self.assertIn("backup-canary", shell_emulator.answer("cat /etc/passwd"))


class Uploads(ShopTestCase):
    def send(self, name, content=b"x"):
        return self.client.post("/upload/", {"file": SimpleUploadedFile(name, content)})

    def test_a_large_file_is_refused_and_nothing_is_kept(self):
        limit = settings.LAB_UPLOAD_BYTES_MAX
        self.assertEqual(self.send("fits.txt", b"x" * limit).status_code, 200)
        self.assertEqual(self.send("large.txt", b"x" * (limit + 1)).status_code, 413)
        self.assertEqual(self.send("huge.txt", b"x" * (3 * limit)).status_code, 413)
        kept = {path.name for path in (self.data / "uploads").iterdir()}
        self.assertIn("fits.txt", kept)
        self.assertFalse(kept & {"large.txt", "huge.txt"})

    def test_only_so_many_files_are_kept(self):
        for number in range(settings.LAB_UPLOADS_MAX + 5):
            self.send(f"many-{number}.txt")
        self.assertEqual(len(list((self.data / "uploads").iterdir())), settings.LAB_UPLOADS_MAX)

    def test_a_name_never_leaves_the_folder(self):
        for name in ("../../x.php", "/etc/x", "..", ".", "...", "", ".htaccess", "a\0b", "x" * 500 + ".php", "..\\..\\x"):
            kept = safe_name(name)
            self.assertRegex(kept, r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")
        self.send("../../../escaped.php")
        self.assertTrue((self.data / "uploads" / "escaped.php").is_file())
        self.assertEqual(list(self.data.parent.glob("escaped.php")), [])

    def test_a_link_among_the_uploads_is_neither_read_nor_written_through(self):
        outside = self.data / "outside.txt"
        outside.write_text(CANARY)
        (self.data / "uploads" / "link.txt").symlink_to(outside)
        self.assertEqual(self.client.get("/uploads/link.txt").status_code, 404)
        self.send("link.txt", b"new")
        self.assertEqual(outside.read_text(), CANARY)

    def test_a_file_is_served_as_text_and_not_run(self):
        self.send("page.html", b"<script>alert(1)</script>")
        answer = self.client.get("/uploads/page.html", {"cmd": "id"})
        self.assertEqual(answer["Content-Type"], "text/plain; charset=utf-8")
        self.assertEqual(answer.content, b"<script>alert(1)</script>")
