"""Several keys on the page: what it shows of each is what its ledger and its calls say, and of no other."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ledger import Reading, TokenLedger
from supervisor import report
from supervisor.web import balance_past
from tasks.settings import DEFAULT_KEY
from tasks.store.calls import calls, figures
from tests.fixtures.calls import a_call

BALANCES = {"agency": 290, "client-a": 31, DEFAULT_KEY: 7}


@pytest.fixture
def site(visit, database_url, conn):
    """A run with three keys, each with a ledger, and with two calls of its own."""
    made = visit(database_url, accounts=dict.fromkeys(BALANCES, 0))
    now = datetime.now(UTC)
    for number, (name, balance) in enumerate(BALANCES.items()):
        ledger = TokenLedger.create(made.state.ledger_of(name))
        ledger.observe(Reading(tokens_left=balance, refill_rate=5, refill_in_ms=60_000, server_ms=1))
        ledger.close()
        for minutes, left in ((9, balance + 5), (5, balance)):
            at = now - timedelta(minutes=minutes, seconds=number)
            calls.record(conn, a_call(at=at, account=name, balance=left, cost=5 + number))
    report.write(
        report.Report(
            written_at=now.isoformat(timespec="milliseconds"),
            supervisor=report.SupervisorRecord(pid=1, state="running"),
            run=report.RunRecord(
                server="keepa", synthetic=False, base_url=None, database=None, database_url=None, spool="s",
                rows_into="", words="",
            ),
            workers=(), services=(), rows_written={}, deaths=(),
            keys=tuple(report.KeyRecord(name=name) for name in BALANCES),
        ),
        made.state.status,
    )  # fmt: skip
    return made


def test_each_key_has_its_balance_its_past_and_its_spending(site):
    for number, (name, balance) in enumerate(BALANCES.items()):
        live = site.json(f"/live.json?key={name}")
        assert live["texts"]["balance"] == str(balance)
        assert live["chart"]["balance"] == balance
        assert {row[0]["t"]: row[3]["t"] for row in live["tables"]["keys"]} == {
            each: str(left) for each, left in BALANCES.items()
        }
        points = site.json(f"/now.json?key={name}")["balance"]
        assert [one["balance"] for one in points] == [balance + 5, balance]
        page = site.page(f"/?key={name}&range=1h")
        assert f"The balance is {balance} of 300 tokens" in site.get(f"/?key={name}").text
        assert f"What follows is of {name}:" in page.text
        spent = site.json(f"/tokens.json?key={name}")["spent"]
        assert sum(one["tokens"] for one in spent) == 2 * (5 + number)
        tokens = site.page(f"/tokens?key={name}").text
        assert f"{name}: {2 * (5 + number)} tokens were spent" in tokens
        assert f"{balance + 5} at" in tokens


def test_without_a_name_the_first_is_shown_and_all_are_linked(site):
    assert site.json("/live.json")["texts"]["balance"] == str(BALANCES["agency"])
    html = site.get("/").text
    for name in BALANCES:
        assert f'href="/?key={name}"' in html
        assert f'href="/tokens?key={name}"' in site.get("/tokens").text
    assert "36 tokens were spent" in site.page("/tokens").text
    assert "/?key=client-a&amp;range=1h" in site.get("/?key=client-a").text
    assert "there is no key" in site.page("/?key=other", 404).text
    assert site.get("/live.json?key=other", 404).json()["error"].startswith("there is no key")


def test_the_past_of_a_key_is_read_with_its_index(conn):
    """However many calls others make: a look through theirs for each part of a month takes seconds."""
    now = datetime.now(UTC)
    for name, times in (("busy", 4_000), ("quiet", 3)):
        conn.execute(
            """INSERT INTO calls (at, tier, endpoint, shape, items, estimate, cost, balance, status, duration_s,
                waited_s, worker, rows, account, key)
            SELECT now() - n * interval '1 s', 'upsert', '/deal', 'deal', 1, 5, 5, n, 200, 0, 0, 'upsert-0', 1,
                %(name)s, gen_random_uuid() FROM generate_series(1, %(times)s) AS n""",
            {"name": name, "times": times},
        )
    conn.execute("ANALYZE calls")
    statement = f"EXPLAIN (ANALYZE, TIMING off) {balance_past._POINTS}".format(of_key=figures.of_key("quiet")).encode()
    given = {"since": now - timedelta(hours=2), "until": now, "step": timedelta(seconds=30), "key": "quiet"}
    plan = "\n".join(row[0] for row in conn.execute(statement, given, prepare=False))
    assert "Rows Removed by Filter" not in plan
