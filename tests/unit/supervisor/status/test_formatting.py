"""Bars and words: how far a wait is, until when it lasts, which stream a watermark is of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger, localtime
from supervisor.cli import commands
from supervisor.config.settings import load_settings
from supervisor.database import counts
from supervisor.database.counts import Counts
from supervisor.logs import phrases
from supervisor.report import ChildRecord, FaultRecord
from supervisor.status import formatting
from tasks.keepa.selection import selection
from tasks.planning import streams
from tasks.settings import SourceSettings
from tasks.store.crawls import Watermark
from tasks.store.source_reads import SourceRead

S = 1_000_000_000
NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock():
    return ManualClock(S)


@pytest.fixture
def ledger(clock):
    one = TokenLedger.in_memory(DEFAULT_TIERS, clock, tick_period_s=60)
    one.observe(Reading(tokens_left=87, refill_rate=20, refill_in_ms=60_000, server_ms=5))
    return one


def tier(snapshot, name):
    return next(one for one in snapshot.tiers if one.name == name)


def hms(at):
    return localtime.clock(at)


def child(**more):
    given = {
        "phase": "waiting_tokens",
        "detail": "5 tokens",
        "up_s": None,
        "again_in_s": None,
        "restarts": 0,
        "job": {},
    }
    given |= {"rows": {}, "deaths_in_period": 0, "deaths_allowed": 5, "pid": 7}
    return ChildRecord(role="backfill", slot=0, state="running", **{**given, **more})


def test_a_gate_fills_as_its_wait_goes_by(ledger, clock):
    with ledger.place("backfill") as place:
        place.poll(20)
        parts = []
        for _ in range(3):
            snapshot = ledger.snapshot()
            parts.append(formatting.openness(tier(snapshot, "backfill"), snapshot))
            clock.advance_s(90)
        assert parts[0] < 0.1 < parts[1] < 0.5 < parts[2] < 1
        assert formatting.openness(tier(snapshot, "upsert"), snapshot) == 1


def test_a_gate_nobody_waits_at_shows_the_tokens_that_are_there(ledger):
    snapshot = ledger.snapshot()
    assert formatting.openness(tier(snapshot, "backfill"), snapshot) == pytest.approx(87 / 151)
    assert formatting.openness(tier(snapshot, "interactive"), snapshot) == 1


def test_a_wait_for_tokens_ends_when_the_ledger_says_and_else_as_promised(ledger):
    with ledger.place("backfill") as place:
        place.poll(20)
        snapshot = ledger.snapshot()
    waiter = snapshot.waiters[0]
    promised = NOW + timedelta(seconds=900)
    said = formatting.doing(child(pid=waiter.owner_pid, until=promised.isoformat()), (snapshot,), NOW)
    assert said == f"waiting for tokens until {hms(NOW + timedelta(seconds=waiter.opens_in_s))}, 5 tokens"
    said = formatting.doing(child(until=promised.isoformat()), (snapshot,), NOW)
    assert said == f"waiting for tokens until {hms(promised)} at the latest, 5 tokens"
    assert formatting.doing(child(until=None), (), NOW) == "waiting for tokens, 5 tokens"


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        ("waiting_poll", "next poll at {}"),
        ("waiting_work", "nothing to fetch, looks again at {}"),
        ("calling", "calling /deal"),
    ],
)
def test_other_phases_have_their_words(phase, words):
    until = NOW + timedelta(seconds=65)
    detail = "/deal" if phase == "calling" else ""
    assert formatting.doing(child(phase=phase, detail=detail, until=until.isoformat()), (), NOW) == words.format(
        hms(until)
    )
    assert formatting.doing(child(phase=None), (), NOW) == ""


def test_a_time_of_another_day_has_its_date():
    at = NOW - timedelta(days=3)
    one = FaultRecord(at=at.isoformat(), level="error", event="x", words="")
    assert formatting.faults([one], NOW) == [f"{localtime.minute(at)} supervisor: x"]


def test_a_fault_that_came_often_says_from_when_to_when_and_how_often_on_one_line():
    before = NOW - timedelta(minutes=5)
    one = FaultRecord(
        at=NOW.isoformat(), since=before.isoformat(), level="error", event="call_failed", words="a\nb\tc", times=3
    )
    assert formatting.faults([one], NOW) == [f"{hms(before)} to {hms(NOW)}, 3 times, supervisor: a b c"]
    one = FaultRecord(at=NOW.isoformat(), level="error", event="run_failed", words="", role="upsert", slot=2)
    assert formatting.faults([one], NOW) == [f"{hms(NOW)} upsert-2: run failed"]


def test_a_fault_that_several_have_is_one_line():
    """And a line of several workers names their role alone."""
    at = [(NOW - timedelta(seconds=seconds)).isoformat() for seconds in (30, 20, 10)]
    words, who = "it shuts down; the database is unavailable", "5 times, upsert-0, backfill"
    alike = {"level": "warning", "event": "database_unavailable", "words": words}
    kept = [
        FaultRecord(at=at[0], role="upsert", slot=0, **alike),
        FaultRecord(at=at[1], level="error", event="run_failed", words="no worker is left"),
        FaultRecord(at=at[2], since=at[1], times=4, role="backfill", slot=None, **alike),
    ]
    assert formatting.faults(kept, NOW) == [
        f"{hms(NOW - timedelta(seconds=20))} supervisor: no worker is left",
        f"{hms(NOW - timedelta(seconds=30))} to {hms(NOW - timedelta(seconds=10))}, {who}: {words}",
    ]


def test_a_watermark_has_the_name_of_its_selection_and_one_that_is_no_more_is_left_out():
    settings = load_settings({"KEEPA_DOMAINS": "1,3"}, dotenv=None)
    keys = {one.domain: one.key for one in map(selection.default_selection, (1, 3))}
    marks = (
        Watermark(keys[1], 1, 7_900_000, NOW),
        Watermark(keys[3], 3, 7_900_001, None),
        Watermark("gone", 1, 7_900_000, NOW),
    )
    counted = counts.count_record(Counts({}, {}, marks), settings, None)
    assert [(one.stream, one.walked_at) for one in counted.watermarks] == [
        ("default/1", NOW.isoformat(timespec="milliseconds")),
        ("default/3", None),
    ]
    assert datetime.fromisoformat(counted.watermarks[0].at) == datetime(2026, 1, 8, 2, 40, tzinfo=UTC)
    walking = (Watermark(keys[1], 1, 7_900_000, None),)
    again = counts.count_record(Counts({}, {}, walking), settings, counted)
    assert again.watermarks[0].walked_at == counted.watermarks[0].walked_at, "the walk under way hides the last one"


def test_a_source_tells_what_it_listed_and_when_it_is_read_again():
    best = {"name": "best", "query": {"source": "bestsellers", "categoryId": 5, "domainId": 1, "refresh": "2h"}}
    settings = replace(load_settings({}, dotenv=None), loaded_sources=(SourceSettings(**best),))
    (key,) = (one.key for one in streams.sources_of(settings.loaded_sources))
    now = datetime.now(UTC)

    def counted(before, read_at, *, reason=None):
        read = SourceRead(key, 1, 500, read_at, reason, None if reason is None else now)
        other = SourceRead("gone", 1, 9, now, None, None)
        return counts.count_record(Counts({}, {}, reads=(read, other)), settings, before)

    first = counted(None, now - timedelta(hours=1))
    (told,) = first.sources
    assert formatting.source(told, now) == "best, amazon.com: 500 products, read 1 h 0 min ago, again in 1 h 0 min"
    (reading,) = counted(first, None, reason="HTTP 400").sources
    assert (reading.products, reading.read_at, reading.next_at) == (500, told.read_at, None)
    assert formatting.source(reading, now).endswith(f"due again; refused since {hms(now)}: HTTP 400")
    (never,) = counted(None, None).sources
    assert formatting.source(never, now) == "best, amazon.com: not read to its end yet"


@pytest.mark.parametrize(
    ("phase", "detail", "said"),
    [
        ("calling", "/product product:history x100", "calling /product for 100 products (history)"),
        ("calling", "/product product:stats x1", "calling /product for 1 product (stats)"),
        ("calling", "/deal deal x1", "calling /deal"),
        ("calling", "/token", "calling /token"),
        ("waiting_tokens", "backfill waits for 20 tokens (floor)", "waiting for 20 tokens"),
        ("waiting_tokens", "the server refused", "waiting for tokens, the server refused"),
        ("waiting_work", "", "waiting for work"),
        ("polling", "default, amazon.com, page 3", "polling default, amazon.com, page 3"),
    ],
)
def test_what_a_worker_is_at_is_told_without_names_of_the_program(phase, detail, said):
    assert phrases.describe_activity(phase, detail) == said


@pytest.mark.parametrize(("paused", "command"), [(["backfill"], "backfill"), (["upsert", "backfill"], "all")])
def test_what_is_paused_names_a_command_that_can_be_typed(paused, command):
    told = formatting.until_resumed(paused)
    assert told == f"{' and '.join(paused)}, until `sluicegate resume {command}`"
    commands._parser().parse_args(["resume", command])  # which ends with a complaint what it does not know
