"""What tokens come to: the price of a row, and how many expire, and why, if the next day is like the last. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.durations import format_duration

if TYPE_CHECKING:
    from datetime import datetime

    from ledger import Snapshot
    from ledger.snapshot_records import TierRecord
    from tasks.store.calls.sums import By

_DAY_S: Final = 86_400.0
_NEARLY: Final = 0.9  # a budget is spent when no batch fits into the rest


class Outlook(NamedTuple):
    """The next 24 hours, if they are like the last, or like the time that there are calls of.

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
    span_s: float = _DAY_S

    @property
    def condition(self) -> str:
        """Under which condition it is so: how much time it is like."""
        words = "if the next 24 hours are like the last"
        return words if self.span_s >= _DAY_S else f"{words} {format_duration(self.span_s)}"

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


def outlook(snapshot: Snapshot, spent: float, span_s: float = _DAY_S) -> Outlook | None:
    """The outlook, when so many tokens were spent in the last `span_s` seconds; None while the plan is not known."""
    bucket = snapshot.bucket
    if not snapshot.synced or bucket.tick_period_s <= 0 or bucket.refill_rate <= 0 or span_s <= 0:
        return None
    comes_in = bucket.refill_rate * _DAY_S / bucket.tick_period_s
    room, gained = max(0.0, bucket.capacity - bucket.balance), comes_in - spent * _DAY_S / span_s
    expires = max(0.0, gained - room)
    full_in_s = _DAY_S * room / gained if expires and not any(tier.hours for tier in snapshot.tiers) else None
    limits = tuple(words for tier in snapshot.tiers if (words := _limit(tier))) if expires else ()
    return Outlook(comes_in, expires, full_in_s, limits, span_s)


def span_s(first_call: datetime | None, now: datetime) -> float:
    """Seconds of the last day since the first call that is on record; without any, nothing was spent all day."""
    return _DAY_S if first_call is None else min(_DAY_S, max(0.0, (now - first_call).total_seconds()))


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
