"""`spend --per`: shows what was spent in each hour or day."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Final

import msgspec

from ledger.localtime import minute
from supervisor.database.access import query_connection, query_plan
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column, Output
from supervisor.queries.spend import describe_since
from supervisor.queries.token_outlook import name_shown
from tasks.errors import EXIT_OK
from tasks.store.calls import sums
from tasks.store.calls.sums import By, Step

TOTAL: Final = "all"


class SpentOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What calls of one name were charged in the hour or day that begins at `begin`."""

    begin: datetime
    name: str
    tokens: int
    calls: int
    rows: int


class SpentOverTimeOutput(Output, frozen=True, kw_only=True):
    """Where the tokens of the last `since_s` seconds went, for each hour or day in which there was a call."""

    since_s: float
    by: By
    per: Step
    spent: tuple[SpentOutput, ...]


def show(*, since: timedelta, step: Step, by: By, as_json: bool, key: str | None = None) -> int:
    """Print what was charged in each hour or day (of UTC) within `since`, a column for each name; the exit code.

    With all keys, or with the one of the name `key`.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used, or there is no key of that name.
        StoreError: the database does not answer.
    """
    plan = query_plan().of_key(key)
    one_key = key if len(plan.keys) > 1 else None
    with query_connection(plan) as conn:
        found = sums.by_time(conn, since=since, step=step, by=by, key=one_key)
    if as_json:
        spent = tuple(SpentOutput(**asdict(one)) for one in found)
        output.as_json(SpentOverTimeOutput(since_s=since.total_seconds(), by=by, per=step, spent=spent))
        return EXIT_OK
    if not found:
        output.text(f"no call in {describe_since(since)}; look further back with --since")
        return EXIT_OK
    names = list(dict.fromkeys(one.name for one in found if one.tokens)) or [found[0].name]
    begins = list(dict.fromkeys(one.begin for one in found))
    tokens = {(one.begin, one.name): one.tokens for one in found}
    columns = [Column(f"{step} from"), *(Column(name_shown(by, name), is_number=True) for name in names)]
    columns.append(Column(TOTAL, is_number=True))
    rows = [[tokens.get((begin, name), 0) for name in names] for begin in begins]
    output.table(
        columns,
        [[minute(begin), *(f"{one:,}" for one in (*row, sum(row)))] for begin, row in zip(begins, rows, strict=True)],
    )
    output.text("", f"tokens that calls of {describe_since(since)} were charged; where nothing was, there is no line")
    return EXIT_OK
