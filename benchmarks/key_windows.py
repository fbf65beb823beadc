"""Plans for many keys, and what each of them used of its refill in a time."""

from __future__ import annotations

from typing import NamedTuple


def text_of(name: str) -> str:
    """The key itself."""
    return f"{name:k>64}"


def rates_of(count: int, least: float, most: float, total: float | None) -> list[float]:
    """Tokens a minute of so many keys, in equal steps of size from `most` to `least`, cut to `total` together.

    What is above the total is cut from the largest, and no key gets less than `least`.
    """
    steps = max(1, count - 1)
    rates = [most * (least / most) ** (at / steps) for at in range(count)]
    if total is not None and sum(rates) > total:
        low, high = 0.0, 1.0
        for _ in range(50):
            middle = (low + high) / 2
            below = sum(least + (rate - least) * middle for rate in rates) < total
            low, high = (middle, high) if below else (low, middle)
        rates = [least + (rate - least) * low for rate in rates]
    return rates


class Window(NamedTuple):
    """What one key did in a time: tokens spent and refilled, and of the latter those that were not to be spent yet."""

    spent: int
    refilled: int
    fresh: int

    @property
    def used(self) -> int:
        """Tokens of the refill that were used; what the last ticks brought counts as well."""
        return min(self.refilled, self.spent + self.fresh)


def part_of(window: Window) -> float:
    """The part of the refill that was used."""
    return window.used / max(1, window.refilled)


def sum_of(windows: dict[str, Window], without: str) -> float:
    """The part of their refill that all keys but one used together."""
    kept = [window for name, window in windows.items() if name != without]
    return sum(window.used for window in kept) / sum(window.refilled for window in kept)
