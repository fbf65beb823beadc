"""A new cluster takes the place of the old one whole, wherever that is broken off, and only by those who were asked."""

import shutil

import pytest

from tasks.embedded_postgres import replacement
from tasks.embedded_postgres.file_lock import FileLock
from tasks.errors import DatabaseTransient, StoreError


@pytest.fixture
def home(tmp_path):
    """A home with an old cluster, and a whole new one beside it."""
    for directory, text in (("data", "old"), ("upgrade/data", "new")):
        (tmp_path / directory).mkdir(parents=True)
        (tmp_path / directory / "PG_VERSION").write_text(text)
    replacement.mark_complete(tmp_path, 16)
    return tmp_path


def is_replaced(home):
    found = {path.name: (path / "PG_VERSION").read_text() for path in home.iterdir() if path.is_dir()}
    return found == {"data": "new", "data.16": "old"}


def renamed_once(home):
    (home / "data").rename(home / "data.16")


def renamed_twice(home):
    renamed_once(home)
    (home / "upgrade" / "data").rename(home / "data")


def half_removed(home):
    renamed_twice(home)
    (home / "upgrade" / "users.lock").touch()


@pytest.mark.parametrize("until", [None, renamed_once, renamed_twice, half_removed])
def test_it_is_finished_from_wherever_it_was_killed(home, until):
    if until is not None:
        until(home)
    replacement.finish(home)
    assert is_replaced(home)
    replacement.finish(home)
    assert is_replaced(home)


def test_one_that_is_not_whole_takes_no_place(home):
    (home / "upgrade" / "complete").unlink()
    replacement.finish(home)
    assert (home / "data" / "PG_VERSION").read_text() == "old"


def test_an_old_cluster_that_is_served_stays(home):
    with FileLock(home / "data") as server:
        assert server.try_exclusive()
        with pytest.raises(DatabaseTransient, match="still used"):
            replacement.finish(home)
    assert (home / "data" / "PG_VERSION").read_text() == "old"
    replacement.finish(home)
    assert is_replaced(home)


def test_a_name_that_is_taken_leaves_both_where_they_are(home):
    shutil.copytree(home / "data", home / "data.16")
    with pytest.raises(StoreError, match="cannot take the place"):
        replacement.finish(home)
    assert (home / "data" / "PG_VERSION").read_text() == "old"
    assert replacement.is_complete(home)
