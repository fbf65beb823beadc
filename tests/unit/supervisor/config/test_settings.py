"""Settings: one table, one message with every fault, secrets never shown."""

import json
from pathlib import Path

import pytest

from supervisor.cli.commands import _parser
from supervisor.cli.settings_help import settings_help
from supervisor.config.environment import child_environment
from supervisor.config.options import GROUPS, OPTIONS
from supervisor.config.settings import Settings, load_settings
from tasks.errors import ConfigError
from tests.settings_documents import EXAMPLE, README, ROOT, TABLE, env_example, readme_table

KEY = "verySecret".ljust(64, "k")


def load(environ=None, dotenv=None):
    return load_settings(environ or {}, dotenv=dotenv)


def faults(environ, dotenv=None):
    with pytest.raises(ConfigError) as caught:
        load(environ, dotenv)
    return str(caught.value)


def test_the_example_file_the_help_and_the_table_name_the_same_settings():
    assert EXAMPLE.read_text(encoding="utf-8") == env_example()
    assert TABLE.findall(README.read_text(encoding="utf-8")) == [readme_table()]
    for option in OPTIONS:
        assert f"#{option.name}={option.default}\n" in env_example()
        assert f"    {option.name} " in settings_help()
        assert f"| `{option.name}` |" in readme_table()
    assert settings_help() in _parser().format_help()


def test_every_setting_of_the_table_is_a_field_and_every_field_is_in_the_table():
    extra = {name for name in Settings.__struct_fields__ if name.startswith("loaded_")} | {
        "sources",
        "unknown",
        "notes",
    }
    assert {option.field for option in OPTIONS} == set(Settings.__struct_fields__) - extra
    assert len({option.name for option in OPTIONS}) == len(OPTIONS) == sum(map(len, GROUPS.values()))


def test_no_line_of_the_help_is_wider_than_a_terminal_of_100_columns():
    assert max(map(len, settings_help().splitlines())) <= 100


def test_without_anything_set_the_defaults_hold():
    settings = load()
    assert not settings.keepa_api_key
    assert settings.keepa_domains == (1,)
    assert settings.poll_interval_s is None
    assert settings.state_dir == Path("var")
    assert settings.loaded_selections[0].name == "default"
    assert set(settings.sources.values()) == {"default"}


def test_the_example_file_as_it_is_changes_nothing(tmp_path):
    file = tmp_path / ".env"
    file.write_text(env_example().replace("\n#", "\n"), encoding="utf-8")
    text = "\n".join(line for line in file.read_text().splitlines() if "=" in line and line.split("=")[0].isupper())
    file.write_text(text)
    from_file, plain = load(dotenv=file), load()
    assert all(getattr(from_file, option.field) == getattr(plain, option.field) for option in OPTIONS)


def test_the_environment_wins_over_the_file_and_empty_means_unset(tmp_path):
    file = tmp_path / ".env"
    file.write_text("UPSERT_WORKERS=3\nBACKFILL_WORKERS=4\nSTATE_DIR=there\nKEPA_KEY=1\n")
    settings = load({"UPSERT_WORKERS": "2", "BACKFILL_WORKERS": "", "STATE_DIR": "  "}, file)
    assert (settings.upsert_workers, settings.backfill_workers) == (2, 4)
    assert settings.state_dir == Path("there")
    assert settings.sources["UPSERT_WORKERS"] == "environment"
    assert settings.sources["BACKFILL_WORKERS"] == ".env"
    assert settings.unknown == ("KEPA_KEY",)


@pytest.mark.parametrize(
    ("environ", "text", "port", "source"),
    [
        ({}, "", 9464, "default"),
        ({}, "METRICS_PORT=\n", None, ".env"),
        ({"METRICS_PORT": "  "}, "METRICS_PORT=1234\n", None, "environment"),
        ({"METRICS_PORT": "0"}, "METRICS_PORT=\n", 0, "environment"),
    ],
)
def test_the_metrics_port_alone_is_off_when_it_is_there_and_empty(tmp_path, environ, text, port, source):
    file = tmp_path / ".env"
    file.write_text(text)
    settings = load(environ, file)
    assert (settings.metrics_port, settings.sources["METRICS_PORT"]) == (port, source)
    assert [option.name for option in OPTIONS if option.has_off] == ["METRICS_PORT", "WEB_PORT"]


