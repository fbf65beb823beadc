"""Log lines: one format for ours and the workers', no secret, no control character, repeats counted."""

import json
import sys
from datetime import UTC, datetime
from urllib.parse import quote

import pytest

from ledger import ManualClock
from supervisor.eventloop.loop import Loop
from supervisor.logs.log import Log, as_console, as_json, coloured, renderer
from tasks.redaction import Redactor


@pytest.fixture
def written():
    return []


def log_to(written, render=as_json, **options):
    redactor = Redactor()
    redactor.hide("very-secret")
    return Log(written.append, render=render, redactor=redactor, **options)


def test_a_line_of_a_worker_keeps_its_fields_and_gets_its_place_in_the_tree(written):
    line = json.dumps({"ts": "2026-01-01T00:00:00.000Z", "level": "info", "event": "page", "role": "x", "rows": 3})
    log_to(written).relay(line, role="upsert", slot=0, pid=7)
    assert json.loads(written[0]) == {
        "ts": "2026-01-01T00:00:00.000Z",
        "level": "info",
        "event": "page",
        "role": "upsert",
        "slot": 0,
        "pid": 7,
        "rows": 3,
    }
    assert list(json.loads(written[0]))[:6] == ["ts", "level", "event", "role", "slot", "pid"]


DEEP = '{"event": "e", "x": ' + "[" * 50_000 + "]" * 50_000 + "}"
NO_RECORDS = ["Segmentation fault", "{broken", '["a list"]', '{"no": "event"}', '{"event": 3}', DEEP]


@pytest.mark.parametrize("line", NO_RECORDS, ids=lambda line: line[:20])
def test_what_is_no_record_becomes_the_event_stderr(written, line):
    log_to(written).relay(line, role="upsert", slot=0, pid=7)
    record = json.loads(written[0])
    assert (record["event"], record["message"], record["slot"]) == ("stderr", line, 0)


@pytest.mark.parametrize("render", [as_json, as_console])
def test_no_depth_of_lists_in_a_line_is_too_much(written, render):
    """Also a depth that can be read and, a few calls further down, not be written."""
    log = log_to(written, render)
    depths = range(0, sys.getrecursionlimit() + 200, 3)
    for depth in depths:
        log.relay('{"event": "e", "x": ' + "[" * depth + "]" * depth + "}", role="upsert", slot=0, pid=7)
    assert len(written) == len(depths)


def test_empty_lines_are_not_worth_a_record(written):
    assert log_to(written).relay("  ", role="upsert", slot=0, pid=7) == {}
    assert written == []


@pytest.mark.parametrize("render", [as_json, as_console, coloured])
def test_a_secret_is_blotted_out_wherever_it_stands(written, render):
    log = log_to(written, render)
    log.error("failed", error="GET /?key=very-secret", nested={"a": ["very-secret"]}, traceback="x\nvery-secret\n")
    log.relay('{"event": "e", "url": "very-secret"}', role="upsert", slot=0, pid=1)
    log.relay("raw very-secret", role="upsert", slot=0, pid=1)
    assert "very-secret" not in "".join(written)
    assert len(written) == 3


@pytest.mark.parametrize("before", range(290, 300))
def test_a_secret_at_the_cut_of_a_line_for_people_is_blotted_out_whole(written, before):
    log_to(written, as_console).warning("odd", reason="x" * before + "very-secret")
    assert "very" not in written[0]
    assert "x•" in written[0]


def test_a_secret_of_digits_leaves_times_and_numbers_as_they_are(written):
    log = Log(written.append, render=as_json, redactor=Redactor(["2026", "1000"]))
    log.info("odd", rows=1000, text="of 2026")
    record = json.loads(written[0])
    assert (record["rows"], record["text"]) == (1000, "of •••")
    assert "•" not in record["ts"]


def test_a_bound_logger_writes_into_the_same_log(written):
    log = log_to(written)
    bound = log.bind(role="upsert")
    log.level = "warning"
    bound.info("quiet")
    bound.warning("loud")
    assert [(json.loads(line)["event"], json.loads(line)["role"]) for line in written] == [("loud", "upsert")]
    assert len(log.faults.kept(datetime.now(UTC))) == 1


@pytest.mark.parametrize("render", [as_json, as_console])
def test_a_secret_with_any_letters_is_blotted_out_in_every_spelling(written, render):
    secret = 'pä"ß\\wörd/'
    redactor = Redactor()
    redactor.hide(secret)
    log = Log(written.append, render=render, redactor=redactor)
    spelled = [secret, json.dumps(secret), json.dumps(secret, ensure_ascii=False), quote(secret, safe="")]
    for one in spelled:
        log.error("failed", url=one, nested=[one])
        log.relay(f"raw {one}", role="upsert", slot=0, pid=1)
    text = "".join(written)
    assert not any(part in text for part in ("ä", "ß", "ö", "u00e4", "u00f6", "%C3"))
    assert len(written) == 2 * len(spelled)


def test_a_level_below_the_wanted_one_is_not_written_and_an_unknown_one_is(written):
    log = log_to(written, level="warning")
    log.info("quiet")
    log.warning("loud")
    log.relay('{"event": "odd", "level": "shout"}', role="upsert", slot=0, pid=1)
    assert [json.loads(line)["event"] for line in written] == ["loud", "odd"]


def test_a_line_for_people_is_short_and_carries_no_control_characters():
    line = as_console(
        {"ts": "2026-01-01T00:00:00.000Z", "level": "warning", "event": "odd", "role": "upsert", "slot": 0, "pid": 7}
        | {"message": "a\x1b[31mb", "doing": "x" * 1000, "lived_s": 1.25}
    )
    assert "\x1b" not in line
    assert "upsert-0" in line
    assert "lived_s=1.25" in line
    assert len(line) < 500


def test_a_traceback_is_shown_line_by_line_to_people():
    line = as_console({"level": "error", "event": "failed", "traceback": "one\ntwo\n"})
    assert line.splitlines()[1:] == ["    one", "    two"]


def test_repeats_are_counted_and_the_number_is_told(written):
    clock = ManualClock()
    with Loop(clock) as loop:
        log = log_to(written)
        log.count_repeats(loop)
        for attempt in range(20):
            log.warning("away", error=f"refused {attempt}")
        clock.advance_s(61)
        loop.step()
    events = [json.loads(line) for line in written]
    assert [event["event"] for event in events] == ["away"] * 5 + ["repeated"]
    assert events[-1]["times"] == 15


def test_the_format_follows_the_setting_and_else_the_terminal():
    assert renderer("auto", is_terminal=False) is as_json
    assert renderer("auto", is_terminal=True) is coloured
    assert renderer("json", is_terminal=True) is as_json
    assert renderer("console", is_terminal=False) is as_console
