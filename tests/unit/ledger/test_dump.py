"""The dump in words: what is due at this moment is due now, and a waiting request says why it waits."""

from __future__ import annotations

from contextlib import closing

import pytest

from ledger import DEFAULT_TIERS, ManualClock, Reading, Shape, TokenLedger, dump


@pytest.fixture
def ledger():
    with closing(TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**12), tick_period_s=60)) as one:
        yield one


def observe(ledger, tokens):
    ledger.observe(Reading(tokens_left=tokens, refill_rate=20, refill_in_ms=30_000, server_ms=10**12))


def lines(ledger):
    return dump.as_text(ledger.snapshot()).splitlines()


def floors(ledger):
    tiers = {tier.name for tier in DEFAULT_TIERS}
    return [cells[1] for line in lines(ledger) if (cells := line.split()) and cells[0] in tiers and cells[1] != "(pid"]


def wait(ledger, tier, cost):
    """The lines on a request of the tier that begins to wait, without the pid."""
    ledger.place(tier).poll(cost)
    found = lines(ledger)
    at = max(i for i, line in enumerate(found) if line.startswith(f"{tier} (pid "))
    return " ".join([found[at].partition(") ")[2], *[found[at + 1].strip()][: found[at].endswith(";")]])


@pytest.mark.parametrize(
    ("seconds", "phrase"), [(0.4, "now"), (-3.0, "now"), (2.0, "in 2 s"), (192.0, "in 3 min 12 s")]
)
def test_when_something_will_be_is_a_phrase(seconds, phrase):
    assert dump.within(seconds) == phrase


def test_before_the_first_reading_no_floor_is_shown_and_nobody_is_told_a_time(ledger):
    ledger.unanswered()
    assert wait(ledger, "upsert", 5) == "has waited less than 1 s for 5 tokens until the first reading"
    assert floors(ledger) == ["-", "-", "-"]
    observe(ledger, 100)
    assert floors(ledger) == ["0", "50", "150"]


def test_a_request_that_waits_says_why_and_until_when(ledger):
    observe(ledger, 160)
    assert wait(ledger, "backfill", 20) == (
        "has waited less than 1 s for 20 tokens because of its floor; it gets them in 31 s if nobody else acts, "
        "at the latest in 6 min 31 s"
    )
    behind = "has waited less than 1 s for 20 tokens behind older requests; it gets them in"
    assert wait(ledger, "backfill", 20).startswith(behind)


def test_a_cost_says_of_how_many_calls_it_was_learned(ledger):
    observe(ledger, 1000)
    for samples, source in ((0, "assumed"), (1, "on average of 1 sample"), (2, "on average of 2 samples")):
        lease = ledger.try_reserve("upsert", 5, shape=Shape(name="deal", items=1, prior=5.0))
        assert f"cost of deal: 5.00 an item {source}, 5.00 reserved for one" in lines(ledger), samples
        lease.commit()
        lease.settle(5, None)
