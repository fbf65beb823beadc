"""Deals that can be bought now: filtered, sorted, page by page; and how many have come since a page was shown."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, astuple, fields
from typing import TYPE_CHECKING, Any, Final

from supervisor.queries import compared_with, deal_conditions, later_price
from supervisor.queries.deal_conditions import RESALE_NAMES
from supervisor.queries.deal_defaults import BY_MONEY, OVERS
from supervisor.queries.printing.plain_text import readable
from supervisor.queries.selection_names import SelectionNames
from supervisor.web.database import QUERY_S
from supervisor.web.page import Listing, Page, Refusal
from supervisor.web.views import deal_conditions as asked_conditions
from supervisor.web.views import deal_query, links
from supervisor.web.views.given import Given
from tasks.errors import DatabaseTransient
from tasks.keepa.locales import SHOPS, product_url
from tasks.keepa.prices import NAMES, NOT_MONEY
from tasks.planning import streams
from tasks.store import selections
from tasks.store.best_deals import best_deals, pages, shops
from tasks.store.best_deals.best_deals import BestDeal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from supervisor.queries.deal_conditions import ShownDeal
    from supervisor.web.page import Visit
    from tasks.store.best_deals.conditions import ResaleTerms
    from tasks.store.best_deals.deal_filter import DealFilter
    from tasks.store.connection import Connection

_PATH: Final = "/deals"
_NO_CONDITIONS: Final = frozenset({"sort", "after"})
_PRICES: Final = tuple(name for number, name in enumerate(NAMES) if number not in NOT_MONEY)
_COLUMNS: Final = (*(field.name for field in fields(BestDeal)), "url")


def _data(visit: Visit) -> Mapping[str, Any]:
    given = Given(visit.query, visit.lists)
    with _searching(visit), visit.database.reading() as conn:
        names = _names(conn, visit)
        which = deal_query.deal_filter(given, names)
        terms = _terms(given, which)
        by_currency = _currencies(conn, which)
        page = pages.DealPage(deals=[], after=None) if len(by_currency) > 1 else pages.read_page(conn, which)
        shown = list(deal_conditions.shown_deals(conn, page.deals, terms))
        since = pages.latest(conn, which)
        newest = None if page.deals else shops.newest(conn, domain=which.domain)
    status = visit.run.look().status
    asks = {*visit.query, *visit.lists} - _NO_CONDITIONS  # nobody has counted how many these are
    return {
        "deals": [_shown(one) for one in shown],
        "has_resale": terms is not None,
        "later_note": later_price.NOTE if any(one.deal.price_now_at for one in shown) else None,
        "compared_with": compared_with.note(one.deal.price_type for one in shown),
        "which": which,
        "sort": which.conditions.sort or which.sort,
        "asked": asked_conditions.texts(given),
        "newest": newest,
        "by_currency": by_currency,
        "stored": None if status.counts is None or asks else status.counts.rows.get("deals"),
        "counted_at": None if status.counts is None else status.counts.at,
        "looked_at": page.looked_at,
        "goes_on": page.goes_on,
        "next": None if page.after is None else given.address(_PATH, after=page.after.text()),
        "first": given.address(_PATH, after=None) if which.after is not None else None,
        "arrivals": None if since is None else given.address("/deals/new", after=None, since=str(since)),
        "exports": [(kind, given.address(f"{_PATH}.{kind.lower()}", after=None)) for kind in ("CSV", "JSON")],
        "choices": _choices(names),
        "title": visit.query.get("title", ""),
        "within": visit.query.get("within", "24h"),
        "chosen_selections": visit.lists.get("selection", ()),
        "chosen_types": visit.lists.get("type", ()),
    }


@contextmanager
def _searching(visit: Visit) -> Iterator[None]:
    """Say what to do about conditions of which there is no index, when a look at all deals takes longer than it may."""
    try:
        yield
    except DatabaseTransient as error:
        options = asked_conditions.slow(Given(visit.query, visit.lists))
        if not options:
            raise
        raise Refusal(
            f"so many deals were not looked through within {QUERY_S:g} s: ask for a greater "
            f"discount, a shorter time or one shop as well, or use `sluicegate deals {' '.join(options)}`"
        ) from error


def _names(conn: Connection, visit: Visit) -> SelectionNames:
    found = streams.streams(visit.settings.selections, visit.settings.domains)
    return SelectionNames(found, selections.known(conn))


def _currencies(conn: Connection, which: DealFilter) -> dict[str, list[str]]:
    """The shops by currency, where amounts of money are compared and there are several; else nothing."""
    is_asked = which.sort in BY_MONEY or deal_conditions.amount_asked(which.conditions) is not None
    found = shops.currencies(conn, which.values()) if is_asked else {}
    return found if len(found) > 1 else {}


def _choices(names: SelectionNames) -> dict[str, Any]:
    return {
        "overs": OVERS,
        "sorts": deal_query.ALL_SORTS,
        "yes_no": asked_conditions.YES_NO,
        "types": _PRICES,
        "shops": SHOPS,
        "withins": deal_query.WITHINS,
        "selections": sorted({*names.by_key().values()}),
    }


def _terms(given: Given, which: DealFilter) -> ResaleTerms | None:
    """How deals are sold again, when anything asks for that."""
    is_asked = asked_conditions.asks_for_resale(given) or deal_conditions.is_about_resale(which.conditions)
    return which.conditions.terms if is_asked else None


def _shown(shown: ShownDeal) -> dict[str, Any]:
    """The deal as the template has it."""
    one = shown.deal
    return {
        **asdict(one),
        "resale": shown.resale,
        "now": later_price.words(one),
        "title": readable(one.title or "") or one.asin,
        "page": links.product(one.domain, one.asin),
        "amazon": product_url(one.domain, one.asin),
    }


def _listing(visit: Visit) -> Listing:
    given = Given(visit.query, visit.lists)
    with visit.database.reading() as conn:
        which = deal_query.whole(deal_query.deal_filter(given, _names(conn, visit)))
        terms = _terms(given, which)
        by_currency = _currencies(conn, which)
    if by_currency:
        raise Refusal(f"amounts of money are compared, and there are deals in {_told(by_currency)}: name a domain")

    def rows() -> Iterator[tuple[Any, ...]]:
        with visit.database.exporting() as conn:
            for one, resale in deal_conditions.shown_deals(conn, best_deals.stream(conn, which), terms):
                row = (*astuple(one), product_url(one.domain, one.asin))
                yield row if resale is None else (*row, asdict(resale))

    if terms is None:
        return Listing("deals", _COLUMNS, rows())
    return Listing("deals", (*_COLUMNS, "resale"), rows(), RESALE_NAMES)


def _told(by_currency: Mapping[str, list[str]]) -> str:
    return " and ".join(f"{currency} ({', '.join(found)})" for currency, found in by_currency.items())


def _arrived(visit: Visit) -> tuple[int, str]:
    """How many have come since, and the address that shows them."""
    given = Given(visit.query, visit.lists)
    since = given.choose("since", None, _minute)
    if since is None:
        raise Refusal("since: a Keepa minute is needed; the page Deals has the address with one")
    with visit.database.reading() as conn:
        which = deal_query.deal_filter(given, _names(conn, visit))
        return pages.arrivals(conn, which, since), given.address(_PATH, after=None, since=None)


def _minute(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) < 2**31):
        raise ValueError(f"{text!r} is no Keepa minute, which is a whole number")
    return int(text)


def _new_data(visit: Visit) -> Mapping[str, Any]:
    count, address = _arrived(visit)
    return {"count": count, "most": pages.MOST_ARRIVALS, "address": address}


def _new_listing(visit: Visit) -> Listing:
    count, address = _arrived(visit)
    return Listing("arrivals", ("count", "most", "address"), [[count, pages.MOST_ARRIVALS, address]])


PAGES: Final = (
    Page(
        path="/deals/new",
        title="New deals",
        template="deals_new.html",
        data=_new_data,
        listing=_new_listing,
        in_navigation=False,
    ),
    Page(path=_PATH, title="Deals", template="deals.html", data=_data, listing=_listing),
)
