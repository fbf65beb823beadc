from __future__ import annotations

import io
import json
import logging

import pytest

from tasks.redaction import MASK, Redactor
from tasks.runtime.log import VALUE_LIMIT, LibraryHandler, stream_logger


@pytest.fixture
def stream():
    return io.StringIO()


def lines(stream):
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_one_json_object_with_time_level_event_and_the_bound_fields(stream):
    stream_logger(stream).bind(role="upsert", slot=0).info("page_read", rows=150)
    (line,) = lines(stream)
    assert line.pop("ts").endswith("Z")
    assert line == {"level": "info", "event": "page_read", "role": "upsert", "slot": 0, "rows": 150}


def test_what_is_below_the_level_is_not_written(stream):
    log = stream_logger(stream, level="warning")
    log.info("chatter")
    log.warning("worth_reading")
    assert [line["event"] for line in lines(stream)] == ["worth_reading"]


def test_a_hidden_secret_appears_in_no_value_key_or_nested_value(stream):
    log = stream_logger(stream, redactor=Redactor(["s3cret/key+1"]))
    log.bind(role="upsert").error(
        "failed",
        url="http://host/deal?key=s3cret%2Fkey%2B1&page=0",
        nested={"s3cret/key+1": ["s3cret/key+1", 4]},
        error=ValueError("no s3cret/key+1 here"),
    )
    text = stream.getvalue()
    assert "s3cret" not in text
    assert text.count(MASK) == 4


def test_an_exception_is_one_line_with_its_traceback(stream):
    def fails():
        raise ValueError("two\nlines")

    try:
        fails()
    except ValueError as error:
        stream_logger(stream).failure("step_failed", error)
    (line,) = lines(stream)
    assert line["error"] == "two\nlines"
    assert "test_log" in line["traceback"]


def test_a_huge_value_is_cut(stream):
    stream_logger(stream).warning("page", body="x" * (VALUE_LIMIT * 2))
    assert len(lines(stream)[0]["body"]) == VALUE_LIMIT


@pytest.mark.parametrize("beyond", [3, 8, 15])
def test_a_secret_at_the_cut_of_a_long_traceback_is_blotted_out_whole(stream, beyond):
    secret = "s3cret-0123456789"
    log = stream_logger(stream, redactor=Redactor([secret]))
    log.failure("step_failed", ValueError(secret + "x" * (VALUE_LIMIT - 1 - beyond)))
    assert not any(secret[-size:] in stream.getvalue() for size in range(3, len(secret)))


def test_what_a_library_logs_comes_out_redacted_in_the_same_stream(stream):
    log = stream_logger(stream, redactor=Redactor(["topsecret"]))
    library = logging.getLogger("tests.library")
    bridge = LibraryHandler(log)
    library.addHandler(bridge)
    try:
        library.warning("Retrying http://host/?key=%s", "topsecret")
    finally:
        library.removeHandler(bridge)
    (line,) = lines(stream)
    assert line["logger"] == "tests.library"
    assert line["message"] == f"Retrying http://host/?key={MASK}"


def test_a_reader_that_is_gone_does_not_stop_the_writer():
    class Gone(io.StringIO):
        def write(self, _text):
            raise BrokenPipeError

    stream_logger(Gone()).info("nobody_listens")


def test_what_psycopg_ignores_behind_an_error_is_no_fault_of_its_own(stream):
    bridge = LibraryHandler(stream_logger(stream))
    said = ("error ignored terminating %r: %s", "error ignored in rollback of %s: %s", "error ignored exiting %r: %s")
    for words in said:
        bridge.emit(logging.LogRecord("psycopg", logging.WARNING, "", 0, words, ("it", "lost"), None))
    assert lines(stream) == []
    bridge.emit(logging.LogRecord("psycopg", logging.WARNING, "", 0, "something else", None, None))
    bridge.emit(logging.LogRecord("other", logging.WARNING, "", 0, "error ignored", None, None))
    assert [line["message"] for line in lines(stream)] == ["something else", "error ignored"]
