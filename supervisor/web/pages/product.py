"""One product: its price now and how good that is, its histories, its offers, and what fetching it anew costs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from supervisor.config.state_dir.state_dir import StateDir
from supervisor.control import protocol
from supervisor.control.send_order import deliver
from supervisor.queries import parsing
from supervisor.queries.printing.plain_text import readable
from supervisor.queries.product.refresh_quote import refresh_quote
from supervisor.status import keys
from supervisor.web.page import Changed, Listing, Moved, NotHere, Page, Refusal
from supervisor.web.views import links, product_view
from supervisor.web.views.given import Given, one_of
from supervisor.web.views.writing import backfill_detail, note, writing
from tasks.errors import EXIT_OK, EXIT_TRY_LATER
from tasks.keepa.locales import SHOPS, product_url
from tasks.keepa.prices import ALL_NAMES
from tasks.planning import streams
from tasks.planning.learned_costs import product_tokens
from tasks.store.best_deals.moments import deal_moments
from tasks.store.histories import price_history, price_lines
from tasks.store.products import live_offers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from supervisor.report import OrderRecord
    from supervisor.web.page import Visit
    from tasks.keepa.request import Detail
    from tasks.store.connection import Connection
    from tasks.store.histories.price_history import ProductSummary
    from tasks.store.histories.price_lines import Line

_PATH: Final = "/product/{domain}/{asin}"
_REFRESH: Final = _PATH + "/refresh"  # now, before all other work
_CANCEL: Final = _PATH + "/cancel"  # what was asked for now and is not there yet
_QUEUE: Final = _PATH + "/queue"  # when backfill comes to it
_WAIT_S: Final = 3.0  # for the answer; what takes longer goes on, and Events says what came of it
_RANGE: Final = "3 months"
_OFFERS: Final = 50
_COLUMNS: Final = ("domain", "shop", "asin", "currency", "price_type", "at", "value")
_TOKENS: Final = re.compile(r"[0-9]{1,9}")
_NUMBERS: Final = {name: number for number, name in ALL_NAMES.items()}


class _Asked(NamedTuple):
    """What is asked for: a product, and which of its histories in which range."""

    domain: int
    asin: str
    types: list[int]
    range: str
    given: Given

    @property
    def path(self) -> str:
        """The address of the page without parameters."""
        return links.product(self.domain, self.asin)


def _asked(visit: Visit) -> _Asked:
    given = Given(visit.query, visit.lists)
    try:
        domain, asin = parsing.domain(visit.path["domain"]), parsing.asin(visit.path["asin"])
    except ValueError as error:
        raise Refusal(f"{error}; the address of a product is like {links.product(1, 'B08N5WRWNW')}") from None
    types = [_NUMBERS[name] for name in given.choose_all("type", parsing.price_type)]
    chosen = given.choose("range", _RANGE, one_of(*product_view.RANGES))
    return _Asked(domain, asin, types or list(product_view.USUAL), chosen, given)


def _summary(conn: Connection, asked: _Asked) -> ProductSummary:
    product = price_history.product_summary(conn, asked.domain, asked.asin)
    if product is None or not product.is_any:
        elsewhere = [SHOPS[one] for one in price_history.domains_of(conn, asked.asin) if one in SHOPS]
        hint = f"; it is known in {' and '.join(elsewhere)}" if elsewhere else ": no selection has listed it yet"
        raise NotHere(f"{asked.asin} is not known in {SHOPS[asked.domain]}{hint}")
    return product


def _data(visit: Visit) -> Mapping[str, Any]:
    asked = _asked(visit)
    with visit.database.reading() as conn:
        product = _summary(conn, asked)
        every = price_lines.lines(conn, asked.domain, asked.asin)
        offers = live_offers.live_offers(conn, asked.domain, asked.asin, limit=_OFFERS)
        offers_at = live_offers.fetched_at(conn, asked.domain, asked.asin)
        moments = deal_moments(conn, asked.domain, asked.asin)
    shown, span = _shown(every, asked), product_view.span_of(every, asked.range, visit.now)
    rows = product_view.figures(shown, span, product.minor_digits)
    main = product_view.main_figures(rows)
    rating, reviews = product_view.reviews(every)
    marks = product_view.marks(moments, span)
    chart = product_view.chart(shown, span, product.minor_digits) if shown else None
    return {
        "product": product,
        "title": readable(product.title or "") or product.asin,
        "links": {"amazon": product_url(asked.domain, asked.asin), "keepa": links.keepa(asked.domain, asked.asin)},
        "figures": rows,
        "main": main,
        "sentence": _sentence(product, main, asked.range),
        "chart": None if chart is None else {**chart, "marks": [(round(at.timestamp()), name) for name, at in marks]},
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
        "refresh": _refresh(visit),
        "refresh_path": f"{asked.path}/refresh",
        "cancel_path": f"{asked.path}/cancel",
        "queue_path": f"{asked.path}/queue",
        "is_queued": "queued" in visit.query,
        "fetched": _fetched(visit, asked),
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
        words += f", and was dearer for {main['above_percent']:.0f} % of {part}"
    if main["lowest"] is not None and main["mean"] is not None:
        words += f"; the lowest was {main['lowest']:,}, the mean {main['mean']:,}"
    return f"{words}."


class _Quote(NamedTuple):
    """What fetching it anew costs at the most, by number and in words, and with how much detail."""

    tokens: int
    words: str
    detail: Detail


def _refresh(visit: Visit) -> _Quote | None:
    """What fetching it anew would cost, and which of several keys pays; None while nothing is known of the balance."""
    status, detail = visit.run.look().status, backfill_detail(visit)
    payer = keys.paying(status.keys, lambda one: product_tokens(detail, one)) if status.keys else None
    snapshot = status.snapshot if payer is None else payer.snapshot
    if snapshot is None:
        return None
    quote = refresh_quote(snapshot, detail)
    cost = f"up to {quote.tokens} {'token' if quote.tokens == 1 else 'tokens'}"
    cost += "" if payer is None else f" of the key {payer.name}"
    if quote.opens_in_s is None:
        words = f"{cost}; nobody can tell yet when the balance allows it"
    else:
        at = "now" if quote.opens_in_s <= 0 else f"in about {quote.opens_in_s:.0f} s"
        words = f"{cost}; the balance allows it {at}"
    return _Quote(quote.tokens, words, detail)


def _fetched(visit: Visit, asked: _Asked) -> OrderRecord | None:
    """The last order to fetch it, of those that the run remembers, when the visitor comes from giving one."""
    last = visit.run.look().status.report
    if "fetched" not in visit.query or last is None:
        return None
    order = protocol.describe_order(_order(asked, ""))
    return next((one for one in reversed(last.orders) if one.order == order), None)


def _order(asked: _Asked, detail: str, by: str = "") -> protocol.Fetch:
    return protocol.Fetch(asin=asked.asin, domain=asked.domain, detail=detail, by=by)


def _fetch_now(visit: Visit) -> Moved:
    """Have the supervisor ask for it before all other work, for what the form said at the most.

    Raises:
        Changed: it would cost more by now, or the supervisor refuses.
    """
    asked, quote = _asked(visit), _refresh(visit)
    if quote is None:
        raise Refusal("nothing is known of the balance: Now shows why")
    seen = visit.form.get("seen", "")
    said = int(seen) if _TOKENS.fullmatch(seen) else -1
    if said < quote.tokens:
        words = "nothing" if said < 0 else seen
        raise Changed(f"nothing was done: it costs up to {quote.tokens} by now, and the form said {words}")
    state = StateDir(Path(visit.settings.state_dir))
    answer = deliver(state, _order(asked, quote.detail, f"web {visit.session[:8]}"), patience_s=_WAIT_S)
    if answer.code not in {EXIT_OK, EXIT_TRY_LATER}:
        raise Changed(answer.words)
    return Moved(f"{asked.path}?fetched=yes")


def _cancel(visit: Visit) -> Moved:
    """Have the supervisor ask for it no more.

    Raises:
        Changed: it is not being fetched any more.
    """
    asked = _asked(visit)
    order = protocol.Cancel(asin=asked.asin, domain=asked.domain, by=f"web {visit.session[:8]}")
    answer = deliver(StateDir(Path(visit.settings.state_dir)), order, patience_s=_WAIT_S)
    if answer.code != EXIT_OK:
        raise Changed(f"nothing was done: {answer.words}")
    return Moved(f"{asked.path}?fetched=yes")


def _queue(visit: Visit) -> Moved:
    """Put the product before all others in the queue of backfill."""
    from tasks.store.queue.to_front import to_front

    asked = _asked(visit)
    if asked.domain not in {one.domain for one in streams.streams(visit.settings.selections, visit.settings.domains)}:
        raise Refusal(
            f"no selection is for {SHOPS[asked.domain]}, so backfill fetches nothing there: use `sluicegate fetch`"
        )
    with writing(visit) as conn, conn.transaction():
        _summary(conn, asked)
        to_front(conn, asked.domain, [asked.asin], detail=backfill_detail(visit))
    note(
        visit, f"fetch --queue {asked.asin} --domain {SHOPS[asked.domain]}", "it is the next one that backfill fetches"
    )
    return Moved(f"{asked.path}?queued=yes")


def _listing(visit: Visit) -> Listing:
    asked = _asked(visit)
    with visit.database.reading() as conn:
        product = _summary(conn, asked)
        every = price_lines.lines(conn, asked.domain, asked.asin)
    shown, span = _shown(every, asked), product_view.span_of(every, asked.range, visit.now)
    whose = (product.domain, product.shop, product.asin, product.currency)
    rows = ((*whose, *change) for change in product_view.changes(shown, span, product.minor_digits))
    return Listing("changes", _COLUMNS, rows)


def _shown(every: list[Line], asked: _Asked) -> list[Line]:
    return [line for line in every if line.price_type in asked.types]


PAGE: Final = Page(
    path=_PATH,
    title="Product",
    template="product.html",
    data=_data,
    listing=_listing,
    actions={_REFRESH: _fetch_now, _CANCEL: _cancel, _QUEUE: _queue},
    in_navigation=False,
)
