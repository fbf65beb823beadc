"""`quarantine`: lists, shows, retries and drops what could not be used."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from ledger import durations
from ledger.localtime import minute
from supervisor.database import backend
from supervisor.database.access import query_connection, query_plan
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column, Output
from supervisor.queries.printing.plain_text import readable, size
from tasks.errors import EXIT_FAILED, EXIT_OK, EXIT_USAGE, NoRows
from tasks.ingest.retry import retry_advice, retry_quarantined
from tasks.ingest.retry.retry_quarantined import Outcome, RetryOptions
from tasks.keepa import locales
from tasks.keepa.locales import shop
from tasks.planning.streams import by_stream, sources_of
from tasks.store import quarantine
from tasks.store.quarantine import Fault, FaultCount, FaultFilter

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

_SHOWN_CHARS: Final = 4000


class FaultsOutput(Output, frozen=True, kw_only=True):
    """The faults in quarantine, the latest first: all of them counted by kind, and those that are listed."""

    total: int
    tally: tuple[FaultCount, ...]
    faults: tuple[Fault, ...]


class FaultOutput(Output, frozen=True, kw_only=True):
    """One fault, what to do about it, and what was received as text; null when nothing was kept."""

    fault: Fault
    advice: str
    raw: str | None


def list_(chosen: argparse.Namespace) -> int:
    """Print the faults, the latest first; the exit code.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    which = _filter(chosen)
    with query_connection(query_plan()) as conn:
        found = quarantine.find(conn, which, limit=chosen.limit)
        tallies = quarantine.count_faults(conn, which)
    if chosen.json:
        total = sum(one.faults for one in tallies)
        output.as_json(FaultsOutput(total=total, tally=tuple(tallies), faults=tuple(found)))
        return EXIT_OK
    if not found:
        output.text("nothing is in quarantine" if which == FaultFilter() else "no such fault is in quarantine")
        return EXIT_OK
    _table(found)
    more = sum(one.faults for one in tallies) - len(found)
    output.text(_counted(tallies) + (f"; {more:,} more with --limit" if more > 0 else ""))
    return EXIT_OK


def show(chosen: argparse.Namespace) -> int:
    """Print one fault, or just the bytes as received; the exit code.

    Raises:
        NoRows: there is no database yet, or no such fault.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    with query_connection(query_plan()) as conn:
        found = quarantine.find(conn, FaultFilter(ids=[chosen.id]), limit=1)
        raw = quarantine.raw(conn, chosen.id)
    if not found:
        raise NoRows(f"there is no fault {chosen.id} in quarantine")
    if chosen.raw:
        output.as_bytes(raw or b"")
        return EXIT_OK
    text = None if raw is None else raw.decode("utf-8", "backslashreplace")
    if chosen.json:
        output.as_json(FaultOutput(fault=found[0], advice=_advice(found[0]), raw=text))
        return EXIT_OK
    output.text(*_lines(found[0]))
    if text is not None:
        more = len(text) - _SHOWN_CHARS
        output.text("", readable(text[:_SHOWN_CHARS]), *([f"... {more:,} more characters: --raw"] if more > 0 else []))
    return EXIT_OK


def retry(chosen: argparse.Namespace) -> int:
    """Read each fault again and print the outcome; the exit code.

    Raises:
        NoRows: there is no database yet, or no such fault.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    if (refusal := _refuse_unclear(chosen, "retry")) is not None:
        return refusal
    plan = query_plan()
    options = RetryOptions(
        spool_dir=plan.state.spool(backend.identity_of(plan).spool),
        detail=plan.settings.backfill_detail,
        may_pay=chosen.refetch,
        sources=by_stream(sources_of(plan.settings.loaded_sources)),
    )
    counts = dict.fromkeys(Outcome, 0)
    with query_connection(plan, writes=True) as conn:
        with conn.transaction():
            numbers = _numbers(chosen, quarantine.ids(conn, _filter(chosen)))
        for number in numbers:
            verdict = retry_quarantined.retry_fault(conn, number, options)
            if verdict is not None:
                counts[verdict.outcome] += 1
                output.text(f"{number}  {verdict.outcome.value}: {readable(verdict.words)}")
    output.text(", ".join(f"{counts[outcome]:,} {outcome.value}" for outcome in Outcome))
    return EXIT_FAILED if counts[Outcome.LEFT] else EXIT_OK


def drop(chosen: argparse.Namespace) -> int:
    """Delete faults for good and print how many of each kind; the exit code.

    Raises:
        NoRows: there is no database yet, or no such fault.
        ConfigError: the settings cannot be used.
        StoreError: the database does not answer.
    """
    if (refusal := _refuse_unclear(chosen, "drop")) is not None:
        return refusal
    which = _filter(chosen)
    is_confirmed = bool(chosen.ids or chosen.yes)
    plan = query_plan()
    with query_connection(plan, writes=True) as conn, conn.transaction():
        _numbers(chosen, quarantine.ids(conn, which))
        counted = _counted(quarantine.drop(conn, which) if is_confirmed else quarantine.count_faults(conn, which))
    if is_confirmed:
        output.text(f"dropped {counted}")
        return EXIT_OK
    sys.stderr.write(f"sluicegate: this would drop {counted} for good: add --yes to do it\n")
    return EXIT_USAGE


def _refuse_unclear(chosen: argparse.Namespace, verb: str) -> int | None:
    """Refuse a command that names no faults, or names them in two ways; the exit code, or None when it is fine."""
    if bool(chosen.ids) != chosen.all and (chosen.ids or chosen.all):
        return None
    if not chosen.ids and _filter(chosen) != FaultFilter():
        return None
    sys.stderr.write(f"sluicegate: {verb} which faults? Give either numbers, or a filter, or --all\n")
    return EXIT_USAGE


def _numbers(chosen: argparse.Namespace, found: Sequence[int]) -> Sequence[int]:
    """The numbers found, if none that was given is missing.

    Raises:
        NoRows: some are missing, or none was found.
    """
    missing = sorted(set(chosen.ids or ()) - set(found))
    if missing:
        raise NoRows(f"no fault {', '.join(map(str, missing))} is in quarantine; nothing was changed")
    if not found:
        raise NoRows("no such fault is in quarantine")
    return found


def _filter(chosen: argparse.Namespace) -> FaultFilter:
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
                "" if one.raw_bytes is None else size(one.raw_bytes),
                one.reason,
            ]
            for one in found
        ),
    )


def _lines(one: Fault) -> list[str]:
    shown = {
        "no": str(one.id),
        "kind": one.kind,
        "shop": shop(one.domain) if one.domain else "none",
        "about": locales.label(one.key),
        "why": one.reason,
        "times": f"{one.times:,}, first {minute(one.first_at)}, last {minute(one.last_at)}",
        "kept": "nothing" if one.raw_bytes is None else size(one.raw_bytes),
        "next": f"sluicegate quarantine retry {one.id}: {_advice(one)}",
    }
    return [f"{name:<7} {readable(value)}" for name, value in shown.items()]


def _advice(one: Fault) -> str:
    return retry_advice.advice(one.kind, one.key, has_bytes=bool(one.raw_bytes))


def _counted(tallies: Sequence[FaultCount]) -> str:
    total = sum(one.faults for one in tallies)
    kinds = ", ".join(f"{one.faults:,} {one.kind}" for one in tallies)
    about = "about " if any(one.is_estimate for one in tallies) else ""
    return f"{about}{total:,} ({kinds}; {size(sum(one.raw_bytes for one in tallies))} as received)"
