"""Gathers what a plan of the day is made from: the ledger, the database, the settings, and pages just asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from ledger import CAPACITY_TICKS, Hours
from supervisor.config.run_plan import Server
from supervisor.database.access import query_connection
from tasks.errors import NoRows
from tasks.keepa.prices import minute_of_ms
from tasks.planning import measured_loads, streams
from tasks.planning.cost_values import DAY_S, Allowance, Limits, Rules, StreamLoad
from tasks.planning.learned_costs import product_tokens
from tasks.planning.measured_loads import PACE_S, Fetched, StreamSeen
from tasks.roles import BACKFILL, UPSERT
from tasks.store import source_reads, stream_figures
from tasks.store.queue import leftovers
from tasks.store.watch import lists

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ledger import Snapshot
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from tasks.planning.page_figures import PageFigures
    from tasks.planning.streams import Stream
    from tasks.store.connection import Connection
    from tasks.store.source_reads import SourceRead
    from tasks.store.watch.lists import WatchList

_LISTED_S: Final = 2 * 86_400.0  # a crawl of the whole comes once a day at least
MINUTE_S: Final = 60.0
_SMALLEST_RATE: Final = 5  # tokens a minute of the smallest plan
_BACKFILL: Final = (BACKFILL, "/product")
_NOTHING: Final = Fetched(seconds=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """What is known of the selections of the settings.

    Attributes:
        seen: those that have been listed.
        unknown: those of which nothing is known yet.
        fetched: products that calls of late have fetched.
        call_s: seconds that a call for a page takes.
        lists: the lists that were taken over, as they were counted last.
        reads: how far each source has been read, by its key and locale.
        waiting: products that wait to be fetched because of a source, in the same way.
    """

    seen: tuple[StreamSeen, ...] = ()
    unknown: tuple[Stream, ...] = ()
    fetched: Fetched = _NOTHING
    call_s: float = 0.0
    lists: tuple[WatchList, ...] = ()
    reads: Mapping[tuple[str, int], SourceRead] = field(default_factory=dict[tuple[str, int], "SourceRead"])
    waiting: Mapping[tuple[str, int], int] = field(default_factory=dict[tuple[str, int], int])


def gather(plan: RunPlan) -> Gathered:
    """What the database tells of what the settings list, with the calls of the plan's key; nothing when there is none.

    Raises:
        ConfigError: the database cannot be reached with these settings.
        StoreError: it does not answer.
    """
    settings = plan.settings
    targets = streams.streams(settings.loaded_selections, settings.keepa_domains)
    lists_wanted = [one.key for one in settings.loaded_lists]
    others = [*(one.key for one in streams.sources_of(settings.loaded_sources)), *lists_wanted]
    try:
        with query_connection(plan) as conn:
            key = plan.key if len(plan.keys) > 1 else None
            return read(conn, targets, datetime.now(UTC), key=key, others=others, list_keys=lists_wanted)
    except NoRows:
        return Gathered(unknown=targets)


def read(
    conn: Connection,
    targets: Sequence[Stream],
    now: datetime,
    *,
    key: str | None = None,
    others: Sequence[str] = (),
    list_keys: Sequence[str] = (),
) -> Gathered:
    """The same, from a connection and at a time; `others` are the keys of sources and lists, `list_keys` of lists.

    Upsert pays with the key that lists a deal. Backfill fetches what all keys have listed with any of them, so of that
    a key has the part that its new deals are of all.
    """
    minute, day_minute = (minute_of_ms(round((now.timestamp() - ago_s) * 1_000)) for ago_s in (PACE_S, DAY_S))
    found = stream_figures.stream_figures(
        conn, since=now - timedelta(seconds=_LISTED_S), minute=minute, day_minute=day_minute
    )
    waiting = leftovers.queued_streams(conn, streams.wanted_streams(targets, others))
    pending = {
        (one.selection_key, one.domain): one.pending + one.leased for one in waiting if one.selection_key is not None
    }
    seen = tuple(
        StreamSeen(
            name=one.label,
            deals=figures.deals,
            news=figures.news,
            of_the_day=figures.of_the_day,
            pending=pending.get((one.key, one.domain), 0),
        )
        for one in targets
        if (figures := found.get((one.key, one.domain))) is not None
    )
    first = stream_figures.first_call(conn)
    window_s = 0.0 if first is None else measured_loads.window_s((now - first).total_seconds())
    since = now - timedelta(seconds=window_s)
    of_all = stream_figures.usage(conn, since=since, until=now)
    used = of_all if key is None else stream_figures.usage(conn, since=since, until=now, key=key)
    upsert, pages, backfill = used.get((UPSERT, "/product")), used.get((UPSERT, "/deal")), of_all.get(_BACKFILL)
    part = 1.0
    if key is not None:
        listed = sum(figures.of_the_day for figures in found.values())
        part = sum(one.of_the_day for one in seen) / listed if listed else 0.0
    for_lists = round(lists.fetches(conn, list_keys, window_s=window_s)) if list_keys else 0
    return Gathered(
        seen=seen,
        unknown=tuple(one for one in targets if (one.key, one.domain) not in found),
        fetched=Fetched(
            seconds=window_s,
            by_upsert=0 if upsert is None else max(0, upsert.items - for_lists),
            by_backfill=0 if backfill is None else round(part * backfill.items),
        ),
        call_s=pages.duration_s / pages.calls if pages is not None else 0.0,
        lists=tuple(one for one in lists.all_lists(conn) if one.list_key in list_keys),
        reads={(one.source_key, one.domain): one for one in source_reads.all_reads(conn)},
        waiting=pending,
    )


def loads(gathered: Gathered, rules: Rules, allowance: Allowance) -> tuple[StreamLoad, ...]:
    """The loads of what has been listed."""
    return measured_loads.measured_loads(gathered.seen, gathered.fetched, rules, allowance)


def load_of_page(name: str, figures: PageFigures, settings: Settings) -> StreamLoad:
    """The load of a selection of which only one page is known: all that it has waits for its history."""
    news = figures.news_per_day or 0.0
    matches = figures.matches or 0
    return StreamLoad(
        name=name,
        deals=matches,
        news_per_day=news,
        # Where upsert fetches no details, each new deal may be a product that nobody has fetched.
        products_per_day=news if settings.upsert_detail == "none" else 0.0,
        pending=matches,
    )


def rules_of(settings: Settings, snapshot: Snapshot | None, call_s: float) -> Rules:
    """The rules that the settings make, with costs as they were learned."""
    upsert = settings.upsert_detail
    return Rules(
        detail_tokens=0.0 if upsert == "none" else product_tokens(upsert, snapshot),
        history_tokens=product_tokens(settings.backfill_detail, snapshot),
        backfill_share=settings.backfill_share,
        poll_interval_s=settings.poll_interval_s,
        history_max_age_d=settings.history_max_age_d,
        call_s=call_s,
        upsert=_limits(settings.upsert_tokens_per_day, settings.upsert_hours, _spent_today(snapshot, UPSERT)),
        backfill=_limits(settings.backfill_tokens_per_day, settings.backfill_hours, _spent_today(snapshot, BACKFILL)),
        clock_s=datetime.now(UTC).timestamp() % DAY_S,
    )


def _spent_today(snapshot: Snapshot | None, role: str) -> float:
    tiers = () if snapshot is None else snapshot.tiers
    return next((tier.spent_today for tier in tiers if tier.name == role), 0.0)


def _limits(tokens: int, hours: str | None, spent: float) -> Limits:
    if hours is None:
        return Limits(tokens=tokens or None, spent=spent)
    parsed = Hours.parse(hours)
    return Limits(tokens=tokens or None, day_part=parsed.day_part, hours=parsed, spent=spent)


def allowance_of(plan: RunPlan, snapshot: Snapshot | None, rate: int | None) -> tuple[Allowance, str]:
    """What comes in, and how that is known: from the ledger, unless `rate` says it."""
    if snapshot is not None and snapshot.synced and rate is None:
        bucket = snapshot.bucket
        known = Allowance(
            rate=bucket.refill_rate, tick_s=bucket.tick_period_s, balance=bucket.balance, capacity=bucket.capacity
        )
        return known, "as the server says"
    words = "as --rate says"
    if rate is None and plan.server is Server.SIMULATOR:
        return on_plan(plan.settings.simulator_rate, plan.tick_period_s), "as SIMULATOR_RATE says"
    if rate is None:
        rate, words = (
            _SMALLEST_RATE,
            "the smallest plan, because the server has not been asked yet: --rate says another",
        )
    return on_plan(rate), words


def on_plan(rate: float, tick_s: float = MINUTE_S) -> Allowance:
    """A plan of so many tokens a tick, its bucket full."""
    return Allowance(rate=rate, tick_s=tick_s, balance=rate * CAPACITY_TICKS, capacity=rate * CAPACITY_TICKS)
