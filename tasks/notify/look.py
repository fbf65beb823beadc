"""Looks at the deals that have changed, and keeps what people are to be told of them: in one transaction."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, NamedTuple

from ledger import localtime
from tasks.keepa.locales import product_url, shop
from tasks.notify import followed
from tasks.notify.judgement import Seen, judge
from tasks.notify.message import DealNotice, encoded
from tasks.store.best_deals import best_deals
from tasks.store.notify import changes, outbox, products

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from tasks.notify.deal_filter import RuleFilter
    from tasks.rule_settings import RuleSettings
    from tasks.store.best_deals.best_deals import BestDeal
    from tasks.store.connection import Connection
    from tasks.store.notify.changes import Changed
    from tasks.store.notify.known import Known

AT_ONCE: Final = 500  # deals that are looked at in one transaction
_BASELINE: Final = 5_000  # deals that a new rule takes for known


class LiveRule(NamedTuple):
    """A rule, and the filter that its conditions make of deals; None for a rule of followed products."""

    settings: RuleSettings
    filter: RuleFilter | None


def begin(conn: Connection, rules: Sequence[LiveRule], now: datetime) -> None:
    """Take over the rules, in the caller's transaction: a new one takes what meets it already for known."""
    products.forget_others(conn, [one.settings.name for one in rules])
    before = products.digests(conn)
    for rule in rules:
        name, digest = rule.settings.name, rule.settings.digest
        if before.get(name) != digest:
            products.forget(conn, name)
            products.learn(conn, name, _baseline(conn, rule, now), now)
        products.in_use(conn, name, digest, now)


def _baseline(conn: Connection, rule: LiveRule, now: datetime) -> dict[tuple[int, str], Known]:
    if rule.filter is None:
        return followed.baseline(conn, rule.settings, now)
    found = best_deals.find(conn, replace(rule.filter.deals, top=_BASELINE))
    return {_key(one): judge(None, _seen(one), (), 0.0, now).known for one in found if rule.filter.admits(one)}


def look(conn: Connection, rules: Sequence[LiveRule], now: datetime) -> int:
    """Look at some of the deals that have changed, in the caller's transaction; how many there were."""
    changed = changes.take(conn, AT_ONCE)
    if changed:
        back = products.back_in_stock(conn, changed)
        for rule in rules:
            if rule.filter is None:
                followed.look_for(conn, rule.settings, changed, now)
            else:
                _look_for(conn, rule.settings, rule.filter, changed, back, now)
    return len(changed)


def _look_for(
    conn: Connection,
    rule: RuleSettings,
    chosen: RuleFilter,
    changed: Sequence[Changed],
    back: set[tuple[int, str, str]],
    now: datetime,
) -> None:
    name = rule.name
    known = products.known(conn, name, changed)
    domains, asins = [one.domain for one in changed], [one.asin for one in changed]
    found = best_deals.among(conn, chosen.deals, domains, asins)
    matching = {_key(one): one for one in found if chosen.admits(one)}
    others = {key: one for key, one in known.items() if key not in matching}
    now_others = _prices_of(conn, chosen, others)
    notices: list[DealNotice] = []
    learned: dict[tuple[int, str], Known] = {}
    for key, deal in {**matching, **now_others}.items():
        is_back = (*key, deal.price_type) in back
        seen = _seen(deal)._replace(matches=key in matching, is_back=is_back)
        before = known.get(key)
        verdict = judge(before, seen, rule.deals, rule.pace.again_s, now)
        learned[key] = verdict.known
        if verdict.event is not None:
            notices.append(_notice(name, verdict.event, deal, before, now))
    gone = {key: replace(one, matches=False) for key, one in others.items() if key not in now_others}
    products.learn(conn, name, {**learned, **gone}, now)
    outbox.note(conn, name, encoded(notices), now)


def _prices_of(
    conn: Connection, chosen: RuleFilter, known: dict[tuple[int, str], Known]
) -> dict[tuple[int, str], BestDeal]:
    """The products as they are now, by the price type that the rule knows each by; none of those without a price."""
    found: dict[tuple[int, str], BestDeal] = {}
    for price_type in sorted({one.price_type for one in known.values()}):
        keys = [key for key, one in known.items() if one.price_type == price_type]
        which = chosen.of_any_discount(price_type)
        listed = best_deals.among(conn, which, [domain for domain, _ in keys], [asin for _, asin in keys])
        found.update(_by_key(listed))
    return found


def _by_key(deals: Iterable[BestDeal]) -> dict[tuple[int, str], BestDeal]:
    return {_key(one): one for one in deals}


def _key(deal: BestDeal) -> tuple[int, str]:
    return deal.domain, deal.asin


def _seen(deal: BestDeal) -> Seen:
    return Seen(deal.price_type, deal.price, matches=True)


def _notice(rule: str, event: str, deal: BestDeal, before: Known | None, now: datetime) -> DealNotice:
    is_new_price = before is not None and before.price_type == deal.price_type and before.price != deal.price
    return DealNotice(
        event=event,
        rule=rule,
        domain=deal.domain,
        shop=deal.shop or shop(deal.domain),
        asin=deal.asin,
        title=deal.title or "",
        price_type=deal.price_type,
        price=str(deal.price),
        currency=deal.currency or "",
        price_before=str(before.price) if before is not None and is_new_price else None,
        average=str(deal.average) if deal.discount_percent > 0 else None,
        discount_percent=deal.discount_percent if deal.discount_percent > 0 else None,
        url=product_url(deal.domain, deal.asin) or "",
        at=localtime.utc(now),
    )
