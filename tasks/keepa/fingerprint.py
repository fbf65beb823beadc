"""What a page of deals is known again by, however often it comes and whatever stands around its deals. Pure."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tasks.keepa.decode.body_types import DealPage

_BYTES: Final = 8  # as wide as a column; of the 67 pages of a walk two are alike by chance once in 10**15 walks


def fingerprint(page: DealPage) -> int | None:
    """A signed 64-bit number: the same for the same deals with the same values in any order.

    None for a page without a deal that could be read, of which nobody can say what it repeats.
    """
    if not page.deals:
        return None
    known = [
        repr((deal.asin, deal.creation_date, deal.last_update, deal.current, deal.current_since)).encode()
        for deal in page.deals
    ]
    known += [fault.raw for fault in page.faults]
    return int.from_bytes(blake2b(b"\0".join(sorted(known)), digest_size=_BYTES).digest(), signed=True)
