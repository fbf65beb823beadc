"""Tokens and selections on the page: the numbers are those of `spend`, of the ledger and of the tables."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from ledger import Reading, TokenLedger
from tests.fixtures.jobs import QUERY


def of_the_command(ask, url, *arguments):
    code, out = ask(url, "spend", "--json", *arguments)
    assert code == 0
    return json.loads(out)


@pytest.mark.parametrize("by", ["tier", "endpoint", "shape", "key", "host"])
def test_what_was_spent_is_what_the_command_says(visit, ask, gathered_url, by):
    site = visit(gathered_url)
    told = of_the_command(ask, gathered_url, "--by", by)
    spent = site.json(f"/tokens.json?by={by}")["spent"]
    for one in told["sums"]:
        assert sum(row["tokens"] for row in spent if row["name"] == one["name"]) == one["tokens"]
        assert sum(row["rows"] for row in spent if row["name"] == one["name"]) == one["rows"]
    words = site.page(f"/tokens?by={by}").text
    assert f"{told['total']['tokens']:,} tokens were spent in the last 24h" in words
    assert f"{told['flow']['added']:,}" in words
    for one in told["sums"]:
        if one["rows"]:
            assert f"{one['tokens'] / one['rows']:.2f}" in words
    as_csv = site.csv(f"/tokens.csv?by={by}")
    assert [(row["name"], int(row["tokens"])) for row in as_csv] == [(row["name"], row["tokens"]) for row in spent]


def test_longer_ranges_hold_no_less(visit, gathered_url):
    site = visit(gathered_url)
    tokens = [
        sum(row["tokens"] for row in site.json(f"/tokens.json?range={one}")["spent"])
        for one in ("24h", "7d", "30d", "1y")
    ]
    assert tokens[0] > 0
    assert tokens == sorted(tokens)
    assert "range: " in site.page("/tokens?range=2d", 400).text


def test_what_the_ledger_knows_is_on_the_page(visit, database_url):
    site = visit(database_url)
    ledger = TokenLedger.create(site.state.ledger)
    try:
        ledger.observe(Reading(tokens_left=290, refill_rate=5, refill_in_ms=60_000, server_ms=1))
        lease = ledger.reserve("backfill", 40, timeout_s=5)
        lease.commit()
        lease.settle(33, Reading(tokens_left=257, refill_rate=5, refill_in_ms=60_000, server_ms=2))
        words = site.page("/tokens").text
        dump = ledger.snapshot()
    finally:
        ledger.close()
    totals = dump.totals
    assert f"{totals.spent:,.0f} spent" in words
    assert f"{totals.refunded:,.0f} reserved and given back" in words
    assert "Nothing was spent in the last 24h" in words
    # Nothing was spent in a day: all of the next day's refill expires for which the bucket has no room.
    comes = 5 * 86_400 / dump.bucket.tick_period_s
    expires = comes - (dump.bucket.capacity - dump.bucket.balance)
    assert f"and {expires:,.0f} of them expire" in words


def test_selections_say_how_far_they_are_known(visit, gathered, gathered_url):
    site = visit(gathered_url)
    (one,) = site.json("/selections.json")["selections"]
    minute, key = gathered.execute("SELECT minute, selection_key FROM watermarks").fetchone()
    (known,) = gathered.execute(
        "SELECT to_char(keepa_time(%s) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')", (minute,)
    ).fetchone()
    assert (one["known_until"], one["key"]) == (known, key)
    assert json.loads(one["query"])["priceTypes"] == QUERY["priceTypes"]
    words = site.page("/selections").text
    (tokens,) = gathered.execute("SELECT sum(cost) FROM calls WHERE endpoint = '/deal'").fetchone()
    assert f"has cost {tokens} tokens in the last 24 hours" in words
    for job, rows in gathered.execute("SELECT job, rows FROM crawls").fetchall():
        assert job in words
        assert f"{rows:,}" in words


def test_a_pasted_selection_is_checked_with_every_fault(visit, gathered_url):
    site = visit(gathered_url)
    good = json.dumps({**QUERY, "domainId": 3})
    assert "It is valid, for amazon.de" in site.page(f"/selections?check={quote(good)}").text
    bad = json.dumps({**QUERY, "priceTypes": [99], "sortTyp": 1})
    words = site.page(f"/selections?check={quote(bad)}").text
    assert "priceTypes" in words
    assert "sortTyp" in words
    assert "valid" not in words
