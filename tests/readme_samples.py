"""The samples of `status` and of the dump in README.md, made from one run at one moment. `make samples` writes both.

Times are written in the time zone of this process: the samples are in UTC.
"""

import dataclasses
import re
from datetime import UTC, datetime
from pathlib import Path

from ledger import dump
from ledger.snapshot_records import (
    BucketRecord,
    CostRecord,
    JournalRecord,
    LeaseRecord,
    Snapshot,
    TierRecord,
    TotalsRecord,
    WaiterRecord,
)
from supervisor.config.run_plan import make_run_plan
from supervisor.config.settings import load_settings
from supervisor.count_record import CountRecord, MarkRecord
from supervisor.report import ChildRecord, Report, RunRecord, SupervisorRecord
from supervisor.status.as_text import as_text
from supervisor.status.status import Status

README = Path(__file__).resolve().parent.parent / "README.md"
STATUS = re.compile(r"(?<=`make status`:\n\n```\n).*?(?=```)", re.DOTALL)
DUMP = re.compile(r"(?<=`make ledger-dump`:\n\n```\n).*?(?=```)", re.DOTALL)

AT = "2026-11-28T22:22:31.104+00:00"
SUPERVISOR, DATABASE, SIMULATOR, UPSERT, BACKFILL = 12810, 13079, 12861, 13115, 13157


@dataclasses.dataclass(frozen=True)
class Events:
    """A journal that is there already."""

    events: tuple[JournalRecord, ...]

    def read(self):
        return self.events


def snapshot():
    """Upsert has a call open, and backfill saves tokens of its share for twenty products."""
    return Snapshot(
        format=1,
        sequence=126,
        generated_at=AT,
        synced=True,
        bucket=BucketRecord(
            balance=73.0,
            capacity=1200.0,
            refill_rate=20.0,
            tick_period_s=3.0,
            next_tick_in_s=1.2,
            synced_age_s=1.3,
            drift=0.0,
        ),
        tiers=(
            tier("interactive"),
            tier("upsert", floor=50.0, share=0.5, in_flight=16.0, granted=29, spent=227.0),
            tier(
                "backfill",
                floor=150.0,
                share=0.2,
                earmark=2.0,
                open=False,
                opens_in_s=13.2,
                waiting=1,
                granted=7,
                spent=60.0,
                waited_s=21.0,
                longest_wait_s=9.0,
            ),
        ),
        leases=(LeaseRecord(id=36, tier="upsert", owner_pid=UPSERT, cost=16.0, state="committed", age_s=0.2),),
        waiters=(
            WaiterRecord(
                tier="backfill",
                owner_pid=BACKFILL,
                cost=20.0,
                waited_s=2.3,
                opens_in_s=13.2,
                latest_in_s=19.2,
                reason="floor",
            ),
        ),
        totals=TotalsRecord(credited=360.0, spent=287.0, expired=0.0, refunded=41.0, refused_429=0),
        costs=(
            CostRecord(shape="deal", mean=5.0, high=5.0, samples=13),
            CostRecord(shape="product:history", mean=1.0, high=1.0, samples=22),
        ),
        history=journal(),
    )


def tier(name, **more):
    """A tier whose gate is open, and of which nothing else is known."""
    given = {"floor": 0.0, "share": 0.0, "earmark": 0.0, "open": True, "opens_in_s": None, "waiting": 0}
    given |= {"in_flight": 0.0, "granted": 0, "spent": 0.0, "waited_s": 0.0, "longest_wait_s": 0.0}
    return TierRecord(name=name, **given | more)


def journal():
    """The last three events."""
    rows = (
        ("22:22:29.738", "granted", "backfill", -5.0, 78.0, BACKFILL),
        ("22:22:29.839", "settled", "backfill", -5.0, 73.0, BACKFILL),
        ("22:22:30.902", "granted", "upsert", -16.0, 73.0, UPSERT),
    )
    return Events(
        tuple(
            JournalRecord(
                sequence=123 + number,
                at=f"2026-11-28T{at}+00:00",
                event=event,
                tier=name,
                tokens=tokens,
                balance=balance,
                pid=pid,
            )
            for number, (at, event, name, tokens, balance, pid) in enumerate(rows)
        )
    )


def report():
    """The report of a run without a key that is a minute old."""
    return Report(
        written_at="2026-11-28T22:22:30+00:00",
        supervisor=SupervisorRecord(pid=SUPERVISOR, state="running"),
        run=RunRecord(
            server="simulator",
            synthetic=True,
            base_url=None,
            database="simulated",
            database_url=None,
            spool="var/spool",
            rows_into="the database `simulated`",
            words=make_run_plan(load_settings({}, dotenv=None)).describe(),
        ),
        services=(child("database", DATABASE), child("simulator", SIMULATOR)),
        workers=(
            child("upsert", UPSERT, phase="calling", detail="/product product:history x4"),
            child("backfill", BACKFILL, phase="waiting_tokens", detail="backfill waits for 20 tokens (floor)"),
        ),
        rows_written={},
        rows_per_minute={"deals": 600.6, "products": 215.2, "price_series": 1887.1},
        deaths=(),
    )


def child(role, pid, *, phase=None, detail=""):
    return ChildRecord(
        role=role,
        slot=0,
        pid=pid,
        state="running",
        phase=phase,
        detail=detail,
        up_s=55.0,
        again_in_s=None,
        restarts=0,
        deaths_in_period=0,
        deaths_allowed=5,
        rows={},
        job={"total": 600, "rate_per_min": 215.0, "eta_s": 107} if role == "backfill" else {},
    )


def counts():
    return CountRecord(
        at="2026-11-28T22:22:30+00:00",
        rows={"quarantine": 0, "deals": 600, "products": 215, "price_series": 1887},
        queue={"pending": 381, "leased": 4, "done": 215},
        watermarks=(
            MarkRecord(stream="default/1", at="2026-11-28T22:19:01+00:00", walked_at="2026-11-28T22:22:26+00:00"),
        ),
    )


def status_sample():
    """What `make status` prints."""
    status = Status(
        is_running=True,
        pid=SUPERVISOR,
        report=report(),
        snapshot=snapshot(),
        counts=counts(),
        counts_age_s=1.1,
        notes=(),
    )
    return as_text(status, datetime.fromisoformat(AT).astimezone(UTC))


def dump_sample():
    """What `make ledger-dump` prints."""
    return f"/home/you/sluicegate/var/ledger\n{dump.as_text(snapshot())}\n"


if __name__ == "__main__":
    text = README.read_text(encoding="utf-8")
    text = STATUS.sub(lambda _old: status_sample(), text)
    README.write_text(DUMP.sub(lambda _old: dump_sample(), text), encoding="utf-8")
