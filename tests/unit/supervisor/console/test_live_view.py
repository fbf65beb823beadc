"""The live view: everything in 80 columns, names never cut."""

import dataclasses
import io

import msgspec
import pytest
from rich.console import Console

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from supervisor.console.live_view import draw
from supervisor.count_record import CountRecord
from supervisor.process.conditions import ConditionRecord
from supervisor.report import ChildRecord, DeathRecord, Frame, Report, RunRecord, SupervisorRecord

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
            rows_into="the embedded database `simulated`",
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
                words="killed by SIGKILL, sent by somebody or by a system short of memory",
                doing="",
                lived_s=1.0,
                peak_rss_mb=3.0,
                next="backoff",
            )
            for n in range(5)
        ),
    )
    return Frame(report=msgspec.structs.replace(report, **more), by_key={"default": ledger.snapshot()}, up_s=75.0)


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
    for part in ("deals 123,456 (+150/min)", "3 of 10 products", "about 1 min 30 s left", "killed by SIGKILL"):
        assert part in text
    assert text.count("┃") == 2
    assert len([line for line in lines if line.startswith("death")]) == 3


def test_the_view_says_what_it_does_not_know_yet():
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(S), tick_period_s=60)
    one = frame(counted=None)
    text = "\n".join(shown(dataclasses.replace(one, by_key={"default": ledger.snapshot()})))
    assert "no reading yet" in text
    assert "not counted yet" in text
    assert "tokens" not in "\n".join(shown(dataclasses.replace(one, by_key={"default": None})))[:80]


def test_a_queue_that_is_done_has_no_speed_and_no_time_left():
    text = "\n".join(shown(frame(counted=counted({"done": 10}))))
    assert "10 of 10 products" in text
    assert "a minute" not in text
    assert " left" not in text


def many(role, count, **more):
    return tuple(
        msgspec.structs.replace(child(role, detail="backfill waits for 20 tokens (floor)", **more), slot=slot)
        for slot in range(count)
    )


@pytest.mark.parametrize("workers", [1, 4, 16])
@pytest.mark.parametrize("ills", [0, 3])
def test_in_a_small_terminal_nothing_that_matters_is_cut_off(workers, ills):
    """80 by 24: what is wrong, quarantine, tokens, progress, and each worker that is not well."""
    one = frame(
        workers=(*many("upsert", workers), *many("backfill", workers), *many("broken", 1, state="failed")),
        counted=msgspec.structs.replace(counted({"pending": 6, "done": 3}), rows={
            "deals": 123_456_789, "products": 45_678_901, "price_series": 1_234_567_890, "quarantine": 17,
        }),
        rows_per_minute={"deals": 15_000.0, "products": 15_000.0, "price_series": 150_000.0},
        deaths=frame().report.deaths[:ills],
        conditions=(ConditionRecord(kind="database", since="2026-01-01T00:00:00+00:00", why="it is away"),),
    )  # fmt: skip
    console = Console(file=io.StringIO(), width=80, height=24, force_terminal=True, color_system=None)
    console.print(draw(one, 80, 24))
    lines = console.file.getvalue().splitlines()
    assert len(lines) < 24
    text = "\n".join(lines)
    for part in ("degraded database since", "quarantine 17", "87 of 1200", "3 of 9 products", "broken-0", "failed"):
        assert part in text, part
    missing = [
        f"{role}-{slot}" for role in ("upsert", "backfill") for slot in range(workers) if f"{role}-{slot} " not in text
    ]
    assert (
        not missing
        or f"and {len(missing) + sum(name not in text for name in ('database-0', 'simulator-0'))} more: " in text
    )
    doing = [line for line in lines if line.startswith(("upsert-", "backfill-"))]
    assert all("waiting for 20 tokens" in line for line in doing)
    assert workers > 1 or not missing


def test_what_is_wrong_stands_above_what_is_well():
    lines = shown(frame())
    first = next(at for at, line in enumerate(lines) if line.startswith("death"))
    assert first < next(at for at, line in enumerate(lines) if line.startswith("upsert-0"))
