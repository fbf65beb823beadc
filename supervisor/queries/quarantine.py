"""`quarantine`: what could not be used, looked at, tried again, dropped."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger import durations
from ledger.localtime import minute
from supervisor.config import run_plan, settings
from supervisor.database import backend
from supervisor.database.access import query_connection
from supervisor.queries import output
from supervisor.queries.output import Column, readable
from tasks.errors import EXIT_GAVE_UP, EXIT_OK, EXIT_USAGE, NoRows
from tasks.ingest import retry_quarantined
from tasks.ingest.retry_quarantined import Outcome, RetryOptions
from tasks.keepa import locales
from tasks.keepa.locales import shop
from tasks.store import quarantine
from tasks.store.quarantine import FaultFilter

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from tasks.store.quarantine import Fault, FaultCount

_SHOWN_CHARS: Final = 4000
_KB: Final = 1024


def list_(chosen: argparse.Namespace) -> int:
    """Print the faults, the latest first; the exit code.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    which = _which(chosen)
    with query_connection(_plan()) as conn:
        found = quarantine.find(conn, which, most=chosen.limit)
        tallies = quarantine.count_faults(conn, which)
    if chosen.json:
        output.as_json(
            total=sum(one.faults for one in tallies),
            tally=[asdict(one) for one in tallies],
            faults=[asdict(one) for one in found],
        )
        return EXIT_OK
    if not found:
        output.text("nothing is in quarantine" if which == FaultFilter() else "nothing of that is in quarantine")
        return EXIT_OK
    _table(found)
    more = sum(one.faults for one in tallies) - len(found)
    output.text(_counted(tallies) + (f"; {more:,} more with --limit" if more > 0 else ""))
    return EXIT_OK


def show(chosen: argparse.Namespace) -> int:
    """Print one fault, or just the bytes as received; the exit code.

    Raises:
        NoRows: there is none of that number.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    with query_connection(_plan()) as conn:
        found = quarantine.find(conn, FaultFilter(ids=[chosen.id]), most=1)
        raw = quarantine.raw(conn, chosen.id)
    if not found:
        raise NoRows(f"there is no {chosen.id} in quarantine")
    if chosen.raw:
        output.as_bytes(raw or b"")
        return EXIT_OK
    text = None if raw is None else raw.decode("utf-8", "backslashreplace")
    if chosen.json:
        output.as_json(fault=asdict(found[0]), raw=text)
        return EXIT_OK
    output.text(*_lines(found[0]))
    if text is not None:
        more = len(text) - _SHOWN_CHARS
        output.text("", readable(text[:_SHOWN_CHARS]), *([f"... {more:,} more characters: --raw"] if more > 0 else []))
    return EXIT_OK


def retry(chosen: argparse.Namespace) -> int:
    """Give each fault a second look and say what became of it; the exit code.

    Raises:
        NoRows: there is no database yet, or no such fault.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    if (refusal := _unbounded(chosen, "retry")) is not None:
        return refusal
    plan = _plan()
    means = RetryOptions(
        spool_dir=plan.state.spool(backend.identity_of(plan).spool),
        detail=plan.settings.backfill_detail,
        may_pay=chosen.refetch,
    )
    counts = dict.fromkeys(Outcome, 0)
    with query_connection(plan, writes=True) as conn:
        with conn.transaction():
            numbers = _numbers(chosen, quarantine.ids(conn, _which(chosen)))
        for number in numbers:
            verdict = retry_quarantined.retry_fault(conn, number, means)
            if verdict is not None:
                counts[verdict.outcome] += 1
                output.text(f"{number}  {verdict.outcome.value}: {readable(verdict.words)}")
    output.text(", ".join(f"{counts[outcome]:,} {outcome.value}" for outcome in Outcome))
    return EXIT_GAVE_UP if counts[Outcome.LEFT] else EXIT_OK


def drop(chosen: argparse.Namespace) -> int:
    """Delete faults for good and say how many of what; the exit code.

    Raises:
        NoRows: there is no database yet, or no such fault.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    if (refusal := _unbounded(chosen, "drop")) is not None:
        return refusal
    which = _which(chosen)
    is_meant = bool(chosen.ids or chosen.yes)
    with query_connection(_plan(), writes=True) as conn, conn.transaction():
        _numbers(chosen, quarantine.ids(conn, which))
        counted = _counted(quarantine.drop(conn, which) if is_meant else quarantine.count_faults(conn, which))
    if is_meant:
        output.text(f"dropped {counted}")
        return EXIT_OK
    sys.stderr.write(f"sluicegate: this would drop {counted}, for good: say --yes if that is what you want\n")
    return EXIT_USAGE


def _unbounded(chosen: argparse.Namespace, verb: str) -> int | None:
    """The exit code when it was not said which, or two things were; None when it was."""
    if bool(chosen.ids) != chosen.all and (chosen.ids or chosen.all):
        return None
    if not chosen.ids and _which(chosen) != FaultFilter():
        return None
    sys.stderr.write(f"sluicegate: {verb} which? Name either numbers, or a filter, or --all\n")
    return EXIT_USAGE


def _numbers(chosen: argparse.Namespace, found: Sequence[int]) -> Sequence[int]:
    """The numbers found, when they are all that were named.

    Raises:
        NoRows: some are missing, or there are none at all.
    """
    missing = sorted(set(chosen.ids or ()) - set(found))
    if missing:
        raise NoRows(f"not in quarantine: {', '.join(map(str, missing))}; nothing was changed")
    if not found:
        raise NoRows("nothing of that is in quarantine")
    return found


def _plan() -> run_plan.RunPlan:
    return run_plan.make_run_plan(settings.load_settings(settings.environment()), synthetic_into_database=True)


def _which(chosen: argparse.Namespace) -> FaultFilter:
    return FaultFilter(
        ids=chosen.ids or None if hasattr(chosen, "ids") else None,
        kind=chosen.kind,
        domain=chosen.domain,
        key=chosen.key,
        reason=chosen.reason,
    )


def _table(found: Sequence[Fault]) -> None:
    columns = [
        Column("no", is_number=True),
        Column("kind"),
        Column("shop", is_elastic=True),
        Column("about", is_elastic=True),
        Column("times", is_number=True),
        Column("last", is_number=True),
        Column("kept", is_number=True),
        Column("why", is_elastic=True),
    ]
    now = datetime.now(UTC)
    output.table(
        columns,
        (
            [
                str(one.id),
                one.kind,
                shop(one.domain) if one.domain else "",
                locales.label(one.key),
                f"{one.times:,}",
                durations.format_age(now - one.last_at),
                "" if one.raw_bytes is None else _size(one.raw_bytes),
                one.reason,
            ]
            for one in found
        ),
    )


def _lines(one: Fault) -> list[str]:
    told = {
        "no": str(one.id),
        "kind": one.kind,
        "shop": shop(one.domain) if one.domain else "none",
        "about": locales.label(one.key),
        "why": one.reason,
        "times": f"{one.times:,}, first {minute(one.first_at)}, last {minute(one.last_at)}",
        "kept": "nothing" if one.raw_bytes is None else _size(one.raw_bytes),
    }
    return [f"{name:<7} {readable(value)}" for name, value in told.items()]


def _counted(tallies: Sequence[FaultCount]) -> str:
    total = sum(one.faults for one in tallies)
    kinds = ", ".join(f"{one.faults:,} {one.kind}" for one in tallies)
    return f"{total:,} ({kinds}; {_size(sum(one.raw_bytes for one in tallies))} as received)"


def _size(count: int) -> str:
    return f"{count} B" if count < _KB else f"{count / _KB:,.0f} kB"
