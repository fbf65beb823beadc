"""Whether a waiter that asks again would be told something else, found out without a change of the book. Pure.

Where a change costs two round trips and keeps the others out meanwhile, a hundred waiters must not all make one
whenever a gate may have opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ledger.model import gates, polling, waiters, waits

if TYPE_CHECKING:
    from collections.abc import Callable

    from ledger.model.entries import WaiterState
    from ledger.model.view import View
    from ledger.types import Owner


def is_worth_asking(
    view: View, ticket: int, owner: Owner, until_ns: int | None, now_ns: int, is_alive: Callable[[Owner], bool]
) -> bool:
    """Whether `owner`'s waiter, which expects its turn at `until_ns` (None: only an event tells), should ask again."""
    index = view.waiter(ticket)
    if index < 0 or polling.may_claim_reading(view, owner, now_ns, is_alive) or polling.may_go_blind(view, now_ns):
        return True
    if not view.book.synced:
        return False
    gates.advance(view, now_ns)
    waiter = view.waiters[index]
    if waiter.cost_mt > gates.max_grant_mt(view, waiter.tier):
        return True
    if waiters.ahead(view, waiter.tier, ticket):
        return False
    return _has_head_news(view, waiter, until_ns, now_ns)


def is_idle_waiter_due(view: View, ticket: int, now_ns: int) -> bool:
    """Whether another tier's or waiter's turn is to be noted as unused, or to be ended: see `drop_idle_waiter`."""
    others = [waiter for waiter in view.waiters[: view.book.waiter_count] if waiter.ticket != ticket]
    if any(waiters.is_away_too_long(waiter, now_ns) for waiter in others):
        return True
    if not view.book.synced:
        return False
    for tier in range(view.book.tier_count):
        index = gates.oldest_waiter(view, tier)
        if index < 0 or view.waiters[index].ticket == ticket or view.waiters[index].is_passed_over:
            continue
        waiter = view.waiters[index]
        is_due = not waiter.open_ns or now_ns - waiter.open_ns >= waiters.LAPSE_NS
        if is_due and gates.is_open(view, tier, waiter.cost_mt, now_ns):
            return True
    return False


def _has_head_news(view: View, waiter: WaiterState, until_ns: int | None, now_ns: int) -> bool:
    """Whether the oldest waiter of a tier is served now or sooner than it expects, or is due to look at the balance."""
    if view.book.probation and view.book.lease_count:
        return False
    if gates.is_open(view, waiter.tier, waiter.cost_mt, now_ns):
        return True
    wait = waits.wait_for(view, waiter.tier, waiter.cost_mt, now_ns)
    is_sooner = wait.until_ns is not None and (until_ns is None or wait.until_ns < until_ns)
    return is_sooner or polling.may_look(view, wait, now_ns)
