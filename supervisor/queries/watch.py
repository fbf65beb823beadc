"""`watch`: checks people's own lists of products, shows how fresh each is, and adds products to one."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ledger import DEFAULT_TIERS, durations
from supervisor.config import setting_texts, settings
from supervisor.config.environment import environment
from supervisor.config.files import user_file, watch_files
from supervisor.config.options import BY_NAME
from supervisor.database.access import query_connection, query_plan
from supervisor.queries import watch_time
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column
from supervisor.queries.watch_output import (
    AddedOutput,
    CheckedList,
    CheckedListsOutput,
    ListsOnPlan,
    ListsOutput,
    StandingList,
)
from supervisor.queries.watch_time import Some
from tasks.errors import EXIT_OK, ConfigError
from tasks.keepa import asin_list
from tasks.keepa.locales import shop
from tasks.keepa.request import product_shape
from tasks.planning.watch_plan import WatchNeed, describe, watch_plan
from tasks.roles import UPSERT
from tasks.store.watch import lists

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tasks.settings import WatchListSettings
    from tasks.store.watch.lists import WatchList

PLANS: Final = (5, 20, 60, 250, 1_200)  # tokens a minute that are sold. Source: Keepa's price list
TICK_S: Final = 60.0
_CHECKED: Final = (
    Column("list"), Column("shop"), Column("products", is_number=True), Column("every"), Column("detail"),
)  # fmt: skip
_FRESH: Final = (
    Column("list"), Column("shop"), Column("products", is_number=True), Column("due", is_number=True),
    Column("never", is_number=True), Column("oldest"), Column("every"), Column("detail"), Column("", is_elastic=True),
)  # fmt: skip
_LEFT: Final = "no longer in WATCH"


def check(chosen: argparse.Namespace) -> int:
    """Tell every fault of the lists of WATCH, or of those named, and what they cost; the exit code.

    Raises:
        UnusableSettings: a list has a fault, or no list is named.
    """
    texts = setting_texts.read_texts(environment())
    where = ",".join(chosen.paths) or texts.found["WATCH"][0]
    if not where:
        raise ConfigError("WATCH is not set: name a folder, a file of ASINs or table:NAME, or set it")
    faults: list[str] = []
    notes: list[str] = []
    found = watch_files.read(where, _defaults(texts), faults, notes, shown=None)
    if faults:
        raise settings.UnusableSettings(faults)
    plans = _plans(found, tuple(chosen.rate or PLANS))
    mine = watch_time.of_settings(Some(one.products, one.detail) for one in found) if plans else None
    if chosen.json:
        told = tuple(map(_plain, found))
        output.as_json(CheckedListsOutput(lists=told, on_key=mine, plans=plans, notes=tuple(notes)))
        return EXIT_OK
    rows = [
        (one.name, shop(one.domain), "a table" if one.table else f"{one.products:,}", _span(one.refresh_s), one.detail)
        for one in found
    ]
    output.table(_CHECKED, rows)
    output.text(*notes, *([] if mine is None else [mine.words]), *(plan.words for plan in plans))
    return EXIT_OK


def list_(chosen: argparse.Namespace) -> int:
    """Print how fresh each list is; the exit code.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    plan = query_plan()
    wanted = {watch.key: watch for watch in plan.settings.loaded_lists}
    with query_connection(plan) as conn:
        found = lists.all_lists(conn)
    waiting = [watch for key, watch in wanted.items() if key not in {one.list_key for one in found}]
    due = watch_time.of_plan(
        plan,
        [
            *(Some(one.overdue, wanted[one.list_key].detail) for one in found if one.list_key in wanted),
            *(Some(one.products, one.detail) for one in waiting),
        ],
    )
    if chosen.json:
        told = tuple(StandingList(**asdict(one), is_chosen=one.list_key in wanted) for one in found)
        output.as_json(ListsOutput(lists=told, not_taken_over=tuple(map(_plain, waiting)), due=due))
        return EXIT_OK
    if not found and not waiting:
        output.text("there are no lists: set WATCH to a folder, a file of ASINs or table:NAME")
        return EXIT_OK
    now = datetime.now(UTC)
    output.table(_FRESH, [_row(one, now, is_chosen=one.list_key in wanted) for one in found])
    output.text(
        *(f"{one.name}, {shop(one.domain)}: not taken over yet; upsert does so when it runs" for one in waiting)
    )
    if due is not None:
        output.text(f"due: {due.words}" if due.products else "nothing is due")
    return EXIT_OK


