"""The tiers as people set them: their floors and shares, checked and entered into a book. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger.model import gates
from ledger.model.book import MAX_TIERS, MT, PPM
from ledger.model.bucket import ticks_due
from ledger.model.entries import NAME_BYTES, TierState
from ledger.model.floors import floor_mt
from ledger.model.journal import NO_TIER, Event
from ledger.types import NOBODY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger.model.view import View
    from ledger.types import Hours


@dataclass(frozen=True, slots=True, kw_only=True)
class Tier:
    """A class of requests; tiers stand in order of priority.

    Its floor is `floor` tokens or the refill of `floor_ticks` ticks, whichever is more, but at most `floor_part` of the
    capacity (`ledger/model/floors.py`). `share` is the part of the refill that it is guaranteed while it waits. It
    spends at most `tokens_per_day` (0: no limit), and only in its `hours` (None: always); both are of UTC, see
    `ledger/model/budgets.py`.
    """

    name: str
    floor: int
    floor_part: float
    share: float
    floor_ticks: float = 0.0
    tokens_per_day: int = 0
    hours: Hours | None = None

    def floor_on(self, rate: int) -> int:
        """The floor on a plan of `rate` tokens a tick, in whole tokens."""
        state = TierState()
        _set_rules(state, self)
        return floor_mt(state, rate * MT) // MT


# Floors of the plan of 5 a minute. They are clipped on a smaller one; on a large one so many tokens are seconds of the
# refill, and a floor that does not hold one large request of the tiers above is none: there they grow with the plan.
# The shares leave 0.3 of the refill to whoever comes.
DEFAULT_TIERS: Final = (
    Tier(name="interactive", floor=0, floor_part=0.0, share=0.0),
    Tier(name="upsert", floor=50, floor_part=1 / 6, share=0.5, floor_ticks=1),
    Tier(name="backfill", floor=150, floor_part=1 / 2, share=0.2, floor_ticks=3),
)


def check(tiers: Sequence[Tier]) -> None:
    """Refuse tiers whose guarantees cannot be kept.

    Raises:
        ValueError: a name is unusable, a number is out of range, the shares reach 1, or there are too many.
    """
    if len(tiers) > MAX_TIERS:
        raise ValueError(f"{len(tiers)} tiers, the layout holds {MAX_TIERS}")
    names = [tier.name for tier in tiers]
    if len(set(names)) != len(names) or not all(n and n.isascii() and len(n) < NAME_BYTES for n in names):
        raise ValueError(f"tiers {names}: different names of 1 to {NAME_BYTES - 1} ASCII characters are expected")
    if any(min(tier.floor, tier.floor_ticks, tier.share) < 0 or not 0 <= tier.floor_part < 1 for tier in tiers):
        raise ValueError("a tier needs floors of 0 or more, a floor part in [0, 1) and a share of 0 or more")
    if any(tier.tokens_per_day < 0 for tier in tiers):
        raise ValueError("a tier needs tokens a day of 1 or more, or 0 for no limit")
    total = sum(tier.share for tier in tiers)
    if total >= 1:
        raise ValueError(
            f"the shares come to {total:g}: less than 1 is expected, or no refill is left for anybody else"
        )


def install(view: View, tiers: Sequence[Tier], nominal_period_ns: int, now_ns: int) -> None:
    """Set the tiers and the nominal tick period in the book, keeping what is known: also while calls are open.

    Learning starts from the nominal period; a period that was learned from replies stays.

    An earmark stays, within what the new share allows. A tier without a share any more loses its earmark, and its open
    calls give nothing back to it.

    Raises:
        ValueError: the tiers are unusable, or their names would change while calls are open.
    """
    check(tiers)
    book = view.book
    gates.advance(view, now_ns)
    if book.nominal_period_ns != nominal_period_ns:
        book.nominal_period_ns = nominal_period_ns
        if not book.period_trust:
            book.period_ns = nominal_period_ns
    if [tier.name.encode() for tier in tiers] != [state.name for state in view.tiers[: book.tier_count]]:
        if book.lease_count or book.waiter_count:
            raise ValueError("the tiers' names cannot change while calls are open: stop the workers first")
        view.events.append((Event.TIERS, NO_TIER, 0, NOBODY))
        book.tier_count = len(tiers)
    tick = book.tick_index + ticks_due(book, now_ns)
    for index, (state, tier) in enumerate(zip(view.tiers, tiers, strict=False)):
        if state.name != tier.name.encode():
            state.day = state.day_spent_mt = 0
        _set_rules(state, tier)
        # Ticks that came while it had no share must not count for the one it has now.
        state.earmark_tick = max(state.earmark_tick, tick)
        state.earmark_nt = min(state.earmark_nt, gates.earmark_cap_mt(view, index) * PPM) if state.share_ppm else 0
    for lease in view.leases[: book.lease_count]:
        lease.earmark_nt = lease.earmark_nt if view.tiers[lease.tier].share_ppm else 0
    gates.start_rules(view, now_ns)


def _set_rules(state: TierState, tier: Tier) -> None:
    state.name = tier.name.encode()
    state.floor_mt = tier.floor * MT
    state.floor_ticks_ppm = round(tier.floor_ticks * PPM)
    state.floor_ppm = round(tier.floor_part * PPM)
    state.share_ppm = round(tier.share * PPM)
    state.budget_mt = tier.tokens_per_day * MT
    state.opens_min, state.closes_min = tier.hours or (0, 0)
