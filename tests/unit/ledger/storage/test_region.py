"""The mapped file: made whole, read without a lock, refused when it is something else, begun anew when it must be."""

import fcntl
import json
import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ledger import DEFAULT_TIERS, Damaged, Lease, LeaseEnded, NoLedger, NotOurs, Reading, TokenLedger
from ledger.model.book import BOOK_BYTES
from ledger.storage.region import slot_at
from tests.fakes.waiting import LIMIT_S

SERVER_MS = 1_700_000_000_000


@pytest.fixture
def path(tmp_path):
    return tmp_path / "state" / "ledger"


def started(path, account="a"):
    ledger = TokenLedger.create(path, DEFAULT_TIERS, account=account)
    ledger.observe(Reading(300, 5, 60_000, SERVER_MS))
    return ledger


def dump(path, *options):
    return subprocess.run(
        [sys.executable, "-m", "ledger", "dump", "--path", str(path), *options],
        capture_output=True,
        text=True,
        check=False,
    )


def test_two_handles_see_one_book(path):
    first = started(path)
    second = TokenLedger.attach(path)
    lease = first.try_reserve("upsert", 100)
    assert second.headroom("upsert").now == 150
    lease.cancel()
    assert second.headroom("upsert").now == 250
    first.close()
    second.close()


def test_who_is_refused_leaves_the_lock_to_the_next(path):
    ledger = started(path)
    ledger._home.region.retire()
    for _ in range(2):  # the second would wait for ever
        with pytest.raises(Damaged):
            ledger.try_reserve("upsert", 1)
    ledger.close()


def test_creating_again_attaches_and_keeps_everything(path):
    first = started(path)
    again = TokenLedger.create(path, DEFAULT_TIERS, account="a")
    assert again.snapshot().bucket.balance == 300
    first.close()
    again.close()


def test_another_account_begins_anew_and_the_old_handle_is_told(path):
    old = started(path)
    fresh = TokenLedger.create(path, DEFAULT_TIERS, account="b")
    assert not fresh.snapshot().synced
    with pytest.raises(Damaged, match="begun anew"):
        old.try_reserve("upsert", 1)
    old.close()
    fresh.close()


def test_a_start_that_was_killed_before_another_account_had_its_file_leaves_nothing_to_mend(path):
    ledger = started(path)
    ledger._home.region.retire()
    ledger.close()
    again = started(path)
    assert again.try_reserve("upsert", 10).is_open
    again.close()


def test_attaching_to_nothing_says_so(path):
    with pytest.raises(NoLedger, match="`make run` starts it"):
        TokenLedger.attach(path)


def test_a_file_that_is_something_else_is_refused_and_left_alone(path):
    path.parent.mkdir()
    path.write_bytes(b"my diary" * 10_000)
    with pytest.raises(NotOurs):
        TokenLedger.attach(path)
    with pytest.raises(NotOurs):
        TokenLedger.create(path, DEFAULT_TIERS)
    assert path.read_bytes().startswith(b"my diary")


def test_another_format_is_refused_by_attach_and_begun_anew_by_create(path):
    started(path).close()
    with path.open("r+b") as file:
        file.seek(8)
        file.write((99).to_bytes(4, "little"))
    with pytest.raises(NotOurs, match="format 99"):
        TokenLedger.attach(path)
    fresh = TokenLedger.create(path, DEFAULT_TIERS, account="a")
    assert not fresh.snapshot().synced
    fresh.close()


def test_another_boot_begins_anew(path):
    started(path).close()
    with path.open("r+b") as file:
        file.seek(16)
        file.write(bytes(16))
    fresh = TokenLedger.create(path, DEFAULT_TIERS, account="a")
    assert not fresh.snapshot().synced
    fresh.close()


def test_a_damaged_newest_copy_falls_back_to_the_one_before(path):
    ledger = started(path)
    before = ledger.snapshot().sequence
    ledger.try_reserve("upsert", 10)
    newest = ledger.snapshot().sequence
    assert newest == before + 1
    with path.open("r+b") as file:
        file.seek(slot_at(newest % 4) + 100)
        file.write(b"\xff" * 8)
    assert ledger.snapshot().sequence == before
    ledger.try_reserve("upsert", 10)
    assert ledger.snapshot().sequence > newest
    ledger.close()


def test_the_only_sound_copy_is_never_written_over(path):
    ledger = started(path)
    for _ in range(3):
        ledger.try_reserve("upsert", 1)
    newest = ledger.snapshot().sequence
    with path.open("r+b") as file:
        for sequence in (newest, newest - 1, newest - 2):
            file.seek(slot_at(sequence % 4) + 100)
            file.write(b"\xff" * 8)
    before = path.read_bytes()
    oldest = ledger.snapshot().sequence
    assert oldest == newest - 3
    ledger.try_reserve("upsert", 1)
    at = slot_at(oldest % 4)
    assert path.read_bytes()[at : at + BOOK_BYTES] == before[at : at + BOOK_BYTES]
    assert ledger.snapshot().sequence > newest
    ledger.close()


def test_with_no_sound_copy_left_it_says_so_and_create_begins_anew(path):
    ledger = started(path)
    with path.open("r+b") as file:
        for slot in range(4):
            file.seek(slot_at(slot) + 50)
            file.write(b"\xff" * 64)
    with pytest.raises(Damaged):
        ledger.snapshot()
    ledger.close()
    assert dump(path).returncode == 1
    fresh = TokenLedger.create(path, DEFAULT_TIERS, account="a")
    assert not fresh.snapshot().synced
    fresh.close()


