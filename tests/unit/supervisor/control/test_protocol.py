"""Orders and answers as lines."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor import report
from supervisor.control import protocol

NAMES = st.text(max_size=30)
ROLES = st.lists(st.sampled_from(["upsert", "backfill"]), max_size=3).map(tuple)
ORDERS = st.one_of(
    st.builds(protocol.Pause, roles=ROLES),
    st.builds(protocol.Resume, roles=ROLES),
    st.builds(protocol.Restart, worker=NAMES),
    st.builds(protocol.Retry, worker=NAMES),
    st.builds(protocol.Set, settings=st.dictionaries(NAMES, NAMES, max_size=4)),
    st.just(protocol.Reload()),
    st.builds(protocol.Cancel, asin=NAMES, domain=st.integers(-(2**40), 2**40)),
    st.builds(protocol.Fetch, asin=NAMES, domain=st.integers(-(2**40), 2**40), detail=NAMES),
    st.just(protocol.Drain()),
    st.builds(protocol.Note, what=NAMES, outcome=NAMES),
)


@given(ORDERS)
def test_an_order_is_one_line_and_reads_back_as_it_was(order):
    line = protocol.line_of(order)
    assert line.count(b"\n") == 1
    assert protocol.read_order(line) == order
    assert protocol.describe_order(order)


def test_what_an_order_has_not_is_not_sent_for_another_version_may_not_know_it():
    assert protocol.line_of(protocol.Restart(worker="upsert-0")) == b'{"do":"restart","worker":"upsert-0"}\n'
    marked = protocol.Cancel(asin="B000000001", domain=1, by="web", mark="0123")
    assert protocol.read_order(protocol.line_of(marked)) == marked


@given(st.binary(max_size=200))
def test_whatever_else_comes_is_no_order_and_no_crash(line):
    with pytest.raises(protocol.NotUnderstood, match="not an order"):
        protocol.read_order(line)


@pytest.mark.parametrize(
    "line",
    [
        b"[" * 100_000,
        b'{"do": "pause"}',
        b'{"do": "pause", "roles": ["simulator"]}',
        b'{"do": "quit"}',
        b'{"do": "reload", "x": 1}',
        b'{"do": "restart", "worker": "\xff"}',
        b'{"do": "set", "settings": {"\xc3": "\xed\xa0\x80"}}',
    ],
)
def test_an_order_that_is_nearly_one_is_none(line):
    with pytest.raises(protocol.NotUnderstood):
        protocol.read_order(line)


def test_bytes_that_are_no_text_are_no_answer_and_no_report(tmp_path):
    with pytest.raises(protocol.NotUnderstood, match="not an answer"):
        protocol.read_answer(b'{"code": 0, "words": "\xff"}')
    path = tmp_path / "file"
    path.write_bytes(b'{"written_at": "\xff"}')
    assert report.read(path) is None


def test_the_words_of_an_order_show_no_value_that_may_be_a_secret():
    assert protocol.describe_order(protocol.Set(settings={"KEEPA_API_KEY": "a-secret"})) == "set KEEPA_API_KEY"