def add(chosen: argparse.Namespace) -> int:
    """Add products to a list; the exit code.

    Raises:
        ConfigError: there is no folder for a list of that name, or what is in it cannot be used.
    """
    given = [asin for asin, _ in chosen.products]
    path = _path_of(chosen.list)
    old = b""
    if path.exists():
        old = user_file.read(path, limit=watch_files.LIMIT)
    known = asin_list.parse(old, is_csv=False) if old.strip() else asin_list.AsinList()
    if known.faults:
        first = known.faults[0]
        raise ConfigError(f"{path}, line {first.line}: {first.why}; correct that before anything is added")
    new = [asin for asin in dict.fromkeys(given) if asin not in set(known.asins)]
    if new:
        gap = b"" if not old or old.endswith(b"\n") else b"\n"
        _append(path, gap + "".join(f"{asin}\n" for asin in new).encode())
    if chosen.json:
        output.as_json(AddedOutput(file=str(path), added=tuple(new), products=len(known.asins) + len(new)))
        return EXIT_OK
    there = len(given) - len(new)
    output.text(f"{path}: {len(new)} added" + (f", {there} were there already" if there else ""))
    if new:
        output.text("a running supervisor takes them over with `sluicegate reload`")
    return EXIT_OK


def _append(path: Path, data: bytes) -> None:
    """Write behind what is in the file; it keeps its owner and its rights.

    Raises:
        ConfigError: it cannot be written.
    """
    try:
        with path.open("ab") as file:
            file.write(data)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from error


def _path_of(name: str) -> Path:
    """The file of the list that is called so.

    Raises:
        ConfigError: there can be none.
    """
    if "/" in name or name.endswith(".txt"):
        path = Path(name).expanduser()
        if path.suffix != ".txt":
            raise ConfigError(f"{path} does not end with .txt: products are added to plain lists, one ASIN a line")
        return path
    where = setting_texts.read_texts(environment()).found["WATCH"][0]
    folders = [Path(part.strip()).expanduser() for part in where.split(",") if part.strip()]
    folder = next((one for one in folders if one.is_dir()), None)
    if folder is None:
        raise ConfigError(
            f"WATCH names no folder for a list called {name}: set it to one, or give the path of the file"
        )
    if (folder / f"{name}.csv").exists():
        raise ConfigError(f"{folder / name}.csv is a table: add the products there, in the column asin")
    return folder / f"{name}.txt"


def _defaults(texts: setting_texts.Texts) -> watch_files.Defaults:
    """What holds where a list does not say; the default of a setting that cannot be used, for that is another fault."""

    def value(name: str) -> Any:  # noqa: ANN401 - as the kind of the setting has it
        option = BY_NAME[name]
        with suppress(ValueError):
            return option.kind.parse(texts.found[name][0])
        return option.kind.parse(option.default)

    return watch_files.Defaults(value("KEEPA_DOMAINS"), value("WATCH_REFRESH"), value("WATCH_DETAIL"))


def _plans(found: Sequence[WatchListSettings], rates: Sequence[int]) -> tuple[ListsOnPlan, ...]:
    """What the lists cost on each plan; nothing where only tables are named, whose length nobody knows yet."""
    needs = [
        WatchNeed(products=one.products, tokens_each=product_shape(one.detail, 1).prior, refresh_s=one.refresh_s)
        for one in found
        if one.products
    ]
    if not needs:
        return ()
    share = next(tier.share for tier in DEFAULT_TIERS if tier.name == UPSERT)
    plans = []
    for rate in rates:
        plan = watch_plan(needs, rate=rate, tick_s=TICK_S, share=share)
        words = describe(plan, rate=rate, tick_s=TICK_S)
        plans.append(ListsOnPlan(**asdict(plan), rate=rate, is_kept=plan.is_kept, words=words))
    return tuple(plans)


def _plain(one: WatchListSettings) -> CheckedList:
    return CheckedList(
        name=one.name,
        domain=one.domain,
        detail=one.detail,
        refresh_s=one.refresh_s,
        products=None if one.table else one.products,
    )


def _row(one: WatchList, now: datetime, *, is_chosen: bool) -> tuple[str, ...]:
    return (
        one.name,
        shop(one.domain),
        f"{one.products:,}",
        f"{one.overdue:,}",
        f"{one.products - one.fetched:,}",
        "" if one.oldest_at is None else durations.format_age(now - one.oldest_at),
        _span(one.refresh_s),
        one.detail,
        (one.reason or "") if is_chosen else _LEFT,
    )


def _span(seconds: float) -> str:
    return durations.format_exact(timedelta(seconds=seconds))
