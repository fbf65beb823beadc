"""`watch check`, `list` and `add` as a person types them."""

import json

import pytest

from tasks.settings import WatchListSettings
from tasks.store.watch import due, lists
from tests.fakes.program.cli_program import Program

A, B = "B000000001", "B000000002"


@pytest.fixture
def folder(tmp_path):
    home = tmp_path / "lists"
    home.mkdir()
    (home / "toys.txt").write_text(f"# refresh: 12h\n{A}\n")
    return home


@pytest.fixture
def program(tmp_path, database_url, folder):
    return Program(tmp_path, DATABASE_URL=database_url, WATCH=str(folder))


def test_check_says_what_the_lists_cost_on_each_plan(program):
    done = program.command("watch", "check", "--rate", "5", "--rate", "250")
    assert done.returncode == 0, done.stderr
    heading, row, small, large = done.stdout.splitlines()
    assert heading.split() == ["list", "shop", "products", "every", "detail"]
    assert row.split() == ["toys", "amazon.com", "1", "12h", "history"]
    assert "at 5 tokens a minute" in small
    assert "at 250 tokens a minute" in large
    told = json.loads(program.command("watch", "check", "--json").stdout)
    assert [plan["rate"] for plan in told["plans"]] == [5, 20, 60, 250, 1200]
    assert told["plans"][0]["tokens_per_day"] == 2


def test_check_tells_every_fault_of_every_list_and_ends_with_78(program, folder):
    (folder / "toys.txt").write_text("x\n" * 300)
    (folder / "more.csv").write_text("asin\ny\n")
    done = program.command("watch", "check")
    assert done.returncode == 78
    assert done.stderr.count("toys.txt, line ") == 300
    assert "more.csv, line 2: 'y' is no ASIN" in done.stderr


def test_check_takes_lists_that_are_not_in_the_settings_and_says_when_there_are_none(program, tmp_path):
    (tmp_path / "new.txt").write_text(f"{A}\n{B}\n")
    done = program.command("watch", "check", str(tmp_path / "new.txt"), "table:wanted", WATCH="")
    assert [line.split()[:3] for line in done.stdout.splitlines()[1:3]] == [
        ["new", "amazon.com", "2"],
        ["wanted", "amazon.com", "a"],
    ]
    done = program.command("watch", "check", WATCH="")
    assert done.returncode == 78
    assert "WATCH is not set" in done.stderr


def test_add_begins_a_list_and_adds_to_it_what_is_not_there(program, folder):
    done = program.command("watch", "add", "toys", A, f"https://www.amazon.com/dp/{B}")
    assert done.stdout.splitlines()[0] == f"{folder / 'toys.txt'}: 1 added, 1 were there already"
    assert "`sluicegate reload`" in done.stdout
    assert (folder / "toys.txt").read_text() == f"# refresh: 12h\n{A}\n{B}\n"
    told = json.loads(program.command("watch", "add", "books", A, A, "--json").stdout)
    assert (told["added"], told["products"]) == ([A], 1)
    assert (folder / "books.txt").read_text() == f"{A}\n"
    assert program.command("watch", "add", "toys", "nonsense").returncode == 2
    assert "names no folder" in program.command("watch", "add", "toys", A, WATCH="").stderr


def test_add_leaves_a_list_alone_that_has_a_fault_and_a_table(program, folder):
    (folder / "toys.txt").write_text("x")
    done = program.command("watch", "add", "toys", A)
    assert (done.returncode, (folder / "toys.txt").read_text()) == (78, "x")
    (folder / "stock.csv").write_text(f"asin\n{A}\n")
    assert "in the column asin" in program.command("watch", "add", "stock", B).stderr


def test_list_and_status_say_how_fresh_a_list_is_and_the_queue_calls_it_by_its_name(program, conn):
    assert "not taken over yet" in program.command("watch", "list").stdout
    toys = WatchListSettings(name="toys", domain=1, detail="history", refresh_s=43_200, digest="d")
    gone = WatchListSettings(name="gone", domain=3, detail="stats", refresh_s=60, digest="d")
    lists.take_over(conn, toys, "d", [A])
    lists.take_over(conn, gone, "d", [B])
    due.feed(conn, toys, most=10, keys=(toys.key,))
    due.feed(conn, gone, most=10, keys=(gone.key,))
    lists.refuse(conn, toys, "the disk is away")
    conn.commit()
    rows = [line.split() for line in program.command("watch", "list").stdout.splitlines()]
    assert rows[1][:4] == ["gone", "amazon.de", "1", "1"]
    assert rows[1][-4:] == ["no", "longer", "in", "WATCH"]
    assert rows[2] == ["toys", "amazon.com", "1", "1", "1", "12h", "history", "the", "disk", "is", "away"]
    told = json.loads(program.command("watch", "list", "--json").stdout)
    assert [one["is_chosen"] for one in told["lists"]] == [False, True]
    text = program.command("status").stdout
    assert "toys, amazon.com: 1 products, 1 due, 1 never fetched; cannot be read since" in " ".join(text.split())
    (listed,) = json.loads(program.command("status", "--json").stdout)["lists"]
    assert (listed["stream"], listed["overdue"], listed["reason"]) == ("toys/1", 1, "the disk is away")
    queued = program.command("queue").stdout.splitlines()
    assert queued[1].split()[:3] == ["list", "toys", "amazon.com"]
    assert "no longer in the settings" in queued[2]
    assert program.command("queue", "drop").stdout == "1 products were removed from the queue\n"
