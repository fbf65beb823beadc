"""Lists of products in the settings: folders, files and tables, and every fault of all of them at once."""

import pytest

from supervisor.config.changes import between
from supervisor.config.settings import load_settings
from tasks.errors import ConfigError

A, B = "B000000001", "B000000002"


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "lists"
    home.mkdir()
    return home


def load(where, **environ):
    return load_settings({"WATCH": str(where)} | environ, dotenv=None)


def faults(where, **environ):
    with pytest.raises(ConfigError) as caught:
        load(where, **environ)
    return caught.value.faults


def test_the_files_of_a_folder_are_lists_each_in_its_locale_or_in_those_of_the_settings(folder):
    (folder / "toys.txt").write_text(f"{A}\n{B}\n")
    (folder / "books.csv").write_text(f"asin\n{A}\n# domain: fr\n")
    (folder / ".hidden.txt").write_text("x")
    (folder / "README.txt").write_text("what these are")
    (folder / "notes.md").write_text("x")
    found = load(folder, KEEPA_DOMAINS="1,3", WATCH_REFRESH="6h", WATCH_DETAIL="stats").loaded_lists
    assert [(one.name, one.domain, one.products) for one in found] == [("books", 4, 1), ("toys", 1, 2), ("toys", 3, 2)]
    assert {(one.refresh_s, one.detail) for one in found} == {(6 * 3600, "stats")}
    assert len({one.key for one in found}) == 3


def test_what_a_list_says_of_itself_wins(folder):
    (folder / "toys.txt").write_text(f"# refresh: 2d\n# detail: offers\n{A}\n")
    (one,) = load(folder).loaded_lists
    assert (one.refresh_s, one.detail) == (2 * 86_400, "offers")


def test_all_faults_of_all_lists_are_told_at_once_with_file_and_line(folder):
    (folder / "a.txt").write_text(f"{A}\nwrong\n")
    (folder / "b.txt").write_text("123456789\n# refresh: never\n")
    (folder / "c.csv").write_text("name\nx\n")
    told = faults(f"{folder},{folder / 'missing.txt'},table:a b")
    named = ("a.txt, line 2:", "b.txt, line 1:", "b.txt, line 2:", "c.csv, line 1:", "missing.txt", "'a b'")
    assert len(told) == len(named)
    for fault, words in zip(told, named, strict=True):
        assert fault.startswith("WATCH: ")
        assert words in fault


def test_of_a_file_of_something_else_not_every_line_is_told(folder):
    (folder / "a.txt").write_text("wrong\n" * 1_000)
    told = faults(folder)
    assert len(told) == 101
    assert "900 more lines have faults; `sluicegate watch check` shows all" in told[-1]


def test_two_lists_of_one_name_could_not_be_told_apart(folder):
    (folder / "a.txt").write_text(A)
    (folder / "a.csv").write_text(f"asin\n{A}")
    (told,) = faults(folder)
    assert "has the same name as" in told
    (folder / "a.csv").write_text("asin\nwrong\n")
    assert ["no ASIN" in fault or "has the same name as" in fault for fault in faults(folder)] == [True, True]


@pytest.mark.parametrize("refresh", ["soon", "10s", "24"])
def test_a_refresh_is_a_length_of_time_of_a_minute_or_more(refresh, folder):
    (folder / "a.txt").write_text(A)
    (told,) = faults(folder, WATCH_REFRESH=refresh)
    assert told.startswith("WATCH_REFRESH (from environment)")


def test_a_folder_without_a_list_and_a_file_of_another_ending_are_told(folder):
    assert "has no *.txt or *.csv file" in faults(folder)[0]
    (folder / "a.xlsx").write_text("x")
    assert "neither .txt nor .csv" in faults(folder / "a.xlsx")[0]


def test_a_table_is_a_list_whose_length_is_not_known():
    (one,) = load("table:shop.wanted").loaded_lists
    assert (one.name, one.table, one.path, one.products) == ("shop.wanted", "shop.wanted", "", 0)


def test_products_named_twice_are_told_and_no_fault(folder):
    (folder / "a.txt").write_text(f"{A}\n{A}\n")
    assert any("names products again in 1 lines" in note for note in load(folder).notes)


def test_the_key_stays_whatever_is_in_the_list_and_a_new_content_replaces_the_workers(folder):
    (folder / "a.txt").write_text(A)
    before = load(folder)
    (folder / "a.txt").write_text(B)
    after = load(folder)
    assert before.loaded_lists[0].key == after.loaded_lists[0].key
    change = between(before, after)
    assert change.roles == {"upsert", "backfill"}
    assert change.followed == ("WATCH: other contents",)
    assert between(before, before).roles == frozenset()
