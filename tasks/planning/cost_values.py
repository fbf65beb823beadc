"""The values of a plan of the day: what is given to it, and what it says. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ledger import Hours
    from tasks.roles import Role

OtherKind = Literal["list", "source"]
DAY_S: Final = 86_400.0
_MINUTE_S: Final = 60.0
_BUCKET_S: Final = 3_600.0  # the bucket holds what comes in so long


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What the plan brings.

    Attributes:
        rate: tokens a tick.
        tick_s: seconds from tick to tick.
        balance: tokens in the bucket now.
        capacity: the most it holds.
    """

    rate: float
    tick_s: float
    balance: float = 0.0
    capacity: float = 0.0

    @property
    def per_day(self) -> float:
        """Tokens a day."""
        return self.rate * DAY_S / self.tick_s

    @property
    def per_minute(self) -> float:
        """Tokens a minute."""
        return self.rate * _MINUTE_S / self.tick_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What limits a job on each day.

    Attributes:
        tokens: its budget; None: none.
        day_part: the part of the day that are its hours.
        hours: which these are; None: all.
        spent: what the job has spent today (UTC).
    """

    tokens: float | None = None
    day_part: float = 1.0
    hours: Hours | None = None
    spent: float = 0.0

    def most(self, supply: float) -> float:
        """The most that it may spend of a day's `supply`: what comes in its hours, and a full bucket before them."""
        within = min(supply, supply * self.day_part + supply * _BUCKET_S / DAY_S) if self.day_part < 1 else supply
        return within if self.tokens is None else min(within, self.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The settings that decide what is spent.

    Attributes:
        detail_tokens: tokens that upsert's details of one deal cost on average; 0 when it fetches none.
        history_tokens: tokens that backfill's fetch of one product costs on average.
        poll_interval_s: seconds between two looks for new deals; None for the automatic interval.
        history_max_age_d: days after which a product is fetched again; 0 for never.
        backfill_share: part of the refill that backfill is guaranteed; upsert, whose floor is lower, takes the rest.
        call_s: seconds that a call for a page takes.
        upsert: what limits upsert on each day.
        backfill: what limits backfill.
        clock_s: seconds since 00:00 UTC, when budgets begin anew.
    """

    detail_tokens: float
    history_tokens: float
    backfill_share: float
    poll_interval_s: float | None = None
    history_max_age_d: float = 0.0
    call_s: float = 0.0
    upsert: Limits = Limits()
    backfill: Limits = Limits()
    clock_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamLoad:
    """What a selection asks for in one locale.

    Attributes:
        name: the selection and its shop.
        deals: deals that it has.
        news_per_day: deals a day that are new or changed.
        products_per_day: products a day that backfill finds for the first time and nobody has fetched.
        pending: products that wait for their history now.
    """

    name: str
    deals: float
    news_per_day: float
    products_per_day: float = 0.0
    pending: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamCost:
    """Tokens a day of one selection.

    Attributes:
        listing: pages of upsert, which looks for new deals.
        crawling: pages of backfill, which reads the whole.
        details: what upsert fetches of new and changed deals.
        histories: what backfill fetches of products.
    """

    name: str
    listing: float
    crawling: float
    details: float
    histories: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.listing + self.crawling + self.details + self.histories


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLoad:
    """What else than a selection asks for: a list that upsert keeps fresh, or a source that backfill reads.

    Attributes:
        name: the list or source and its shop.
        kind: which of the two.
        products: products that it has; None when that is not known yet.
        fetching: tokens a day of fetching its products again and again; 0 for a source: its products are fetched once.
        waiting: tokens that the products cost which wait to be fetched now.
        reading: tokens of one reading of a source; 0 for a list.
        refresh_s: seconds after which a source is read again; 0 for a list.
        each: tokens that one product costs.
        due: products of a list that are to be fetched now.
    """

    name: str
    kind: OtherKind
    products: int | None
    fetching: float = 0.0
    waiting: float = 0.0
    reading: float = 0.0
    refresh_s: float = 0.0
    each: float = 0.0
    due: int = 0

    @property
    def once(self) -> float | None:
        """Tokens that fetching all its products once costs; None when it is not known how many they are."""
        return None if self.products is None else self.products * self.each


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherCost:
    """Tokens a day of a list or a source: what asking it costs, and its products."""

    name: str
    kind: OtherKind
    asking: float
    products: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.asking + self.products


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPlan:
    """A day.

    Attributes:
        income: tokens that the plan brings.
        wanted: what each selection would cost if tokens were no object; products that wait are all fetched.
        spent: what each will cost with the tokens there are.
        others_wanted: what each list and source would cost if tokens were no object.
        others: what each will cost with the tokens there are.
        withheld: tokens of this day that each job wants and that its budget or its hours deny it.
        poll_interval_s: seconds between two looks for new deals.
        details_part: part of the wanted details that there are tokens for, 0 to 1.
        histories_per_day: products a day that backfill could fetch, if so many waited.
        pending_days: days until the products that wait now are fetched; None for never.
        expires: tokens of this day that nobody wants, once the bucket is full.
        expires_in_s: seconds until the first of them do; None when none does within the day.
    """

    income: float
    wanted: tuple[StreamCost, ...]
    spent: tuple[StreamCost, ...]
    others_wanted: tuple[OtherCost, ...]
    others: tuple[OtherCost, ...]
    withheld: Mapping[Role, float]
    poll_interval_s: float
    details_part: float
    histories_per_day: float
    pending_days: float | None
    expires: float
    expires_in_s: float | None

    @property
    def total(self) -> float:
        """Tokens that the day costs."""
        return sum(one.total for one in self.spent) + sum(one.total for one in self.others)

    def of_others(self, kind: OtherKind) -> float:
        """Tokens that lists or sources cost of it."""
        return sum(one.total for one in self.others if one.kind == kind)
