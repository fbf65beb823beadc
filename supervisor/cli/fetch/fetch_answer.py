"""What `fetch` prints: the products it asked for, as they are in the database then, and what was paid."""

from __future__ import annotations

import sys
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET, UnsetType

from ledger.localtime import near
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column, Output
from supervisor.queries.printing.plain_text import readable
from supervisor.queries.product import offers_text
from tasks.errors import EXIT_FAILED, EXIT_OK, plain
from tasks.keepa.locales import product_url, shop
from tasks.store.products import live_offers, products_now
from tasks.store.products.products_now import ProductNow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from supervisor.queries.parsing import Wanted
    from tasks.errors import RequestRefused
    from tasks.jobs.look_up import Answer, LookUp
    from tasks.store.connection import Connection
    from tasks.store.products.products_now import Figure

_COLUMNS: Final = (Column("type"), Column("now", is_number=True), Column("90-day mean", is_number=True))
_RATING: Final = "RATING"


class FigureOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What one price type of a product was when it was fetched.

    Attributes:
        price: in the currency, with shipping where the type has it; null of what is no price.
        mean: of the last 90 days, likewise.
        value: as received: the price in the smallest unit, or the rank, count or rating.
    """

    price_type: str
    price: Decimal | None
    mean: Decimal | None
    value: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedProduct(ProductNow):
    """A product as it was fetched.

    Attributes:
        asked_as: the codes by which it was asked for, or its ASIN.
        looked_at: when Keepa was asked this time; null when an earlier `fetch` had paid for the answer.
        is_news: whether that brought anything that was not known.
        offers: those that stood at `offers_fetched_at`, in the shop's order; null when they were never fetched.
    """

    url: str | None
    asked_as: list[str]
    looked_at: datetime | None
    is_news: bool
    figures: list[FigureOutput]
    offers: list[live_offers.LiveOffer] | None


class FetchOutput(Output, frozen=True, kw_only=True):
    """What `fetch` brought, and what was paid.

    Attributes:
        not_found: what Keepa does not know, each in a sentence.
        faults: what could not be fetched or used.
        charged: tokens.
        balance: tokens of the key afterwards; null when no reply told.
        key: which of several keys has paid; left out where there is one.
    """

    products: tuple[FetchedProduct, ...]
    not_found: tuple[str, ...]
    faults: tuple[str, ...]
    notes: tuple[str, ...]
    charged: int
    balance: int | None
    key: str | UnsetType = UNSET


class QueuedProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product at the front of the queue, by Keepa's number of its locale and its ASIN."""

    domain: int
    asin: str


class FetchQueuedOutput(Output, frozen=True, kw_only=True):
    """What `fetch --queue` put at the front of the queue."""

    queued: tuple[QueuedProduct, ...]


class Fetched:
    """What was asked for and what came, filled request by request; `read` looks the rows up."""

    def __init__(self, key: str | None = None) -> None:
        """`key` is which of several keys pays."""
        self.key = key
        self.asins: dict[int, list[str]] = {}
        self.codes: dict[tuple[int, str], list[str]] = {}
        self.faults: list[str] = []
        self.notes: list[str] = []
        self.charged = 0
        self.balance: int | None = None
        self.products: dict[tuple[int, str], ProductNow] = {}
        self.figures: dict[tuple[int, str], list[Figure]] = {}
        self.offers: dict[tuple[int, str], list[live_offers.LiveOffer]] = {}
        self._unread: list[tuple[int, str]] = []
        self._looked: dict[tuple[int, str], tuple[datetime, datetime]] = {}

    @property
    def is_any(self) -> bool:
        """Whether anything was asked for and answered."""
        return bool(self.asins or self.codes or self.faults)

    def looked_at(self, one: ProductNow) -> datetime | None:
        """When Keepa was asked for this product; None when the answer was there."""
        _, answered = self._looked.get((one.domain, one.asin), (None, None))
        return answered

    def is_news(self, one: ProductNow) -> bool:
        """Whether anything of this product was not known before it was asked for."""
        asked, _ = self._looked.get((one.domain, one.asin), (None, None))
        return asked is None or one.news_at >= asked

    def add(self, look_up: LookUp, answer: Answer, asked: datetime) -> None:
        """Note what a request brought that was made at the time `asked`."""
        domain, code = look_up.origin.domain, look_up.origin.code
        if not answer.is_of_before:
            self._note_look(domain, (*look_up.origin.asins, *answer.asins), asked)
        self.asins.setdefault(domain, []).extend(look_up.origin.asins or answer.asins)
        if code:
            self.codes[domain, code] = list(answer.asins)
            if answer.is_of_before:
                self._unread.append((domain, code))
            elif len(answer.asins) >= look_up.request.items:
                self.notes.append(f"{code} may have more products than {len(answer.asins)}: raise --code-limit")
        if answer.is_of_before:
            self.notes.append("the answer was paid for by an earlier `fetch` that was ended before it was written")
        if answer.cost is None:
            self.notes.append("the reply does not say what it cost: `sluicegate ledger dump` shows it soon")
        if answer.faults:
            self.faults.append("a part of the reply cannot be used: `sluicegate quarantine list` has it")
        self.charged += answer.cost or 0
        self.balance = self.balance if answer.balance is None else answer.balance

    def _note_look(self, domain: int, asins: Iterable[str], asked: datetime) -> None:
        """Keep the earliest time that each was asked for at: of two requests the first may have brought the news."""
        now = datetime.now(UTC)
        for asin in asins:
            first, _ = self._looked.get((domain, asin), (asked, now))
            self._looked[domain, asin] = (min(first, asked), now)

    def refused(self, look_up: LookUp, error: RequestRefused) -> None:
        """Note that the API refuses a request."""
        self.faults.append(f"{' '.join(look_up.origin.items)}: {plain(error)}")

    def read(self, connection: Connection) -> None:
        """Look up the rows of what came."""
        self.products, self.figures, self.offers = {}, {}, {}
        for domain, code in self._unread:
            self.codes[domain, code] = found = products_now.asins_with(connection, domain, code)
            self.asins.setdefault(domain, []).extend(found)
        for domain, asins in self.asins.items():
            for asin, one in products_now.products_now(connection, domain, asins).items():
                self.products[domain, asin] = one
                if one.offers_fetched_at is not None:
                    self.offers[domain, asin] = live_offers.live_offers(connection, domain, asin)
            for asin, listed in products_now.figures(connection, domain, asins).items():
                self.figures[domain, asin] = listed

    def missing(self) -> Iterator[str]:
        """What Keepa does not know, each in a sentence."""
        for domain, asins in self.asins.items():
            for asin in dict.fromkeys(asins):
                one = self.products.get((domain, asin))
                if one is None or not one.is_found:
                    yield f"Keepa does not know {asin} in {shop(domain)}"
        for (domain, code), asins in self.codes.items():
            if not asins:
                yield f"Keepa knows no product with the code {code} in {shop(domain)}"


