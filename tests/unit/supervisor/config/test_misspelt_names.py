"""A name in `.env` that is a setting's but for a slip: no run starts without what was meant, and reading goes on."""

import string
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from supervisor.config import readable, similar_names, untold
from supervisor.config.options import BY_NAME
from supervisor.config.setting_texts import read_texts
from supervisor.config.settings import Settings, UnusableSettings, load_settings

GUARDED = ["DATABASE_URL", "KEEPA_API_KEY", "KEEPA_BASE_URL", "STATE_DIR"]  # and KEYS, which is too short for a slip
OTHERS = sorted(BY_NAME.keys() - {*GUARDED, "KEYS"})
LETTERS = string.ascii_letters + "_"


@st.composite
def slips(draw, names=GUARDED):
    """A setting, and its name with one letter more, less, another or in another place, or in another case."""
    name = draw(st.sampled_from(names))
    at, letter = draw(st.integers(1, len(name) - 1)), draw(st.sampled_from(LETTERS))
    slip = draw(
        st.sampled_from(
            [
                name[:at] + letter + name[at:],
                name[:at] + name[at + 1 :],
                name[:at] + letter + name[at + 1 :],
                name[: at - 1] + name[at] + name[at - 1] + name[at + 1 :],
                name[:at].lower() + name[at:],
                name.lower(),
                name + letter,
            ]
        )
    )
    return name, slip


def written(folder, *lines):
    file = Path(folder, ".env")
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def said(file, environ=()):
    with pytest.raises(UnusableSettings) as caught:
        load_settings(dict(environ), dotenv=file)
    return str(caught.value)


@settings(max_examples=150)
@given(slips())
def test_a_slip_in_the_name_stops_a_run_and_is_answered_with_what_was_meant(given_names):
    name, slip = given_names
    if slip in BY_NAME or similar_names.misspelt(slip, "12-secret") != name:
        return  # it is, or is as near to, another setting; or it is the name of another program
    with tempfile.TemporaryDirectory() as folder:
        file = written(folder, f"{slip}=12-secret")
        words = said(file)
        assert f".env: there is no setting {slip}; did you mean {name}?" in words
        assert "12-secret" not in words
        assert not any(f"sets {slip}" in note for note in read_texts({}, dotenv=file).notes)
        # Whoever only reads goes on with all that there is, and is told.
        found, told = readable.readable(read_texts({}, dotenv=file)), []
        for field in Settings.__struct_fields__:
            getattr(found, field)
        untold.tell(told.append)
        with pytest.raises(UnusableSettings, match="did you mean"):
            readable.require_whole(found, BY_NAME[name].field)
        assert len(told) == 1
        assert f"did you mean {name}?" in told[0]
        # A setting that is set is not missing, so the line may be another program's.
        good = {name: BY_NAME[name].default or "x"}
        assert f"sets {slip}" in "".join(read_texts(good, dotenv=file).notes)
        assert read_texts(good, dotenv=file).misspelt == {}


@pytest.mark.parametrize("name", GUARDED)
def test_every_slip_of_one_letter_is_found(name):
    cut = {name[:at] + name[at + 1 :] for at in range(len(name))}
    more = {name[:at] + "X" + name[at:] for at in range(len(name) + 1)}
    for slip in {name.lower(), name.title(), *cut, *more} - BY_NAME.keys() - {"STATEDIR"}:
        assert similar_names.misspelt(slip, "x") == name, slip


@settings(max_examples=200)
@given(slips(OTHERS))
def test_a_slip_in_any_other_name_stops_nobody(given_names):
    name, slip = given_names
    if slip not in BY_NAME:
        assert similar_names.misspelt(slip, "x") is None, f"{slip} for {name}"


@pytest.mark.parametrize(
    "slip", ["DATABASE_URl", "DATABSE_URL", "DATABASE-URL", "KEEPA_APIKEY", "keepa_api_key", "Keys"]
)
def test_the_slips_that_would_send_a_run_elsewhere(tmp_path, slip):
    assert "did you mean" in said(written(tmp_path, f"{slip}=x"))


@settings(max_examples=30)
@given(st.from_regex(r"[A-Z][A-Z0-9_]{2,20}", fullmatch=True))
def test_names_far_from_ours_are_nobodys_fault(name):
    if similar_names.near(name) is not None:
        return
    with tempfile.TemporaryDirectory() as folder:
        assert load_settings({}, dotenv=written(folder, f"{name}=1")).unknown == (name,)


@pytest.mark.parametrize(
    "name",
    [
        "HOSTNAME",
        "KEY",
        "DATABASE_URL_TEST",
        "STATE_DIRECTORY",
        "PGDATABASE",
        "POSTGRES_DB",
        "LOGLEVEL",
        "LOGFORMAT",
        "LOG_LEVELS",
        "WEB_HOST",
        "WEBPORT",
        "HOST_NAMES",
        "STATEDIR",
        "STATIC_DIR",
        "keys",
        "ledger",
        "rules",
        "DATABASE_URI",
    ],
)
def test_what_other_programs_have_in_such_a_file_stops_nobody(tmp_path, name):
    found = load_settings({}, dotenv=written(tmp_path, f"{name}=1"))
    assert found.unknown == (name,)
    assert any(f".env sets {name}, which is not a setting" in note for note in found.notes)


@pytest.mark.parametrize("name", ["DATABASE_URI", "DATABASEURL", "database_url"])
@pytest.mark.parametrize(
    ("value", "stops"), [("mysql://h/d", False), ("sqlite:///x", False), ("postgresql://u@h/d", True)]
)
def test_an_address_of_another_kind_of_database_is_another_programs(tmp_path, name, value, stops):
    file = written(tmp_path, f"{name}={value}")
    if stops:
        assert "did you mean DATABASE_URL?" in said(file)
    else:
        assert load_settings({}, dotenv=file).unknown == (name,)


def test_an_empty_line_of_such_a_name_changes_nothing_and_stops_nobody(tmp_path):
    assert load_settings({}, dotenv=written(tmp_path, "DATABASE_URl=")).unknown == ("DATABASE_URl",)
    assert load_settings({}, dotenv=written(tmp_path, "WEB_PORt=")).unknown == ("WEB_PORt",)
