"""A product request as the server understands it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from tasks.simulator.api import deal_query, fields
from tasks.simulator.api.fields import MALFORMED, OUT_OF_RANGE, Refusal
from tasks.simulator.market.price_timeline import minute_of

if TYPE_CHECKING:
    from collections.abc import Mapping

DOMAINS: Final = deal_query.DOMAINS | {12}  # Brazil has products, but no deals
_MOST_ASINS: Final = 100
_OFFERS: Final = range(20, 101)
_DAYS: Final = re.compile(r"[0-9]{1,5}")
_UNIX_MS: Final = re.compile(r"[0-9]{12,14}")
_ENDS: Final = 2


@dataclass(frozen=True, slots=True)
class StatsSpan:
    """The interval of `stats`: the last days, or from one minute to another."""

    days: int
    begin: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductQuery:
    """A product request as the server understood it."""

    domain: int
    asins: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    code_limit: int | None = None
    has_history: bool = True
    offers: int = 0
    only_live: bool = False
    rating: bool = False
    buy_box: bool = False
    stock: bool = False
    variations: bool = False
    rental: bool = False
    videos: bool = False
    aplus: bool = False
    days: int | None = None
    update_h: int = 1
    stats: StatsSpan | None = None
    is_update_asked: bool = False


def parse(params: Mapping[str, str]) -> ProductQuery:
    """The query in the parameters of `/product`; unknown ones are ignored, as the server does.

    Raises:
        Refusal: 400 or 405, with the parameter's name.
    """
    asins = tuple(part.strip() for part in params.get("asin", "").split(",") if part.strip())
    codes = tuple(part.strip() for part in params.get("code", "").split(",") if part.strip())
    if bool(asins) == bool(codes):
        raise Refusal(MALFORMED, "asin or code: exactly one of them")
    if "category" in params:
        raise Refusal(MALFORMED, "category")
    if len(asins) > _MOST_ASINS or len(codes) > _MOST_ASINS:
        raise Refusal(OUT_OF_RANGE, "asin: more than 100")
    offers = fields.integer(params, "offers", -1)
    if offers == 0:
        raise Refusal(MALFORMED, "offers")
    if offers != -1 and offers not in _OFFERS:
        raise Refusal(OUT_OF_RANGE, "offers")
    days = fields.integer(params, "days", -1)
    return ProductQuery(
        domain=fields.among(params, "domain", DOMAINS),
        asins=asins,
        codes=codes,
        code_limit=fields.integer(params, "code-limit", 0) or None,
        has_history=fields.integer(params, "history", 1) != 0,
        offers=max(0, offers),
        only_live=fields.integer(params, "only-live-offers", 0) == 1,
        rating=fields.integer(params, "rating", 0) == 1,
        buy_box=fields.integer(params, "buybox", 0) == 1,
        stock=fields.integer(params, "stock", 0) == 1,
        variations=fields.integer(params, "historical-variations", 0) == 1,
        rental=fields.integer(params, "rental", 0) == 1,
        videos=fields.integer(params, "videos", 0) == 1,
        aplus=fields.integer(params, "aplus", 0) == 1,
        days=days if days > 0 else None,
        update_h=fields.integer(params, "update", 1),
        is_update_asked="update" in params,
        stats=_stats(params["stats"]) if params.get("stats") else None,
    )


def _stats(text: str) -> StatsSpan:
    if _DAYS.fullmatch(text) and int(text) > 0:
        return StatsSpan(int(text))
    ends = text.split(",")
    if len(ends) != _ENDS:
        raise Refusal(MALFORMED, "stats")
    begin, end = sorted(map(_moment, ends))
    return StatsSpan(0, begin, end)


def _moment(text: str) -> int:
    """A Keepa minute from Unix milliseconds or an ISO 8601 date."""
    if _UNIX_MS.fullmatch(text):
        return minute_of(int(text))
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise Refusal(MALFORMED, "stats") from error
    return minute_of(int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()) * 1000)
