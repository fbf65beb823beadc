"""What the commands `watch` print with `--json`."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from supervisor.queries.printing.output import Output
from tasks.store.watch.lists import WatchList


class CheckedList(msgspec.Struct, frozen=True, kw_only=True):
    """A list as its file has it; `products` is null of a table, whose length is not known before it is read."""

    name: str
    domain: int
    detail: str
    refresh_s: float
    products: int | None


class ListsOnPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What lists cost together on a plan that adds `rate` tokens a minute.

    Attributes:
        tokens: what fetching everything once costs.
        tokens_per_day: what keeping everything as fresh as asked for costs.
        refill_per_day: what the plan brings.
        pass_s: seconds that fetching everything once takes at the least, when nothing else spends.
        pass_shared_s: the same at the share that is guaranteed while others want everything.
        is_kept: whether the refill pays for it when nothing else spends.
    """

    rate: int
    products: int
    tokens: float
    tokens_per_day: float
    refill_per_day: float
    pass_s: float
    pass_shared_s: float
    is_kept: bool
    words: str


class OnKey(msgspec.Struct, frozen=True, kw_only=True):
    """How long products of lists take with the key in force, which brings `rate` tokens a minute.

    Attributes:
        tokens: what fetching them costs, as far as it was learned.
        pass_s: seconds that these take to come in, when nothing else spends; null for never.
        pass_shared_s: the same at the share that is guaranteed while others want everything.
    """

    rate: float
    products: int
    tokens: float
    pass_s: float | None
    pass_shared_s: float | None
    words: str


class CheckedListsOutput(Output, frozen=True, kw_only=True):
    """The lists of products, and what they cost on each plan.

    Attributes:
        on_key: how long fetching everything once takes with the key in force; null before its plan is known.
    """

    lists: tuple[CheckedList, ...]
    on_key: OnKey | None
    plans: tuple[ListsOnPlan, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingList(WatchList):
    """A list as it stands; `is_chosen` while the settings name it."""

    is_chosen: bool


class ListsOutput(Output, frozen=True, kw_only=True):
    """How fresh each list is, and those of the settings that no worker has taken over yet.

    Attributes:
        due: when the products that are due now have been fetched with the key in force; null before its plan is known.
    """

    lists: tuple[StandingList, ...]
    not_taken_over: tuple[CheckedList, ...]
    due: OnKey | None


class AddedOutput(Output, frozen=True, kw_only=True):
    """The ASINs that were added to a list, and how many products its file has now."""

    file: str
    added: tuple[str, ...]
    products: int