def test_a_dollar_sign_in_the_file_is_a_dollar_sign(tmp_path):
    file = tmp_path / ".env"
    file.write_text("DATABASE_URL=postgresql://u:${HOME}@h/d\n")
    assert load(dotenv=file).database_url.reveal() == "postgresql://u:${HOME}@h/d"


def test_all_faults_stand_in_one_message_with_what_was_expected(tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text('{"priceTypes": [0, 1], "sortType": 99}')
    message = faults(
        {
            "UPSERT_WORKERS": "many",
            "BACKFILL_WORKERS": "17",
            "KEEPA_DOMAINS": "1,7",
            "UPSERT_DETAIL": "everything",
            "KEEPA_BASE_URL": "ftp://x",
            "POLL_INTERVAL_S": "nan",
            "UPSERT_SHARE": "0.9",
            "BACKFILL_SHARE": "0.2",
            "UPSERT_FLOOR": "200",
            "SELECTIONS": f"{broken},{tmp_path / 'missing.json'}",
        }
    )
    assert "10 faults" in message
    for part in (
        "UPSERT_WORKERS (from environment): 'many' cannot be used; expected a whole number from 0 to 16",
        "'17'",
        "KEEPA_DOMAINS",
        "'everything' is no detail; expected stats, history, offers, with options after a +",
        "KEEPA_BASE_URL",
        "POLL_INTERVAL_S",
        "UPSERT_SHARE and BACKFILL_SHARE are 1.1",
        "UPSERT_FLOOR 200 is above BACKFILL_FLOOR 150",
        "priceTypes",
        "sortType",
        "missing.json cannot be read",
    ):
        assert part in message


def test_no_workers_at_all_is_a_fault():
    assert "nothing would be done" in faults({"UPSERT_WORKERS": "0", "BACKFILL_WORKERS": "0"})


def test_a_wrong_secret_is_named_and_not_shown():
    message = faults({"DATABASE_URL": "mysql://user:hunter2-hunter2@host/db"})
    assert "DATABASE_URL" in message
    assert "hunter2" not in message


def test_secrets_do_not_show_in_the_settings():
    settings = load({"KEEPA_API_KEY": KEY, "DATABASE_URL": f"postgresql://u:{KEY}@h/d"})
    assert KEY not in repr(settings)
    assert settings.keepa_api_key.reveal() == KEY


def test_selection_files_are_read_with_their_own_locale_or_each_of_the_domains(tmp_path):
    query = {"priceTypes": [1], "dateRange": 0}
    (tmp_path / "b.json").write_text(json.dumps(query))
    (tmp_path / "a.json").write_text(json.dumps({**query, "domainId": 4, "dateRange": 1}))
    settings = load({"SELECTIONS": str(tmp_path), "KEEPA_DOMAINS": "1, 3"})
    assert [(one.name, one.query["domainId"]) for one in settings.loaded_selections] == [("a", 4), ("b", 1), ("b", 3)]


def test_two_selections_that_ask_for_the_same_are_a_fault(tmp_path):
    for name in ("a", "b"):
        (tmp_path / f"{name}.json").write_text(json.dumps({"priceTypes": [1], "dateRange": 0, "domainId": 1}))
    assert "b asks for the same as a" in faults({"SELECTIONS": str(tmp_path)})


@pytest.mark.parametrize(
    ("pasted", "what"),
    [
        ("https://keepa.com/#!deals/%7B%22page%22%3A0%2C%22priceTypes%22%3A%5B0%5D%7D", "an address"),
        (f"HTTPS://api.keepa.com/deal?key={'s3cret' * 4}&selection=%7B%7D", "an address"),
        ('{"page":0,"domainId":1,"priceTypes":[0]}', "a selection itself"),
    ],
)
def test_a_selection_pasted_in_the_place_of_its_file_is_told_where_it_belongs(pasted, what):
    told = faults({"SELECTIONS": pasted})
    assert f"SELECTIONS: the value is {what}; put it into a file whose name ends with .json" in told
    assert "No such file" not in told
    assert "s3cret" not in told


def test_what_is_not_read_of_a_folder_of_selections_is_named_once(tmp_path):
    (tmp_path / "a.json").write_text('{"priceTypes": [1], "dateRange": 0, "domainId": 1}')
    for name in ("de.txt", "US.JSON", "a.json.txt", "a~b", "old\n"):
        (tmp_path / name).write_text("{}")
    (tmp_path / "more").mkdir()
    (told,) = load({"SELECTIONS": str(tmp_path)}).notes
    assert told.startswith("SELECTIONS: 'US.JSON', 'a.json.txt', 'a~b' and 3 more in the folder ")
    assert "ends with .json; rename it" in told


@pytest.mark.parametrize(
    "name",
    ["a.json~", ".a.json", ".a.json.swp", "#a.json#", "a.json.bak", "README", "readme.md", "LICENSE", "Licence.txt"],
)
def test_what_nobody_takes_for_a_selection_is_passed_over_without_a_word(tmp_path, name):
    (tmp_path / "a.json").write_text('{"priceTypes": [1], "dateRange": 0, "domainId": 1}')
    (tmp_path / name).write_text("no selection")
    settings = load({"SELECTIONS": str(tmp_path)})
    assert settings.notes == ()
    assert [one.name for one in settings.loaded_selections] == ["a"]


def test_an_empty_folder_of_selections_is_a_fault(tmp_path):
    assert "has no *.json file" in faults({"SELECTIONS": str(tmp_path)})


def test_a_worker_inherits_no_setting_and_finds_our_code(monkeypatch):
    monkeypatch.setenv("KEEPA_API_KEY", KEY)
    monkeypatch.setenv("DATABASE_URL", "postgresql://u:p@h/d")
    monkeypatch.setenv("PYTHONPATH", "/elsewhere")
    given = child_environment()
    assert not {option.name for option in OPTIONS} & set(given)
    assert given["PYTHONPATH"] == f"{ROOT}:/elsewhere"
    assert "PATH" in given


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("KEEPA_BASE_URL", "http://h/?key=s3cret", "end it before that"),
        ("KEEPA_BASE_URL", "http://s3cret@h", "remove everything up to the @"),
        ("KEEPA_BASE_URL", "http://" + "a" * 70, "not the URL of a server"),
        ("KEEPA_BASE_URL", "http://h:99999", "not the URL of a server"),
        ("KEEPA_BASE_URL", "http://h:0", "not the URL of a server"),
        ("KEEPA_BASE_URL", "http://a b", "not the URL of a server"),
        ("KEEPA_BASE_URL", "http://", "not the URL of a server"),
        ("STATE_DIR", "a\udcff", "not UTF-8"),
        ("STATE_DIR", "a\nb", "a control character"),
        ("SELECTIONS", "~nobody-of-that-name/x.json", "no user has"),
        ("SELECTIONS", "a" * 5000, "File name too long"),
        ("SELECTIONS", "a" * 50_000, "longer than"),
        ("BACKFILL_FLOOR", "\uff11\uff12", "a whole number"),
        ("BACKFILL_FLOOR", "1_000", "a whole number"),
        ("BACKFILL_FLOOR", "1e3", "a whole number"),
        ("BACKFILL_FLOOR", "9" * 5000, "a whole number"),
        ("BACKFILL_FLOOR", "-1", "a whole number"),
        ("UPSERT_SHARE", "nan", "a number from 0 to 1"),
        ("UPSERT_SHARE", "0,5", "a number from 0 to 1"),
        ("STOP_S", "inf", "a number from"),
        ("STOP_S", "1_0", "a number from"),
        ("KEEPA_DOMAINS", "\u00b2", "numbers separated by commas"),
        ("KEEPA_DOMAINS", "de", "numbers separated by commas"),
    ],
)
def test_what_cannot_be_used_is_told_and_no_address_is_repeated(name, text, said):
    message = faults({name: text})
    assert f"{name}" in message
    assert said in message
    assert "s3cret" not in message
    message.encode()


def test_what_is_meant_is_taken(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    settings = load(
        {
            "KEEPA_BASE_URL": "HTTP://[::1]:8080/keepa/",
            "KEEPA_DOMAINS": "3, 1,3,",
            "STATE_DIR": "~/there",
            "UPSERT_SHARE": "+.5e0",
            "UPSERT_FLOOR": "+050",
        }
    )
    assert settings.keepa_base_url == "HTTP://[::1]:8080/keepa/"
    assert settings.keepa_domains == (3, 1)
    assert settings.state_dir == tmp_path / "there"
    assert (settings.upsert_share, settings.upsert_floor) == (0.5, 50)
