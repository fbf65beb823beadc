from __future__ import annotations

import gzip
import random
import resource
import subprocess
import sys
import threading
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from ledger.types import ProcessId
from tasks.calls.spool import DAMAGED, Damaged, Spool, SpoolFull
from tasks.calls.spool_header import Header, Origin
from tests.fakes.waiting import wait_until

HEADER = Header(
    origin=Origin(job="upsert", domain=1, selection_key="abc", page=3, started_at=datetime(2025, 9, 14, tzinfo=UTC)),
    endpoint="/deal",
    tier="upsert",
    worker="upsert-0",
    shape="deal",
    items=1,
    estimate=5,
    received_at=datetime(2025, 9, 14, 18, 12, 18, tzinfo=UTC),
    status=200,
    duration_s=0.4,
    waited_s=0.0,
)
BODY = b'{"deals":{"dr":[]},"tokensLeft":5}' * 1000

PUT_AND_DIE = """
import os, sys
from datetime import UTC, datetime
from pathlib import Path
from tasks.calls.spool_header import Header, Origin
from tasks.calls.spool import Spool
spool = Spool(Path(sys.argv[1]), limit_bytes=1 << 20)
header = Header(origin=Origin(job="upsert", domain=1), endpoint="/deal", tier="upsert", worker="w", shape="deal",
    items=1, estimate=5, received_at=datetime.now(UTC), status=200, duration_s=0.0, waited_s=0.0)
for number in range(int(sys.argv[2])):
    spool.put(header, b"body %d" % number)
os.kill(os.getpid(), 9)
"""

# Root gets at every folder: whoever runs the tests as root becomes somebody else here, for whom the rights hold.
LOCKED_OUT = """
import os, sys
from pathlib import Path
from tasks.calls.spool import Spool, SpoolFull
os.chdir(sys.argv[1])
spool = Spool(Path("spool"), limit_bytes=1 << 20)
spool.require_room()  # whatever is loaded late is loaded before the interpreter's own files may be out of reach
spool.close()
if os.geteuid() == 0:
    os.chmod(".", 0o711)
    os.chown("spool", 65534, 65534)
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)
for rights in (0o000, 0o500, 0o700):
    os.chmod("spool", rights)
    for look in (spool.require_room, spool.origins, lambda: list(spool.orphans())):
        spool.close()
        try:
            look()
            print(f"{rights:o} well")
        except SpoolFull as refusal:
            print(f"{rights:o} {refusal}")
"""


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "spool"


@pytest.fixture
def spool(directory):
    return Spool(directory, limit_bytes=1 << 20)


def left_by_a_killed_process(directory, count=1):
    done = subprocess.run([sys.executable, "-c", PUT_AND_DIE, str(directory), str(count)], check=False)
    assert done.returncode == -9


def test_an_entry_comes_back_as_it_was_put_and_smaller_on_disk(spool):
    entry = spool.put(HEADER, BODY)
    assert entry.read() == (HEADER, BODY)
    assert entry.path.stat().st_size < len(BODY) / 4


def test_a_reply_is_kept_as_the_server_packed_it_and_comes_back_unpacked(spool):
    packed = gzip.compress(BODY[:40]) + gzip.compress(BODY[40:])
    entry = spool.put(HEADER, BODY, packed)
    assert entry.path.read_bytes().endswith(b"\n" + packed)
    assert entry.read() == (HEADER, BODY)
    entry.path.write_bytes(entry.path.read_bytes()[:-9])
    with pytest.raises(Damaged, match="packed body is cut short"):
        entry.read()


def test_a_removed_entry_is_gone_and_may_be_removed_again(spool, directory):
    entry = spool.put(HEADER, BODY)
    entry.remove()
    entry.remove()
    assert list(directory.iterdir()) == []


