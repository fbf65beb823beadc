"""Pages that bring nothing: the server refuses them, or they cannot be read. Nobody pays for them again and again."""

from __future__ import annotations

import itertools
import json
import threading
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.fakes.jsonhttp import JsonHandler
from tests.fixtures_town import START_MS

CATEGORIES = (10, 20, 30)
GARBLED = {"deals": {"dr": "none"}}


class _Lister(JsonHandler):
    """Answers `/deal` with what the server's `answer` says of the selection, and `/token`."""

    def get(self):
        server, url = self.server, urlsplit(self.path)
        status, body = 200, {}
        if url.path == "/deal":
            selection = json.loads(parse_qs(url.query)["selection"][0])
            server.asked.append((*selection.get("includeCategories", [None]), selection["page"]))
            status, body = server.answer(selection)
            server.balance -= 5 * (status == 200)
        now_ms = START_MS + server.clock.now_ns() // 10**6
        paid = {"tokensLeft": server.balance, "tokensConsumed": 5, "refillRate": 100} if status == 200 else {}
        envelope = {"timestamp": now_ms, "refillIn": 30_000, "refillRate": 0, "tokensLeft": 0}
        self.send(status, envelope | paid | body)


@pytest.fixture
def lister(town):
    """A function that makes a town, a job in it, and the server this job asks, which answers as told."""
    running = []

    def make(role, answer):
        here = town()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _Lister)
        server.clock, server.answer, server.asked, server.balance = here.clock, answer, [], 6_000
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        running.append((server, thread))
        return here, here.job(role, base_url=f"http://127.0.0.1:{server.server_port}"), server

    yield make
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


def split_but(refused):
    """A server with too many deals for one walk, in three categories of which it refuses one."""

    def answer(selection):
        if selection.get("includeCategories") == [refused]:
            return 400, {"error": {"type": "invalidParameter", "message": f"no category {refused}"}}
        return 200, {"deals": {"dr": [], "categoryIds": list(CATEGORIES), "categoryCount": [9_000] * len(CATEGORIES)}}

    return answer


@pytest.mark.parametrize("refused", CATEGORIES)
def test_a_category_the_server_refuses_is_set_aside_with_its_reason_and_the_next_one_follows(lister, refused):
    here, work, server = lister("backfill", split_but(refused))
    here.run(work, 600)
    assert server.asked == [(None, 0), *((category, 0) for category in CATEGORIES)]
    assert here.rows("select state from crawls") == [("done",)]
    ((kind, key, reason, raw),) = here.rows("select kind, key, reason, raw from quarantine")
    assert (kind, key) == ("request", f"default, domain 1, category {refused}")
    assert f"no category {refused}" in reason
    assert json.loads(bytes(raw))["includeCategories"] == [refused]


def test_a_crawl_split_before_its_categories_were_kept_learns_them_from_the_first_page(lister):
    here, work, server = lister("backfill", split_but(20))
    while not here.rows("select 1 from crawls where root_cat = 20"):
        work.step()
    here.execute("update crawls set categories = '{}'")
    here.run(work, 600)
    assert server.asked == [(None, 0), (10, 0), (20, 0), (None, 0), *((category, 0) for category in CATEGORIES)]
    assert here.rows("select state from crawls") == [("done",)]


def test_a_selection_the_server_refuses_as_a_whole_is_asked_for_once_an_hour(lister):
    refusal = {"error": {"type": "invalidParameter", "message": "no"}}
    here, work, server = lister("backfill", lambda _selection: (400, refusal))
    here.run(work, 3_500)
    assert server.asked == [(None, 0)]
    here.run(work, 200)
    assert server.asked == [(None, 0), (None, 0)]
    assert here.rows("select key, times from quarantine") == [("default, domain 1", 2)]


def test_a_page_of_a_crawl_that_cannot_be_read_is_kept_and_not_bought_again_within_the_hour(lister):
    here, work, server = lister("backfill", lambda _selection: (200, GARBLED))
    here.run(work, 3_500)
    assert server.asked == [(None, 0)]
    here.run(work, 200)
    assert server.asked == [(None, 0), (None, 0)]
    ((kind, raw),) = here.rows("select kind, raw from quarantine")
    assert kind == "body"
    assert json.loads(bytes(raw))["deals"] == GARBLED["deals"]


def test_a_page_of_new_deals_that_cannot_be_read_is_kept_and_not_bought_again_before_the_next_poll(lister):
    here, work, server = lister("upsert", lambda _selection: (200, GARBLED))
    here.run(work, 59)
    assert server.asked == [(None, 0)]
    here.run(work, 60)
    assert server.asked == [(None, 0), (None, 0)]
    assert here.rows("select kind, times from quarantine") == [("body", 2)]
    assert here.rows("select page, state from crawls") == [(0, "running")]


def test_what_was_set_aside_is_told_by_what_it_was(lister):
    odd = {"deals": {"dr": [{"asin": 5}, {"asin": "B000000001", "creationDate": "soon"}]}, "tokensConsumed": None}
    bodies = iter([(200, odd), (200, GARBLED), (400, {"error": {"type": "invalidParameter", "message": "no"}})])
    here, work, _ = lister("upsert", lambda _selection: next(bodies, (200, {"deals": {"dr": []}})))
    here.run(work, 4_000)
    kept = dict(here.rows("select kind, sum(times)::int from quarantine group by kind"))
    assert kept == {"deal": 2, "body": 2, "request": 1}
    assert here.beats[-1]["refused"] == kept
    assert here.beats[-1]["rows"]["quarantine"] == 5
    assert here.beats[-1]["calls"]["/deal"]["statuses"].items() >= {"400": 1}.items()


def test_a_page_that_stays_unreadable_is_passed_over_after_a_few_attempts_further_and_further_apart(lister):
    """Page 0 has no list each time: it is kept, and the walk goes on behind it."""
    whole = {"deals": {"dr": [], "categoryIds": [], "categoryNames": [], "categoryCount": []}}
    times = []

    def answer(selection):
        times.append((selection["page"], here.clock.now_ns()))
        return (200, GARBLED) if selection["page"] == 0 else (200, whole)

    here, work, _ = lister("upsert", answer)
    here.run(work, 20 * 60)
    most = 5  # MAX_ATTEMPTS as it is without being set
    assert [page for page, _ in times][: most + 1] == [0] * most + [1]
    pauses = [(later - earlier) / 1e9 for (_, earlier), (_, later) in itertools.pairwise(times[:most])]
    assert all(later > 1.5 * earlier for earlier, later in itertools.pairwise(pauses)), pauses
    zeros = [page for page, _ in times].count(0)
    assert here.rows("select kind, times from quarantine where kind = 'body'") == [("body", zeros)]
