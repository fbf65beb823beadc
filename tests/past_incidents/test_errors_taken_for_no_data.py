"""A refusal or an error taken for the end of the list.

Rows 9, 27: a seller loop that went on over fifty 429s; a 429 swallowed as "no more deals", after which pages were
missing and the mark had moved past them.
"""

from __future__ import annotations

import pytest

from tasks.keepa.client import KeepaClient
from tasks.keepa.decode.replies import decode_deals
from tasks.keepa.request import DealRequest
from tasks.keepa.selection.selection import for_domains
from tasks.secret import Secret
from tests.fixtures.server import NS, WIDE

LOST_PAGE = 1


STILL = {"deals": 300, "rate": 60, "start_balance": 3_600, "market_minute": 7_700_000}


def has_the_whole_market(here, asins):
    assert set(asins) == set(here.market())


def fail(here, kind):
    """The next page that is asked for fails once."""
    if kind == "429":
        here.simulator.control(take=4_000)
    else:
        here.simulator.control(fail_next={"kind": kind, "count": 1, "endpoint": "/deal"})


@pytest.mark.parametrize("kind", ["429", "500", "cut", "non_json"])
def test_a_page_that_fails_is_asked_for_again_and_nothing_is_missing(town, kind):
    here = town(WIDE, **STILL)
    work = here.job("backfill", backfill_detail="stats")
    while here.rows("select page from crawls") != [(LOST_PAGE,)]:
        work.step()
    work.step()  # a batch of products stands between two pages
    fail(here, kind)
    ends_ns = here.clock.now_ns() + 2 * 3600 * NS
    while not here.events("crawl_complete"):
        here.run(work, 60)
        assert here.clock.now_ns() < ends_ns
    log = [call for call in here.simulator.control()["log"] if call["endpoint"] == "/deal"]
    failed = [call for call in log if call["status"] != 200 or "fault" in call]
    served = [call["page"] for call in log if call["status"] == 200 and "fault" not in call]
    assert [call["page"] for call in failed] == [LOST_PAGE]
    assert served == list(range(len(served)))
    has_the_whole_market(here, [asin for (asin,) in here.rows("select asin from deals")])


@pytest.mark.parametrize("kind", ["429", "500"])
def test_reading_a_failure_as_an_empty_page_fails_there(town, kind):
    here = town(WIDE, **STILL)
    (selection,) = for_domains(WIDE, name="past", domains=(1,))
    found = []
    with KeepaClient(Secret("k"), here.simulator.url) as client:
        for page in range(100):
            if page == LOST_PAGE:
                fail(here, kind)
            reply = client.send(DealRequest(selection, page))
            rows = decode_deals(reply.body).deals if reply.status == 200 else []
            if not rows:
                break  # "no more deals"
            found += [deal.asin for deal in rows]
    with pytest.raises(AssertionError):
        has_the_whole_market(here, found)
