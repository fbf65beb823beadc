"""The mapped file that holds the book: header, four slots written in turn, journal ring.

A transaction takes the lock, copies the current book to the next slot, changes it there, checksums it and publishes
it with one aligned 8-byte store of HEAD. Killed anywhere, it has either happened or not. A reader takes no lock.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

from ledger import process
from ledger.errors import Damaged
from ledger.model import journal
from ledger.model.book import BOOK_BYTES, Book
from ledger.model.view import View
from ledger.storage.checksum import checksum, copy_sound, is_sound

if TYPE_CHECKING:
    import mmap
    from pathlib import Path

    from ledger.storage.lock import Lock

MAGIC: Final = b"SLUICEGT"
FORMAT: Final = 6
SLOTS: Final = 4
HEADER: Final = struct.Struct("<8sII16sQ")  # magic, format, layout, boot id, account
_PAGE: Final = 4096
HEAD_WORD: Final = 32  # index of HEAD among the 8-byte words; at a cache line of its own
RETIRED_WORD: Final = 40  # at the same place in every format: a start of one build tells the processes of another
_WAKE_WORD: Final = 96  # index of the wake counter among the 4-byte words
_SLOT_BYTES: Final = -(-BOOK_BYTES // 64) * 64
_RING_AT: Final = _PAGE + SLOTS * _SLOT_BYTES
_RING_BYTES: Final = journal.ENTRIES * journal.ENTRY_BYTES
REGION_BYTES: Final = _RING_AT + _RING_BYTES
_READ_TRIES: Final = 1_000


class Region:
    """The file, mapped. `path` is None for a region in plain memory, which needs no lock.

    `replaced` is a sentence that says why this start made the file anew; empty when it did not.
    """

    def __init__(self, buffer: bytearray | mmap.mmap, path: Path | None, lock: Lock) -> None:
        self.path = path
        self.replaced = ""
        self._buffer = buffer
        self._lock = lock
        self._bytes = memoryview(buffer)
        self._words = self._bytes.cast("Q")
        self._halves = self._bytes.cast("I")
        self._ring = self._bytes[_RING_AT:]
        self._raws = [self._bytes[slot_at(i) : slot_at(i) + BOOK_BYTES] for i in range(SLOTS)]
        self._views: list[View] = []
        if not self._bytes.readonly:
            self._views = [View(Book.from_buffer(buffer, slot_at(i))) for i in range(SLOTS)]

    @property
    def account(self) -> int:
        """Which key and server this ledger is for, as a hash."""
        return int(HEADER.unpack_from(self._bytes)[4])

    @property
    def is_of_this_boot(self) -> bool:
        """Whether its times are of this boot; those in plain memory always are."""
        return self.path is None or bool(HEADER.unpack_from(self._bytes)[3] == process.boot_id())

    @property
    def is_retired(self) -> bool:
        """Whether another file has taken its place, or was about to when its maker was killed."""
        return bool(self._words[RETIRED_WORD])

    @property
    def sequence(self) -> int:
        """Number of the published book; grows by one with each transaction."""
        return self._words[HEAD_WORD]

    @property
    def wake_value(self) -> int:
        """The wake counter: changes with every commit that may open a gate."""
        return self._halves[_WAKE_WORD]

    @property
    def wake_offset(self) -> int:
        """Where the wake counter lies, in bytes."""
        return _WAKE_WORD * 4

    @property
    def buffer(self) -> bytearray | mmap.mmap:
        """The mapped bytes themselves."""
        return self._buffer

    def begin(self) -> View:
        """Take the lock and return a copy of the current book, in the next slot, to change. `end` must follow.

        Raises:
            Damaged: no sound book is left, or the file was replaced by a newer one.
        """
        self._lock.acquire()
        view = None
        try:
            view = self._begin()
        finally:
            if view is None:
                self._lock.release()
        return view

    def publish(self, view: View) -> None:
        """Make the changed book the current one."""
        book = view.book
        sequence = book.sequence
        book.checksum = checksum(self._raws[sequence % SLOTS], book)
        # One aligned store. struct.pack_into would store a 0 first, and a kill in between would leave HEAD = 0.
        self._words[HEAD_WORD] = sequence

    def end(self) -> None:
        """Release the lock; what was not published is forgotten."""
        self._lock.release()

    def wake(self) -> None:
        """Count a commit that may open a gate; call within a transaction."""
        self._halves[_WAKE_WORD] = (self._halves[_WAKE_WORD] + 1) & 0xFFFFFFFF

    def read(self) -> tuple[Book, bytes]:
        """A sound copy of the newest book and of the journal ring, without any lock.

        Raises:
            Damaged: there is none.
        """
        for _ in range(_READ_TRIES):
            head = self.sequence
            book = self._copy(head % SLOTS)
            if book is not None and book.sequence == head:
                return book, bytes(self._bytes[_RING_AT:])
        sound = [book for book in (self._copy(i) for i in range(SLOTS)) if book is not None]
        if not sound:
            raise Damaged(f"ledger {self.path}: no sound copy is left in it; stop everything and start again")
        return max(sound, key=lambda book: book.sequence), bytes(self._bytes[_RING_AT:])

    def close(self) -> None:
        """Close the lock; the mapping goes with the last object that uses it."""
        self._lock.close()

    def retire(self) -> None:
        """Tell every process attached to this file that another one has taken its place."""
        self._words[RETIRED_WORD] = 1

    def _copy(self, slot: int) -> Book | None:
        raw = bytearray(self._raws[slot])
        book = Book.from_buffer(raw)
        return book if is_sound(memoryview(raw), book) else None

    def _begin(self) -> View:
        if self.is_retired:
            raise Damaged(
                f"ledger {self.path}: it was begun anew while this process had it open: start the process again"
            )
        head = self._words[HEAD_WORD]
        sequence = head + 1
        view = self._views[sequence % SLOTS]
        source = self._views[head % SLOTS].book
        target = self._raws[sequence % SLOTS]
        if source.sequence != head or not copy_sound(target, self._raws[head % SLOTS], source):
            view = self._begin_on_older(head)
            sequence = view.book.sequence
        view.book.sequence = sequence
        view.events.clear()
        return view

    def _begin_on_older(self, head: int) -> View:
        """A copy of the newest sound book, which is never overwritten when it is the only one."""
        source = self._newest_sound()
        book = self._views[source].book
        sequence = max(head, book.sequence) + 1
        if sequence % SLOTS == source:
            sequence += 1
        copy_sound(self._raws[sequence % SLOTS], self._raws[source], book)
        self._views[sequence % SLOTS].book.sequence = sequence
        return self._views[sequence % SLOTS]

    def write_entry(self, number: int, entry: journal.Fields) -> None:
        """Write a journal entry; it is valid once the book that counts it is published."""
        journal.write(self._ring, number, entry)

    def _newest_sound(self) -> int:
        books = [view.book for view in self._views]
        sound = [i for i in range(SLOTS) if is_sound(self._raws[i], books[i]) and books[i].sequence]
        if not sound:
            raise Damaged(f"ledger {self.path}: no sound copy is left in it; stop everything and start again")
        return max(sound, key=lambda i: books[i].sequence)


def slot_at(slot: int) -> int:
    """Where slot number `slot` begins, in bytes."""
    return _PAGE + slot * _SLOT_BYTES