def show(fetched: Fetched, *, as_json: bool) -> int:
    """Print what was fetched; the exit code, which is 0 when a product was found."""
    missing = [*fetched.missing()]
    found = [one for one in fetched.products.values() if one.is_found]
    if as_json:
        output.as_json(
            FetchOutput(
                products=tuple(_as_json(one, fetched) for one in found),
                not_found=tuple(missing),
                faults=tuple(fetched.faults),
                notes=tuple(fetched.notes),
                charged=fetched.charged,
                balance=fetched.balance,
                key=UNSET if fetched.key is None else fetched.key,
            )
        )
    else:
        for one in found:
            _print(one, fetched)
        output.text(*fetched.notes)
        output.text(_paid(fetched))
        for words in (*missing, *fetched.faults):
            sys.stderr.write(f"sluicegate: {words}\n")
    return EXIT_OK if found and not fetched.faults else EXIT_FAILED


def show_queued(
    wanted: Mapping[int, Sequence[Wanted]], queued: Mapping[int, int], detail: str, *, as_json: bool
) -> int:
    """Print what was queued; the exit code."""
    if as_json:
        listed_all = (QueuedProduct(domain=domain, asin=one.asin) for domain in wanted for one in wanted[domain])
        output.as_json(FetchQueuedOutput(queued=tuple(listed_all)))
        return EXIT_OK
    for domain, listed in wanted.items():
        again = f", {len(listed) - queued[domain]} of them waited already" if queued[domain] < len(listed) else ""
        output.text(
            f"{len(listed)} of {shop(domain)} at the front of the queue for {detail}{again}: backfill fetches them next"
        )
    return EXIT_OK


def _paid(fetched: Fetched) -> str:
    balance = "" if fetched.balance is None else f"; balance {fetched.balance}"
    whose = "" if fetched.key is None else f" of the key {fetched.key}"
    return f"charged {fetched.charged} token{'s' if fetched.charged != 1 else ''}{whose}{balance}"


def _as_json(one: ProductNow, fetched: Fetched) -> FetchedProduct:
    figures = fetched.figures[one.domain, one.asin]
    codes = [code for (domain, code), asins in fetched.codes.items() if domain == one.domain and one.asin in asins]
    return FetchedProduct(
        **asdict(one),
        url=product_url(one.domain, one.asin),
        asked_as=codes or [one.asin],
        looked_at=fetched.looked_at(one),
        is_news=fetched.is_news(one),
        figures=[
            FigureOutput(price_type=figure.price_type, price=figure.price, mean=figure.mean, value=figure.value)
            for figure in figures
        ],
        offers=fetched.offers.get((one.domain, one.asin)),
    )


def _print(one: ProductNow, fetched: Fetched) -> None:
    now, figures = datetime.now(UTC), fetched.figures[one.domain, one.asin]
    output.text(f"{one.asin}  {one.shop or shop(one.domain)}  {readable(one.title or '')}".rstrip())
    output.text(f"{product_url(one.domain, one.asin) or ''}  {_when(one, fetched, now)}".strip())
    if figures:
        output.table(_COLUMNS, [_row(figure, one.currency or "") for figure in figures])
    if one.offers_fetched_at is not None:
        offers_text.show(fetched.offers.get((one.domain, one.asin), ()), one.offers_fetched_at, one.currency or "")
    output.text("")


def _when(one: ProductNow, fetched: Fetched, now: datetime) -> str:
    """When it was fetched, and how old it was then; or since when it is known, when it was paid for and nothing new."""
    seen = "" if one.updated_at is None else f", as Keepa saw it at {near(one.updated_at, now)}"
    looked_at = fetched.looked_at(one)
    if looked_at is None or fetched.is_news(one):
        return f"fetched at {near(one.news_at, now)}{seen}"
    return f"nothing new since {near(one.news_at, now)}{seen}; looked at {near(looked_at, now)}"


def _row(figure: Figure, currency: str) -> tuple[str, str, str]:
    if figure.price is not None:
        mean = "" if figure.mean is None else f"{figure.mean:,}"
        return figure.price_type, f"{figure.price:,} {currency}".rstrip(), mean
    if figure.price_type == _RATING:
        return figure.price_type, f"{figure.value / 10:.1f}", ""
    return figure.price_type, f"{figure.value:,}", ""
