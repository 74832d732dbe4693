"""The ordinary pages, scripts of strangers, redirects, the interface for programs, and the security log."""

import json

from django.test import override_settings

from shop import security_log
from shop.client import client_address
from shop.management.commands.seed import CATEGORIES, PRODUCTS
from shop.models import Product, Review
from shop.tests.base import ShopTestCase

SCRIPT = "<script>alert('quell')</script>"


class Pages(ShopTestCase):
    def test_the_pages_of_a_visitor_answer_and_say_what_this_is(self):
        for path in ("/", "/about/", "/search/?q=oak", "/product/?id=3", "/category/?name=lamps", "/review/", "/login/", "/page/?name=delivery",
                     "/ping/", "/greet/?name=Ann", "/upload/"):
            with self.subTest(path):
                self.assertContains(self.client.get(path), "This shop is vulnerable on purpose")

    def test_no_page_asks_another_host_for_anything(self):
        for path in ("/", "/about/", "/review/", "/static/shop.css"):
            text = self.client.get(path).content.decode()
            self.assertNotRegex(text, r"((src|href)\s*=|url\()\s*[\"']?(https?:)?//")

    def test_the_shelves_are_full_and_seeding_again_adds_nothing(self):
        self.assertGreaterEqual(len(PRODUCTS), 40)
        self.assertEqual(Product.objects.count(), len(PRODUCTS))
        self.assertLessEqual({category for _, category, _, _ in PRODUCTS}, set(CATEGORIES))

    def test_all_other_addresses_are_404(self):
        for path in ("/nosuch", "/.env", "/wp-login.php", "/uploads/", "/uploads/nosuch.php?cmd=id", "/static/nosuch.css", "/product/1"):
            self.assertEqual(self.client.get(path).status_code, 404)

    def test_a_missing_slash_is_added(self):
        self.assertEqual(self.client.get("/admin").status_code, 301)

    def test_an_ordinary_search_finds_things(self):
        self.assertIn("Union Jack flag", self.page("/search/", q="union jack"))


class Scripts(ShopTestCase):
    def test_a_search_is_echoed_as_it_is(self):
        self.assertIn(SCRIPT, self.page("/search/", q=SCRIPT))

    def test_a_review_is_kept_and_shown_as_it_is(self):
        self.client.post("/review/", {"product": "Oak chair", "text": SCRIPT})
        self.assertIn(SCRIPT, self.page("/review/"))

    def test_only_so_many_reviews_are_kept(self):
        Review.objects.bulk_create(Review(product="x", author="x", text="x") for _ in range(600))
        self.client.post("/review/", {"product": "x", "text": "the last one"})
        self.assertEqual(Review.objects.count(), 500)
        self.assertTrue(Review.objects.filter(text="the last one").exists())

    def test_a_redirect_goes_anywhere_but_splits_no_answer(self):
        for target in ("https://evil.example/", "//evil.example", "javascript:alert(1)"):
            answer = self.client.get("/go/", {"next": target})
            self.assertEqual((answer.status_code, answer["Location"]), (302, target))
        self.assertEqual(self.client.get("/go/?next=/%0d%0aSet-Cookie:x=1").status_code, 400)


class Interface(ShopTestCase):
    def count(self, wanted):
        return self.client.get("/api/products", {"filter": wanted}).json()["count"]

    def test_a_word_filters_and_operators_are_believed(self):
        self.assertEqual(self.count("union"), 2)
        everything = len(PRODUCTS)
        for wanted in ('{"name": {"$ne": null}}', '{"price": {"$gt": 0}}', '{"$where": "sleep(5000)"}', "{}"):
            self.assertEqual(self.count(wanted), everything)
        self.assertEqual(self.count('{"name": "Oak chair"}'), 1)

    def test_a_broken_filter_is_400(self):
        for wanted in ("{", "{" * 4_000, '{"a":' * 700):
            self.assertEqual(self.client.get("/api/products", {"filter": wanted}).status_code, 400)


class SecurityLog(ShopTestCase):
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in (self.data / "security.log").read_text().splitlines()]

    def last(self) -> dict:
        return self.lines()[-1]

    def test_every_attempt_to_sign_in_is_a_line(self):
        self.client.post("/login/", {"username": "admin", "password": "no"}, headers={"user-agent": "tester"})
        line = self.last()
        self.assertRegex(line.pop("time"), r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(line, {"app": security_log.APP, "event": "login_failed", "srcip": "127.0.0.1", "user": "admin", "path": "/login/",
                                "status": 200, "user_agent": "tester"})
        self.client.post("/login/", {"username": "admin", "password": "admin123"})
        self.assertEqual((self.last()["event"], self.last()["status"]), ("login_succeeded", 302))

    def test_errors_reviews_and_uploads_are_lines(self):
        self.client.get("/product/", {"id": "'"})
        self.assertEqual((self.last()["event"], self.last()["status"]), ("error", 500))
        self.client.post("/review/", {"product": "x", "text": SCRIPT})
        self.assertEqual((self.last()["event"], self.last()["detail"]), ("review", SCRIPT))

    def test_what_strangers_write_stays_one_short_line(self):
        name = "a\n{\"event\": \"forged\"}\u2028\x1b[2J" + "x" * 3_000
        before = len(self.lines())
        self.client.post("/login/", {"username": name, "password": "x"}, headers={"user-agent": "u" * 5_000})
        self.assertEqual(len(self.lines()), before + 1)
        raw = (self.data / "security.log").read_bytes().splitlines()[-1]
        self.assertLess(len(raw), 5_000)
        self.assertNotIn(b"\x1b", raw)
        self.assertEqual(self.last()["event"], "login_failed")

    def test_a_forwarded_address_counts_only_where_it_is_trusted(self):
        self.assertEqual(client_address("127.0.0.1", "203.0.113.7", False), "127.0.0.1")
        self.assertEqual(client_address("127.0.0.1", "203.0.113.7, 10.0.0.1", True), "203.0.113.7")
        self.assertEqual(client_address("127.0.0.1", "2001:db8::7", True), "2001:db8::7")
        for garbage in ("", "x' OR 1=1 --", "203.0.113.7'", "${jndi:ldap://x}", "203.0.113.7 - - [x]"):
            self.assertEqual(client_address("127.0.0.1", garbage, True), "127.0.0.1")
        for trusted, address in ((True, "203.0.113.7"), (False, "127.0.0.1")):
            with override_settings(LAB_TRUST_FORWARDED=trusted):
                self.client.post("/login/", {"username": "a", "password": "b"}, headers={"x-forwarded-for": "203.0.113.7"})
                self.assertEqual(self.last()["srcip"], address)
