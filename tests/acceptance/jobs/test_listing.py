"""Pages that bring nothing: the server refuses them, or they cannot be read. Nobody pays for them again and again."""

from __future__ import annotations

import itertools
import json
import shutil
import threading
from http.server import ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from tasks.calls.spool import SpoolFull
from tasks.keepa.prices import minute_of_ms
from tests.fakes.api.json_handler import JsonHandler
from tests.fixtures.server import START_MS

CATEGORIES = (10, 20, 30)
GARBLED = {"deals": {"dr": "none"}}
NOW_MIN = minute_of_ms(START_MS + 10**9)  # as the server's clock begins


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


class Shelf:
    """A list of deals, newest first, and a cache before it that may leave the page number out of account."""

    def __init__(self, count):
        self.deals = [self.deal(number, NOW_MIN - number // 4) for number in range(count)]
        self.is_cached = False
        self.asked = []

    @staticmethod
    def deal(number, minute):
        row = [1000 + number] * 36
        return {
            "asin": f"B{number:09d}", "creationDate": minute, "lastUpdate": minute, "current": row,
            "currentSince": [minute] * 36, "delta": [row] * 4, "deltaPercent": [row] * 4, "avg": [row] * 4,
            "deltaLast": row,
        }  # fmt: skip

    def __call__(self, selection):
        number = selection["page"]
        self.asked.append(number)
        at = 0 if self.is_cached else number * 150
        return 200, {"deals": {"dr": self.deals[at : at + 150], "categoryIds": [], "categoryNames": []}}


@pytest.mark.kill
def test_a_cache_that_leaves_out_the_page_number_completes_no_walk_and_is_paid_ever_less(lister):
    shelf = Shelf(500)
    shelf.is_cached = True
    here, work, _ = lister("upsert", shelf)
    here.run(work, 3600)
    assert here.rows("select minute from watermarks") == []
    assert here.rows("select state from crawls") == [("running",)]
    paid = len(shelf.asked)
    assert set(shelf.asked) == {0, 1}
    repeated = here.events("page_repeated")
    assert (repeated[0]["selection"], repeated[0]["page"]) == ("default, amazon.com", 1)
    assert here.rows("select count(*) from quarantine where key like '/deal%'") == [(0,)], "all of it is in the tables"
    shelf.deals.insert(0, shelf.deal(900, NOW_MIN + 50))
    here.run(work, 3600)
    assert here.rows("select count(*) from deal_rows where asin = 'B000000900'") == [(1,)], "what is new comes in"
    assert len(shelf.asked) - paid < paid < 60, "one that was read would be paid for each minute"
    shelf.is_cached = False
    here.run(work, 3600)
    assert here.rows("select count(*) from deal_rows") == [(501,)]
    assert here.rows("select state, repeats from crawls")[0][0] == "done"
    assert len(here.rows("select minute from watermarks")) == 1


@pytest.mark.kill
def test_a_crawl_asks_again_for_a_page_that_came_in_the_place_of_another_and_reads_all_once_it_can(lister):
    shelf = Shelf(500)
    here, work, _ = lister("backfill", shelf)
    while len(shelf.asked) < 2:
        work.step()
        here.clock.advance_s(1)
    shelf.is_cached = True
    here.run(work, 4 * 3600)
    assert shelf.asked[:2] == [0, 1]
    assert shelf.asked[2:] == [2, 2, 2], "at once, after one hour, after two more"
    assert here.rows("select page, state from crawls") == [(2, "running")]
    shelf.is_cached = False
    here.run(work, 4 * 3600)
    assert shelf.asked[-2:] == [2, 3]
    assert here.rows("select state, rows from crawls") == [("done", 500)]
    assert here.rows("select count(distinct asin) from fetch_queue") == [(500,)]


@pytest.mark.parametrize("role", [pytest.param("upsert", marks=pytest.mark.kill), "backfill"])
@pytest.mark.parametrize(
    "count", [pytest.param(149, marks=pytest.mark.kill), 150, pytest.param(500, marks=pytest.mark.kill)]
)
def test_a_list_that_stays_the_same_from_walk_to_walk_repeats_no_page(lister, role, count):
    here, work, _ = lister(role, Shelf(count))
    here.run(work, 900)
    assert here.events("page_repeated") == []
    assert here.rows("select state from crawls") == [("done",)]


@pytest.mark.parametrize("moment", ["on the wire", "before it is written"])
@pytest.mark.parametrize("role", ["upsert", "backfill"])
def test_a_reply_in_hand_is_written_though_the_folder_of_replies_is_deleted_under_it(lister, role, moment):
    shelf = Shelf(500)

    def delete():
        shutil.rmtree(here.folder / "spool")

    def answer(selection):
        if moment == "on the wire":
            delete()
        return shelf(selection)

    here, work, _ = lister(role, answer)
    pages = work._components.replies.pages
    write = pages.write

    def taken(header, body):
        if moment == "before it is written":
            delete()
        return write(header, body)

    pages.write = taken
    while not shelf.asked:
        work.step()
    assert here.rows("select count(*) from deal_rows") == [(150,)]
    assert here.rows("select page from crawls") == [(1,)]
    assert not (here.folder / "spool").exists()
    with pytest.raises(SpoolFull, match="put the folder back, or make an empty one"):
        here.run(work, 3600)
    (here.folder / "spool").mkdir()
    pages.write = write
    moment = "over"
    while len(shelf.asked) < 2:
        here.run(work, 60)
    assert shelf.asked[:2] == [0, 1], "no page is bought twice"
