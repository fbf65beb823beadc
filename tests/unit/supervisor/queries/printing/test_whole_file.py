"""A file that appears as a whole or not at all."""

import os
import subprocess
import sys

import pytest

from supervisor.queries.printing.whole_file import open_nameless, whole_file

KILLED = """
import os, signal, sys
from pathlib import Path
from supervisor.queries.printing.whole_file import whole_file
with whole_file(Path(sys.argv[1])) as file:
    file.write(b"a part")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
WAYS = {"without a name": open_nameless, "with a name": lambda _: None}


@pytest.fixture(params=WAYS)
def nameless(request, tmp_path):
    """Each way to have the file while it is written; skips one that the file system does not know."""
    way = WAYS[request.param]
    fd = way(tmp_path)
    if fd is not None:
        os.close(fd)
    elif way is open_nameless:
        pytest.skip("the file system of the tests knows no files without a name")
    return way


def names(folder):
    return [path.name for path in folder.iterdir()]


def test_the_file_of_before_stays_until_all_of_the_new_one_is_there(tmp_path, nameless):
    path = tmp_path / "deals.csv"
    path.write_bytes(b"before")
    with whole_file(path, nameless=nameless) as file:
        file.write(b"after")
        file.flush()
        assert path.read_bytes() == b"before"
    assert (path.read_bytes(), names(tmp_path)) == (b"after", ["deals.csv"])


def test_an_exception_leaves_the_file_of_before(tmp_path, nameless):
    path = tmp_path / "deals.csv"
    path.write_bytes(b"before")

    def fail():
        with whole_file(path, nameless=nameless) as file:
            file.write(b"a part")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (path.read_bytes(), names(tmp_path)) == (b"before", ["deals.csv"])


def test_two_that_write_the_same_file_do_not_mix_their_lines(tmp_path, nameless):
    path = tmp_path / "deals.csv"
    with whole_file(path, nameless=nameless) as first:
        first.write(b"first")
        with whole_file(path, nameless=nameless) as second:
            second.write(b"second, which is longer")
        assert path.read_bytes() == b"second, which is longer"
        first.write(b" and whole")
    assert (path.read_bytes(), names(tmp_path)) == (b"first and whole", ["deals.csv"])


def test_a_kill_leaves_nothing_behind(tmp_path):
    fd = open_nameless(tmp_path)
    if fd is None:
        pytest.skip("the file system of the tests knows no files without a name")
    os.close(fd)
    done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "deals.csv")], check=False)
    assert done.returncode == -9
    assert names(tmp_path) == []


def test_what_cannot_be_written_is_an_error(tmp_path):
    def write():
        with whole_file(tmp_path / "no" / "deals.csv"):
            pass

    with pytest.raises(FileNotFoundError):
        write()


def test_a_new_file_has_the_rights_of_any_new_file(tmp_path, nameless):
    (tmp_path / "other").touch()
    with whole_file(tmp_path / "deals.csv", nameless=nameless):
        pass
    assert (tmp_path / "deals.csv").stat().st_mode == (tmp_path / "other").stat().st_mode
