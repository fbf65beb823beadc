"""Titles and reasons come from strangers: whatever they hold is text on every page, and inert in every file."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from html.parser import HTMLParser
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tasks.store import deals, quarantine
from tasks.store.products import products
from tests.store.conftest import a_deal, a_product

ASIN = "B000000001"
PIECES = [
    *("<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "'", "</title>", "&lt;b&gt;", "{{ 7*7 }}"),
    *("</script>", "<!--", "]]>", "javascript:alert(1)", '=HYPERLINK("x")', "+1", "-1", "@x", "\t", "\r"),
    *("\u202e", "\u2028", "\0", "a"),
]
HOSTILE = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), min_size=1, max_size=6).map("".join)
PAGES = (
    "/deals?over=day",
    f"/product/1/{ASIN}?range=all",
    "/quarantine",
    "/quarantine/1",
    "/quarantine/drop?kind=deal",
)
FORMULA = re.compile(r"[=+\-@\t\r]")


class Shape(HTMLParser):
    """The tags of a page with their attributes' names: what a text must not change."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.text, self._in_script = [], [], False
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, tuple(name for name, _ in attributes)))

    def handle_data(self, data):
        self.text.append(data)


def store(conn, text):
    """One deal, its product and a fault, with this text as title, key and reason."""
    clean = text.replace("\0", " ").encode("utf-8", "replace").decode()
    with conn.transaction():
        conn.execute("TRUNCATE deal_rows, deal_sightings, products, quarantine RESTART IDENTITY")
        current, mean, percent = [-1] * 36, [[-1] * 36 for _ in range(4)], [[0] * 36 for _ in range(4)]
        current[1] = 500
        for period in range(4):
            mean[period][1], percent[period][1] = 1000, 50
        deal = a_deal(ASIN, title=clean, current=current, avg=mean, delta_percent=percent)
        deals.write(conn, 1, [deal], seen_at=datetime.now(UTC))
        product = a_product(ASIN, title=clean, csv=[None, [7_000_000, 500]])
        products.write(conn, 1, [product], fetched_at=datetime.now(UTC), has_history=True)
        raw = text.encode("utf-8", "replace")
        quarantine.add(conn, kind="deal", key=text, reason=text or "-", raw=raw, domain=1)


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE)
@example(text="<script>alert(1)</script>")
@example(text="=1+1")
@example(text="&lt;script&gt;alert(1)&lt;/script&gt;")
def test_no_text_becomes_a_tag_or_a_formula(text, hostile_site, conn):
    store(conn, "a plain one")
    plain = {path: Shape(hostile_site.get(path).text).tags for path in PAGES}
    store(conn, text)
    for path in PAGES:
        assert Shape(hostile_site.get(path).text).tags == plain[path], path
    for path in ("/deals.csv?over=day", "/quarantine.csv", "/quarantine/1.csv", f"/product/1/{ASIN}.csv?range=all"):
        for row in csv.reader(io.StringIO(hostile_site.get(path).text, newline="")):
            assert not [cell for cell in row if FORMULA.match(cell) and not re.fullmatch(r"-?[0-9.]+", cell)], path
    for path in ("/deals.json?over=day", "/quarantine.json", "/quarantine/1.json"):
        assert hostile_site.get(path).headers["content-type"] == "application/json"


@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=HOSTILE)
@example(text="\0")
def test_no_parameter_becomes_a_tag(text, hostile_site):
    marked = f"zq{text}"
    for path, name in (
        ("/deals", "title"),
        ("/deals", "brand"),
        ("/quarantine", "reason"),
        ("/quarantine", "key"),
        ("/selections", "check"),
    ):
        reply = hostile_site.client.get(f"{path}?{name}={quote(marked.encode('utf-8', 'replace'))}")
        assert reply.status_code in {200, 400}, reply.text
        plain = hostile_site.client.get(f"{path}?{name}=zq")
        if reply.status_code == plain.status_code:
            assert Shape(reply.text).tags == Shape(plain.text).tags, (path, name)


@pytest.fixture
def hostile_site(visit, database_url):
    return visit(database_url)


def test_links_lead_to_two_other_hosts_alone(visit, gathered, gathered_url):
    site = visit(gathered_url)
    asin = gathered.execute("SELECT asin FROM products LIMIT 1").fetchone()[0]
    for path in ("/deals", f"/product/1/{asin}", "/tokens", "/selections", "/quarantine"):
        for link in site.page(path).links:
            assert link.startswith(("/", "https://www.amazon.com/dp/", "https://keepa.com/#!", "#")), link
