"""What Now shows agrees with the ledger and the report, and nothing that a stranger wrote becomes HTML."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from ledger.dump import describe_rules
from ledger.localtime import near
from supervisor import report
from supervisor.count_record import CountRecord
from supervisor.process.conditions import ConditionRecord
from supervisor.report import DeathRecord, FaultRecord, OrderRecord
from supervisor.status import as_json, keys
from supervisor.status.status import Status
from supervisor.web import cells, keys_table
from supervisor.web.now_view import now_view
from supervisor.web.pages import events, now, orders, settings_page
from supervisor.web.render import Renderer
from supervisor.web.static_files import StaticFiles
from supervisor.web.verdict import verdict
from supervisor.web.views.drawing import Path
from supervisor.web.views.way_back import WayBack

NOW = datetime(2026, 11, 30, 18, 43, 29, tzinfo=UTC)
AWAY = ConditionRecord(kind="database", since=NOW.isoformat(), why="no answer", who=("upsert-0",))
HOSTILE = st.sampled_from(
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "'-alert(1)-'",
        "</script><svg/onload=alert(1)>",
        "{{ 7 * 7 }}",
        "javascript:alert(1)",
        "\u202e\u0000<b>",
    ]
) | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)


def child(role="upsert", state="running", **more):
    given = {"phase": "waiting_tokens", "detail": "", "up_s": 3.0, "again_in_s": None, "rows": {}, "job": {}}
    given |= {"restarts": 0, "deaths_in_period": 0, "deaths_allowed": 5}
    return report.ChildRecord(role=role, slot=0, pid=7, state=state, **{**given, **more})


def a_report(text="no answer", **more):
    at = (NOW - timedelta(seconds=5)).isoformat()
    given = {
        "written_at": at,
        "supervisor": report.SupervisorRecord(pid=5, state="running"),
        "run": report.RunRecord(
            server="simulator", synthetic=True, base_url=None, database=None, database_url=None, spool="s",
            rows_into=text, words=text,
        ),
        "workers": (child(detail=text), child("backfill", state="failed", detail=text)),
        "services": (child("database", phase=None),),
        "rows_written": {},
        "rows_per_minute": {"deals": 3.0},
        "counted": CountRecord(at=at, rows={"deals": 9}, queue={"pending": 6, "leased": 1, "done": 3}),
        "faults": (FaultRecord(at=at, level="warning", event="call_failed", words=text, role="upsert", slot=0),),
        "deaths": (
            DeathRecord(
                at=at, role="upsert", slot=0, pid=6, cause="signal", code=None, signal="SIGKILL", words=text,
                doing=text, lived_s=9.0, peak_rss_mb=30.0, next="backoff",
            ),
        ),
        "orders": (OrderRecord(at=at, by=text, order=text, code=1, words=text),),
    }  # fmt: skip
    return report.Report(**{**given, **more})


def a_status(last, *, waits=True, **more):
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**15), tick_period_s=60)
    ledger.observe(Reading(tokens_left=87, refill_rate=20, refill_in_ms=1000, server_ms=5))
    if waits:
        ledger.place("backfill").poll(20)
    given = {"is_running": True, "pid": 5, "report": last, "snapshot": ledger.snapshot(), "notes": ()}
    given |= {"counts": None if last is None else last.counted, "counts_age_s": 4.0}
    return Status(**{**given, **more})


def test_every_number_is_that_of_the_ledger():
    status = a_status(a_report())
    view, snapshot = now_view(status, NOW, has_control=True), status.snapshot
    assert view["texts"]["balance"] == f"{snapshot.bucket.balance:,.0f}"
    assert view["texts"]["capacity"] == f"{snapshot.bucket.capacity:,.0f}"
    for row, tier in zip(view["tables"]["tiers"], snapshot.tiers, strict=True):
        assert (row[0]["t"], row[3]["t"], row[4]["t"]) == (tier.name, f"{tier.floor:,.0f}", str(tier.waiting))
    (waiter,) = view["tables"]["waiters"]
    assert waiter[2]["t"] == "20"
    assert waiter[4]["u"] == round((NOW + timedelta(seconds=snapshot.waiters[0].opens_in_s)).timestamp())


def test_budgets_hours_and_the_time_left_are_those_of_status():
    ruled = [dataclasses.replace(one, tokens_per_day=40, hours=(60, 120)) for one in DEFAULT_TIERS]
    ledger = TokenLedger.in_memory(ruled, ManualClock(10**15), tick_period_s=60)
    ledger.observe(Reading(tokens_left=87, refill_rate=20, refill_in_ms=1000, server_ms=5))
    job = {"total": 10, "rate_per_min": 2.5, "eta_s": 168.0}
    last = a_report(workers=(child("backfill", job=job),))
    status = a_status(last, snapshot=ledger.snapshot())
    view = now_view(status, NOW, has_control=True)
    for row, tier in zip(view["tables"]["tiers"], status.snapshot.tiers, strict=True):
        rules = describe_rules(tier)
        assert rules
        assert rules in row[2]["t"]
    told = as_json.progress(last, last.counted, status.snapshots)
    assert told.eta_s == 168
    assert view["texts"]["left"] == f"until about {near(NOW + timedelta(seconds=told.eta_s), NOW)}"
    assert f"{told.done} of {told.total}" in view["texts"]["backfill"]


def test_what_cannot_be_known_is_shown_as_a_dash_and_never_as_a_number():
    view = now_view(a_status(None, snapshot=None), NOW, has_control=False)
    assert view["chart"] is None
    assert set(view["tables"]) == {"tiers", "waiters", "conditions", "children", "hosts", "faults"}
    assert not any(view["tables"].values())
    assert not any(char.isdigit() for char in "".join(view["texts"].values()))


def test_of_several_keys_the_numbers_are_those_of_the_one_that_is_shown():
    snapshots = {}
    for name, tokens in (("a", 87), ("b", 7)):
        ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**15), tick_period_s=60)
        ledger.observe(Reading(tokens_left=tokens, refill_rate=20, refill_in_ms=1000, server_ms=5))
        snapshots[name] = ledger.snapshot()
    lapsed = ConditionRecord(kind="key c", since=NOW.isoformat(), why="lapsed", who=("upsert-0",))
    last = a_report(conditions=(lapsed,), keys=tuple(report.KeyRecord(name=name) for name in "abc"))
    found = keys.views(last.keys, snapshots, last)
    status = a_status(last, snapshot=snapshots["a"], keys=found)
    views = [now_view(status, NOW, has_control=True, key=one) for one in found]
    assert [view["texts"]["balance"] for view in views] == ["87", "7", cells.NOTHING]
    assert [view["chart"] and view["chart"]["balance"] for view in views] == [87, 7, None]
    assert views[0]["tables"]["keys"] == views[1]["tables"]["keys"]
    rows = views[0]["tables"]["keys"]
    assert [(row[0]["t"], row[0]["h"], row[2]["s"], row[3]["t"]) for row in rows] == [
        ("a", "/?key=a", "good", "87"), ("b", "/?key=b", "good", "7"), ("c", "/?key=c", "bad", cells.NOTHING),
    ]  # fmt: skip
    assert {len(row) for row in rows} == {len(keys_table.HEADINGS)}
    assert rows[2][2]["t"].startswith("refused since ")
    assert "lapsed" not in rows[2][2]["t"], "the reason stands once, with what keeps the run from its work"
    assert views[0]["tables"]["conditions"][0][1]["t"] == "key c: lapsed"
    assert "c: refused since" in views[2]["texts"]["key"]
    assert "lapsed" in views[2]["texts"]["key"]


def test_without_control_there_is_no_order_in_any_table():
    assert "/orders/" not in json.dumps(now_view(a_status(a_report()), NOW, has_control=False))


@pytest.mark.parametrize(
    ("last", "more", "shape", "words"),
    [
        (a_report(workers=(child(),)), {}, "good", "All is well."),
        (a_report(), {}, "bad", "backfill-0 is not in service"),
        (a_report(conditions=(AWAY,)), {}, "bad", "database"),
        (a_report(paused=("backfill",)), {}, "off", "Paused: backfill"),
        (a_report(), {"is_silent": True}, "bad", "does not speak"),
        (None, {}, "wait", "not reported yet"),
    ],
)
def test_the_verdict_says_what_matters_most(last, more, shape, words):
    found = verdict(a_status(last, **more), NOW)
    assert found.shape == shape
    assert words in found.text


class Skeleton(HTMLParser):
    """The tags of a page with their attributes, without any text."""

    def __init__(self, html):
        super().__init__(convert_charrefs=True)
        self.tags = []
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, tuple(name for name, _ in attributes)))
        for name, value in attributes:
            assert not name.startswith("on")
            assert name not in {"href", "src", "action"} or str(value).startswith(("/", "#", "data:,"))


RENDERER = Renderer(StaticFiles(), {"navigation": [], "has_control": True, "is_synthetic": True})


def pages_with(text):
    """Every template with what a stranger wrote wherever he could have."""
    status = a_status(a_report(text))
    key = keys.KeyView("a", text, status.snapshot, ConditionRecord(kind="key a", since=NOW.isoformat(), why=text))
    view = now_view(dataclasses.replace(status, keys=(key,)), NOW, has_control=True, key=key)
    about = {"now": NOW, "status": status, "query": {"kind": text}}
    chart = {"past": [[1], [2]], "span_s": 900, **view["chart"]}
    yield RENDERER.html(
        "now.html",
        {
            **about, "page": now.PAGE, "view": view, "chosen": "15m", "ranges": [("15m", "/?range=15m")], "key": key,
            "key_headings": keys_table.HEADINGS, "fault": text, "rows": [],
            "chart": chart, "sentence": text, "lines": [Path(text, text)], "highest": 200,
        },
    )  # fmt: skip
    yield RENDERER.html(
        "events.html",
        {**about, "page": events.PAGE, "events": events._events(status.report, ""), "kind": "", "kinds": [text]},
    )
    back = WayBack(text, f"/&{text}")
    yield RENDERER.html("message.html", {**about, "page": None, "title": text, "words": text, "back": back})
    preview = orders.Preview(text, text, text, {"role": text}, text, text)
    yield RENDERER.html("order.html", {**about, "page": orders.PAGES[0], "name": "set", "preview": preview})
    yield RENDERER.html(
        "settings.html", {**about, "page": settings_page.PAGE, "groups": [(text, [])], "overrides": {text: text}}
    )


PLAIN = [Skeleton(html).tags for html in pages_with("a title")]


@given(text=HOSTILE)
def test_what_a_stranger_wrote_stays_text_on_every_page(text):
    for html, plain in zip(pages_with(text), PLAIN, strict=True):
        assert Skeleton(html).tags == plain


def test_what_keeps_the_run_from_its_work_is_told_with_since_and_who_and_a_brake_can_be_released():
    brake = ConditionRecord(kind="replies", since=NOW.isoformat(), why="2 of 3 could not be used", who=("backfill-0",))
    status = a_status(a_report(conditions=(AWAY, brake)))
    away, braked = now_view(status, NOW, has_control=True)["tables"]["conditions"]
    assert away[1] == {"t": "no answer", "s": "bad"}
    assert away[2]["t"] == "upsert-0"
    assert "h" not in away[3]
    assert braked[3]["h"] == "/orders/resume?role=all"
    assert all(len(row) == 3 for row in now_view(status, NOW, has_control=False)["tables"]["conditions"])
