"""Rule 2 with the real client, spool, ledger and database: no number in a reply stops the work or the ledger.

Each reading that was seen to do harm is a line of `READINGS`, put into one reply by a server between.
"""

from __future__ import annotations

import pytest

from tests.fakes.quick_cases import cases
from tests.fixtures.server import TICK_S, WIDE, WITHOUT_WORK_S

FAR = "4102444800000"  # a time in the year 2100, Unix milliseconds
DIGITS = "9" * 400
READINGS = {  # what is put where
    "row 3, a cost beyond 32 bits": ("tokensConsumed", "2147483653"),
    "row 4, a balance of 400 digits": ("tokensLeft", DIGITS),
    "row 4, a debt of 400 digits": ("tokensLeft", f"-{DIGITS}"),
    "row 5, a cost of 100,000": ("tokensConsumed", "100000"),
    "row 5, the largest cost that is believed": ("tokensConsumed", "2000"),
    "row 6, a debt of a billion": ("tokensLeft", "-1000000000"),
    "row 6, a debt that can be": ("tokensLeft", "-5000"),
    "row 7, the year 2100": ("timestamp", FAR),
    "row 42, a wait of an hour": ("refillIn", "3600000"),
    "a wait of ten minutes": ("refillIn", "590000"),
    "a plan of 100,000 a minute": ("refillRate", "100000"),
    "a plan of one a minute": ("refillRate", "1"),
}
HOURS = 3
OFTEN = ("row 6, a debt that can be",)


@pytest.mark.parametrize(("path", "raw"), cases(READINGS, OFTEN))
def test_the_work_goes_on_and_the_ledger_knows_the_servers_balance(town, spoil, path, raw):
    here = town(WIDE, rate=5, deals=40, start_balance=100)
    lie = {"do": "set", "path": path, "raw": raw, "endpoint": "/product", "times": 1}
    spoiler = spoil(here.simulator.url, lie)
    work = here.job("backfill", base_url=spoiler.url, upsert_detail="none")
    here.run(work, HOURS * 3600, without_work_s=WITHOUT_WORK_S)
    assert here.rows("select distinct state from fetch_queue") == [("done",)]
    asked = [asin for call in spoiler.calls("/product") for asin in call["asins"].split(",")]
    assert sorted(asked) == sorted(asin for (asin,) in here.rows("select asin from products"))  # each once
    assert len(asked) > 20
    bucket = here.ledger.snapshot().bucket
    assert bucket.balance == here.simulator.control()["bucket"]["balance"]
    assert bucket.tick_period_s == pytest.approx(TICK_S, rel=0.05)


TICKS = {"3 s": (3.0, 500), "30 s": (30.0, 40), "120 s": (120.0, 40)}  # so many deals that it is not full


@pytest.mark.parametrize(("tick_s", "deals"), cases(TICKS, ["30 s"]))
def test_the_servers_tick_is_learned_whatever_was_supposed(town, tick_s, deals):
    here = town(WIDE, rate=5, tick_s=tick_s, deals=deals, start_balance=20)
    here.run(here.job("backfill", upsert_detail="none"), HOURS * 3600, without_work_s=WITHOUT_WORK_S)
    assert here.rows("select count(*) > 20 from products") == [(True,)]
    snapshot = here.ledger.snapshot()
    assert snapshot.bucket.tick_period_s == pytest.approx(tick_s, rel=0.05)
    assert snapshot.bucket.drift == 0
    assert snapshot.bucket.balance == here.simulator.control()["bucket"]["balance"]
