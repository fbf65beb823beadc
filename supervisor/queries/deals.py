"""`deals`: shows the best deals that can be bought now."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ledger import durations, installation
from supervisor.database.access import query_connection, query_plan
from supervisor.queries import compared_with, deal_conditions, later_price
from supervisor.queries.deal_conditions import RESALE_COLUMNS, DealOutput
from supervisor.queries.deal_defaults import BY_MONEY, usual
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column, Linked, Output
from supervisor.queries.selection_names import selection_names
from tasks.errors import EXIT_OK, EXIT_USAGE, NoRows
from tasks.keepa.locales import product_url, shop
from tasks.store.best_deals import best_deals, shops
from tasks.store.best_deals.best_deals import BestDeal
from tasks.store.best_deals.deal_filter import DealFilter

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Iterator

    from supervisor.queries.deal_conditions import ShownDeal
    from tasks.store.best_deals.candidates import Over
    from tasks.store.best_deals.conditions import ResaleTerms
    from tasks.store.connection import Connection


class DealsOutput(Output, frozen=True, kw_only=True):
    """The best deals, the best first, of these price types, compared with their mean over that range."""

    price_types: Sequence[str]
    over: str
    deals: tuple[DealOutput, ...]


def show(chosen: argparse.Namespace) -> int:
    """Print the best deals; the exit code.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    plan = query_plan()
    with query_connection(plan) as conn:
        selections = selection_names(conn, plan.settings)
        names = selections.by_number()
        every_name = {*selections.by_key().values()}
        unknown = [name for name in chosen.selection or () if name not in every_name]
        if unknown:
            return _which_selection(unknown[0], every_name)
        types, over = usual(selections.called(chosen.selection))
        types, over = chosen.type or types, chosen.over or over
        conditions = deal_conditions.conditions_of(chosen)
        has_resale = chosen.resale or deal_conditions.is_about_resale(conditions)
        terms = conditions.terms if has_resale else None
        deal_filter = DealFilter(
            price_types=types,
            over=over,
            within=chosen.within,
            top=chosen.top,
            domain=chosen.domain,
            min_discount=chosen.min_discount,
            sort="discount" if chosen.sort in {"roi", "profit"} else chosen.sort,
            title=chosen.title or (),
            conditions=conditions,
            selections=None
            if chosen.selection is None
            else [n for n, name in names.items() if name in chosen.selection],
            names=names,
        )
        amount = deal_conditions.amount_asked(conditions)
        named = None if amount is None else f"--{amount.replace('_', '-')}"
        money = f"--sort {chosen.sort}" if chosen.sort in BY_MONEY else named
        by_currency = {} if money is None else shops.currencies(conn, deal_filter.values())
        if money is not None and len(by_currency) > 1:
            return _which_shop(money, by_currency)
        if chosen.json:
            listed = deal_conditions.shown_deals(conn, best_deals.stream(conn, deal_filter), terms)
            output.as_json_list(DealsOutput(price_types=types, over=over, deals=()), (one.as_json() for one in listed))
            return EXIT_OK
        if chosen.csv:
            _csv(conn, deal_filter, terms)
            return EXIT_OK
        found = [*deal_conditions.shown_deals(conn, best_deals.find(conn, deal_filter), terms)]
        nothing = "" if found else _none(conn, chosen, types)
    if found:
        _table(found, over, has_selections=len(every_name) > 1)
    else:
        output.text(nothing)
    return EXIT_OK


def _which_shop(argument: str, by_currency: dict[str, list[str]]) -> int:
    currencies = " and ".join(f"{currency} ({', '.join(shops)})" for currency, shops in by_currency.items())
    first = next(iter(by_currency.values()))[0]
    sys.stderr.write(
        f"sluicegate: {argument} compares amounts of money, and there are deals in {currencies}: "
        f"choose one shop, such as --domain {first}\n"
    )
    return EXIT_USAGE


