"""Kills a process after every single store to the mapped file in turn, and looks what the others then see.

Whatever the store, they must see the ledger as it was before the operation or as it is after it, and go on.
"""

from __future__ import annotations

import os
import pickle
import shutil
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ledger.clock import ManualClock
from ledger.ledger import TokenLedger
from ledger.model.book import BOOK_BYTES
from ledger.model.tiers import DEFAULT_TIERS
from ledger.storage import file
from ledger.storage.mapped import MappedHome
from ledger.storage.region import SLOTS, slot_at
from tests.crash import judge
from tests.crash.cases import START_NS, open_stage
from tests.crash.forked import ended, start
from tests.crash.watch import StoreWatch

if TYPE_CHECKING:
    from pathlib import Path

    from ledger.storage.region import Region
    from tests.crash.cases import Case


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """An operation that nobody disturbed: the ledger before and after, its clock, and the file after each store.

    Image and line number 0 are those before the first store.
    """

    owner: int
    before: dict[str, Any]
    after: dict[str, Any]
    at_ns: int
    images: list[bytes]
    lines: list[str]


def template(folder: Path) -> Path:
    """A new ledger file; every run works on a copy of its own."""
    path = folder / "template"
    TokenLedger.create(path, DEFAULT_TIERS, clock=ManualClock(START_NS)).close()
    return path


def undisturbed(case: Case, source: Path) -> Course:
    """The course of the operation in a process that lives."""
    path = _copy(source, "whole")
    report = path.with_name("report")

    def run() -> None:
        region, ledger, clock = _attach(path, START_NS)
        operation = case.prepare(open_stage(ledger, clock))
        _scribble(region)
        before = judge.comparable(ledger.snapshot(), os.getpid())
        images, lines = [bytes(region.buffer[:])], [""]

        def on_store(image: bytes, line: str) -> None:
            images.append(image)
            lines.append(line)

        with StoreWatch(region.buffer, on_store):
            operation()
        after = judge.comparable(ledger.snapshot(), os.getpid())
        course = Course(owner=os.getpid(), before=before, after=after, at_ns=clock.now_ns(), images=images, lines=lines)
        report.write_bytes(pickle.dumps(course))

    status = ended(start(run))
    if status:
        raise judge.Broken(f"{case.name}: undisturbed it ended with status {status}")
    found: Course = pickle.loads(report.read_bytes())  # noqa: S301 - written by our own child a moment ago
    return found


def killed_after(case: Case, source: Path, course: Course, store: int) -> float:
    """Kill after store number `store` (from 1); seconds the next operation of a survivor took.

    Raises:
        Broken: the survivor sees something else than before or after, or cannot go on.
    """
    path = _copy(source, "killed")
    _, survivor, _ = _attach(path, course.at_ns)

    def run() -> None:
        region, ledger, clock = _attach(path, START_NS)
        operation = case.prepare(open_stage(ledger, clock))
        _scribble(region)
        stores = 0

        def on_store(_image: bytes, _line: str) -> None:
            nonlocal stores
            stores += 1
            if stores == store:
                os.kill(os.getpid(), signal.SIGKILL)

        with StoreWatch(region.buffer, on_store):
            operation()

    child = start(run)
    status = ended(child)
    if status != -signal.SIGKILL:
        raise judge.Broken(f"{case.name}: at store {store} it ended with status {status}, not by the kill")
    try:
        seen = judge.comparable(survivor.snapshot(), child)
        if seen not in (course.before, course.after):
            raise judge.Broken(f"{case.name}: killed after store {store} ({course.lines[store]}): half of it is seen")
        return judge.next_operation_s(survivor, {child}, is_alone=True)
    finally:
        survivor.close()


def _attach(path: Path, at_ns: int) -> tuple[Region, TokenLedger, ManualClock]:
    region, clock = file.attach(path), ManualClock(at_ns)
    return region, TokenLedger(MappedHome(region, clock)), clock


def _scribble(region: Region) -> None:
    """Make sure that every word of the slot to be written next will change."""
    begin = slot_at((region.sequence + 1) % SLOTS)
    region.buffer[begin : begin + BOOK_BYTES] = b"\xa5" * BOOK_BYTES


def _copy(source: Path, name: str) -> Path:
    path = source.with_name(name)
    shutil.copyfile(source, path)
    return path
