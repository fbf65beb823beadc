"""One product: its price now and how good that is, its histories, its offers, and what fetching it anew costs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from supervisor.queries import parsing
from supervisor.queries.printing.plain_text import readable
from supervisor.web.page import Listing, Page
from supervisor.web.pages import product_orders
from supervisor.web.pages.product_orders import Fetching
from supervisor.web.render import share
from supervisor.web.views import links, product_view
from supervisor.web.views.asked_product import asked_product, summary
from supervisor.web.views.given import Given, one_of
from tasks.keepa.locales import product_url
from tasks.keepa.prices import ALL_NAMES
from tasks.store.best_deals.moments import deal_moments
from tasks.store.histories import price_lines
from tasks.store.products import live_offers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.web.page import Visit
    from supervisor.web.views.asked_product import AskedProduct
    from tasks.store.histories.price_history import ProductSummary
    from tasks.store.histories.price_lines import Line

_PATH: Final = "/product/{domain}/{asin}"
_RANGE: Final = "3 months"
_OFFERS: Final = 50
_COLUMNS: Final = ("domain", "shop", "asin", "currency", "price_type", "at", "value")
_NUMBERS: Final = {name: number for number, name in ALL_NAMES.items()}


class _Asked(NamedTuple):
    """What is asked for: a product, and which of its histories in which range."""

    product: AskedProduct
    types: list[int]
    range: str
    given: Given

    @property
    def path(self) -> str:
        """The address of the page without parameters."""
        return self.product.path


def _asked(visit: Visit) -> _Asked:
    given = Given(visit.query, visit.lists)
    product = asked_product(visit)
    types = [_NUMBERS[name] for name in given.choose_all("type", parsing.price_type)]
    chosen = given.choose("range", _RANGE, one_of(*product_view.RANGES))
    return _Asked(product, types or list(product_view.USUAL), chosen, given)


def _data(visit: Visit) -> Mapping[str, Any]:
    asked = _asked(visit)
    with visit.database.reading() as conn:
        product = summary(conn, asked.product)
        every = price_lines.lines(conn, *asked.product)
        offers = live_offers.live_offers(conn, *asked.product, limit=_OFFERS)
        offers_at = live_offers.fetched_at(conn, *asked.product)
        moments = deal_moments(conn, *asked.product)
    shown, span = _shown(every, asked), product_view.span_of(every, asked.range, visit.now)
    rows = product_view.figures(shown, span, product.minor_digits)
    main = product_view.main_figures(rows)
    rating, reviews = product_view.reviews(every)
    marks = product_view.marks(moments, span)
    chart = product_view.chart(shown, span, product.minor_digits) if shown else None
    return {
        "product": product,
        "title": readable(product.title or "") or product.asin,
        "links": {"amazon": product_url(*asked.product), "keepa": links.keepa(*asked.product)},
        "figures": rows,
        "main": main,
        "sentence": _sentence(product, main, asked.range),
        "chart": None if chart is None else {**chart, "marks": [(round(at.timestamp()), name) for name, at in marks]},
        "picture_lines": [] if chart is None else product_view.picture(chart),
        "marks": marks,
        "moments": moments,
        "changes": product_view.last_changes(shown, span, product.minor_digits),
        "lines": [(line.name, product_view.style(line.price_type), line in shown) for line in every],
        "ranges": [(name, asked.given.address(asked.path, range=name)) for name in product_view.RANGES],
        "range": asked.range,
        "rating": rating,
        "reviews": reviews,
        "offers": offers,
        "offers_at": offers_at,
        "path": asked.path,
        "refresh": product_orders.quote(visit),
        "is_queued": "queued" in visit.query,
        "fetching": product_orders.fetching(visit, asked.product),
        "exports": [(kind, asked.given.address(f"{asked.path}.{kind.lower()}")) for kind in ("CSV", "JSON")],
    }


def _sentence(product: ProductSummary, main: Mapping[str, Any] | None, chosen: str) -> str:
    """The figures in words, which a picture cannot say to everybody."""
    if main is None and product.history_fetched_at is None:
        return "Its prices are not known here yet: its history was not fetched."
    if main is None:
        return "Nothing is offered now, as far as is known."
    unit = product.currency
    words = f"{main['type']} is {main['now']:,} {unit} now"
    if main["above_percent"] is not None:
        part = "all the time" if chosen == "all" else f"the last {chosen}"
        words += f", and was dearer for {share(main['above_percent'])} of {part}"
    if main["lowest"] is not None and main["mean"] is not None:
        words += f"; the lowest was {main['lowest']:,}, the mean {main['mean']:,}"
    return f"{words}."


def _listing(visit: Visit) -> Listing:
    asked = _asked(visit)
    with visit.database.reading() as conn:
        product = summary(conn, asked.product)
        every = price_lines.lines(conn, *asked.product)
    shown, span = _shown(every, asked), product_view.span_of(every, asked.range, visit.now)
    whose = (product.domain, product.shop, product.asin, product.currency)
    rows = ((*whose, *change) for change in product_view.changes(shown, span, product.minor_digits))
    return Listing("changes", _COLUMNS, rows)


def _shown(every: list[Line], asked: _Asked) -> list[Line]:
    return [line for line in every if line.price_type in asked.types]


def _fetches(visit: Visit) -> Listing:
    """What has come of the order that the address names: the page that shows it asks for this until it is over."""
    found = product_orders.fetching(visit, asked_product(visit))
    return Listing("fetches", Fetching._fields, [] if found is None else [found])


PAGES: Final = (
    Page(
        path=_PATH,
        title="Product",
        template="product.html",
        data=_data,
        listing=_listing,
        actions={
            f"{_PATH}/refresh": product_orders.fetch_now,
            f"{_PATH}/cancel": product_orders.cancel,
            f"{_PATH}/queue": product_orders.queue,
        },
        in_navigation=False,
    ),
    Page(
        path=f"{_PATH}/fetch",
        title="Product",
        template="product.html",
        data=_data,
        listing=_fetches,
        in_navigation=False,
    ),
)
