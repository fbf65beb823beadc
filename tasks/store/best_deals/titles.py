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
_IS_PART: Final = """
(c.oid = 'deal_titles'::regclass AND c.relkind = 'r'
    OR c.oid IN (SELECT inhrelid FROM pg_inherits WHERE inhparent = 'deal_titles'::regclass))
"""
# A word that is in many titles is found sooner among the best deals, one after the other.
_HOLDING: Final = """
WITH most AS MATERIALIZED (
    SELECT least(%(most)s, greatest(%(few)s, sum(reltuples) * %(share)s))::int AS deals
    FROM pg_class AS c WHERE {is_part}
), found AS MATERIALIZED (
    SELECT domain, asin FROM deal_titles
    WHERE parts @> %(parts)s::smallint[] AND (%(domain)s::smallint IS NULL OR domain = %(domain)s)
    UNION
    SELECT domain, asin FROM new_titles WHERE (%(domain)s::smallint IS NULL OR domain = %(domain)s)
    LIMIT (SELECT deals FROM most) + 1
)
SELECT array_agg(domain), array_agg(asin) FROM found HAVING count(*) <= (SELECT deals FROM most)
"""
# Of each part the share of titles that have it, by a sample: of the table, or of one of its partitions, which have no
# order. A part that is in none of the most common ones is in few.
_COMMON: Final = """
WITH sample AS MATERIALIZED (
    SELECT s.most_common_elems::text::smallint[] AS parts, s.most_common_elem_freqs AS shares
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = 'parts'
    WHERE {is_part} AND s.most_common_elems IS NOT NULL LIMIT 1
), known AS (
    SELECT k.part, k.share FROM sample CROSS JOIN unnest(sample.parts, sample.shares) AS k (part, share)
)
SELECT coalesce(min(coalesce(known.share, 0)), 0) * (SELECT sum(c.reltuples) FROM pg_class AS c WHERE {is_part})
FROM unnest(%(parts)s::smallint[]) AS p (part) LEFT JOIN known USING (part)
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


def are_common(conn: Connection, words: Sequence[str], *, most: int) -> bool:
    """Whether more titles than `most` have all the words, by what a sample says of the rarest part of them."""
    statement = _COMMON.format(is_part=_IS_PART).encode()
    row = conn.execute(statement, {"parts": title_parts.of_words(words)}, prepare=False).fetchone()
    return row is not None and row[0] is not None and row[0] > most


def holding(conn: Connection, words: Sequence[str], domain: int | None, *, most: int) -> Titled | None:
    """All deals that may have every word in their title, each once, and others; None when the index cannot tell.

    It cannot before each deal was looked at once, nor when there are more than `most` or a tenth of all deals, nor when
    every word is too short.
    """
    parts = title_parts.of_words(words)
    if not parts or not conn.execute(_IS_WHOLE, (DUTY, IS_WHOLE), prepare=False).rowcount:
        return None
    values = {"parts": parts, "domain": domain, "most": most, "few": _FEW, "share": _SHARE}
    row = conn.execute(_HOLDING.format(is_part=_IS_PART).encode(), values, prepare=False).fetchone()
    return None if row is None else Titled(row[0] or [], row[1] or [])
