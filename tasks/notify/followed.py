"""Looks at products of people's own lists, whether they are deals or not, and keeps what people are to be told of them.

A product is followed from the first time that its figures were fetched: what it is like then is known, and not told.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from ledger import localtime
from tasks.keepa.locales import product_url, shop
from tasks.notify.judgement import Seen, judge
from tasks.notify.message import DealNotice, encoded
from tasks.store.notify import outbox, products
from tasks.store.notify.known import NO_OFFER, Known
from tasks.store.watch.followed import Which, followed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from tasks.rule_settings import RuleSettings
    from tasks.store.connection import Connection
    from tasks.store.notify.changes import Changed
    from tasks.store.watch.followed import Followed

USUAL_TYPES: Final = ("NEW",)
_WHOLE: Final = 100  # percent


def which_of(rule: RuleSettings) -> Which:
    """The products that the rule follows."""
    asked = rule.conditions
    return Which(asked.get("watch"), asked.get("products"), asked.get("domain"), asked.get("type", USUAL_TYPES))


def meets(rule: RuleSettings, one: Followed) -> bool:
    """Whether the product is offered at a price as the rule wants it."""
    price, asked = one.price, rule.conditions
    if price is None or one.figure is None:
        return False
    if "max_price" in asked and price > Decimal(asked["max_price"]):
        return False
    mean = one.figure.mean
    return "min_discount" not in asked or (
        mean is not None and mean > 0 and (mean - price) * _WHOLE >= mean * int(asked["min_discount"])
    )


def baseline(conn: Connection, rule: RuleSettings, now: datetime) -> dict[tuple[int, str], Known]:
    """What a rule that begins knows of the products that it follows."""
    found = followed(conn, which_of(rule))
    return {(one.product.domain, one.product.asin): _known(None, rule, one, now) for one in found}


def look_for(conn: Connection, rule: RuleSettings, changed: Sequence[Changed], now: datetime) -> None:
    """Look at what has changed, in the caller's transaction."""
    known = products.known(conn, rule.name, changed)
    notices: list[DealNotice] = []
    learned: dict[tuple[int, str], Known] = {}
    for one in followed(conn, which_of(rule), changed):
        key = one.product.domain, one.product.asin
        before, price = known.get(key), one.price
        if before is None or price is None or one.figure is None:
            learned[key] = _known(before, rule, one, now)
            continue
        seen = Seen(one.figure.price_type, price, meets(rule, one), is_back=before.price == NO_OFFER)
        verdict = judge(before, seen, rule.followed, rule.pace.again_s, now)
        learned[key] = verdict.known
        if verdict.event is not None:
            notices.append(_notice(rule.name, verdict.event, one, before, now))
    products.learn(conn, rule.name, learned, now)
    outbox.note(conn, rule.name, encoded(notices), now)


def _known(before: Known | None, rule: RuleSettings, one: Followed, now: datetime) -> Known:
    """What is known of a product that is new to the rule, or that nobody offers."""
    price = one.price
    if price is not None and one.figure is not None:
        seen = Seen(one.figure.price_type, price, meets(rule, one))
        return judge(None, seen, (), 0.0, now).known
    if before is not None:
        return replace(before, price=NO_OFFER, matches=False)
    return Known(price_type=which_of(rule).price_types[0], price=NO_OFFER, matches=False)


def _notice(rule: str, event: str, one: Followed, before: Known, now: datetime) -> DealNotice:
    product, price, figure = one.product, one.price, one.figure
    mean = None if figure is None else figure.mean
    discount = 0 if mean is None or price is None or mean <= 0 else round((mean - price) * _WHOLE / mean)
    is_new_price = figure is not None and before.price_type == figure.price_type and before.price != price
    return DealNotice(
        event=event,
        rule=rule,
        domain=product.domain,
        shop=product.shop or shop(product.domain),
        asin=product.asin,
        title=product.title or "",
        price_type=before.price_type if figure is None else figure.price_type,
        price=str(price),
        currency=product.currency or "",
        price_before=str(before.price) if is_new_price and before.price != NO_OFFER else None,
        average=str(mean) if discount > 0 else None,
        discount_percent=discount if discount > 0 else None,
        url=product_url(product.domain, product.asin) or "",
        at=localtime.utc(now),
    )