def test_a_truncated_file_is_refused_by_attach(path):
    started(path).close()
    with path.open("r+b") as file:
        file.truncate(5_000)
    with pytest.raises(NotOurs, match="5000 bytes"):
        TokenLedger.attach(path)
    TokenLedger.create(path, DEFAULT_TIERS, account="a").close()


UNPRIVILEGED = """
import os, resource, signal, sys
from ledger import DEFAULT_TIERS, LedgerError, TokenLedger
path, what = sys.argv[1:]
if what == "full disk":
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
elif os.geteuid() == 0:
    os.setuid(65534)
try:
    TokenLedger.attach(path) if what == "open" else TokenLedger.create(path, DEFAULT_TIERS)
except LedgerError as error:
    print(type(error).__name__, error)
"""


@pytest.mark.parametrize(
    ("what", "told"),
    [("open", "opened: Permission denied"), ("make", "made: Permission denied"), ("full disk", "made: File too large")],
)
def test_a_file_that_cannot_be_used_is_a_clear_error_and_leaves_nothing_behind(path, what, told):
    if what == "full disk":
        path.parent.mkdir(mode=0o700)
    else:
        started(path).close()
        path.parent.chmod(0o500)
        path.chmod(0)
    seen = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(path), what], capture_output=True, text=True, check=False
    )
    assert seen.stderr == ""
    assert seen.stdout.startswith(f"Unusable ledger {path} cannot be {told}")
    path.parent.chmod(0o700)
    assert not path.with_name("ledger.new").exists()


@pytest.mark.parametrize("at", range(5))
def test_a_file_overwritten_under_its_users_is_damaged_for_them_and_refused_by_the_next_start(path, at):
    ledger = started(path)
    size = path.stat().st_size
    garbage = random.Random(at).randbytes(size)
    with path.open("r+b") as file:  # the same file, as a copy command or an editor would write it
        file.write(garbage if at else bytes(size))
    with pytest.raises(Damaged):
        ledger.snapshot()
    with pytest.raises(Damaged):
        ledger.try_reserve("upsert", 1)
    ledger.close()
    with pytest.raises(NotOurs):
        TokenLedger.attach(path)
    with pytest.raises(NotOurs, match="move it away"):
        TokenLedger.create(path, DEFAULT_TIERS)


def test_a_stopped_holder_of_the_lock_stops_no_reader_and_its_death_lets_the_next_one_in(path):
    ledger = started(path)
    code = "import os, signal, sys; from ledger import TokenLedger; l = TokenLedger.attach(sys.argv[1])"
    code += "; l._home.region.begin(); os.kill(os.getpid(), signal.SIGSTOP)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(path)])
    assert os.waitid(os.P_PID, holder.pid, os.WSTOPPED).si_status == signal.SIGSTOP
    got = []
    waiting = threading.Thread(target=lambda: got.append(ledger.try_reserve("upsert", 1)))
    waiting.start()
    assert TokenLedger.attach(path).snapshot().bucket.balance == 300
    waiting.join(0.05)
    assert got == []
    holder.kill()
    holder.wait()
    waiting.join(LIMIT_S)
    assert isinstance(got[0], Lease)
    ledger.close()


def test_an_exception_inside_a_transaction_publishes_nothing(path):
    ledger = started(path)
    before = ledger.snapshot()
    with pytest.raises(KeyError, match="there are: interactive, upsert, backfill"):
        ledger.try_reserve("nobody", 1)
    after = ledger.snapshot()
    assert (after.sequence, after.bucket.balance) == (before.sequence, before.bucket.balance)
    ledger.close()


def test_a_lease_ends_once(path):
    ledger = started(path)
    lease = ledger.try_reserve("upsert", 1)
    lease.cancel()
    for again in (lease.cancel, lease.commit, lambda: lease.settle(1)):
        with pytest.raises(LeaseEnded):
            again()
    ledger.close()


def test_the_dump_takes_no_lock_changes_nothing_and_is_valid_json(path):
    ledger = started(path)
    ledger.try_reserve("upsert", 10)
    with path.open("r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # held all the while
        before = (path.read_bytes(), path.stat().st_ino)
        seen = dump(path, "--json")
        assert (path.read_bytes(), path.stat().st_ino) == before
    assert (seen.returncode, seen.stderr) == (0, f"ledger {path}\n")
    record = json.loads(seen.stdout)
    assert {"format", "sequence", "generated_at", "bucket", "tiers", "leases", "totals", "costs", "journal"} <= set(
        record
    )
    assert record["leases"][0]["cost"] == 10
    text = dump(path)
    assert text.returncode == 0
    assert "upsert" in text.stdout
    ledger.close()


def test_the_dump_of_nothing_is_one_line_and_exit_1(path):
    seen = dump(path)
    assert (seen.returncode, len(seen.stderr.splitlines())) == (1, 1)


def test_a_forked_child_is_excluded_while_its_parent_holds_the_lock(path):
    ledger = started(path)
    reading, writing = os.pipe()
    ledger._home.region.begin()
    try:
        pid = os.fork()
        if pid == 0:
            fd = ledger._home.region._lock._fd
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.write(writing, b"granted")
            except BlockingIOError:
                os.write(writing, b"refused")
            os._exit(0)
        os.waitpid(pid, 0)
    finally:
        ledger._home.region.end()
    assert os.read(reading, 10) == b"refused"
    os.close(reading)
    os.close(writing)
    ledger.close()


def test_the_file_is_private_and_nothing_else_is_left_beside_it(path):
    started(path).close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert {entry.name for entry in Path(path.parent).iterdir()} == {"ledger", "ledger.lock"}
    assert BOOK_BYTES < 90_000
