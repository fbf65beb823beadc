"""Which deals, and which products of people's own lists, have changed since rules last looked.

A worker adds to them in the transaction of its page, and only while somebody reads them. No key stands in its way: it
waits for no reader, and a product that is there twice is looked at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

TURN: Final = "rules"  # the turn (`tasks.store.turns`) of the process that looks
# Rules that nobody has had in use for a day look at nothing that happened meanwhile.
_ADD: Final = """
INSERT INTO deal_changes (domain, asin) SELECT %(domain)s, asin FROM unnest(%(asins)s::text[]) AS c (asin)
WHERE EXISTS (SELECT FROM rules WHERE seen_at > now() - interval '1 day')
"""
_ADD_LISTED: Final = f"""{_ADD} AND EXISTS (
    SELECT FROM watch_lists AS l JOIN watched_products AS w USING (list_key)
    WHERE l.domain = %(domain)s AND w.asin = c.asin
)
"""
_SOME: Final = "SELECT domain, asin FROM deal_changes LIMIT %s"
_TAKE: Final = "DELETE FROM deal_changes WHERE domain = %s AND asin = ANY(%s)"


class Changed(NamedTuple):
    """A deal or a product that has changed."""

    domain: int
    asin: str


def add(conn: Connection, domain: int, asins: Sequence[str]) -> None:
    """Write down that these deals have changed, in the caller's transaction, if anybody reads that."""
    if asins:
        conn.execute(_ADD, {"domain": domain, "asins": list(asins)}, prepare=False)


def add_listed(conn: Connection, domain: int, asins: Sequence[str]) -> None:
    """The same of products, but only of those that stand in a list."""
    if asins:
        conn.execute(_ADD_LISTED, {"domain": domain, "asins": list(asins)}, prepare=False)


def take(conn: Connection, most: int) -> list[Changed]:
    """Some of the deals that have changed, each once; they are looked at in the caller's transaction, or stay."""
    found = dict.fromkeys(Changed(*row) for row in conn.execute(_SOME, (most,), prepare=False))
    for domain in sorted({one.domain for one in found}):
        conn.execute(_TAKE, (domain, [one.asin for one in found if one.domain == domain]), prepare=False)
    return list(found)
