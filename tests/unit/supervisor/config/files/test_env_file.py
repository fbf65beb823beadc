"""`.env`: every line is understood or told by its number, and nothing of a line is ever shown."""

import pytest

from supervisor.config import similar_names
from supervisor.config.files import env_file
from supervisor.config.options import OPTIONS
from supervisor.config.setting_texts import read_texts
from supervisor.config.settings import load_settings
from tasks.errors import ConfigError

SECRET = "s3cretValue"
FAULTY = {
    "a colon": (f"KEEPA_API_KEY: {SECRET}", "line 1 is not understood (is KEEPA_API_KEY meant?)"),
    "a colon without a blank": (f"KEEPA_API_KEY:{SECRET}", "line 1 is not understood (is KEEPA_API_KEY meant?)"),
    "a blank": (f"KEEPA_API_KEY {SECRET}", "line 1 is not understood (is KEEPA_API_KEY meant?)"),
    "a blank, exported": (f"export KEEPA_API_KEY {SECRET}", "line 1 is not understood (is KEEPA_API_KEY meant?)"),
    "a colon and an equals sign": (f"KEEPA_API_KEY:={SECRET}", "line 1 is not understood (is KEEPA_API_KEY meant?)"),
    "a name alone": ("KEEPA_API_KEY", "line 1 is not understood (is KEEPA_API_KEY meant?)"),
    "a value alone": (SECRET, "line 1 is not understood: write"),
    "Windows": (f"set KEEPA_API_KEY={SECRET}", "line 1 is not understood"),
    "a list of compose": (f"- KEEPA_API_KEY={SECRET}", "line 1 is not understood"),
    "a URL alone": (f"postgresql://u:{SECRET}@h/d?sslmode=require", "line 1 is not understood: what stands before ="),
    "a quote that does not close": (
        f'KEEPA_API_KEY="{SECRET}',
        "line 1 is not understood (is KEEPA_API_KEY meant?): a quotation mark is opened and not closed",
    ),
    "a single quote that does not close, and more lines": (
        f"export STATE_DIR = '{SECRET}\nLOG_LEVEL=info\n",
        "line 1 is not understood (is STATE_DIR meant?): a quotation mark is opened and not closed",
    ),
    "something behind a quote that is closed": (
        f'STATE_DIR="a"{SECRET}',
        "line 1 is not understood (is STATE_DIR meant?): write",
    ),
    "a quote that closes in another line": (
        f'KEEPA_API_KEY="{SECRET}\nSTATE_DIR=x"',
        "line 1 begins a value of KEEPA_API_KEY that goes on in the next line",
    ),
    "after blank lines and comments": (f"\r\n# one\r\n\r\n  STATE_DIR {SECRET}\r\n", "line 4 is not understood"),
}


@pytest.mark.parametrize(("text", "said"), FAULTY.values(), ids=FAULTY)
def test_a_line_that_is_none_is_told_by_its_number_and_not_shown(tmp_path, text, said):
    file = tmp_path / ".env"
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings({}, dotenv=file)
    assert said in str(caught.value)
    assert SECRET not in str(caught.value)


def test_what_is_understood_is_read_as_python_dotenv_reads_it():
    read = env_file.parse(
        "\ufeff# settings\r\nexport UPSERT_WORKERS = 3 # some\r\n"
        "'STATE_DIR'=\"a b\"\r\nDATABASE_URL='x#y'\n\nLOG_LEVEL=\n"
    )
    assert read.faults == ()
    assert read.values == {"UPSERT_WORKERS": "3", "STATE_DIR": "a b", "DATABASE_URL": "x#y", "LOG_LEVEL": ""}


def test_names_of_other_programs_are_left_alone():
    assert env_file.parse("other.name=1\nOTHER-NAME=2\nKEY='several\nlines'\n").faults == ()


@pytest.mark.parametrize("option", [option.name for option in OPTIONS])
def test_a_setting_with_a_slip_in_its_name_is_asked_about(option):
    slips = {option[:-1] + "X", option + "S", option.lower(), option.replace("_", "-")} - {option}
    for slip in slips:
        settings = read_texts({slip: "1"} if slip.lower() == slip else {}, dotenv=None).notes
        told = [*settings, *similar_names.in_file([slip])]
        asked = f" sets {slip}, which is not a setting; is {option} meant?"
        assert any(note.endswith(asked) for note in told), (slip, told)


def test_other_programs_may_have_any_names_in_the_environment():
    names = ["STATE_DIRECTORY", "DATABASE_URL_TEST", "LOG_FILE", "PATH", "HOME", "LOGLEVEL2", "READY"]
    assert read_texts(dict.fromkeys(names, "1"), dotenv=None).notes == ()
    (told,) = read_texts({"KEEPA_TOKEN": "1"}, dotenv=None).notes
    assert told.startswith("the environment sets KEEPA_TOKEN, which is not a setting")


def test_of_two_lines_for_one_setting_the_last_counts_and_both_are_told(tmp_path):
    file = tmp_path / ".env"
    file.write_text("UPSERT_WORKERS=2\n\nUPSERT_WORKERS=3\nOTHER=1\nOTHER=2\n")
    settings = load_settings({}, dotenv=file)
    assert settings.upsert_workers == 3
    assert ".env sets UPSERT_WORKERS in lines 1, 3: the last one is used; delete the others" in settings.notes
    assert not any("sets OTHER in lines" in note for note in settings.notes)


def test_a_long_name_may_be_a_value_out_of_its_place_and_is_not_shown():
    (told,) = similar_names.in_file(["k" * 64])
    assert "kkk" not in told
