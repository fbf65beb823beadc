"""`spend`: shows what tokens were spent on."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import msgspec

from ledger import durations
from ledger.durations import format_duration
from supervisor.database.access import query_connection, query_plan
from supervisor.database.ledger_source import snapshot_of
from supervisor.queries.printing import output
from supervisor.queries.printing.output import Column, Output
from supervisor.queries.token_outlook import Outlook, name_shown, outlook, span_s
from tasks.errors import EXIT_OK
from tasks.store import stream_figures
from tasks.store.calls import sums
from tasks.store.calls.sums import By, Sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ledger import Snapshot
    from ledger.snapshot_records import BucketRecord
    from supervisor.config.run_plan import RunPlan
    from tasks.store.calls.sums import Flow

_TOTAL: Final = "all"
_DAY: Final = timedelta(days=1)
_MINUTE_S: Final = 60
_UNITS: Final = {"s": "second", "m": "minute", "h": "hour", "d": "day"}
_REFILLS: Final = 20  # one more or less of so many is 5 %


class SumOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one name.

    Attributes:
        items: pages or ASINs that were answered for.
        rows: rows written: new, or changed.
        tokens: charged, as far as it is known.
        estimate: tokens reserved for the answered calls; what they were charged is `cost`.
        refused: answered with 429, free.
        failed: no answer, or another that is none.
        unknown: calls whose answer got lost; `unknown_tokens` were reserved for them.
        waited_s: seconds spent waiting for tokens.
        duration_s: seconds from the first byte sent to the last received.
        off_percent: by how much reservations were above the cost.
    """

    name: str
    calls: int
    items: int
    rows: int
    tokens: int
    estimate: int
    cost: int
    refused: int
    failed: int
    unknown: int
    unknown_tokens: int
    waited_s: float
    duration_s: float
    rows_per_token: float | None
    off_percent: float | None


class FlowOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What happened between the first and the last known balance: charged to our calls, and added by the server."""

    first_at: datetime
    last_at: datetime
    first_balance: int
    last_balance: int
    charged: int
    added: int


class OutlookOutput(msgspec.Struct, frozen=True, kw_only=True):
    """The next 24 hours, if they are like the last.

    Attributes:
        comes_in: tokens that the plan adds.
        expires: of these, the ones that come to a full bucket; `full_in_s` is when the first does, where that is known.
        limits: what keeps tiers from spending them, because it is set so.
        words: all of it in a sentence.
    """

    comes_in: float
    expires: float
    full_in_s: float | None
    limits: tuple[str, ...]
    words: str


class SpendOutput(Output, frozen=True, kw_only=True):
    """Where the tokens of the last `since_s` seconds went; `flow` and `drift` are null where they are not known."""

    since_s: float
    by: By
    sums: tuple[SumOutput, ...]
    total: SumOutput
    flow: FlowOutput | None
    drift: float | None
    outlook: OutlookOutput | None


def show(*, since: timedelta, by: By, as_json: bool, key: str | None = None) -> int:
    """Print what was spent within `since`, and what of the next day's tokens will expire; the exit code.

    With all keys, or with the one of the name `key`.

    Raises:
        NoRows: there is no database yet.
        ConfigError: the settings cannot be used, or there is no key of that name.
        StoreError: the database does not answer.
    """
    plan = query_plan().of_key(key)
    one = key if len(plan.keys) > 1 else None
    is_one = len(plan.keys) == 1 or one is not None  # of several together there is no balance
    with query_connection(plan) as conn:
        found = sums.sums(conn, since=since, by=by, key=one)
        flow = sums.flow(conn, since=since, key=one) if is_one else None
        of_a_day = sums.sums(conn, since=_DAY, by="tier", key=one)
        span = span_s(stream_figures.first_call(conn), datetime.now(UTC))
    snapshot = _snapshot(plan) if is_one else None
    bucket = None if snapshot is None else snapshot.bucket
    ahead = None if snapshot is None else outlook(snapshot, sum(one.tokens for one in of_a_day), span)
    total = _total(found)
    if as_json:
        output.as_json(
            SpendOutput(
                since_s=since.total_seconds(),
                by=by,
                sums=tuple(map(_as_json, found)),
                total=_as_json(total),
                flow=None if flow is None else FlowOutput(**asdict(flow), added=flow.added),
                drift=None if bucket is None else bucket.drift,
                outlook=None if ahead is None else _ahead(ahead),
            )
        )
        return EXIT_OK
    if not found:
        output.text(f"no call in {describe_since(since)}; look further back with --since")
        return EXIT_OK
    _table(by, [*found, total] if len(found) > 1 else found)
    output.text("", *_words(total, flow, bucket, since))
    if ahead is not None:
        output.text(f"{ahead.condition}, {ahead.words}")
    return EXIT_OK


def _table(by: By, rows: Sequence[Sum]) -> None:
    columns = [
        Column(by),
        *(
            Column(heading, is_number=True)
            for heading in ("calls", "items", "rows", "tokens", "rows/token", "off", "waited", "refused", "failed")
        ),
    ]
    output.table(columns, [_cells(by, one) for one in rows])


def _cells(by: By, one: Sum) -> list[str]:
    off = one.off_percent
    return [
        name_shown(by, one.name),
        f"{one.calls:,}",
        f"{one.items:,}",
        f"{one.rows:,}",
        f"{one.tokens:,}",
        "" if one.rows_per_token is None else f"{one.rows_per_token:.2f}",
        "" if off is None else f"{off:+.1f}%",
        format_duration(one.waited_s),
        f"{one.refused:,}",
        f"{one.failed:,}",
    ]


def _words(total: Sum, flow: Flow | None, bucket: BucketRecord | None, since: timedelta) -> list[str]:
    lines = [f"calls of {describe_since(since)}; off: by how much reservations were above the cost"]
    if flow is not None and flow.span_s > 0:
        covered = format_duration(flow.span_s)
        lines += [
            f"balance {flow.first_balance:,} -> {flow.last_balance:,} in {covered}, {flow.charged:,} charged",
            describe_refill(flow, bucket),
        ]
    if total.unknown:
        lines.append(
            f"{total.unknown:,} replies were lost and may have cost up to {total.unknown_tokens:,} tokens more"
        )
    if bucket is not None:
        drift = "none" if not bucket.drift else f"{bucket.drift:+,g} tokens: another program uses this key"
        lines.append(f"drift since the ledger began: {drift}")
    return lines


def describe_since(since: timedelta) -> str:
    """The time from `since` ago until now: the last day, the last 36 hours, the last 90 minutes."""
    exact = durations.format_exact(since)
    number, unit = exact[:-1], _UNITS[exact[-1]]
    return f"the last {unit}" if number == "1" else f"the last {number} {unit}s"


def describe_refill(flow: Flow, bucket: BucketRecord | None) -> str:
    """What the server added, with the rate per minute where the time is long enough for one.

    Tokens come in refills, so a time that begins just before one and ends just after another holds one more than its
    length would have: of two refills in 61 s a rate would be twice the plan's.
    """
    line = f"so {flow.added:,} came in"
    tick_s = bucket.tick_period_s if bucket is not None and bucket.tick_period_s > 0 else _MINUTE_S
    if flow.span_s >= _REFILLS * tick_s:
        line += f", {flow.added / flow.span_s * _MINUTE_S:.1f} a minute"
    if bucket is None or bucket.tick_period_s <= 0:
        return line
    per_min = bucket.refill_rate / tick_s * _MINUTE_S
    plan = f"{bucket.refill_rate:g} every {tick_s:.1f} s" if flow.span_s < _REFILLS * tick_s else f"{per_min:.1f}"
    return f"{line} (the plan adds {plan}, but nothing to a full bucket)"


def _ahead(one: Outlook) -> OutlookOutput:
    return OutlookOutput(
        comes_in=one.comes_in, expires=one.expires, full_in_s=one.full_in_s, limits=one.limits, words=one.words
    )


def _as_json(one: Sum) -> SumOutput:
    return SumOutput(**asdict(one), rows_per_token=one.rows_per_token, off_percent=one.off_percent)


def _total(parts: Sequence[Sum]) -> Sum:
    names = [field.name for field in fields(Sum) if field.name != "name"]
    return Sum(name=_TOTAL, **{name: sum(getattr(one, name) for one in parts) for name in names})


def _snapshot(plan: RunPlan) -> Snapshot | None:
    """The ledger, once it knows the balance; None when there is none, or none that can be read."""
    snapshot = snapshot_of(plan)
    return snapshot if snapshot is not None and snapshot.synced else None
