"""The checks of `doctor` that ask others: the database, and with real keys the API, once for each."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger import CAPACITY_TICKS
from ledger.durations import format_duration
from supervisor import report
from supervisor.config import lowered_floors
from supervisor.config.environment import forget_client_variables
from supervisor.config.run_plan import Server
from supervisor.database import backend, dsn
from supervisor.database.ledger_source import is_in_database
from supervisor.doctor import host_check, server_judgement
from supervisor.doctor.findings import bad, good, judged, note
from supervisor.doctor.of_key import of_key
from supervisor.logs.phrases import name_range
from tasks.errors import DatabaseTransient, Error, Forbidden, plain
from tasks.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ledger import Reading
    from supervisor.config.run_plan import RunPlan
    from supervisor.database.server_facts import ServerFacts
    from supervisor.doctor.findings import Finding

_SKEW_S: Final = 30.0  # a call's own time and a drifting clock stay below; a wrong time zone or a dead battery do not
_MS: Final = 1000
_PATIENCE_S: Final = 10.0  # a person waits, and the server answers this call at once


def findings(plan: RunPlan) -> Iterator[Finding]:
    """The database and the API."""
    yield from _database(plan)
    yield from _api(plan)


def _database(plan: RunPlan) -> Iterator[Finding]:
    url = _url(plan)
    if url is None:
        yield from _embedded(plan)
        return
    shown = dsn.shown(url)
    try:
        seen = backend.inspect_database(url)
    except Error as error:
        is_unreachable = isinstance(error, DatabaseTransient) and plan.database is None
        advice = "; check DATABASE_URL and the network" if is_unreachable else ""
        yield bad("database", f"{shown}: {plain(error)}{advice}", url=shown)
        yield note("rights", "not known, because the database could not be reached")
        yield note("server", "not looked at, because the database could not be reached")
        yield note(host_check.CHECK, "not known, because the database could not be reached")
        return
    words = f"{shown}: PostgreSQL {seen.version}, " + ("not migrated yet" if seen.pending else "schema up to date")
    todo = [f"the next start applies {name_range(seen.pending)}"] if seen.pending else []
    yield judged("database", words, faults=[], notes=todo, url=shown, version=seen.version, pending=seen.pending)
    lacks = [*seen.lacking, *(seen.lacking_later if seen.pending else [])]
    yield judged(
        "rights",
        f"the database user {seen.user} " + ("lacks a right" if lacks else "has the rights it needs"),
        faults=[f"it lacks {right}: {seen.grants[right]}" for right in lacks],
        notes=[]
        if lacks
        else [f"an upgrade needs {right} as well: {seen.grants[right]}" for right in seen.lacking_later],
        user=seen.user,
        lacking=seen.lacking,
        lacking_for_an_upgrade=seen.lacking_later,
    )
    is_shared = plan.database is None and not seen.pending
    yield _server(plan, seen.server, hosts=host_check.count_hosts(plan, url) if is_shared else 1)
    if plan.database is not None:
        yield good(host_check.CHECK, "this one alone: no other host reaches an embedded database")
    elif seen.pending:
        yield note(host_check.CHECK, "not known before the next start has brought the schema up to date")
    else:
        yield host_check.finding(plan, url)


def _embedded(plan: RunPlan) -> Iterator[Finding]:
    """What can be said of an embedded server that does not run."""
    from tasks.embedded_postgres import cluster, programs

    yield good("rights", "the embedded PostgreSQL belongs to this program alone")
    try:
        used = programs.find(plan.settings.postgres_bin_dir)
        made_by = cluster.major_of(plan.state.postgres)
    except (Error, OSError) as error:
        yield bad("database", f"the embedded PostgreSQL cannot be started: {plain(error)}")
    else:
        if made_by is not None and made_by != used.major:
            yield bad("database", cluster.other_major(plan.state.postgres, made_by, used))
        else:
            words = f"an embedded PostgreSQL {used.major}; it is not running, and doctor does not start it"
            yield note("database", words, version=str(used.major))
    yield note("server", "not looked at, because it is not running")
    yield good(host_check.CHECK, "this one alone: no other host reaches an embedded database")


def _server(plan: RunPlan, facts: ServerFacts | None, *, hosts: int) -> Finding:
    """The settings and the build of the server, to which so many hosts write."""
    if facts is None:
        return note("server", "not known, because it does not tell its settings to this user")
    workers, is_embedded = plan.settings.upsert_workers + plan.settings.backfill_workers, plan.database is not None
    more = server_judgement.lines(workers, is_embedded=is_embedded, is_ledger_there=is_in_database(plan))
    return judged(
        "server",
        f"shared_buffers {facts.shared_buffers // 2**20:,} MB, {facts.connections} connections for this user",
        faults=list(server_judgement.faults(facts, workers, more)),
        notes=list(server_judgement.notes(facts, workers, more, is_embedded=is_embedded, hosts=hosts)),
        **facts._asdict(),
    )


def _url(plan: RunPlan) -> Secret | None:
    """The URL of the database; None for an embedded one that does not run."""
    if plan.database is None:
        return plan.settings.database_url
    forget_client_variables()
    last = report.read(plan.state.status)
    url = last.run.database_url if last is not None and plan.state.lock.holder() is not None else None
    return None if url is None else Secret(url)


def _api(plan: RunPlan) -> Iterator[Finding]:
    """Read the balance of each key once, which is free, with real keys. Without one nothing is asked.

    A server that does not answer is not asked for the next key: that would take as long once more.
    """
    if plan.server is not Server.KEEPA or plan.base_url is None:
        yield note("api", "no KEEPA_API_KEY: nothing was asked; set one for real data")
        yield note("clock", "not compared: the API was not asked")
        return
    clock: Finding | None = None
    is_away = False
    for each in map(plan.of_key, plan.keys):
        if is_away:
            yield of_key(each, note("api", "not asked: the API did not answer for the key before it"))
            continue
        try:
            reading, heard_at = _read_bucket(each, plan.base_url)
        except Forbidden as error:
            where = "" if len(plan.keys) == 1 else f" in {each.key}.env"
            yield of_key(each, bad("api", f"the server refuses this key: {plain(error)}; check KEEPA_API_KEY{where}"))
        except Error as error:
            is_away = True
            advice = "check KEEPA_BASE_URL, the network, and the proxy if there is one"
            yield of_key(each, bad("api", f"{plan.base_url} did not answer: {plain(error)}; {advice}"))
        else:
            yield of_key(each, _plan_of(each, reading))
            clock = clock or _clock(reading, heard_at)
    yield clock or note("clock", "not compared: the API did not answer")


def _read_bucket(plan: RunPlan, base_url: str) -> tuple[Reading, datetime]:
    """What the API says of the tokens of the key, and when that came.

    Raises:
        Forbidden: it does not serve the key.
        Error: it does not answer.
    """
    from tasks.keepa.client import KeepaClient

    settings = plan.settings
    with KeepaClient(
        plan.api_key,
        base_url,
        connect_timeout_s=min(settings.connect_timeout_s, _PATIENCE_S),
        read_timeout_s=min(settings.read_timeout_s, _PATIENCE_S),
        max_body_mb=settings.max_body_mb,
    ) as client:
        return client.read_bucket(), datetime.now(UTC)


def _plan_of(plan: RunPlan, reading: Reading) -> Finding:
    rate = reading.refill_rate
    allowed, clipped = lowered_floors.floors_on_plan(plan.tiers(), rate)
    capacity = CAPACITY_TICKS * rate
    listed = ", ".join(f"{name} {floor}" for name, floor in allowed.items())
    return judged(
        "api",
        f"plan of {rate} a minute, balance {reading.tokens_left} of {capacity}, floors: {listed}",
        faults=[],
        notes=[] if clipped is None else [clipped],
        refill_rate=rate,
        balance=reading.tokens_left,
        capacity=capacity,
        floors=allowed,
    )


def _clock(reading: Reading, heard_at: datetime) -> Finding:
    ahead_s = round(heard_at.timestamp() - reading.server_ms / _MS, 1)
    if abs(ahead_s) <= _SKEW_S:
        return good("clock", f"the same as the server's, within {_SKEW_S:g} s", ahead_s=ahead_s)
    where = "ahead of" if ahead_s > 0 else "behind"
    return note(
        "clock", f"{format_duration(abs(ahead_s))} {where} the server's: set it, with NTP for instance", ahead_s=ahead_s
    )
