"""A paid-for reply is on disk before anybody looks into it, and stays there until its rows are committed.

One file an entry: a line of magic, a line of JSON (`Header`: enough to process the body again without its process),
then the body, packed as the server sent it, or else deflated. The name carries the owner; taking over a dead owner's
entry is one `rename`, which exactly one process wins. The file appears under its name whole or not at all.

Entries of another host, where the folder is one that hosts share, are that one's to write: it does when it is back.
"""

from __future__ import annotations

import errno
import itertools
import os
import zlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING, Final

import msgspec

from ledger.atomic_file import sync_directory
from ledger.process import is_running, this_process
from tasks.calls import spool_name
from tasks.calls.spool_header import Header
from tasks.calls.spool_name import PART_SUFFIX, SUFFIX
from tasks.errors import EXIT_TRY_LATER, Error
from tasks.keepa.decode.unpack import Unpackable, is_gzip, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ledger.types import ProcessId
    from tasks.calls.spool_header import Origin

DAMAGED: Final = "damaged"

_MAGIC: Final = b"sluicegate reply 1\n"
_LEVEL: Final = 1  # a page of 350 KB in 5 ms; higher levels save little on JSON and cost the worker's time
_ROOM: Final = 4 << 20  # bytes; a hundred products with their whole histories are 2 to 3 MB when deflated
_UNSUPPORTED: Final = frozenset({errno.EOPNOTSUPP, errno.EINVAL})  # a file system that takes no room in advance
_NO_HEADER: Final = (msgspec.DecodeError, UnicodeDecodeError)  # what reading one that was hit raises
_REMEDIES: Final = {
    errno.ENOENT: "put the folder back, or make an empty one",
    errno.ENOTDIR: "remove what is in the folder's place",
    errno.EACCES: "give it back to the user who runs this",
}
_LOOKS: Final = 2  # that find nothing new, one after the other
_NUMBERS: Final = itertools.count(1)  # one series a process, however many spools it opens


class SpoolFull(Error):
    """No reply can be kept now: the spool holds as much as it may, or the disk or the folder refuses. Pay for none."""

    exit_code = EXIT_TRY_LATER


class Damaged(Error):
    """An entry that cannot be read back: the file was cut or changed after it was written."""


@dataclass(frozen=True, slots=True)
class SpoolEntry:
    """One spooled reply, owned by the process that holds this object."""

    path: Path
    attempts: int

    def read(self) -> tuple[Header, bytes]:
        """The header and the body as the server sent it.

        Raises:
            Damaged: the file is not what was written.
            SpoolFull: it cannot be got at.
        """
        with _reached(self.path):
            data = self.path.read_bytes()
        header, _newline, body = data.removeprefix(_MAGIC).partition(b"\n")
        if not data.startswith(_MAGIC):
            raise Damaged(f"{self.path.name}: not a spooled reply")
        try:
            body = unpacked(body, limit=1 << 40) if is_gzip(body) else zlib.decompress(body)  # held to a limit before
            return msgspec.json.decode(header, type=Header), body
        except (*_NO_HEADER, zlib.error, Unpackable) as error:
            raise Damaged(f"{self.path.name}: {error}") from error

    def remove(self) -> None:
        """Delete the entry: its rows are committed. Removing it twice is harmless.

        One that cannot be removed is found again when the folder is back, and changes nothing then.
        """
        with suppress(OSError):
            self.path.unlink(missing_ok=True)


