"""The live view: everything in 80 columns, names never cut."""

import dataclasses
import io

import msgspec
import pytest
from rich.console import Console

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from supervisor.monitor import Frame
from supervisor.rates import Rates
from supervisor.report import ChildRecord, CountRecord, DeathRecord, Report, RunRecord, SupervisorRecord
from supervisor.view import draw

S = 1_000_000_000


def child(role, state="running", detail="x" * 200, **more):
    given = {
        "pid": 12345,
        "phase": "waiting_tokens",
        "up_s": 3.0,
        "again_in_s": None,
        "restarts": 2,
        "rows": {},
        "job": {},
    }
    return ChildRecord(
        role=role, slot=0, state=state, detail=detail, deaths_in_period=1, deaths_allowed=5, **{**given, **more}
    )


def counted(queue):
    rows = {"deals": 123_456, "products": 45_678, "price_series": 1_234_567, "quarantine": 0}
    return CountRecord(at="2026-01-01T00:00:00+00:00", rows=rows, queue=queue)


def frame(**more):
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(S), tick_period_s=60)
    ledger.observe(Reading(tokens_left=87, refill_rate=20, refill_in_ms=1000, server_ms=5))
    report = Report(
        written_at="2026-01-01T00:00:00+00:00",
        supervisor=SupervisorRecord(pid=1, state="running"),
        run=RunRecord(
            server="simulator",
            synthetic=True,
            base_url="http://127.0.0.1:1",
            database="simulated",
            database_url=None,
            spool="simulated",
            rows_into="the own database `simulated`",
            words="",
        ),
        workers=(
            child("upsert"),
            child(
                "backfill",
                "backoff",
                again_in_s=4.2,
                pid=None,
                job={"done": 3, "total": 9, "rate_per_min": 12.0, "eta_s": 90},
            ),
        ),
        services=(child("database"), child("simulator")),
        rows_written={},
        rows_per_minute={"deals": 150.0},
        counted=counted({"pending": 6, "leased": 1, "done": 3}),
        deaths=tuple(
            DeathRecord(
                at=f"2026-01-01T00:00:0{n}+00:00",
                role="upsert",
                slot=0,
                pid=5,
                cause="signal",
                code=None,
                signal="SIGKILL",
                words="killed by SIGKILL, by somebody or by a system short of memory",
                doing="",
                lived_s=1.0,
                peak_rss_mb=3.0,
                next="backoff",
            )
            for n in range(5)
        ),
    )
    return Frame(report=msgspec.structs.replace(report, **more), snapshot=ledger.snapshot(), up_s=75.0)


def shown(one, width=80):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(draw(one, width))
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 100, 200])
def test_the_view_fits_the_terminal_and_cuts_no_name(width):
    lines = shown(frame(), width)
    assert max(len(line.rstrip()) for line in lines) <= width
    text = "\n".join(lines)
    for part in ("upsert-0", "backfill-0", "simulator-0", "database-0", "backoff 4 s", "87 of 1200", "+20 in"):
        assert part in text
    for part in ("deals 123,456 150/min", "3 of 10 products", "about 1 min 30 s left", "killed by SIGKILL"):
        assert part in text
    assert text.count("┃") == 2
    assert len([line for line in lines if line.startswith("death")]) == 3


def test_the_view_says_what_it_does_not_know_yet():
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(S), tick_period_s=60)
    one = frame(counted=None)
    text = "\n".join(shown(dataclasses.replace(one, snapshot=ledger.snapshot())))
    assert "no reading yet" in text
    assert "not counted yet" in text
    assert "tokens" not in "\n".join(shown(dataclasses.replace(one, snapshot=None)))[:80]


def test_a_queue_that_is_done_has_no_speed_and_no_time_left():
    text = "\n".join(shown(frame(counted=counted({"done": 10}))))
    assert "10 of 10 products" in text
    assert "a minute" not in text
    assert " left" not in text


def test_rows_a_minute_are_those_of_the_last_minute():
    rates = Rates()
    assert rates.after({"deals": 0}, 0) == {"deals": 0.0}
    assert rates.after({"deals": 30}, 10 * S) == {"deals": 30.0}
    assert rates.after({"deals": 60}, 70 * S)["deals"] == pytest.approx(30.0)
    assert rates.after({"deals": 60}, 200 * S)["deals"] == 0.0
