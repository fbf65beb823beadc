"""The short table of several keys on the page Now: the state, the balance and the gates of each, with a link. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from ledger.localtime import near
from supervisor.status import formatting, keys
from supervisor.web import cells
from supervisor.web.chosen_key import address
from tasks.roles import ROLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from supervisor.status.keys import KeyView
    from supervisor.web.cells import Cell

HEADINGS: Final = ("key", "pool", "state", "balance", "of", "refill", *ROLES, "spent")


def rows(found: Sequence[KeyView], now: datetime) -> list[list[Cell]]:
    """A row for each key, in the order of their names."""
    return [_row(one, now) for one in found]


def sentence(one: KeyView, now: datetime) -> str:
    """How the key is at `now`: the gates of its two jobs, or what is wrong with it."""
    words = keys.fault(one, now)
    if words is None and one.snapshot is not None:
        return f"{one.name}: {keys.gates(one.snapshot)}."
    return f"{one.name}: {words}."


def _row(one: KeyView, now: datetime) -> list[Cell]:
    head = [cells.link(one.name, address("/", one.name)), cells.plain(one.pool)]
    words, snapshot = keys.fault(one, now), one.snapshot
    if words is not None or snapshot is None:
        shown = cells.state("wait", words or keys.UNREADABLE)
        if one.refusal is not None:  # why stands above, with what keeps the run from its work
            shown = cells.state("bad", f"refused since {near(datetime.fromisoformat(one.refusal.since), now)}")
        return [*head, shown, *[cells.plain("") for _ in HEADINGS[3:]]]
    bucket, tiers = snapshot.bucket, {tier.name: tier for tier in snapshot.tiers}
    return [
        *head,
        cells.state("good", "served"),
        cells.count(bucket.balance),
        cells.count(bucket.capacity),
        cells.plain(f"+{bucket.refill_rate:g} every {bucket.tick_period_s:.1f} s"),
        *(cells.state("good" if tiers[role].open else "wait", formatting.gate(tiers[role])) for role in ROLES),
        cells.count(sum(tier.spent for tier in snapshot.tiers)),
    ]
