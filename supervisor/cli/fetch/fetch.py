"""`fetch`: asks the API for products now, in the tier that is served first; says what that costs before it is paid.

Beside a running supervisor it takes its tokens from the same ledger, as a worker does, and the supervisor itself makes
no call; alone it brings what it needs with it. Whatever was paid for is written before it is shown.
"""

from __future__ import annotations

import os
import signal
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger import LedgerError, SystemClock
from supervisor.cli.fetch import fetch_answer
from supervisor.cli.fetch.fetch_answer import Fetched
from supervisor.cli.fetch.fetch_progress import Patience, Progress, logger
from supervisor.cli.surroundings import is_running, surroundings
from supervisor.config import run_plan
from supervisor.database import paying_key
from supervisor.database.access import query_connection, query_plan
from tasks.errors import EXIT_USAGE, Error, NoRows, RequestRefused, plain
from tasks.jobs.components import JobComponents
from tasks.jobs.look_up import LookUp, LookUps
from tasks.keepa.locales import shop
from tasks.keepa.request import CodeRequest, ProductRequest, max_asins
from tasks.planning import streams
from tasks.planning.learned_costs import product_tokens
from tasks.roles import UPSERT
from tasks.runtime.heartbeat_writer import HeartbeatWriter
from tasks.runtime.job import JobContext
from tasks.runtime.stop import Stop
from tasks.store.queue.to_front import to_front

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from ledger import TokenLedger
    from supervisor.config.run_plan import RunPlan
    from supervisor.config.settings import Settings
    from supervisor.queries.parsing import Wanted
    from tasks.keepa.request import Detail
    from tasks.settings import WorkerSettings

WORKER: Final = "fetch"


def fetch(chosen: argparse.Namespace) -> int:
    """Ask for the products, or queue them, and print what is known of them then; the exit code.

    Raises:
        ConfigError: the settings cannot be used, or are for something else than the running supervisor; or there is no
            key of that name.
        GivenUp: Ctrl-C, or the time to wait is over.
        NeverEnough: the plan can never pay for it.
        NoRows: Keepa knows none of the products.
        Error: the API or the database refuses.
    """
    settings = query_plan().settings
    domains = {one.domain or chosen.domain for one in chosen.products} if chosen.domain is None else {chosen.domain}
    if None in domains and len(settings.keepa_domains) > 1:
        shops = ", ".join(map(shop, settings.keepa_domains))
        sys.stderr.write(f"sluicegate: in which shop? KEEPA_DOMAINS has {shops}: name one with --domain\n")
        return EXIT_USAGE
    wanted = _in_shops(chosen.products, chosen.domain, settings.keepa_domains[0])
    plan = run_plan.make_run_plan(settings, synthetic_into_database=chosen.queue or is_running(settings))
    if chosen.queue:
        return _queue(plan, wanted, chosen)
    if chosen.key is None and len(paying_key.pools(plan)) > 1:
        sys.stderr.write(f"sluicegate: {paying_key.whose_tokens(plan)}\n")
        return EXIT_USAGE
    return _fetch(_paying(plan, wanted, chosen), wanted, chosen)


def _paying(plan: RunPlan, wanted: dict[int, list[Wanted]], chosen: argparse.Namespace) -> RunPlan:
    """The plan of the key that pays: the one that was named, or the one that can pay for the first request soonest.

    Raises:
        ConfigError: there is no key of that name; or, where none was named, the file of a key is bad.
    """
    if chosen.key is not None:
        return plan.of_key(chosen.key)
    count = min(max(map(len, wanted.values())), max_asins(chosen.detail))
    return paying_key.paying(plan, lambda snapshot: count * product_tokens(chosen.detail, snapshot))


def _in_shops(products: Sequence[Wanted], domain: int | None, usual: int) -> dict[int, list[Wanted]]:
    """The products by locale, each once: that of --domain before that of its address before the usual one."""
    found: dict[int, list[Wanted]] = {}
    for one in products:
        where = domain or one.domain or usual
        listed = found.setdefault(where, [])
        if (named := one._replace(domain=where)) not in listed:
            listed.append(named)
    return found


