"""Settings for a command that only reads: whatever is wrong stops it only where it looks."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.config import readable, untold
from supervisor.config.options import BY_NAME
from supervisor.config.setting_texts import read_texts
from supervisor.config.settings import Settings, UnusableSettings, load_settings

BAD = st.sampled_from(["not\x7fusable", "\ud800"])
NAMES = sorted(BY_NAME)
MADE_OF = {
    "loaded_selections": {"SELECTIONS", "KEEPA_DOMAINS", "KEYS"},
    "loaded_sources": {"SELECTIONS", "KEEPA_DOMAINS", "KEYS"},
    "loaded_lists": {"WATCH", "KEEPA_DOMAINS", "WATCH_REFRESH", "WATCH_DETAIL"},
    "loaded_keys": {"KEYS"},
    "keepa_api_key": {"KEYS", "KEEPA_API_KEY"},
    "loaded_rules": {"RULES"},
    "loaded_targets": {"RULES"},
}
ABOUT = {"sources", "notes", "unknown"}


@pytest.fixture(autouse=True)
def _no_words_left():
    yield
    untold.drop()


def read(environ, dotenv=None):
    return readable.readable(read_texts(environ, dotenv=dotenv))


@settings(max_examples=25)
@given(st.dictionaries(st.sampled_from(NAMES), BAD, min_size=1))
def test_each_field_is_as_without_the_faults_or_raises_them_all(bad):
    found, good = read(bad), load_settings({}, dotenv=None)
    for field in set(Settings.__struct_fields__) - ABOUT:
        if MADE_OF.get(field, {field.upper()}) & bad.keys():
            with pytest.raises(UnusableSettings) as caught:
                getattr(found, field)
            assert all(name in str(caught.value) for name in bad)
        else:
            assert repr(getattr(found, field)) == repr(getattr(good, field))


@pytest.mark.parametrize("name", ["UPSERT_SHARE", "BACKFILL_SHARE"])
def test_settings_that_do_not_fit_together_are_all_unusable(name):
    found = read({"UPSERT_SHARE": "0.6", "BACKFILL_SHARE": "0.6"})
    with pytest.raises(UnusableSettings):
        getattr(found, name.lower())
    assert found.upsert_floor == 50


def test_a_line_that_is_not_understood_stops_who_looks_at_what_it_names(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_text("SPOOL_LIMIT_MB 12\nUPSERT_FLOOR=20\n")
    found = read({}, dotenv)
    assert (found.upsert_floor, found.hang_s) == (20, load_settings({}, dotenv=None).hang_s)
    with pytest.raises(UnusableSettings):
        found.spool_limit_mb  # noqa: B018 - the look at it raises
    assert read({"SPOOL_LIMIT_MB": "12"}, dotenv).spool_limit_mb == 12


@given(
    st.sampled_from(NAMES),
    st.sampled_from(["{name}{value}", "x{name} {value}", "{lower} {value}", "{cut} {value}", "some words", "{value}"]),
    st.sampled_from(["postgresql://a:b@h/x", "srv/WATCH", "12"]),
)
@settings(max_examples=50)
def test_a_line_that_begins_with_no_name_stops_who_looks_at_what_is_set_nowhere_else(name, line, value):
    text = line.format(name=name, lower=name.lower(), cut=name[:-1], value=value)
    with tempfile.TemporaryDirectory() as folder:
        dotenv = Path(folder, ".env")
        dotenv.write_text(f"CALLS_KEEP_D=20\n{text}\n")
        found = read({"HANG_S": "77"}, dotenv)
    assert found.hang_s == 77
    assert name == "CALLS_KEEP_D" or found.calls_keep_d == 20
    for other in {name, "DATABASE_URL", "STATE_DIR", "SELECTIONS"} - {"CALLS_KEEP_D", "HANG_S"}:
        with pytest.raises(UnusableSettings):
            getattr(found, other.lower())


@pytest.mark.parametrize("line", ["DATABASE_URLpostgresql://a:b@h/y", "DATABASE_URl postgresql://a:b@h/y"])
def test_a_name_in_such_a_line_counts_although_another_line_sets_it(tmp_path, line):
    dotenv = tmp_path / ".env"
    dotenv.write_text(f"DATABASE_URL=postgresql://a:b@h/x\n{line}\n")
    with pytest.raises(UnusableSettings):
        read({}, dotenv).database_url  # noqa: B018 - the look at it raises
    assert read({"DATABASE_URL": "postgresql://a:b@h/z"}, dotenv).database_url


def test_of_a_file_that_cannot_be_read_only_the_environment_is_known(tmp_path):
    dotenv = tmp_path / ".env"
    dotenv.write_bytes(b"STATE_DIR=\xff\n")
    found = read({"UPSERT_FLOOR": "20"}, dotenv)
    assert found.upsert_floor == 20
    with pytest.raises(UnusableSettings):
        found.state_dir  # noqa: B018


def test_faults_nobody_looked_at_are_told_once_in_a_line_each():
    told = []
    read({"STOP_S": "soon", "UPSERT_SHARE": "0.6", "BACKFILL_SHARE": "0.6"})
    untold.tell(told.append)
    untold.tell(told.append)
    assert len(told) == 2
    assert all(line.count("\n") == 1 and line.endswith("\n") for line in told)
    found = read({"STOP_S": "soon"})
    with pytest.raises(UnusableSettings):
        found.stop_s  # noqa: B018
    untold.tell(told.append)
    assert len(told) == 2
