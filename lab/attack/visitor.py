"""Ordinary visitors, in the background: what an attack must be told from.

They search in plain English, and plain English has words like select, union, where, drop and script in it. They sign in, mistype,
come from search engines, follow old links to pages that are gone. Everything comes from a seed, so two runs have the same visits,
if not at the same moments.
"""

import random
import threading
import time
from urllib.parse import quote, quote_plus

from attack.browser import Browser
from attack.target import Target

AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Lynx/2.9.0dev.12 libwww-FM/2.14 SSL-MM/1.4.1 OpenSSL/3.0.11",
)

SEARCHES = (
    "oak chair", "select a chair from the table set", "union jack flag", "where the wild birds are", "script font poster",
    "drop table walnut", "insert here frame", "order by phone", "lamp for desk or table", "cups and saucers", "salt & pepper mill",
    "children's chair", "table 80x80", "chair < 50 euro", "50% off lamps", "or 2 chairs and 1 table", "update my order",
    "delete account", "create a reading corner", "java coffee script", "tea (loose)", "what's new?", "O'Brien garden bench",
    "bed & breakfast set", "pot with lid; copper", "cat basket", "id card holder", "echo lamp", "sleep mask", "ping pong table",
    "from 20 to 40", "having a party", "group of 4 chairs", "limited edition", "exec desk chair", "#1 bestseller", "C++ mug",
    "price: low to high", "between 10 and 20", "null island map", "like new", "case for glasses", "if only it were blue", "wait a minute clock",
)

MISSING = ("/favicon.ico", "/apple-touch-icon.png", "/old-catalogue/", "/robots.txt", "/sitemap.xml", "/summer-sale/", "/product/15/")

REFERERS = ("", "", "https://www.google.com/", "https://duckduckgo.com/?q=union+jack+flag+shop", "https://forum.example.org/t/select-a-chair/42")

ACCOUNTS = (("alice", "sunshine"), ("bob", "letmein"), ("carol", "qwerty"))

# Nothing above this, however long the attacks take.
REQUESTS_MAX = 900

# Seconds between two requests of one visitor: quick readers, so that a run of some minutes has a day's worth of them.
PAUSE_SECS = (0.2, 1.6)


class Visitors:
    """Some visitors at once, each in a thread, until told to stop."""

    def __init__(self, target: Target, seed: int, count: int = 6):
        self.actors = [f"198.51.100.{10 + number}" for number in range(count)]
        self.sent = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._visit, args=(Browser(target, actor, AGENTS[number % len(AGENTS)]), random.Random(f"{seed}-{number}")),
                             daemon=True)
            for number, actor in enumerate(self.actors)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(timeout=30)

    def _visit(self, browser: Browser, chance: random.Random) -> None:
        while not self._over.is_set():
            for method, target, body in stay(chance):
                with self._lock:
                    if self.sent >= REQUESTS_MAX:
                        return
                    self.sent += 1
                try:
                    browser.send(method, target, body.encode(), referer=chance.choice(REFERERS))
                except OSError:
                    # A busy honeypot drops a visitor; the visitor comes again.
                    time.sleep(0.5)
                if self._over.wait(chance.uniform(*PAUSE_SECS)):
                    return


def stay(chance: random.Random) -> list[tuple[str, str, str]]:
    """Gives the requests of one stay."""
    requests = [("GET", "/", "")]
    for _ in range(chance.randint(2, 7)):
        requests.append(page(chance))
    if chance.random() < 0.25:
        name, password = chance.choice(ACCOUNTS)
        requests.append(("GET", "/login/", ""))
        if chance.random() < 0.3:
            requests.append(("POST", "/login/", f"username={name}&password={password[:-1]}"))
        requests.append(("POST", "/login/", f"username={name}&password={password}"))
        requests.append(("GET", "/account/", ""))
    return requests


def page(chance: random.Random) -> tuple[str, str, str]:
    """Gives one page that somebody might want."""
    kind = chance.randrange(12)
    if kind < 4:
        words = chance.choice(SEARCHES)
        # Browsers write a blank as `+`, scripts and old phones as `%20`, and some leave an apostrophe as it is.
        return "GET", "/search/?q=" + (quote_plus(words) if chance.random() < 0.7 else quote(words, safe="'()")), ""
    if kind < 7:
        return "GET", f"/product/?id={chance.randint(1, 40)}", ""
    if kind == 7:
        return "GET", "/category/?name=" + chance.choice(("chairs", "tables", "lamps", "kitchen", "garden", "posters")), ""
    if kind == 8:
        return "GET", chance.choice(MISSING), ""
    if kind == 9:
        return "GET", chance.choice(("/page/?name=about", "/page/?name=returns", "/download/?file=catalogue.txt", "/download/?file=price-list.csv")), ""
    if kind == 10:
        return "GET", chance.choice(("/review/", "/go/?next=/account/", "/api/products?filter=oak", "/greet/?name=Ann+Marie")), ""
    text = quote_plus(chance.choice(("Nice chair, would select again.", "It's fine; the drop-down table is great", "5 < 10 of 10 people like it")))
    return "POST", "/review/", f"product=Oak+chair&author=visitor&text={text}"
