"""How many rows each size has: a small one, ten and a hundred times as many, and a queue alone that is longer still."""

from __future__ import annotations

from typing import NamedTuple


class Size(NamedTuple):
    """Rows by what they are."""

    name: str
    deals: int
    products: int
    calls: int
    pending: int
    quarantine: int

    def scaled(self, scale: float) -> Size:
        """So many times as many rows of each kind, at least one."""
        return Size(self.name, *(max(1, round(rows * scale)) for rows in self[1:]))


SIZES = {
    "S": Size("S", deals=10_000, products=2_000, calls=100_000, pending=10_000, quarantine=1_000),
    "M": Size("M", deals=100_000, products=20_000, calls=1_000_000, pending=100_000, quarantine=20_000),
    "L": Size("L", deals=1_000_000, products=80_000, calls=5_000_000, pending=1_000_000, quarantine=200_000),
    "Q": Size("Q", deals=10_000, products=2_000, calls=100_000, pending=3_000_000, quarantine=1_000),
}
BASE = "S"  # written whole by the product's own writers; the others are copies of its rows


def share(fraction: float) -> float:
    """The age, as a part of a year, of the deal at that place between the newest and the oldest.

    A twentieth was listed within a day, a seventh within a week, half within a quarter: people keep what was listed
    long ago, and most of what is listed now was listed before.
    """
    return fraction**2
