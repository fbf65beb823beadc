"""What a discount is against, where that is not the mean beside it: in words for people. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tasks.keepa.prices import COMPARED_WITH_OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterable


def note(price_types: Iterable[str]) -> str | None:
    """A sentence about those of these types whose discount is against another price; None when there is none."""
    shown = set(price_types)
    found = [name for name in COMPARED_WITH_OTHERS if name in shown]
    if not found:
        return None
    return (
        f"The discount of {' and '.join(found)} is against the mean of Amazon's price, or of the new price where "
        "Amazon has none; the mean shown is its own."
    )
