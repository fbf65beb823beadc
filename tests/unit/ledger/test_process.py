"""Which process somebody was, and whether it is dead: only who can see it may say so."""

import shutil
import subprocess
import sys

import pytest

from ledger.process import is_dead, is_running, this_process
from ledger.types import ProcessId

CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc"]
OTHER_CLOCK = ["unshare", "--time", "--boottime", "86400", "--fork"]


def inside(unshare, code, *arguments):
    """What the code prints in namespaces of its own."""
    if (
        shutil.which("unshare") is None
        or subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode
    ):
        pytest.skip(f"no such namespace can be made here: {' '.join(unshare)}")
    done = subprocess.run(
        [*unshare, sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def in_a_container(code, *arguments):
    """What the code prints in a PID namespace of its own, as in another container of this machine."""
    return inside(CONTAINER, code, *arguments)


def test_a_live_process_of_another_container_is_not_dead():
    code = "import sys; from ledger.process import is_dead; print(is_dead(f'backfill-0@{sys.argv[1]}'))"
    assert in_a_container(code, str(this_process())) == "False"


def test_a_process_of_another_container_is_not_taken_for_one_of_ours_with_its_number():
    other = ProcessId.parse(in_a_container("from ledger.process import this_process; print(this_process())"))
    assert other.boot != this_process().boot
    assert not is_dead(f"upsert-0@{other}")
    assert not is_running(other)


def test_a_live_process_is_not_dead_where_the_clock_of_the_boot_is_another():
    code = "import sys; from ledger.process import is_dead; print(is_dead(f'backfill-0@{sys.argv[1]}'))"
    assert inside(OTHER_CLOCK, code, str(this_process("a"))) == "False"


def test_a_process_of_another_host_in_the_same_namespace_is_seen_as_well():
    assert not is_dead(f"backfill-0@{this_process('another')}")
    assert is_dead(f"backfill-0@{ProcessId(this_process().boot, 2**22 - 1, 1, 'another')}")


@pytest.mark.parametrize("host", ["", "1f0c3a5e"])
def test_a_process_is_read_as_it_was_written(host):
    me = this_process(host)
    assert ProcessId.parse(str(me)) == me
    assert me.life == (f"{host}-{me.boot}" if host else "")


def test_a_process_that_ended_here_is_dead_and_this_one_is_not():
    ended = subprocess.run(
        [sys.executable, "-c", "from ledger.process import this_process; print(this_process())"],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip
    assert is_dead(f"backfill-0@{ended}")
    assert not is_dead(f"backfill-0@{this_process()}")


@pytest.mark.parametrize("name", ["", "backfill-0", "backfill-0@one-two", "x@a-1-2-3", "x@a-b-1-2-3"])
def test_a_name_that_tells_no_process_is_not_dead(name):
    assert not is_dead(name)
