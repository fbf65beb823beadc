"""What each rule knows of the products that have met it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from psycopg.rows import dict_row

from tasks.store.notify.known import Known

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from tasks.store.connection import Connection
    from tasks.store.notify.changes import Changed

_IN_USE: Final = """
INSERT INTO rules AS r (rule, digest, seen_at) VALUES (%(rule)s, %(digest)s, %(now)s)
ON CONFLICT (rule) DO UPDATE SET digest = excluded.digest, seen_at = excluded.seen_at
"""
_DIGESTS: Final = "SELECT rule, digest FROM rules"
_FORGET_RULES: Final = "DELETE FROM rules WHERE NOT rule = ANY(%s)"
_FORGET_PRODUCTS: Final = "DELETE FROM rule_products WHERE rule = %s"
_FORGET_OLD: Final = "DELETE FROM rule_products WHERE rule = %s AND seen_at < %s"
_KNOWN: Final = """
SELECT domain, asin, price_type, price, matches, told_at, told_price, told_low, told_high
FROM rule_products WHERE rule = %s AND asin = ANY(%s)
"""
_LEARN: Final = """
INSERT INTO rule_products AS p
    (rule, domain, asin, price_type, price, matches, told_at, told_price, told_low, told_high, seen_at)
SELECT %(rule)s, k.*, %(now)s FROM unnest(
    %(domains)s::smallint[], %(asins)s::text[], %(price_types)s::text[], %(prices)s::numeric[], %(matches)s::boolean[],
    %(told_ats)s::timestamptz[], %(told_prices)s::numeric[], %(told_lows)s::numeric[], %(told_highs)s::numeric[]
) AS k
ON CONFLICT (asin, domain, rule) DO UPDATE SET
    price_type = excluded.price_type, price = excluded.price, matches = excluded.matches, told_at = excluded.told_at,
    told_price = excluded.told_price, told_low = excluded.told_low, told_high = excluded.told_high,
    seen_at = excluded.seen_at
"""
_BACK: Final = """
SELECT r.domain, r.asin, t.name FROM unnest(%s::smallint[], %s::text[]) AS c (domain, asin)
JOIN deal_rows AS r ON r.domain = c.domain AND r.asin = c.asin
JOIN price_types AS t ON r.back_in_stock[t.id + 1]
"""


def digests(conn: Connection) -> dict[str, str]:
    """The rules that were in use last, with what they select."""
    return dict(conn.execute(_DIGESTS).fetchall())


def in_use(conn: Connection, rule: str, digest: str, now: datetime) -> None:
    """Keep that the rule is in use."""
    conn.execute(_IN_USE, {"rule": rule, "digest": digest, "now": now})


def forget_others(conn: Connection, rules: Collection[str]) -> None:
    """Forget the rules that are in use no longer, with what they know."""
    for rule in digests(conn).keys() - set(rules):
        forget(conn, rule)
    conn.execute(_FORGET_RULES, (list(rules),))


def forget(conn: Connection, rule: str) -> None:
    """Forget all that a rule knows."""
    conn.execute(_FORGET_PRODUCTS, (rule,))


def forget_old(conn: Connection, rule: str, before: datetime) -> None:
    """Forget the products of the rule that nothing has happened to since."""
    conn.execute(_FORGET_OLD, (rule, before))


def known(conn: Connection, rule: str, changed: Sequence[Changed]) -> dict[tuple[int, str], Known]:
    """What the rule knows of these products, by locale and ASIN."""
    with conn.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_KNOWN, (rule, [one.asin for one in changed]), prepare=False).fetchall()
    found = {(row.pop("domain"), row.pop("asin")): Known(**row) for row in rows}
    return {(domain, asin): found[domain, asin] for domain, asin in changed if (domain, asin) in found}


def learn(conn: Connection, rule: str, found: Mapping[tuple[int, str], Known], now: datetime) -> None:
    """Keep what the rule knows from now on of these products."""
    rows = sorted(found.items(), key=lambda row: (row[0][1], row[0][0]))
    values = {
        "domains": [domain for (domain, _), _ in rows],
        "asins": [asin for (_, asin), _ in rows],
        **{f"{name}s": [getattr(one, name) for _, one in rows] for name in _FIELDS},
        "matches": [one.matches for _, one in rows],
    }
    if rows:
        conn.execute(_LEARN, {"rule": rule, "now": now, **values}, prepare=False)


_FIELDS: Final = ("price_type", "price", "told_at", "told_price", "told_low", "told_high")


def back_in_stock(conn: Connection, changed: Sequence[Changed]) -> set[tuple[int, str, str]]:
    """Which price types of these deals came back into stock: locale, ASIN and the name of the price type."""
    values = [one.domain for one in changed], [one.asin for one in changed]
    return {(domain, asin, name) for domain, asin, name in conn.execute(_BACK, values, prepare=False)}
