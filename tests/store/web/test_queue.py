"""The queue on the page: who asks for what, and what nobody asks for is removed only if it is what was shown."""

from __future__ import annotations

import pytest

from tasks.planning import streams
from tasks.settings import SelectionSettings
from tasks.store.queue.queue import enqueue
from tests.fixtures.jobs import QUERY

SETTINGS = (SelectionSettings(name="default", query=QUERY),)
LEFT = "0" * 12


@pytest.fixture
def queued(conn):
    """A connection to a database with a queue of four products, of which a selection asks for one."""
    key = streams.streams(SETTINGS, (1,))[0].key
    with conn.transaction():
        enqueue(conn, 1, ["B000000001"], detail="history", selection_key=key)
        enqueue(conn, 1, [f"B00000000{number}" for number in (2, 3, 4)], detail="history", selection_key=LEFT)
    return conn


def waiting(conn):
    return {asin for (asin,) in conn.execute("SELECT asin FROM fetch_queue WHERE state = 'pending'")}


@pytest.mark.usefixtures("queued")
def test_the_queue_is_shown_by_who_asks_for_it(visit, database_url):
    site = visit(database_url)
    rows = site.json("/queue.json")["queue"]
    assert [(one["selection"], one["pending"], one["is_chosen"]) for one in rows] == [
        ("default", 1, True),
        (LEFT, 3, False),
    ]
    assert [(one["selection"], int(one["pending"])) for one in site.csv("/queue.csv")] == [("default", 1), (LEFT, 3)]
    page = site.page("/queue")
    assert "3 products are no longer in the settings" in page.text
    assert "/queue/drop" in page.links
    assert "/queue" in site.page("/selections").links


def test_what_nobody_asks_for_is_removed_as_it_was_shown(queued, visit, database_url):
    site = visit(database_url)
    form = site.page("/queue/drop")
    assert form.fields == {"seen": "3"}
    for seen in ({}, {"seen": "2"}, {"seen": "-3"}, {"seen": "9" * 5000}):
        assert site.post("/queue/drop", seen).status_code in {409, 413}
    queued.execute("DELETE FROM fetch_queue WHERE asin = 'B000000004'")
    assert "it is 2 products by now" in site.post("/queue/drop", form.fields).text
    assert waiting(queued) == {"B000000001", "B000000002", "B000000003"}
    done = site.post("/queue/drop", {"seen": "2"})
    assert (done.status_code, done.headers["location"]) == (303, "/queue?dropped=2")
    assert "2 products were removed" in site.page(done.headers["location"]).text
    assert waiting(queued) == {"B000000001"}
    assert "nothing to remove" in site.page("/queue/drop", 404).text


def test_the_page_removes_nothing_that_takes_no_orders(queued, visit, database_url):
    site = visit(database_url, has_control=False)
    assert "/queue/drop" not in site.page("/queue").links
    site.page("/queue/drop", 400)
    assert site.post("/queue/drop", {"seen": "3"}).status_code == 403
    assert len(waiting(queued)) == 4


@pytest.mark.usefixtures("conn")
def test_an_empty_queue_is_told(visit, database_url):
    site = visit(database_url)
    assert "The queue is empty" in site.page("/queue").text
    assert "dropped: " in site.page("/queue?dropped=many", 400).text
