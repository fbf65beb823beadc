"""One supervisor, or one command that works alone, holds a state directory at a time, and others learn which."""

import os

import pytest

from supervisor.config.state_dir.instance_lock import AlreadyRunning, InstanceLock
from tasks.errors import ConfigError


@pytest.fixture
def lock(tmp_path):
    return InstanceLock(tmp_path / "supervisor.lock")


def test_nobody_holds_a_lock_that_was_never_taken_or_is_free_again(lock):
    assert (lock.holder(), lock.command()) == (None, None)
    with lock.held():
        assert (lock.holder(), lock.command()) == (os.getpid(), None)
    assert (lock.holder(), lock.command()) == (None, None)
    assert lock.path.read_text() == f"{os.getpid()}\n", "what is left in the file decides nothing"


@pytest.mark.parametrize(
    ("command", "holder"),
    [(None, "pid {} holds"), ("debug", "(`sluicegate debug`) holds"), ("fetch", "(`sluicegate fetch`) holds")],
)
def test_a_second_one_is_refused_with_the_name_of_the_first(lock, command, holder):
    with lock.held(command=command):
        assert lock.command() == command
        assert lock.holder() == os.getpid()
        with pytest.raises(AlreadyRunning, match="stop it first") as caught, lock.held():
            pass
    assert holder.format(os.getpid()) in str(caught.value)
    assert lock.path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("line", [b"", b"no pid\n", b"12x\n"])
def test_a_holder_that_has_not_written_its_pid_is_known_to_be_there(lock, line):
    with lock.held():
        lock.path.write_bytes(line)
        assert lock.holder() == 0
        with pytest.raises(AlreadyRunning, match="another process holds"), lock.held():
            pass


def test_a_lock_file_that_cannot_be_opened_is_a_fault_of_the_configuration(lock):
    lock.path.mkdir()
    with pytest.raises(ConfigError, match="correct the permissions"), lock.held():
        pass