def _fetch(plan: RunPlan, wanted: dict[int, list[Wanted]], chosen: argparse.Namespace) -> int:
    clock = SystemClock()
    with Stop() as stop, surroundings(plan, "fetch") as (worker_settings, ledger):
        # The wait ends; a second Ctrl-C does not wait for what is being paid for.
        stop.on_first((signal.SIGINT, signal.SIGTERM))
        patience = Patience(stop, clock, None if chosen.wait is None else chosen.wait.total_seconds())
        context = _context(plan.settings, worker_settings, ledger, patience, clock)
        with closing(JobComponents(context)) as components:
            look_ups = LookUps(context, components)
            look_ups.start()
            fetched, stopped = Fetched(plan.key if len(plan.keys) > 1 else None), None
            try:
                for request in _requests(wanted, chosen, look_ups):
                    _one(look_ups, request, patience, fetched)
            except (Error, LedgerError) as error:
                if not fetched.is_any:
                    raise
                stopped = error
            components.session.run(fetched.read)
    code = fetch_answer.show(fetched, as_json=chosen.json)
    if stopped is None:
        return code
    sys.stderr.write(f"sluicegate: the rest was not fetched: {plain(stopped)}\n")
    return stopped.exit_code


def _one(look_ups: LookUps, request: ProductRequest | CodeRequest, patience: Patience, fetched: Fetched) -> None:
    """Say what the request may cost, make it, and note what it brought."""
    look_up = LookUp(request)
    cost = look_ups.estimate(look_up)
    Progress.cost(look_up, cost, look_ups.balance(), fetched.key)
    patience.begin(look_up)
    asked = datetime.now(UTC)
    try:
        answer = look_ups.fetch(look_up)
    except RequestRefused as error:
        fetched.refused(look_up, error)
        return
    fetched.add(look_up, answer, asked)


def _requests(
    wanted: dict[int, list[Wanted]], chosen: argparse.Namespace, look_ups: LookUps
) -> Iterator[ProductRequest | CodeRequest]:
    """The requests to make: ASINs together, as many as the plan can pay for at once; each code by itself."""
    detail: Detail = chosen.detail
    for domain, listed in wanted.items():
        asins = [one.asin for one in listed if one.asin]
        while asins:
            count = look_ups.most_at_once(detail, len(asins))
            yield ProductRequest(domain, tuple(asins[:count]), detail)
            del asins[:count]
        for one in listed:
            if one.code:
                yield CodeRequest(domain, one.code, detail, min(chosen.code_limit, max_asins(detail)))


def _queue(plan: RunPlan, wanted: dict[int, list[Wanted]], chosen: argparse.Namespace) -> int:
    """Leave the products to backfill, before all others; the exit code."""
    codes = [one.code for listed in wanted.values() for one in listed if one.code]
    if codes:
        sys.stderr.write(
            f"sluicegate: {', '.join(codes)}: whose code it is, is known once it is asked for; leave out --queue\n"
        )
        return EXIT_USAGE
    known = {one.domain for one in streams.streams(plan.settings.loaded_selections, plan.settings.keepa_domains)}
    foreign = [shop(domain) for domain in wanted if domain not in known]
    if foreign:
        raise NoRows(
            f"no selection is for {' and '.join(foreign)}, so backfill fetches nothing there: leave out --queue, or "
            "add the locale to KEEPA_DOMAINS"
        )
    queued: dict[int, int] = {}
    with query_connection(plan, writes=True) as connection, connection.transaction():
        for domain, listed in wanted.items():
            asins = [one.asin for one in listed]
            queued[domain] = to_front(connection, domain, asins, detail=chosen.detail)
    return fetch_answer.show_queued(wanted, queued, chosen.detail, as_json=chosen.json)


def _context(
    settings: Settings, worker_settings: WorkerSettings, ledger: TokenLedger, patience: Patience, clock: SystemClock
) -> JobContext:
    progress = Progress(ledger, clock)
    return JobContext(
        role=UPSERT,  # no job is made of it; what it pays is paid by the interactive tier
        settings=worker_settings,
        ledger=ledger,
        clock=clock,
        stop=patience,
        log=logger(settings).bind(role=WORKER, pid=os.getpid()),
        beat=HeartbeatWriter(progress, clock),
        blocking=True,
        worker=WORKER,
    )
