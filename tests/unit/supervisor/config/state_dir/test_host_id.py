"""The file with the name of a state directory: made once, and never taken for a name when it is none."""

import os
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.state_dir import host_id
from tasks.errors import EXIT_CONFIG, ConfigError


def test_a_name_is_made_once_and_stays(tmp_path):
    path = tmp_path / "host"
    assert host_id.read(path) == ""
    made = host_id.make(path)
    assert str(uuid.UUID(made)) == made
    assert (host_id.make(path), host_id.read(path)) == (made, made)


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        (lambda path: path.touch(), "is damaged: it is empty"),
        (lambda path: path.write_text("host-1"), "is damaged: it does not hold a UUID"),
        (lambda path: path.write_bytes(b"\xff" * 36), "is damaged: it does not hold a UUID"),
        (lambda path: path.mkdir(), "cannot be read: it is a folder"),
        (os.mkfifo, "cannot be read: it is a pipe"),
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels"),
    ],
)
def test_what_is_no_name_is_told_and_left_as_it_is(tmp_path, damage, why):
    path = tmp_path / "host"
    damage(path)
    before = os.lstat(path)
    for use in (host_id.read, host_id.make):
        with pytest.raises(ConfigError, match=f"{path} {why}.* This file names the state directory") as caught:
            use(path)
        assert caught.value.exit_code == EXIT_CONFIG
    assert os.lstat(path).st_mtime_ns == before.st_mtime_ns


@given(st.binary(max_size=60))
def test_whatever_bytes_are_there_are_a_name_or_told(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "host"
    path.write_bytes(content)
    try:
        found = host_id.read(path)
    except ConfigError:
        return
    assert str(uuid.UUID(found)) == found
