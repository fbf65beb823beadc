"""The public record of the ledger at one moment, in tokens and seconds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ledger.model import journal
from ledger.model.book import MT
from ledger.types import NS_PER_S

FORMAT: Final = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How well the balance is known.

    Attributes:
        tick_s: seconds between two refills, as learned.
        believed_age_s: seconds since a reading was believed, None before the first.
        aside_in_a_row: readings that were not believed since the last one that was.
        asks: questions for the balance in a row that brought no usable answer.
        server_ms: the server's clock now, in Unix milliseconds; None before a reading was believed.
    """

    tick_s: float
    believed_age_s: float | None
    aside_in_a_row: int
    asks: int
    server_ms: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRecord:
    """The bucket, in tokens and seconds. `aside_in_a_row` counts readings that were not believed since one was."""

    balance: float
    capacity: float
    refill_rate: float
    tick_period_s: float
    next_tick_in_s: float | None
    synced_age_s: float | None
    drift: float
    aside_in_a_row: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TierRecord:
    """One tier. `open` and `opens_in_s` are of its oldest request, or of a single token when none waits.

    Days and `hours` (such as `22-06`) are of UTC; `tokens_per_day` and `hours` are None without such a rule.
    `barred` says which of the two keeps that request back now: `budget` or `hours`. `day_ends_in_s` is when a budget
    begins anew, and `hours_change_in_s` when the hours open or close next; None without such a rule.
    """

    name: str
    floor: float
    share: float
    earmark: float
    open: bool
    opens_in_s: float | None
    waiting: int
    in_flight: float
    granted: int
    spent: float
    waited_s: float
    longest_wait_s: float
    tokens_per_day: float | None = None
    spent_today: float = 0
    hours: str | None = None
    barred: str | None = None
    day_ends_in_s: float | None = None
    hours_change_in_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseRecord:
    """One open lease. `owner_host` is the number of its owner's host, 0 where there is only one."""

    id: int
    tier: str
    owner_pid: int
    cost: float
    state: str
    age_s: float
    owner_host: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WaiterRecord:
    """One waiting request: its owner and cost, since when, and until when (None: only an event can tell)."""

    tier: str
    owner_pid: int
    cost: float
    waited_s: float
    opens_in_s: float | None
    latest_in_s: float | None
    reason: str
    owner_host: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class TotalsRecord:
    """Sums since the ledger began: `credited + drift = balance + spent + expired`.

    `set_aside` counts the numbers from outside that were not believed.
    """

    credited: float
    spent: float
    expired: float
    refunded: float
    refused_429: int
    set_aside: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRecord:
    """What an item of a shape costs: mean, and what is reserved for a single one."""

    shape: str
    mean: float
    high: float
    samples: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRecord:
    """One event."""

    sequence: int
    at: str
    event: str
    tier: str | None
    tokens: float
    balance: float
    pid: int
    host: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """The journal, and what is needed to read it."""

    events: journal.Journal
    now_ns: int
    wall: datetime
    tiers: tuple[str, ...]

    def read(self) -> tuple[JournalRecord, ...]:
        """Its events, oldest first."""
        return tuple(self._record(entry) for entry in self.events.entries())

    def _record(self, entry: journal.Entry) -> JournalRecord:
        at = self.wall - timedelta(seconds=(self.now_ns - entry.at_ns) / NS_PER_S)
        return JournalRecord(
            sequence=entry.sequence,
            at=at.astimezone(UTC).isoformat(timespec="milliseconds"),
            event=entry.event.name.lower(),
            tier=None if entry.tier == journal.NO_TIER else self.tiers[entry.tier],
            tokens=entry.tokens_mt / MT,
            balance=entry.balance_mt / MT,
            pid=entry.pid,
            host=entry.host,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The ledger at one moment, but for its journal."""

    format: int
    sequence: int
    generated_at: str
    synced: bool
    bucket: BucketRecord
    tiers: tuple[TierRecord, ...]
    leases: tuple[LeaseRecord, ...]
    waiters: tuple[WaiterRecord, ...]
    totals: TotalsRecord
    costs: tuple[CostRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotRecord(Figures):
    """The whole ledger at one moment, as JSON has it: what `ledger dump --json` prints."""

    journal: tuple[JournalRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot(Figures):
    """The whole ledger at one moment."""

    history: History

    @property
    def journal(self) -> tuple[JournalRecord, ...]:
        """The last events, oldest first; decoded when asked for, which takes longer than all the rest."""
        return self.history.read()

    def record(self) -> SnapshotRecord:
        """The same with its journal decoded."""
        return SnapshotRecord(**{field.name: getattr(self, field.name) for field in fields(SnapshotRecord)})

    def to_json(self) -> dict[str, Any]:
        """The same as plain dicts and lists, ready for a JSON encoder."""
        return {field.name: _plain(getattr(self, field.name)) for field in fields(SnapshotRecord)}


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