def _csv(conn: Connection, deal_filter: DealFilter, terms: ResaleTerms | None) -> None:
    names = [*(field.name for field in fields(BestDeal)), "url"]
    if terms is None:
        with best_deals.csv_copied(conn, deal_filter) as lines:
            output.as_csv_lines(names, lines)
        return
    listed = deal_conditions.shown_deals(conn, best_deals.find(conn, deal_filter), terms)
    output.as_csv([*names, *deal_conditions.RESALE_NAMES], (one.as_row() for one in listed))


def _which_selection(name: str, names: Iterable[str]) -> int:
    sys.stderr.write(f"sluicegate: there is no selection {name}; there are {', '.join(sorted(set(names)))}\n")
    return EXIT_USAGE


def _table(found: Sequence[ShownDeal], over: Over, *, has_selections: bool) -> None:
    several = len({one.deal.domain for one in found}) > 1
    mixed = len({one.deal.price_type for one in found}) > 1
    has_resale = any(one.resale is not None for one in found)
    has_changed = any(one.deal.price_now_at is not None for one in found)
    note = compared_with.note(one.deal.price_type for one in found)
    columns = [
        Column("off", is_number=True),
        Column("price", is_number=True),
        *([Column("now", is_number=True)] if has_changed else []),
        Column(f"{'' if note is None else 'own '}{over} mean", is_number=True),
        *(RESALE_COLUMNS if has_resale else ()),
        Column("rank", is_number=True),
        Column("seen", is_number=True),
        *([Column("shop", is_elastic=True)] if several else []),
        *([Column("type", is_elastic=True)] if mixed else []),
        *([Column("selection", is_elastic=True)] if has_selections else []),
        Column("ASIN"),
        Column("title", is_elastic=True),
    ]
    now = datetime.now(UTC)
    shown = {"several": several, "mixed": mixed, "has_selections": has_selections, "has_changed": has_changed}
    output.table(columns, (list(_cells(one, now, **shown)) for one in found))
    if has_changed:
        output.text(later_price.NOTE)
    if note is not None:
        output.text(note)


def _cells(
    shown: ShownDeal, now: datetime, *, several: bool, mixed: bool, has_selections: bool, has_changed: bool
) -> Iterator[str]:
    one, resale = shown
    yield f"{one.discount_percent}%"
    yield f"{one.price} {one.currency or ''}".rstrip()
    if has_changed:
        yield later_price.words(one)
    yield f"{one.average}"
    if resale is not None:
        yield from deal_conditions.resale_cells(resale)
    yield "" if one.sales_rank is None else f"{one.sales_rank:,}"
    yield durations.format_age(now - one.last_seen_at)
    if several:
        yield one.shop or shop(one.domain)
    if mixed:
        yield one.price_type
    if has_selections:
        yield " ".join(one.selections)
    yield Linked(one.asin, product_url(one.domain, one.asin))
    yield one.title or ""


def _none(conn: Connection, chosen: argparse.Namespace, types: Sequence[str]) -> str:
    """Why no deal was found, and what to change."""
    newest = shops.newest(conn, domain=chosen.domain)
    if newest is None:
        run, status = installation.command("run"), installation.command("status")
        raise NoRows(f"no deal has been listed yet: {run} lists deals, and {status} shows its progress")
    unknown = deal_conditions.unknown_words(conn, category=chosen.category, brand=chosen.brand)
    if unknown is not None:
        return unknown
    age = datetime.now(UTC) - newest
    if age > chosen.within:
        return (
            f"no deal was listed within {durations.format_exact(chosen.within)}; "
            f"the last was {durations.format_age(age)} ago: look further back with --within"
        )
    if chosen.selection is not None:
        return (
            f"no deal that the selection {' or '.join(chosen.selection)} has listed is {chosen.min_discount}% or more "
            "below its mean; deals that it listed last with an older build are not known as its own: leave out "
            "--selection, or lower --min-discount"
        )
    found_none = f"no deal of {', '.join(types)} is {chosen.min_discount}% or more below its mean"
    if narrowing := deal_conditions.narrowing(chosen):
        return f"{found_none} and meets {' and '.join(narrowing)}: ask for less there, or lower --min-discount"
    return f"{found_none}; lower --min-discount, or name other price types with --type"