def test_the_entries_of_a_killed_process_are_found_and_each_is_claimed_by_exactly_one(directory):
    left_by_a_killed_process(directory, 20)
    paths = list(Spool(directory, limit_bytes=1).orphans())
    claimed = []

    def race():
        own = Spool(directory, limit_bytes=1)
        claimed.extend(entry for path in paths if (entry := own.claim(path)) is not None)

    threads = [threading.Thread(target=race) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(entry.read()[1] for entry in claimed) == sorted(b"body %d" % n for n in range(20))


def test_the_entries_of_a_living_process_are_left_alone(directory, spool):
    lives = PUT_AND_DIE.replace("os.kill(os.getpid(), 9)", "print(flush=True); input()")
    command = [sys.executable, "-c", lives, str(directory), "1"]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with child:
        child.stdout.readline()
        assert list(spool.orphans()) == []
        child.kill()
    assert len(list(spool.orphans())) == 1


def test_a_zombie_counts_as_dead(directory, spool):
    child = subprocess.Popen([sys.executable, "-c", PUT_AND_DIE, str(directory), "1"])
    with child:  # not reaped before the block ends
        wait_until(lambda: list(spool.orphans()), "the entry of one that died")
        assert len(list(spool.orphans())) == 1


def test_each_take_over_counts_an_attempt_so_that_a_poisonous_entry_is_noticed(directory, spool):
    left_by_a_killed_process(directory)
    for attempt in (1, 2, 3):
        (path,) = spool.orphans()
        assert spool.claim(path).attempts == attempt


def test_a_half_written_file_of_a_dead_process_is_removed(directory, spool):
    dead = ProcessId("00000000", 1, 1)
    (directory / f"{dead}.000001.0.part").write_bytes(b"half")
    assert list(spool.orphans()) == []
    assert list(directory.iterdir()) == []


@pytest.mark.parametrize("damage", [lambda b: b[:-10], lambda b: b"x" + b[1:], lambda _b: b"", lambda b: b[:40]])
def test_a_damaged_entry_says_so_and_is_set_aside_for_a_person(directory, spool, damage):
    entry = spool.put(HEADER, BODY)
    entry.path.write_bytes(damage(entry.path.read_bytes()))
    with pytest.raises(Damaged):
        entry.read()
    spool.quarantine(entry)
    assert list(spool.orphans()) == []
    assert len(list((directory / DAMAGED).iterdir())) == 1


@pytest.mark.parametrize("byte", [0, 1, 34, 92, 123, 128, 195, 237, 255])
def test_a_byte_that_is_hit_anywhere_in_an_entry_ends_nobody(spool, byte):
    entry = spool.put(HEADER, b"{}")
    whole = entry.path.read_bytes()
    for at in range(len(whole)):
        entry.path.write_bytes(whole[:at] + bytes([byte]) + whole[at + 1 :])
        assert len(spool.origins()) <= 1
        with suppress(Damaged):
            entry.read()


@pytest.mark.parametrize("moment", ["gone under the name that was seen", "seen under neither name"])
def test_a_reply_that_is_taken_over_while_it_is_looked_for_is_seen(spool, directory, moment):
    """What a look misses is paid for again."""
    spool.put(HEADER, BODY)

    class Overtaken(Spool):
        """While it looks for the first time, another takes the reply over."""

        looks = 0

        def _paths(self):
            seen = super()._paths()
            self.looks += 1
            if self.looks > 1:
                return seen
            assert spool.claim(seen[0]) is not None
            return seen if moment == "gone under the name that was seen" else []

    assert [origin.page for origin in Overtaken(directory, limit_bytes=1 << 20).origins()] == [3]


def test_a_full_spool_says_so_until_it_drains(directory):
    spool = Spool(directory, limit_bytes=200)
    spool.require_room()
    entry = spool.put(HEADER, bytes(range(256)) * 4)
    with pytest.raises(SpoolFull, match="SPOOL_LIMIT_MB allows 200 bytes"):
        spool.require_room()
    entry.remove()
    spool.require_room()


def test_what_another_host_left_in_a_shared_folder_is_that_hosts_to_write(directory):
    """When it is back it has another boot, and is the same host."""
    mine, another = (Spool(directory, limit_bytes=1 << 20, host=name) for name in ("a", "b"))
    for host in ("a", "b"):
        dead = ProcessId("before", 1, 1, host)
        entry = mine.put(HEADER, BODY)
        entry.path.rename(directory / f"{dead}.000001.1.reply")
        (directory / f"{dead}.000002.0.part").write_bytes(b"half")
    assert [path.name for path in mine.orphans()] == ["a-before-1-1.000001.1.reply"]
    assert [path.name for path in another.orphans()] == ["b-before-1-1.000001.1.reply"]
    assert not list(directory.glob("*.part")), "each took away what its own had not finished"
    mine.claim(next(mine.orphans())).remove()
    assert (mine.holds_leftovers(), another.holds_leftovers()) == (False, True)
    assert len(mine.origins()) == 1, "nobody pays for it meanwhile"


def test_files_of_somebody_else_are_not_touched(directory, spool):
    (directory / "README").write_text("mine")
    (directory / "odd.reply").write_text("mine")
    assert list(spool.orphans()) == []
    assert len(list(directory.iterdir())) == 2


def test_the_spool_is_for_its_owner_alone_at_every_level(tmp_path):
    Spool(tmp_path / "spool" / "simulated", limit_bytes=1000)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("spool", "spool/simulated")] == [0o700, 0o700]


def test_the_room_for_a_reply_is_taken_before_it_is_paid_for_and_given_back_when_none_comes(spool, directory):
    spool.require_room()
    spool.require_room()
    (room,) = directory.iterdir()
    assert room.stat().st_blocks * 512 >= 4 << 20
    assert list(spool.orphans()) == []
    assert room.exists(), "it is no half of a reply"
    entry = spool.put(HEADER, BODY)
    assert entry.read() == (HEADER, BODY)
    assert [path.name for path in directory.iterdir()] == [entry.path.name]
    assert entry.path.stat().st_size < len(BODY), "the rest of the room is free again"
    spool.require_room()
    spool.close()
    assert list(directory.iterdir()) == [entry.path]


def test_the_room_grows_with_what_came(directory):
    spool = Spool(directory, limit_bytes=1 << 30)
    spool.put(HEADER, random.Random(1).randbytes(3 << 20))
    spool.require_room()
    (room,) = directory.glob("*.part")
    assert room.stat().st_size >= 6 << 20


def test_a_disk_that_takes_nothing_is_said_with_its_reason(spool, directory):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    spool.require_room()
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        with pytest.raises(SpoolFull, match="replies cannot be kept there: File too large"):
            spool.require_room()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    spool.require_room()
    assert spool.put(HEADER, BODY).read() == (HEADER, BODY)
    directory.rename(directory.with_name("gone"))
    with pytest.raises(SpoolFull, match="No such file or directory"):
        spool.require_room()


def test_a_folder_that_is_not_ours_any_more_is_said_with_the_remedy_and_used_again_when_it_is(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LOCKED_OUT, str(tmp_path)], capture_output=True, text=True, check=False
    )
    refused = "spool: replies cannot be kept there: Permission denied; give it back to the user who runs this"
    told = [f"0 {refused}"] * 3 + [f"500 {refused}", "500 well", "500 well"] + ["700 well"] * 3
    assert (done.stderr, done.stdout.splitlines()) == ("", told)
