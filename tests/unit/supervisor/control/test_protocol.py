"""Orders and answers as lines, and what another configuration means for a run that goes on."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor import report
from supervisor.config import changes, state_dir
from supervisor.config.options import OPTIONS
from supervisor.config.settings import load_settings
from supervisor.control import protocol
from tasks.errors import ConfigError
from tasks.settings import WorkerSettings

NAMES = st.text(max_size=30)
ROLES = st.lists(st.sampled_from(["upsert", "backfill"]), max_size=3).map(tuple)
ORDERS = st.one_of(
    st.builds(protocol.Pause, roles=ROLES),
    st.builds(protocol.Resume, roles=ROLES),
    st.builds(protocol.Restart, worker=NAMES),
    st.builds(protocol.Retry, worker=NAMES),
    st.builds(protocol.Set, settings=st.dictionaries(NAMES, NAMES, max_size=4)),
    st.just(protocol.Reload()),
)


@given(ORDERS)
def test_an_order_is_one_line_and_reads_back_as_it_was(order):
    line = protocol.line_of(order)
    assert line.count(b"\n") == 1
    assert protocol.read_order(line) == order
    assert protocol.describe_order(order)


@given(st.binary(max_size=200))
def test_whatever_else_comes_is_no_order_and_no_crash(line):
    with pytest.raises(protocol.NotUnderstood, match="no order"):
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


def test_bytes_that_are_no_text_are_no_answer_no_report_and_no_pauses(tmp_path):
    with pytest.raises(protocol.NotUnderstood, match="no answer"):
        protocol.read_answer(b'{"code": 0, "words": "\xff"}')
    path = tmp_path / "file"
    path.write_bytes(b'["\xff"]')
    with pytest.raises(ConfigError, match="does not tell what is paused"):
        state_dir.read_pauses(path)
    path.write_bytes(b'{"written_at": "\xff"}')
    assert report.read(path) is None


def settings(**environ):
    return load_settings(environ, dotenv=None)


def test_the_words_of_an_order_show_no_value_that_may_be_a_secret():
    assert protocol.describe_order(protocol.Set(settings={"KEEPA_API_KEY": "a-secret"})) == "set KEEPA_API_KEY"


def test_line_36_what_cannot_change_is_named_and_left_and_the_rest_is_followed():
    old = settings(KEEPA_API_KEY="secret".ljust(64, "1"), STATE_DIR="/one")
    new = settings(KEEPA_API_KEY="secret".ljust(64, "2"), STATE_DIR="/two", BACKFILL_FLOOR="200", UPSERT_DETAIL="none")
    change = changes.between(old, new)
    assert change.left == ("KEEPA_API_KEY", "STATE_DIR")
    assert change.followed == ("UPSERT_DETAIL stats -> none", "BACKFILL_FLOOR 150 -> 200")
    assert change.roles == {"upsert"}
    assert change.settings.keepa_api_key == old.keepa_api_key
    assert change.settings.state_dir == old.state_dir
    assert change.settings.backfill_floor == 200
    assert "secret" not in change.words
    assert "need a new start" in change.words


def test_nothing_that_differs_is_nothing_to_do():
    change = changes.between(settings(), settings())
    assert (change.followed, change.left, change.roles) == ((), (), set())
    assert change.words == "nothing changed"


def test_other_contents_of_the_same_selection_files_are_a_change(tmp_path):
    (tmp_path / "one.json").write_text('{"priceTypes": [1], "dateRange": 0}')
    old = settings(SELECTIONS=str(tmp_path))
    (tmp_path / "one.json").write_text('{"priceTypes": [1], "dateRange": 1}')
    change = changes.between(old, settings(SELECTIONS=str(tmp_path)))
    assert change.followed == ("SELECTIONS: other contents",)
    assert change.roles == {"upsert", "backfill"}


def test_every_setting_that_a_worker_is_told_reaches_it_by_a_change():
    """Save for those that say which account and which database: a run is about them."""
    told = {field.name for field in msgspec.structs.fields(WorkerSettings)}
    of_the_run = {"KEEPA_API_KEY", "KEEPA_BASE_URL", "DATABASE_URL"}
    for option in OPTIONS:
        if told & {option.field, option.field.removeprefix("keepa_")} and option.name not in of_the_run:
            assert changes.LIVE.get(option.name), f"{option.name} would never reach a worker"


def test_what_is_paused_is_kept_and_what_cannot_be_read_stops_a_start(tmp_path):
    path = tmp_path / "paused.json"
    assert state_dir.read_pauses(path) == frozenset()
    state_dir.write_pauses(path, {"backfill"})
    assert state_dir.read_pauses(path) == {"backfill"}
    path.write_text("not json")
    with pytest.raises(ConfigError, match="take it away to start all"):
        state_dir.read_pauses(path)
    state_dir.write_pauses(path, ())
    assert not path.exists()
