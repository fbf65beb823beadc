"""What the page Tokens tells of each of several keys: spent, come in, expired, and the outlook of a day. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from supervisor.queries.token_outlook import outlook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from supervisor.status.keys import KeyView
    from tasks.store.calls.sums import Sum


def rows(
    keys: Sequence[KeyView], of_a_day: Sequence[Sum], span_s: float, address: Callable[[str], str]
) -> list[dict[str, Any]]:
    """A row for each key; `of_a_day` are the sums by key of the last 24 hours, or of the `span_s` seconds there are.

    `address` gives the page of a key.

    What is not known is None: of a ledger that cannot be read, or has no balance yet.
    """
    return list(_rows(keys, {one.name: one.tokens for one in of_a_day}, span_s, address))


def _rows(
    keys: Sequence[KeyView], tokens: dict[str, int], span_s: float, address: Callable[[str], str]
) -> Iterator[dict[str, Any]]:
    for one in keys:
        spent, snapshot = tokens.get(one.name, 0), one.snapshot
        known = None if snapshot is None or not snapshot.synced else snapshot
        coming = None if known is None else outlook(known, spent, span_s)
        yield {
            "name": one.name,
            "address": address(one.name),
            "of_a_day": spent,
            "balance": None if known is None else known.bucket.balance,
            "credited": None if known is None else known.totals.credited,
            "spent": None if known is None else known.totals.spent,
            "expired": None if known is None else known.totals.expired,
            "drift": None if known is None else known.bucket.drift,
            "comes_in": None if coming is None else coming.comes_in,
            "expires": None if coming is None else coming.expires,
        }
