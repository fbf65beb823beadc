"""What tokens come to: the price of a row, and how many will expire if the next day is like the last. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ledger.snapshot_records import BucketRecord
    from tasks.store.calls.sums import By

_DAY_S: Final = 86_400.0


class Outlook(NamedTuple):
    """The next 24 hours, if as much is spent in them as in the last.

    Attributes:
        comes_in: tokens that the plan adds, the bucket having room for them.
        expires: of these, the ones for which there will be none.
        full_in_s: seconds until the bucket is full at that pace; None when it does not get full within the day.
    """

    comes_in: float
    expires: float
    full_in_s: float | None


def outlook(bucket: BucketRecord, spent: float) -> Outlook | None:
    """The outlook, when so many tokens were spent in the last 24 hours; None while the plan is not known."""
    if bucket.tick_period_s <= 0 or bucket.refill_rate <= 0:
        return None
    comes_in = bucket.refill_rate * _DAY_S / bucket.tick_period_s
    room, gained = max(0.0, bucket.capacity - bucket.balance), comes_in - spent
    expires = max(0.0, gained - room)
    return Outlook(comes_in, expires, _DAY_S * room / gained if expires else None)


def name_shown(by: By, name: str) -> str:
    """The name of a sum of calls, or what is said of those without one."""
    return name or ("(before hosts had names)" if by == "host" else "(free)")  # no tier pays for a look at the balance


def tokens_per_row(tokens: float, rows: float) -> float | None:
    """What a row has cost; None without any."""
    return tokens / rows if rows else None
