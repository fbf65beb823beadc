"""The status for programs: the document and the output name the same keys, whatever could not be found out."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger, localtime
from supervisor import report
from supervisor.count_record import CountRecord, ListRecord, MarkRecord, SourceRecord
from supervisor.host_record import HostRecord
from supervisor.process.conditions import ConditionRecord
from supervisor.report import DeathRecord, FaultRecord, RestartRecord
from supervisor.status import health
from supervisor.status.as_json import FORMAT, as_json
from supervisor.status.as_text import as_line, as_text
from supervisor.status.status import Status
from tasks.runtime.call_stats import CallStats

DOCUMENT = Path(report.__file__).resolve().parent.parent / "docs" / "status.md"
NOW = datetime.now(UTC)
AWAY = ConditionRecord(kind="database", since="2026-01-01T00:00:00.000+00:00", why="no answer", who=("upsert-0",))
HOST = HostRecord(
    number=1, name="one", version="0.1.0", ledger="database", state="alive", joined_at=NOW, heard_at=NOW, silent_s=2.0,
    drain_at=None, left_at=None, is_own=False, workers=2, tokens_day=1_234,
)  # fmt: skip
BY_NAME = {
    "overrides",
    "rows",
    "queue",
    "rows_written",
    "rows_per_minute",
    "rows_pruned",
    "calls",
    "refused",
    "job",
    "ledger",
}


def ago(seconds):
    return (NOW - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")


def child(role="upsert", state="running", **more):
    given = {"phase": "waiting_tokens", "detail": "upsert waits for 5 tokens (floor)", "up_s": 3.0, "again_in_s": None}
    given |= {"restarts": 1, "deaths_in_period": 1, "deaths_allowed": 5, "rows": {"deals": 3}, "job": {}}
    return report.ChildRecord(role=role, slot=0, pid=7, state=state, **{**given, **more})


@pytest.fixture
def last():
    traffic = CallStats()
    traffic.count("/deal", 200, 0.2)
    job = {"done": 3, "total": 10, "rate_per_min": 2.0, "eta_s": 210}
    return report.Report(
        written_at=ago(1),
        supervisor=report.SupervisorRecord(pid=5, state="running", started_at=ago(99), http="http://127.0.0.1:1"),
        run=report.RunRecord(
            server="simulator", synthetic=True, base_url="http://127.0.0.1:9", database="simulated",
            database_url=None, spool="simulated", rows_into="the embedded database `simulated`", words="a run",
        ),
        workers=(child(until=(NOW + timedelta(seconds=100)).isoformat()), child("backfill", job=job)),
        services=(child("database", phase=None),),
        rows_written={"deals": 3},
        rows_per_minute={"deals": 3.0},
        refused={"deal": 1},
        calls=traffic._calls,
        restarts=(RestartRecord(role="upsert", cause="signal", count=1),),
        faults=(
            FaultRecord(at=ago(5), level="warning", event="call_failed", words="no answer", role="upsert", slot=0),
        ),
        counted=CountRecord(
            at=ago(4), rows={"deals": 9}, queue={"pending": 6, "leased": 1, "done": 3},
            watermarks=(MarkRecord(stream="default/1", at=ago(120), walked_at=ago(30)),),
            lists=(ListRecord(stream="toys/1", detail="history", refresh_s=60.0, products=3, fetched=2, overdue=1),),
            sources=(SourceRecord(stream="best/1", kind="bestsellers", refresh_s=60.0),),
        ),
        deaths=(
            DeathRecord(
                at=ago(50), role="upsert", slot=0, pid=6, cause="signal", code=None, signal="SIGKILL",
                words="killed by SIGKILL", doing="calling: /deal", lived_s=9.0, peak_rss_mb=30.0,
                next="backoff",
            ),
        ),
        conditions=(AWAY,),
        hosts=(HOST,),
    )  # fmt: skip


def status(last, **more):
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(1_000_000_000), tick_period_s=60)
    ledger.observe(Reading(tokens_left=87, refill_rate=20, refill_in_ms=1000, server_ms=5))
    given = {"is_running": True, "pid": 5, "report": last, "snapshot": ledger.snapshot(), "notes": ("a note",)}
    given |= {"counts": None if last is None else last.counted, "counts_age_s": 4.0}
    return Status(**{**given, **more})


def keys(value, path=""):
    """Every key of an object with the way to it; below a table by name nothing is a key of ours."""
    found = set()
    for name, inner in value.items():
        one = inner[0] if isinstance(inner, list) and inner else inner
        here = f"{path}{name}" + ("[]" if isinstance(inner, list) else "")
        if isinstance(one, dict) and name not in BY_NAME:
            found |= keys(one, here + ".")
        else:
            found.add(here)
    return found


def documented():
    """The keys the document names in the first columns of its tables: its own, and those of each list."""
    whole, *lists = re.split(r"\nAn? \w+ \((.*)\):\n", DOCUMENT.read_text(encoding="utf-8"))
    found = named(whole)
    for names, table in zip(lists[::2], lists[1::2], strict=True):
        places = re.findall(r"`([^`]+)`", names)
        found |= {f"{place}.{name}" for place in places for name in named(table)}
        found -= set(places)
    return found


def named(text):
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `")]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def test_line_50_the_document_and_the_output_name_the_same_keys(last):
    assert keys(json.loads(json.dumps(as_json(status(last), NOW)))) == documented()
    assert f"`format` is {FORMAT}." in DOCUMENT.read_text(encoding="utf-8")


def test_every_key_is_there_whatever_could_not_be_found_out(last):
    nothing = as_json(status(None, is_running=False, pid=None, snapshot=None, counts=None), NOW)
    assert set(nothing) == set(as_json(status(last), NOW))
    assert (nothing["supervisor"]["state"], nothing["healthy"], nothing["stale"]) == ("not running", False, False)
    assert not any(nothing[name] for name in ("workers", "services", "restarts", "faults", "deaths"))


def test_line_50_the_exit_code_is_0_when_all_is_well_3_when_something_is_not_and_4_when_nothing_runs(last):
    assert (status(last).exit_code, as_json(status(last), NOW)["healthy"]) == (3, False), "kept from its work"
    last = msgspec.structs.replace(last, conditions=())
    assert (status(last).exit_code, as_json(status(last), NOW)["healthy"]) == (0, True)
    for state in ("starting", "backoff", "failed", "waiting"):
        ill = msgspec.structs.replace(last, workers=(child(state=state),))
        assert status(ill).exit_code == 3
    for state in ("starting", "stopping"):
        supervisor = msgspec.structs.replace(last.supervisor, state=state)
        assert status(msgspec.structs.replace(last, supervisor=supervisor)).exit_code == 3
    assert status(last, is_silent=True).exit_code == 3
    assert status(None).exit_code == 3
    assert status(last, is_running=False, pid=None).exit_code == 4


def test_line_50_a_report_of_a_supervisor_that_is_gone_or_silent_is_said_to_be_stale(last):
    gone = status(last, is_running=False, pid=None)
    assert as_json(gone, NOW)["stale"]
    assert {worker["state"] for worker in as_json(gone, NOW)["workers"]} == {"gone"}
    assert "stale: it was written at" in as_text(gone, NOW)
    assert "gone" in as_text(gone, NOW)
    silent = status(last, is_silent=True)
    assert (as_json(silent, NOW)["stale"], as_json(silent, NOW)["supervisor"]["state"]) == (True, "not answering")
    assert "suspended or stuck" in " ".join(as_text(silent, NOW).split())  # a line breaks where the time zone has it
    assert "stale" not in as_text(status(last), NOW)


def test_an_orderly_stop_is_told_as_one_with_the_last_states_and_what_is_paused(last):
    over = msgspec.structs.replace(
        last,
        supervisor=msgspec.structs.replace(last.supervisor, state="stopped"),
        workers=(child(state="stopped"), child("backfill", state="failed")),
    )
    text = as_text(status(over, is_running=False, pid=None, paused=("backfill",)), NOW)
    at = localtime.near(datetime.fromisoformat(over.written_at), NOW)
    assert f"the supervisor stopped at {at}; what follows is its last state" in text
    assert "paused  backfill, until `sluicegate resume backfill`" in text
    assert "upsert-0      stopped" in text
    assert "backfill-0    failed" in text
    assert not any(word in text for word in ("stale", "gone"))


@pytest.mark.parametrize("width", [80, 100])
def test_the_plain_status_says_everything_within_the_width(last, width):
    text = as_text(status(last), NOW, width)
    assert max(map(len, text.splitlines())) <= width
    until = localtime.clock(NOW + timedelta(seconds=100))
    flat = " ".join(text.split())
    for part in (
        f"waiting for 5 tokens until {until} at the latest",
        "[#|.|....................] 87 of 1200",
        "spent 0 (0%)",
        "deals 9 (+3/min)",
        "[#######.................] 3 of 10 products, 2 a minute, about 3 min 30 s left",
        "default, amazon.com known up to 2 min 0 s ago, last walk 30 s ago",
        "upsert-0: no answer",
        "host one: alive, heard 2 s ago, build 0.1.0, 2 workers, 0 open calls, 1,234 tokens in the last day",
        "upsert-0: killed by SIGKILL; it had run for 9 s and was calling /deal",
    ):
        assert part in flat, part


def test_off_a_terminal_the_status_is_a_line(last):
    line = as_line(status(last), NOW)
    assert line.count("\n") == 1
    for part in ("running", "tokens 87 of 1200", "upsert open", "backfill opens in", "deals 3/min", "3 of 10 products"):
        assert part in line
    assert "known up to 2 min 0 s ago" in line
    assert "not running" in as_line(status(None, is_running=False, pid=None, snapshot=None), NOW)


def test_the_time_left_is_reckoned_from_the_queue_and_the_tokens_of_this_moment_and_not_from_older_words(last):
    """A worker that told of 45 products more than it could pay for then waited while 400 more were queued."""
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(1_000_000_000), tick_period_s=60)
    ledger.observe(Reading(tokens_left=300, refill_rate=5, refill_in_ms=60_000, server_ms=5))
    job = {"done": 0, "total": 195, "rate_per_min": None, "eta_s": 540, "pace": {"per_item": 1.0}}
    older = msgspec.structs.replace(
        last,
        workers=(child("backfill", job=job),),
        counted=msgspec.structs.replace(last.counted, queue={"pending": 535, "leased": 0, "done": 0}),
    )
    now = status(older, snapshot=ledger.snapshot())
    assert as_json(now, NOW)["backfill"]["eta_s"] == pytest.approx(
        77 * 60, abs=30
    )  # 150 lie above the floor, 385 come in by fives
    assert "about 1 h 17 min left" in as_text(now, NOW)


def test_a_figure_that_is_an_estimate_says_so(last):
    counted = msgspec.structs.replace(last.counted, rows={"deals": 9_000, "products": 9}, estimates=("deals", "queue"))
    told = as_text(status(last, counts=counted), NOW)
    assert "deals about 9,000" in told
    assert "products 9" in told
    assert "queue   pending about 6, leased 1, done about 3" in told
    assert as_json(status(last, counts=counted), NOW)["estimates"] == ["deals", "queue"]
    assert "about" not in as_text(status(last), NOW).split("queue")[0]


def test_in_a_small_terminal_the_status_says_what_matters_within_a_page(last):
    """80 by 24: what is wrong, what each worker does and quarantine come before what hardly changes."""
    told = "no KEEPA_API_KEY: running against the built-in simulator on a quick plan, and some more words " * 2
    counted = msgspec.structs.replace(
        last.counted, rows={"deals": 9, "price_series": 10**9, "quarantine": 17}, sources=()
    )
    run = msgspec.structs.replace(last.run, words=told)
    one = msgspec.structs.replace(last, run=run, counted=counted, hosts=())
    lines = as_text(status(one, counts=counted), NOW, 80).splitlines()
    assert len(lines) <= 24
    starts = [
        "supervisor",
        "degraded",
        "fault",
        "death",
        "  upsert-0",
        "tokens",
        "rows    quarantine 17",
        "queue",
        "run",
    ]
    found = [next(at for at, line in enumerate(lines) if line.startswith(start)) for start in starts]
    assert found == sorted(found)


def test_a_host_that_shares_nothing_is_in_json_alone_and_drained_workers_are_no_fault_of_their_own(last):
    alone = msgspec.structs.replace(HOST, ledger="file", is_own=True)
    last = msgspec.structs.replace(last, hosts=(alone,), conditions=())
    assert "host " not in as_text(status(last), NOW)
    assert as_json(status(last), NOW)["hosts"][0]["open_calls"] is None
    supervisor = msgspec.structs.replace(last.supervisor, state="drained")
    drained = msgspec.structs.replace(last, supervisor=supervisor, workers=(child(state="stopped"),))
    assert health.problems(drained) == ["the supervisor is drained"]


def test_a_silent_host_makes_the_run_degraded_and_not_unready(last):
    silent = ConditionRecord(kind="hosts", since=ago(20), why="the host two is silent", who=("supervisor",))
    one = msgspec.structs.replace(last, conditions=(silent,))
    assert (len(health.problems(one)), health.obstacles(one), status(one).exit_code) == (1, [], 3)
    assert len(health.obstacles(msgspec.structs.replace(last, conditions=(silent, AWAY)))) == 1
