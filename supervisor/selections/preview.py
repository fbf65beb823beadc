"""`selection preview`: a page, of now or of the last hour: how many deals match, the newest, and what they cost."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import msgspec

from ledger import SystemClock
from ledger.durations import format_duration
from ledger.types import NS_PER_S
from supervisor.database import paying_key
from supervisor.database.access import query_plan
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column, Output
from supervisor.selections import describe, given, page_call
from supervisor.selections.describe import SelectionOutput
from supervisor.selections.of_key import key_that_lists
from tasks.errors import EXIT_OK, EXIT_USAGE
from tasks.keepa.locales import CURRENCIES
from tasks.keepa.request import DEAL_TOKENS
from tasks.keepa.selection.rules import SALES

if TYPE_CHECKING:
    import argparse

    from ledger import Wait
    from supervisor.selections.page_call import PageCaller, PageSeen
    from tasks.keepa.deal import Deal
    from tasks.keepa.selection.selection import Selection

_SHOWN: Final = 10  # deals
_COLUMNS: Final = (
    Column("asin"), Column("age", is_number=True), Column("now", is_number=True), Column("title", is_elastic=True),
)  # fmt: skip
_MINUTE_S: Final = 60


class PreviewedDeal(msgspec.Struct, frozen=True, kw_only=True):
    """A deal of the page."""

    asin: str
    title: str | None


class PreviewedPage(msgspec.Struct, frozen=True, kw_only=True):
    """The page that was asked for.

    Attributes:
        matches: how many deals match; null when that cannot be told.
        pages: pages that reading them once takes.
        news_per_day: how many are new or changed each day; null when that cannot be told.
        tokens: what this page cost.
        balance: tokens of the key afterwards; null when the reply does not tell.
    """

    matches: int | None
    is_exact: bool
    pages: int
    news_per_day: float | None
    tokens: int
    balance: int | None
    deals: tuple[PreviewedDeal, ...]


class PreviewOutput(Output, frozen=True, kw_only=True):
    """A selection, and its newest page."""

    selection: SelectionOutput
    page: PreviewedPage


def show(chosen: argparse.Namespace) -> int:
    """Ask for the page and print what it tells; the exit code.

    Raises:
        ConfigError: it is no selection, or the settings cannot be used.
        ApiError: the server does not answer, or does not accept the selection.
        LedgerError: the ledger cannot be used.
    """
    plan = query_plan()
    one = given.selections_of(given.find([chosen.source], plan.settings))[0]
    name = chosen.key or key_that_lists(plan, one)
    if name is None and len(paying_key.pools(plan)) > 1:
        sys.stderr.write(f"sluicegate: {paying_key.whose_tokens(plan)}\n")
        return EXIT_USAGE
    plan = paying_key.paying(plan, lambda _: DEAL_TOKENS) if name is None else plan.of_key(name)
    with page_call.page_caller(plan) as caller:
        seen = None if chosen.fresh else caller.kept(one)
        if seen is None:
            if not is_agreed(f"one page of {describe.label(one)}", DEAL_TOKENS, caller, yes=chosen.yes):
                return EXIT_USAGE
            seen = caller.page(one, tell_wait)
    if chosen.json:
        output.as_json(PreviewOutput(selection=describe.for_programs(one), page=_page(seen)))
        return EXIT_OK
    output.text(*describe.lines(one), "", *_words(seen))
    if seen.deals:
        output.text("")
        output.table(_COLUMNS, [_cells(one, seen, deal) for deal in seen.deals[:_SHOWN]])
    return EXIT_OK


def is_agreed(what: str, tokens: int, caller: PageCaller, *, yes: bool) -> bool:
    """Say what it costs and which of several keys pays, and whether the person agrees: by an option, or by an answer.

    Raises:
        ApiError: the server does not tell the balance.
    """
    whose = "" if caller.key is None else f" of the key {caller.key}"
    sys.stderr.write(f"{what} costs {tokens} tokens{whose}; the balance is {caller.balance():,}\n")
    if yes:
        return True
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        sys.stderr.write("sluicegate: nothing was asked: add --yes to spend them\n")
        return False
    sys.stderr.write("spend them? [y/N] ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


def tell_wait(wait: Wait) -> None:
    """Say on standard error for how long the tokens are waited for."""
    if wait.until_ns is None:
        sys.stderr.write("waiting for tokens: the gate opens when others have ended their calls\n")
        return
    left_s = max(0.0, (wait.until_ns - SystemClock().now_ns()) / NS_PER_S)
    sys.stderr.write(f"waiting for tokens: the gate opens in {format_duration(left_s)}\n")


def _words(seen: PageSeen) -> list[str]:
    figures = seen.figures
    if figures.matches is None:
        matches = "how many deals match cannot be told: the server counts root categories alone"
    else:
        matches = f"{'' if figures.is_exact else 'about '}{figures.matches:,} deals match"
    news = figures.news_per_day
    pages = f"{figures.pages:,} page{'s' * (figures.pages > 1)}"
    return [
        f"{matches}; reading them once takes {pages}, {DEAL_TOKENS * figures.pages:,} tokens",
        "how many are new each day cannot be told" if news is None else f"about {news:,.0f} a day are new or changed",
        f"this page cost {seen.tokens} tokens"
        + ("" if seen.balance is None else f", and the balance is {seen.balance:,}"),
        "`sluicegate plan` with this selection says what a day of it costs beside the others",
    ]


def _page(seen: PageSeen) -> PreviewedPage:
    figures = seen.figures
    return PreviewedPage(
        matches=figures.matches,
        is_exact=figures.is_exact,
        pages=figures.pages,
        news_per_day=figures.news_per_day,
        tokens=seen.tokens,
        balance=seen.balance,
        deals=tuple(PreviewedDeal(asin=deal.asin, title=deal.title) for deal in seen.deals),
    )


def _cells(one: Selection, seen: PageSeen, deal: Deal) -> tuple[str, ...]:
    age_s = max(0, seen.server_minute - deal.creation_date) * _MINUTE_S
    value = deal.current[one.price_type] if one.price_type < len(deal.current) else -1
    if value < 0:
        shown = "-"
    elif one.price_type == SALES:
        shown = f"{value:,}"
    else:
        currency, digits = CURRENCIES[one.domain]
        shown = f"{value / 10**digits:,.{digits}f} {currency}"
    return deal.asin, format_duration(age_s), shown, deal.title or ""
