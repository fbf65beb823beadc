"""The ledger's file: made complete before anybody sees it, checked before anybody maps it.

The file begins anew after a reboot, for another account, for another format of ours, or when no sound copy is left:
the server is the authority, so one reading replaces all that was known. Only what the tiers have spent on their day is
carried over, as long as the old file has a sound copy: no reading tells that. A file that is not a ledger is never
touched.
"""

from __future__ import annotations

import mmap
import os
import sys
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from ledger import installation, process
from ledger.atomic_file import replace_file
from ledger.errors import Damaged, NoLedger, NotOurs, OtherFormat, Unusable
from ledger.model.book import BOOK_BYTES, LAYOUT, Book
from ledger.model.entries import COMMITTED
from ledger.storage.checksum import checksum
from ledger.storage.lock import NO_FILE, Lock, own_descriptor
from ledger.storage.region import FORMAT, HEAD_WORD, HEADER, MAGIC, REGION_BYTES, RETIRED_WORD, Region, slot_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class Day(NamedTuple):
    """What a tier has spent on the day that it has, in milli-tokens: see `ledger/model/budgets.py`."""

    tier: bytes
    day: int
    spent_mt: int


def in_memory() -> Region:
    """A region of this process alone."""
    buffer = bytearray(REGION_BYTES)
    _fill(buffer, 0)
    return Region(buffer, None, Lock(NO_FILE))


def attach(path: Path, *, read_only: bool = False) -> Region:
    """The ledger at `path`.

    Raises:
        NoLedger: there is no file.
        NotOurs: the file is something else.
        OtherFormat: it is a ledger of another format or layout.
        Unusable: it may not be opened.
    """
    flags = (os.O_RDONLY if read_only else os.O_RDWR) | os.O_CLOEXEC
    try:
        fd = os.open(path, flags)
    except FileNotFoundError:
        raise NoLedger(
            f"there is no ledger at {path}: nothing was started with this state directory yet; "
            f"{installation.command('run')} starts it"
        ) from None
    except OSError as error:
        raise _unusable(path, "opened", error) from error
    try:
        _check(fd, path)
        access = mmap.ACCESS_READ if read_only else mmap.ACCESS_WRITE
        buffer = mmap.mmap(fd, REGION_BYTES, access=access)
        # mmap keeps a duplicate of its descriptor, which shares any lock taken on it.
        lock = Lock(NO_FILE if read_only else own_descriptor(fd))
    finally:
        os.close(fd)
    return Region(buffer, path, lock)


def create(path: Path, account: str) -> Region:
    """A sound ledger at `path` for `account`, of this boot: the one that is there, or else a new one.

    Raises:
        NotOurs: the file there is not a ledger at all; it is left as it is.
        Unusable: the directory or the file cannot be written, or the disk is full.
    """
    number = account_number(account)
    with _creating(path):
        try:
            region = attach(path)
        except NoLedger:
            return _begin_anew(path, number, "")
        except OtherFormat as error:
            _retire(path)
            return _begin_anew(path, number, "was not whole" if error.found == FORMAT else f"had format {error.found}")
        except NotOurs:
            _refuse_foreign(path)
            return _begin_anew(path, number, "was not whole")
        fault = _fault(region, number)
        if not fault:
            return region
        days = _days(region) if region.account == number else []
        region.retire()
        region.close()
        return _begin_anew(path, number, fault, days)


def _fault(region: Region, account: int) -> str:
    """Why a start cannot go on with what is there; empty if it can."""
    if not region.is_of_this_boot:
        return "was from before the machine started"
    if region.account != account:
        return "belonged to another key or server"
    if region.is_retired:
        return "was left by a start that was killed"
    return "" if _has_sound_copy(region) else "was damaged"


def account_number(account: str) -> int:
    """64 bits that tell one account (key and server) from another without giving the key away."""
    return zlib.crc32(account.encode()) << 32 | zlib.crc32(account.encode()[::-1])


@contextmanager
def _creating(path: Path) -> Iterator[None]:
    """Let one process at a time decide whether to begin anew."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise _unusable(path, "made", error) from error
    lock = Lock(fd)
    try:
        lock.acquire()
        yield
    finally:
        lock.close()


def _days(region: Region) -> list[Day]:
    """What each tier has spent on its day, with the calls that were sent and have no reply; empty without a copy."""
    try:
        book, _ = region.read()
    except Damaged:
        return []
    sent = [lease for lease in book.leases[: book.lease_count] if lease.state == COMMITTED]
    return [
        Day(tier.name, tier.day, tier.day_spent_mt + sum(lease.cost_mt for lease in sent if lease.tier == index))
        for index, tier in enumerate(book.tiers[: book.tier_count])
    ]


def _begin_anew(path: Path, account: int, fault: str, days: Sequence[Day] = ()) -> Region:
    """Write the whole file: a full disk is an error here, and not a SIGBUS later."""
    buffer = bytearray(REGION_BYTES)
    _fill(buffer, account, days)
    try:
        replace_file(path, buffer, durable=False)
    except OSError as error:
        raise _unusable(path, "made", error) from error
    region = attach(path)
    if fault:
        region.replaced = f"the ledger {fault}; a new one was made, which starts from one reading of the balance"
    return region


def _unusable(path: Path, done: str, error: OSError) -> Unusable:
    what = f"ledger {path} cannot be {done}: {error.strerror}"
    return Unusable(f"{what}; {REGION_BYTES // 1024} KiB are needed, and the right to write there")


def _fill(buffer: bytearray, account: int, days: Sequence[Day] = ()) -> None:
    HEADER.pack_into(buffer, 0, MAGIC, FORMAT, LAYOUT, process.boot_id(), account)
    book = Book.from_buffer(buffer, slot_at(1))
    book.sequence = 1
    book.next_id = 1
    book.tier_count = len(days)
    for tier, day in zip(book.tiers, days, strict=False):
        tier.name, tier.day, tier.day_spent_mt = day
    raw = memoryview(buffer)[slot_at(1) : slot_at(1) + BOOK_BYTES]
    book.checksum = checksum(raw, book)
    memoryview(buffer).cast("Q")[HEAD_WORD] = 1


def _check(fd: int, path: Path) -> None:
    size = os.fstat(fd).st_size
    start = os.pread(fd, HEADER.size, 0)
    if len(start) < HEADER.size or not start.startswith(MAGIC):
        raise NotOurs(f"{path} is not a ledger ({size} bytes, another magic): move it away or set another STATE_DIR")
    _, found, layout, _, _ = HEADER.unpack(start)
    if (found, layout, size) != (FORMAT, LAYOUT, REGION_BYTES):
        raise OtherFormat(
            f"ledger {path}: format {found}, layout {layout:08x}, {size} bytes; this build reads format {FORMAT}, "
            f"layout {LAYOUT:08x}, {REGION_BYTES} bytes: stop everything and start again, it then begins anew",
            found,
        )


def _refuse_foreign(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(len(MAGIC))
    if start and start != MAGIC:
        raise NotOurs(f"{path} is not a ledger: move it away or set another STATE_DIR")


def _retire(path: Path) -> None:
    """Tell every process that has a file of another build open that another one takes its place."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        at = RETIRED_WORD * 8
        if os.fstat(fd).st_size >= at + 8:
            os.pwrite(fd, (1).to_bytes(8, sys.byteorder), at)
    finally:
        os.close(fd)


def _has_sound_copy(region: Region) -> bool:
    try:
        region.read()
    except Damaged:
        return False
    return True
