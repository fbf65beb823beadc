"""What a retry does about one fault in the quarantine, or what a person has to do where it can do nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.calls.spool_name import SUFFIX
from tasks.ingest.odd_items import ODD
from tasks.ingest.unreadable import ENVELOPE
from tasks.keepa.source.request import ENDPOINTS

if TYPE_CHECKING:
    from tasks.store.quarantine import Kind

SOURCE_ENDPOINTS: Final = frozenset(ENDPOINTS.values())
REFUSED: Final = (
    "it is asked for again by itself, within the hour: mend or remove its file as the reason says, reload, and drop "
    "this once it is accepted"
)
NO_DEAL: Final = "nothing was kept of it; the next change of the deal brings it anew: drop this"
UNKNOWN: Final = "this build reads no such body: look at it, and retry after an upgrade or drop it"


def advice(kind: Kind, key: str, *, has_bytes: bool) -> str:
    """What `quarantine retry` does about such a fault and whether that costs tokens, or what else to do, in words."""
    match kind:
        case "request":
            return REFUSED
        case "deal":
            return "a retry reads what was kept and writes the deal; it costs nothing" if has_bytes else NO_DEAL
        case "product":
            if not has_bytes:
                return "a retry queues the product again, with all its attempts; that costs its tokens"
            return (
                "a retry reads what was kept and writes the product; it costs nothing. Only with --refetch, what "
                "cannot be read is fetched again, for tokens"
            )
        case "body":
            return _of_body(key, has_bytes=has_bytes)


def _of_body(key: str, *, has_bytes: bool) -> str:
    if key.endswith(SUFFIX):
        return "a retry puts the reply back into the spool, and a running worker writes it; it costs nothing"
    endpoint, _, what = key.partition(" ")
    if what == ENVELOPE:
        return "its rows are written; a retry settles it once this build can read its envelope"
    if what == ODD:
        return "an example of items that are written, the odd field in `extra`: a retry settles it"
    if not has_bytes or endpoint not in {"/deal", "/product", *SOURCE_ENDPOINTS}:
        return UNKNOWN
    if endpoint in SOURCE_ENDPOINTS:
        return (
            "a retry reads what was kept and queues its products; listing them costs nothing, and backfill fetches "
            "those that it does not have"
        )
    return "a retry reads what was kept and writes its rows; it costs nothing"
