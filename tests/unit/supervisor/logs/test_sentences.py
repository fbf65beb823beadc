"""The log in words: a sentence for every event, whatever its fields, and steady work as a sum."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import ManualClock
from supervisor.eventloop.loop import Loop
from supervisor.logs import sentences
from supervisor.logs.log import Log, as_console
from supervisor.logs.rollup import WorkRollup
from tasks.redaction import Redactor

ROOT = Path(sentences.__file__).resolve().parent.parent.parent
WRITERS = {"debug", "info", "warning", "error", "failure"}
S = 1_000_000_000
RIDDLES = re.compile(r"\bNone\b|\b[A-Z]\w*(?:Error|Exception)\b|[a-z]_[a-z]|\{|'\w+':|^[0-9A-Z]{5}:")
NUMBERS = st.none() | st.integers(-(10**6), 10**9) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = NUMBERS | st.text() | st.lists(st.text(max_size=5), max_size=3)
FIELDS = [
    *(
        "message",
        "error",
        "reason",
        "selection",
        "rows",
        "pages",
        "tokens",
        "next_in_s",
        "endpoint",
        "bytes",
        "tier",
        "key",
    ),
    *(
        "cost",
        "most",
        "items",
        "shown",
        "part",
        "failed",
        "dropped",
        "waiting",
        "missing",
        "products",
        "days",
        "like",
    ),
    *("took_s", "url", "count", "lived_s", "doing", "next", "again_in_s", "deaths", "retry_in_s", "refill", "floors"),
    *("balance", "capacity", "queue", "gates", "rows_per_minute", "file", "paid_by", "signal", "code", "phase"),
    *("detail", "culprit", "times", "duty", "target"),
]


def logged():
    """Every event that the source writes, and whether it brings a sentence of its own."""
    found = {}
    for package in ("supervisor", "tasks"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "simulator" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                    continue
                name, home = node.func.attr, ast.unparse(node.func.value)
                is_log = name in WRITERS and re.search(r"\blog\b|_log$", home)
                place = 0 if is_log else {"_log_event": 2, "on_action": 1, "on_unreadable_line": 0}.get(name)
                if place is None or len(node.args) <= place or not isinstance(node.args[place], ast.Constant):
                    continue
                found.setdefault(node.args[place].value, f"{path.relative_to(ROOT)}:{node.lineno}")
    return found


def test_every_event_of_the_source_has_a_sentence():
    known = logged()
    assert len(known) > 40
    assert {event: where for event, where in known.items() if not sentences.is_known(event)} == {}


@given(st.sampled_from(sorted(sentences._SENTENCES)), st.dictionaries(st.sampled_from(FIELDS), VALUES))
def test_no_fields_break_a_sentence_and_none_shows_that_something_is_missing(event, fields):
    said = sentences.sentence({"event": event, **fields})
    assert said is None or isinstance(said, str)
    if said is not None and all(not isinstance(value, str | list) for value in fields.values()):
        assert not re.search(r"\bNone\b", said), said


DIED = {"event": "died", "role": "upsert", "slot": 0, "lived_s": 9.0}
EXAMPLES = [
    (
        {"event": "call_failed", "error": "no", "retry_in_s": 0.5},
        "no; a call to the API failed; next attempt in less than 1 s",
    ),
    (
        {"event": "signalled", "signal": "SIGABRT", "doing": "calling: /deal"},
        "sent SIGABRT while it was calling /deal",
    ),
    ({"event": "signalled", "signal": "SIGTERM", "doing": ""}, "sent SIGTERM"),
    (
        {"event": "pruned", "rows": {"quarantine": 2, "calls": 12_000}},
        "rows deleted because the settings keep them no longer: 12,000 of calls, 2 of quarantine",
    ),
    (
        {"event": "duty_refused", "duty": "quarantine", "error": "a trigger refuses the row"},
        "the database refuses the maintenance `quarantine`: a trigger refuses the row",
    ),
    (
        {"event": "not_asked_for", "endpoint": "/product", "left_out": 1},
        "left out 1 item that nobody asked for, in a reply of /product",
    ),
    (
        {"event": "message_not_delivered", "target": "phone", "error": "no answer in time"},
        "phone did not accept a message: no answer in time",
    ),
    ({"event": "message_sent", "target": "phone"}, "phone accepted a message"),
    ({"event": "messages_abandoned", "count": 2}, "deleted 2 messages that no target has accepted"),
    ({"event": "key_served_again", "key": "agency"}, "the key agency is served again"),
    ({"event": "database_back", "away_s": 0.2}, "the database is available again after less than 1 s"),
    (
        {"event": "migrated", "applied": [f"000{number}_a.sql" for number in range(1, 10)]},
        "the database is migrated; applied: 9 from 0001_a.sql to 0009_a.sql",
    ),
    (
        {"event": "migrated", "applied": ["0008_a.sql", "0009_b.sql"]},
        "the database is migrated; applied: 0008_a.sql, 0009_b.sql",
    ),
    ({"event": "in_service", "role": "upsert", "slot": 0, "took_s": 0.43}, "in service after 0.43 s"),
    (
        {"event": "call_failed", "error": "no answer in time", "retry_in_s": 2.3},
        "no answer in time; a call to the API failed; next attempt in 2 s",
    ),
    (
        {"event": "spool_full", "reason": "var/spool: replies cannot be kept there"},
        "var/spool: replies cannot be kept there; no calls are made meanwhile",
    ),
    (
        {"event": "database_unavailable", "error": "57P01: it shuts down", "again_in_s": 65.0},
        "it shuts down; the database is unavailable; next attempt in 1 min 5 s (SQLSTATE 57P01)",
    ),
    (
        {**DIED, "message": "ended as asked", "code": 75, "cause": "restarted", "deaths": "0/5", "next": "starting"},
        "ended as asked; it had run for 9 s",
    ),
    (
        {**DIED, "message": "killed by SIGSEGV", "doing": "calling: /deal", "deaths": "2/5", "again_in_s": 2.0},
        (
            "killed by SIGSEGV; it had run for 9 s and was calling /deal; starts again in 2 s;"
            " this is exit 2 within a minute, it fails at exit 6"
        ),
    ),
    (
        {**DIED, "message": "killed by SIGSEGV", "deaths": "6/5", "next": "failed"},
        "killed by SIGSEGV; it had run for 9 s; it has failed",
    ),
    (
        {"event": "failed", "role": "upsert", "slot": 0, "reason": "the key is refused", "deaths": 1},
        "has failed: the key is refused; `sluicegate retry upsert-0` starts it again",
    ),
    (
        {"event": "plan", "refill": 20.0, "floors": {"upsert": 50, "backfill": 150}},
        "each refill brings 20 tokens; the floors are 50 for upsert and 150 for backfill",
    ),
    (
        {"event": "walk_complete", "selection": "default, amazon.com", "rows": 750, "tokens": 25, "next_in_s": 3.8},
        "default, amazon.com: 750 deals listed for 25 tokens; next walk in 4 s",
    ),
    (
        {
            "event": "progress",
            "balance": 150.0,
            "capacity": 1200.0,
            "gates": {"upsert": "open"},
            "queue": {"pending": 3, "leased": 1, "done": 6},
            "rows_per_minute": {"price_series": 12, "deals": 0},
        },
        "150 of 1,200 tokens, upsert open, 6 of 10 products fetched, price series +12 a minute",
    ),
    (
        {"event": "plan", "key": "agency", "refill": 20.0, "floors": {}},
        "agency: each refill brings 20 tokens",
    ),
    (
        {
            "event": "progress",
            "keys": {
                "agency": {"balance": 150.0, "capacity": 1200.0, "gates": {"upsert": "open"}},
                "client": None,
            },
            "queue": {"pending": 3, "leased": 1, "done": 6},
        },
        "agency 150 of 1,200 tokens, client not known, 6 of 10 products fetched",
    ),
]


@pytest.mark.parametrize(("record", "said"), EXAMPLES, ids=lambda one: one["event"] if isinstance(one, dict) else "")
def test_an_event_is_told_in_words(record, said):
    assert sentences.sentence(record) == said
    whole = {"ts": "2026-01-01T00:00:00Z", "level": "warning", "role": "backfill", "slot": None, **record}
    line = as_console({**whole, "message": said})
    assert line.endswith(f"! {said}"), "nothing follows the sentence"
    assert not RIDDLES.search(said)
    assert "None" not in line


def log_to(written, **options):
    return Log(written.append, render=as_console, redactor=Redactor(), **options)


def walk(log, number):
    told = {"event": "walk_complete", "level": "info", "selection": "default, amazon.com", "why": "seen_before"}
    line = json.dumps({**told, "pages": 1, "rows": number, "tokens": 5, "next_in_s": 3.8})
    log.relay(line, role="upsert", slot=0, pid=7)


def test_steady_work_is_a_line_and_then_a_sum_every_ten_minutes():
    written, clock = [], ManualClock()
    with Loop(clock) as loop:
        log = log_to(written)
        log.count_repeats(loop)
        for number in range(150):
            walk(log, number)
            clock.advance_s(4)
        log.warning("odd")
        loop.step()  # the sum is due by now
        walk(log, 7)
        log.flush()
    shown = [line.split(maxsplit=2)[2] for line in written]
    assert shown == [
        "default, amazon.com: 0 deals listed for 5 tokens; next walk in 4 s",
        "! odd",
        f"default, amazon.com: 149 more walks read {sum(range(150)):,} rows for 745 tokens",
        "default, amazon.com: 1 more walk read 7 rows for 5 tokens",
    ]


def test_whoever_looks_for_a_fault_sees_every_line():
    written = []
    with Loop(ManualClock()) as loop:
        log = log_to(written, level="debug")
        log.count_repeats(loop)
        for number in range(3):
            walk(log, number)
    assert len(written) == 3


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 400), st.integers(0, 99)), max_size=60))
def test_no_steady_work_is_lost_it_is_written_or_summed(stream):
    steady, at, rows = WorkRollup(window_s=600, kinds=4), 0, 0
    for name, gap, count in stream:
        at += gap * S
        rows += sum(record["rows"] for record in steady.take_due(at))
        record = {"event": "walk_complete", "role": "upsert", "selection": name, "rows": count}
        rows += count if steady.lets_through(record, at) else 0
    rows += sum(record["rows"] for record in steady.take_due(None))
    assert rows == sum(count for _, _, count in stream)


def test_lines_that_were_held_back_are_told_with_an_example():
    written, clock = [], ManualClock()
    with Loop(clock) as loop:
        log = log_to(written)
        log.count_repeats(loop)
        for attempt in range(12):
            log.warning("call_failed", role="backfill", slot=attempt % 2, error=f"refused {attempt}", retry_in_s=1.0)
        log.flush()
    assert written[-1].split(maxsplit=1)[1] == (
        "backfill    ! 7 more lines like this one: refused 11; a call to the API failed; next attempt in 1 s"
    )
