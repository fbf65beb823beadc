"""Bars made of characters: how much of something there is. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ledger.snapshot_records import Snapshot

PLAIN: Final = ("#", ".", "|")  # a full cell, an empty one, a mark


def draw_bar(part: float, width: int, marks: Iterable[float] = (), cells: tuple[str, str, str] = PLAIN) -> str:
    """`part` of 1 as a bar of `width` cells, with a mark at each of the parts `marks`.

    A bar is empty only when there is nothing, and full only when all is there.
    """
    full, empty, mark = cells
    filled = max(1, min(width - 1, round(part * width))) if 0 < part < 1 else width * (part > 0)
    drawn = [full] * filled + [empty] * (width - filled)
    for at in marks:
        drawn[min(width - 1, round(at * width))] = mark
    return "".join(drawn)


def draw_bucket(snapshot: Snapshot, width: int, cells: tuple[str, str, str] = PLAIN) -> str:
    """The balance as a part of the capacity, with a mark at each floor above 0."""
    capacity = snapshot.bucket.capacity
    if capacity <= 0:
        return draw_bar(0, width, cells=cells)
    floors = (tier.floor / capacity for tier in snapshot.tiers if tier.floor > 0)
    return draw_bar(snapshot.bucket.balance / capacity, width, floors, cells)
