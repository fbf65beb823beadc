"""What tokens come to: the price of a row, and how many expire, and why, if the next day is like the last. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.durations import format_duration

if TYPE_CHECKING:
    from ledger import Snapshot
    from ledger.snapshot_records import TierRecord
    from tasks.store.calls.sums import By

_DAY_S: Final = 86_400.0
_NEARLY: Final = 0.9  # a budget is spent when no batch fits into the rest


class Outlook(NamedTuple):
    """The next 24 hours, if as much is spent in them as in the last.

    Attributes:
        comes_in: tokens that the plan adds, the bucket having room for them.
        expires: of these, the ones for which there will be none.
        full_in_s: seconds until the bucket is full at that pace; None when it does not get full within the day, or
            when that depends on the hours of a tier.
        limits: what keeps tiers from spending them, because it is set so; empty when nothing asks for them.
    """

    comes_in: float
    expires: float
    full_in_s: float | None
    limits: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What comes in, what of it expires, from when on, and why."""
        line = f"{self.comes_in:,.0f} tokens come in"
        if not self.expires:
            return f"{line}, and none of them expires"
        line += f" and {self.expires:,.0f} of them expire in a full bucket"
        if self.full_in_s is not None:
            line += ", from now on" if self.full_in_s < 1 else f", the first in {format_duration(self.full_in_s)}"
        if self.limits:
            return f"{line}, as you have set it: {'; '.join(self.limits)}"
        return f"{line}: more workers, another selection or more detail would use them"


def outlook(snapshot: Snapshot, spent: float) -> Outlook | None:
    """The outlook, when so many tokens were spent in the last 24 hours; None while the plan is not known."""
    bucket = snapshot.bucket
    if not snapshot.synced or bucket.tick_period_s <= 0 or bucket.refill_rate <= 0:
        return None
    comes_in = bucket.refill_rate * _DAY_S / bucket.tick_period_s
    room, gained = max(0.0, bucket.capacity - bucket.balance), comes_in - spent
    expires = max(0.0, gained - room)
    full_in_s = _DAY_S * room / gained if expires and not any(tier.hours for tier in snapshot.tiers) else None
    limits = tuple(words for tier in snapshot.tiers if (words := _limit(tier))) if expires else ()
    return Outlook(comes_in, expires, full_in_s, limits)


def _limit(tier: TierRecord) -> str:
    """The rules that keep a tier from spending; nothing where it has none, or where its budget is far from spent."""
    rules = []
    if tier.hours is not None:
        rules.append(f"spends in the hours {tier.hours} (UTC) alone")
    if tier.tokens_per_day is not None and tier.spent_today >= _NEARLY * tier.tokens_per_day:
        rules.append(f"has spent {tier.spent_today:,.0f} of the {tier.tokens_per_day:,.0f} tokens of its day")
    return f"{tier.name} {' and '.join(rules)}" if rules else ""


def name_shown(by: By, name: str) -> str:
    """The name of a sum of calls, or what is said of those without one."""
    return name or ("(before hosts had names)" if by == "host" else "(free)")  # no tier pays for a look at the balance


def tokens_per_row(tokens: float, rows: float) -> float | None:
    """What a row has cost; None without any."""
    return tokens / rows if rows else None
