"""From the arguments of `deals` to conditions, and what is left of a deal as cells and as data."""

from __future__ import annotations

import difflib
from dataclasses import asdict, dataclass, fields
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from msgspec import UNSET, UnsetType

from supervisor.queries.printing.output import Column
from tasks.keepa.locales import product_url
from tasks.store.best_deals import categories
from tasks.store.best_deals.best_deals import BestDeal
from tasks.store.best_deals.conditions import Conditions, ResaleTerms
from tasks.store.best_deals.resale import Resale, resale_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator, Sequence

    from tasks.store.best_deals.conditions import ResaleSort
    from tasks.store.connection import Connection

RESALE_SORTS: Final[dict[str, ResaleSort]] = {"roi": "roi", "profit": "profit"}
_SUGGESTED: Final = 3
_ALIKE: Final = 0.6  # of the letters
_AT_ONCE: Final = 1_000  # deals whose resale is asked for together
RESALE_NAMES: Final = tuple(field.name for field in fields(Resale))
RESALE_COLUMNS: Final = (
    Column("sell at", is_number=True),
    Column("fees", is_number=True),
    Column("break-even", is_number=True),
    Column("profit", is_number=True),
    Column("ROI", is_number=True),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DealOutput(BestDeal):
    """A deal in JSON.

    Attributes:
        average: weighted mean of the price of this type over the range.
        discount_percent: how far the price is below the mean of what it is compared with.
        compared_with: the price type itself; "AMAZON or NEW" for LIGHTNING_DEAL, WAREHOUSE and PRIME_EXCL, which Keepa
            compares with the price of Amazon, or the new one where Amazon has none.
        price_now: what the price is by a later reading of the product than `updated_at`, where that is another one;
            null beside a `price_now_at`: nobody offers it any more.
        price_now_at: of when that reading is; null where none says otherwise.
        url: its page in the shop.
        resale: there where the command asks for it.
    """

    url: str | None
    resale: Resale | UnsetType = UNSET


class ShownDeal(NamedTuple):
    """A deal, and what is left of it where that is asked for."""

    deal: BestDeal
    resale: Resale | None

    def as_json(self) -> DealOutput:
        """All of it by name."""
        url = product_url(self.deal.domain, self.deal.asin)
        return DealOutput(**asdict(self.deal), url=url, resale=UNSET if self.resale is None else self.resale)

    def as_row(self) -> list[object]:
        """The same for CSV, the names of the selections in one cell."""
        own = asdict(self.deal) | {"selections": " ".join(self.deal.selections)}
        resale = [] if self.resale is None else asdict(self.resale).values()
        return [*own.values(), product_url(self.deal.domain, self.deal.asin), *resale]


def conditions_of(chosen: argparse.Namespace) -> Conditions:
    """The further conditions that were typed."""
    sell_at, price = chosen.sell_at
    return Conditions(
        terms=ResaleTerms(
            sell_at=sell_at, price=price, per_item=Decimal(chosen.per_item), per_kg=Decimal(chosen.per_kg)
        ),
        min_roi=chosen.min_roi,
        min_profit=chosen.min_profit,
        sort=RESALE_SORTS.get(chosen.sort),
        has_amazon=None if chosen.amazon is None else chosen.amazon == "yes",
        max_fba_sellers=chosen.max_fba_sellers,
        min_rank_drops=chosen.min_rank_drops,
        brand=chosen.brand,
        category=chosen.category,
    )


def is_about_resale(conditions: Conditions) -> bool:
    """Whether any of the conditions, or the order, is about selling again."""
    asked = (conditions.min_roi, conditions.min_profit, conditions.sort)
    return conditions.terms != ResaleTerms() or any(one is not None for one in asked)


def amount_asked(conditions: Conditions) -> str | None:
    """The name of what is an amount of money of one currency, such as `min_profit`; None when nothing is."""
    terms = conditions.terms
    named = {
        "min_profit": conditions.min_profit is not None,
        "sell_at": terms.price is not None,
        "per_item": terms.per_item != 0,
        "per_kg": terms.per_kg != 0,
        "sort profit": conditions.sort == "profit",
    }
    return next((name for name, is_asked in named.items() if is_asked), None)


def narrowing(chosen: argparse.Namespace) -> list[str]:
    """The arguments that were typed of which each leaves out deals, whatever their discount."""
    named = {
        "--title": chosen.title,
        "--category": chosen.category,
        "--brand": chosen.brand,
        "--amazon": chosen.amazon,
        "--max-fba-sellers": chosen.max_fba_sellers,
        "--min-rank-drops": chosen.min_rank_drops,
        "--min-roi": chosen.min_roi,
        "--min-profit": chosen.min_profit,
    }
    return [name for name, value in named.items() if value is not None]


def shown_deals(conn: Connection, found: Iterable[BestDeal], terms: ResaleTerms | None) -> Iterator[ShownDeal]:
    """The deals with what is left of each, as they come; without that when there are no terms."""
    left = iter(found)
    while part := list(islice(left, _AT_ONCE)):
        resales = [None] * len(part) if terms is None else resale_of(conn, part, terms)
        yield from map(ShownDeal, part, resales)


def resale_cells(resale: Resale) -> list[str]:
    """Its cells under `RESALE_COLUMNS`."""
    money = [resale.sell_at, resale.fees, resale.break_even, resale.profit]
    roi = "?" if resale.roi_percent is None else f"{resale.roi_percent:,}%"
    return ["?" if one is None else f"{one:,}" for one in money] + [roi]


def unknown_words(conn: Connection, *, category: str | None, brand: str | None) -> str | None:
    """What is known nowhere, in words, with what may be meant; None when all is known."""
    if category is not None and categories.is_unknown(conn, category):
        return f"no category {category!r} is known{_meant(category, categories.names(conn))}"
    if categories.is_unknown_brand(conn, brand):
        return f"no product of the brand {brand!r} is known: a brand is the whole name, as Keepa has it"
    return None


def _meant(word: str, names: Sequence[str]) -> str:
    """The names most like it, as a whole or by one of their words; where none is, all of them."""
    whose = {part.casefold(): name for name in names for part in (*name.split(), name)}
    alike = difflib.get_close_matches(word.casefold(), whose, n=_SUGGESTED, cutoff=_ALIKE)
    if alike:
        return f"; did you mean {' or '.join(dict.fromkeys(whose[one] for one in alike))}?"
    return f"; there are {', '.join(names)}" if names else ": none has been listed yet"
