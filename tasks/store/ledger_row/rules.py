"""What a process that changes the book of a row makes of the state it finds. Functions of a View, without I/O.

The server may have lost changes that it had confirmed, because commits do not wait for the disk; and its clock may have
been set. Both end in a doubt: one reading of the balance puts all right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import NS_PER_S, OtherFormat
from tasks.store.ledger_row.server_clock import SLACK_NS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from ledger.model.view import View
    from ledger.storage.packed import Format
    from tasks.store.ledger_row.server_clock import ServerClock

UNWATCHED_NS: Final = 60 * NS_PER_S  # since the last change, when a process makes its first
LOST_IDS: Final = 1 << 16  # more leases than a crash can have made forgotten: no number is ever given twice

COPIED: Final = (
    "the ledger of this key was changed in the name of this process by another one, which happens when its machine was "
    "copied while it ran, and the copy works: start one of the two with an empty STATE_DIR of its own"
)


class Epochs(NamedTuple):
    """The lives of the server: of now, as this process read it; in the row; in the row when this process wrote it."""

    now: str
    in_row: str
    at_last_change: str


def may_have_lost(epochs: Epochs, *, is_line_new: bool, is_mine_there: bool) -> bool:
    """Whether the server may have lost changes that it had confirmed, and nobody has noted that yet.

    `is_mine_there`: the last change that this process made is in the book.
    """
    if is_line_new and epochs.in_row != epochs.now:
        return True
    return not is_mine_there and epochs.in_row == epochs.at_last_change


def was_copied(last: int, *, request: int, tried: int) -> bool:
    """Whether a copy of this process, of a machine that was copied while it ran, has changed the book as well.

    Its last change there is number `last`, 0 when none is known; it knows of `request`, and has sent those up to
    `tried`. One that has changed nothing yet cannot tell: a process of another boot may have had its number and start.
    """
    return request > 0 and last > max(request, tried)


def format_to_write(formats: Mapping[int, Format], read_by_hosts: Iterable[int]) -> Format:
    """The newest of these formats that every host reads; the oldest of them where a host reads none.

    `read_by_hosts` are the newest formats that the hosts read; without any it is the newest.
    """
    limit = min(read_by_hosts, default=max(formats))
    return formats[max((number for number in formats if number <= limit), default=min(formats))]


def too_new(error: OtherFormat, newest: int) -> OtherFormat:
    """The same error in words for a person, when the book is of a newer build than this, which reads up to `newest`."""
    return OtherFormat(
        f"the ledger of this key in the database was written by a newer version of this program, in format "
        f"{error.found}, and this one reads up to {newest}: run the newer version here, or have it run on another host "
        "while this one starts, and it writes what both read",
        error.found,
    )


def doubt(view: View) -> None:
    """Have the balance asked for at once: the last changes may be lost, and with them leases that somebody holds."""
    book = view.book
    book.needs_reading = 1
    book.asks = book.reader_pid = 0
    book.next_id += LOST_IDS


def set_clock(view: View, clock: ServerClock, server_ns: int, moments: tuple[int, int], *, is_first: bool) -> None:
    """Go by the time the row was told at, `server_ns`, less by how much the server's clock was ever set.

    It was asked for and told at these `moments` of this machine's clock. `is_first`: this process changed nothing yet.
    """
    book = view.book
    now_ns = server_ns + book.shift_ns
    step_ns = clock.step_ns(now_ns, *moments)
    if not step_ns and now_ns < book.changed_ns - SLACK_NS:
        step_ns = now_ns - book.changed_ns
    if step_ns:
        book.shift_ns -= step_ns
        now_ns -= step_ns
        doubt(view)
    elif is_first and book.synced and now_ns - book.changed_ns > UNWATCHED_NS:
        doubt(view)  # nobody was there who would have noticed that the clock was set
    clock.set(max(now_ns, book.changed_ns), *moments)
