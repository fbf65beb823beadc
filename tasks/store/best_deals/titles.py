"""Finds the deals whose titles may hold some words, by the parts of the titles (`title_parts`).

Whoever writes or deletes deals notes those whose title is another one than before; a duty in the background does the
rest (`tasks/store/duties/title_index.py`). Until it has, what is noted may hold any word.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from tasks.store.best_deals import title_parts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tasks.store.connection import Connection

DUTY: Final = "deal titles"
IS_WHOLE: Final = "is_whole"  # in the state of the duty: each deal was looked at
_IS_WHOLE: Final = "SELECT FROM background_duties WHERE name = %s AND (state ->> %s)::bool"
_NOTE: Final = "INSERT INTO new_titles (domain, asin) SELECT %s, unnest(%s::text[])"
# A word that is in many titles is found sooner among the best deals, one after the other.
_HOLDING: Final = """
WITH most AS MATERIALIZED (
    SELECT least(%(most)s, greatest(%(few)s, reltuples * %(share)s))::int AS deals
    FROM pg_class WHERE oid = 'deal_titles'::regclass
), found AS MATERIALIZED (
    SELECT domain, asin FROM deal_titles
    WHERE parts @> %(parts)s::smallint[] AND (%(domain)s::smallint IS NULL OR domain = %(domain)s)
    UNION
    SELECT domain, asin FROM new_titles WHERE (%(domain)s::smallint IS NULL OR domain = %(domain)s)
    LIMIT (SELECT deals FROM most) + 1
)
SELECT array_agg(domain), array_agg(asin) FROM found HAVING count(*) <= (SELECT deals FROM most)
"""
_FEW: Final = 1_000
_SHARE: Final = 0.1


class Titled(NamedTuple):
    """Deals whose titles may hold the words: their locales, and their ASINs in the same order."""

    domains: list[int]
    asins: list[str]


def note(conn: Connection, domain: int, asins: Sequence[str]) -> None:
    """Note that the titles of these deals are new, other ones or gone, in the caller's transaction."""
    if asins:
        conn.execute(_NOTE, (domain, list(asins)), prepare=False)


def holding(conn: Connection, words: Sequence[str], domain: int | None, *, most: int) -> Titled | None:
    """All deals that may have every word in their title, each once, and others; None when the index cannot tell.

    It cannot before each deal was looked at once, nor when there are more than `most` or a tenth of all deals, nor when
    every word is too short.
    """
    parts = title_parts.of_words(words)
    if not parts or not conn.execute(_IS_WHOLE, (DUTY, IS_WHOLE), prepare=False).rowcount:
        return None
    values = {"parts": parts, "domain": domain, "most": most, "few": _FEW, "share": _SHARE}
    row = conn.execute(_HOLDING, values, prepare=False).fetchone()
    return None if row is None else Titled(row[0] or [], row[1] or [])