class Spool:
    """The directory of replies of one database, shared by every worker that writes to it.

    Whatever looks into it raises `SpoolFull` while it cannot be got at: what lies there paid for is not known then.
    """

    def __init__(self, directory: Path, *, limit_bytes: int, host: str = "") -> None:
        """Use that directory, as a process of `host`."""
        self._directory = directory
        self._limit_bytes = limit_bytes
        self._owner = this_process(host)
        self._room: Path | None = None
        self._room_bytes = _ROOM
        with suppress(OSError):  # its first use raises it
            for folder in (directory.parent, directory):  # each for its owner alone; `mode` is for the last one only
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def size_bytes(self) -> int:
        """Bytes of the replies that wait to be processed, whoever owns them."""
        total = 0
        for path in self._paths():
            if path.suffix == SUFFIX:
                with _reached(path), suppress(FileNotFoundError):
                    total += path.stat().st_size
        return total

    def require_room(self) -> None:
        """Return if one more reply may be paid for: its room on the disk is taken, and was written to just now.

        Raises:
            SpoolFull: the limit is reached, or the disk refuses.
        """
        size = self.size_bytes()
        if size >= self._limit_bytes:
            limit = f"SPOOL_LIMIT_MB allows {self._limit_bytes} bytes"
            raise SpoolFull(f"{self._directory}: {size} bytes of replies wait to be processed; {limit}")
        with _reached(self._directory):
            self._take_room()

    def put(self, header: Header, body: bytes, packed: bytes | None = None) -> SpoolEntry:
        """The entry for `body`, `packed` as the server sent it, after its bytes and its name have reached the disk.

        Raises:
            OSError: the disk does not take it.
        """
        path = self._directory / f"{self._owner}.{next(_NUMBERS):06d}.0{SUFFIX}"
        part, self._room = self._room or path.with_suffix(PART_SUFFIX), None
        data = (
            _MAGIC + msgspec.json.encode(header) + b"\n" + (zlib.compress(body, _LEVEL) if packed is None else packed)
        )
        self._room_bytes = max(self._room_bytes, 2 * len(data))
        try:
            with part.open("r+b" if part.exists() else "wb") as file:
                file.write(data)
                file.truncate()
                file.flush()
                os.fsync(file.fileno())
            part.rename(path)
        except OSError:
            part.unlink(missing_ok=True)
            raise
        sync_directory(self._directory)
        return SpoolEntry(path, 0)

    def close(self) -> None:
        """Give back the room that was taken for a reply that did not come."""
        if self._room is not None:
            with suppress(OSError):  # the next look of any process for what the dead left takes it away
                self._room.unlink(missing_ok=True)
            self._room = None

    def _take_room(self) -> None:
        """Have a file of the size of a large reply, and write to it: what is free may be another's a moment later.

        Raises:
            OSError: the disk does not take it.
        """
        room = self._room or self._directory / f"{self._owner}.{next(_NUMBERS):06d}.0{PART_SUFFIX}"
        with room.open("r+b" if room.exists() else "wb") as file:
            try:
                os.posix_fallocate(file.fileno(), 0, self._room_bytes)
            except OSError as error:
                if error.errno not in _UNSUPPORTED:
                    room.unlink(missing_ok=True)
                    raise
            file.write(_MAGIC)
            file.flush()
            os.fsync(file.fileno())
        self._room = room

    def orphans(self) -> Iterator[Path]:
        """Entries whose owner is dead, or that this process left unfinished, oldest name first.

        The caller must hold no entry of its own while it asks: everything of this process counts as unfinished.
        """
        for path in self._paths():
            owner = self._owner_of(path)
            if owner is None or (owner != self._owner and is_running(owner)):
                continue
            if path.suffix == SUFFIX:
                yield path
            elif path.suffix == PART_SUFFIX and path != self._room:
                with _reached(path):
                    path.unlink(missing_ok=True)  # its writer died before the reply was whole

    def holds_leftovers(self) -> bool:
        """Whether a reply lies here that a dead worker paid for, whether or not another has taken it over."""
        # A file that is renamed while its folder is read may be seen under neither name.
        return any(self._is_leftover(path) for _ in range(_LOOKS) for path in self._paths())

    def origins(self) -> list[Origin]:
        """What the replies were asked for that lie here, paid for and not yet written, whoever owns them.

        One that is written meanwhile may be among them.
        """
        found: dict[Path, Origin | None] = {}
        # A file that is taken over while its folder is read may be seen under neither name, or be gone under the one
        # that was seen. What is missed here would be paid for again.
        looks_in_vain = 0
        while looks_in_vain < _LOOKS:
            new = [path for path in self._paths() if path.suffix == SUFFIX and path not in found]
            found |= {path: _origin_of(path) for path in new}
            looks_in_vain = 0 if new else looks_in_vain + 1
        return [origin for origin in found.values() if origin is not None]

    def claim(self, path: Path) -> SpoolEntry | None:
        """The entry at `path`, now this process's with one more attempt; None if another was quicker."""
        attempts = spool_name.attempts_of(path.name) + 1
        mine = self._directory / f"{self._owner}.{next(_NUMBERS):06d}.{attempts}{SUFFIX}"
        with _reached(path):
            try:
                path.rename(mine)
            except FileNotFoundError:
                return None
            sync_directory(self._directory)
        return SpoolEntry(mine, attempts)

    def quarantine(self, entry: SpoolEntry) -> Path:
        """Move the entry out of the way, for a person to look at; where it is then."""
        folder = self._directory / DAMAGED
        target = folder / entry.path.name
        with _reached(folder):
            folder.mkdir(exist_ok=True, mode=0o700)
            with suppress(FileNotFoundError):
                entry.path.rename(target)
        return target

    def put_back(self, name: str) -> None:
        """Put what was quarantined under that name where any worker finds it, as if it had not been tried.

        Raises:
            FileNotFoundError: it is not there.
            Damaged: the file is not what was written.
        """
        quarantined = self._directory / DAMAGED / PurePath(name).name  # never another folder's
        quarantined.stat()
        SpoolEntry(quarantined, 0).read()
        quarantined.rename(self._directory / f"{self._owner}.{next(_NUMBERS):06d}.0{SUFFIX}")
        sync_directory(self._directory)

    def _is_leftover(self, path: Path) -> bool:
        owner = self._owner_of(path)
        if path.suffix != SUFFIX or owner is None:
            return False
        return spool_name.attempts_of(path.name) > 0 or not is_running(owner)

    def _owner_of(self, path: Path) -> ProcessId | None:
        """The owner that a spool file's name carries; None for any other file, and for one of another host."""
        owner, mine = spool_name.owner_of(path.name), self._owner.host
        return None if owner is not None and mine and owner.host and owner.host != mine else owner

    def _paths(self) -> list[Path]:
        """What lies there, by name."""
        with _reached(self._directory):
            return sorted(self._directory.iterdir())


@contextmanager
def _reached(path: Path) -> Iterator[None]:
    """Raise what the file system refuses there as `SpoolFull`, with what to do."""
    try:
        yield
    except OSError as error:
        remedy = f"; {_REMEDIES[error.errno]}" if error.errno in _REMEDIES else ""
        raise SpoolFull(f"{path}: replies cannot be kept there: {error.strerror or error}{remedy}") from None


def _origin_of(path: Path) -> Origin | None:
    """What the reply at `path` was asked for; None for one that is gone, is no file, or whose header was hit."""
    with _reached(path), suppress(FileNotFoundError, IsADirectoryError, *_NO_HEADER), path.open("rb") as file:
        magic, header = file.readline(), file.readline()
        if magic == _MAGIC:
            return msgspec.json.decode(header, type=Header).origin
    return None
