"""A crash-safe token budget that several processes share: bytes and time.

Imports the standard library only.
"""

from ledger.clock import Clock, ManualClock, SystemClock
from ledger.errors import (
    Damaged,
    Full,
    LeaseEnded,
    LeaseGone,
    LedgerError,
    NeedsBlindCall,
    NeedsReading,
    NeverEnough,
    NoLedger,
    NotGranted,
    NotOurs,
    OtherFormat,
    Stopped,
    TimedOut,
    Unusable,
)
from ledger.lease import Lease
from ledger.ledger import TokenLedger
from ledger.model.bucket import CAPACITY_TICKS, TICK_PERIOD_S
from ledger.model.tiers import DEFAULT_TIERS, Tier
from ledger.place import Place, StopSignal
from ledger.snapshot_records import Snapshot, Standing
from ledger.types import NS_PER_S, Headroom, Hours, Reading, Shape, Wait

__all__ = [
    "CAPACITY_TICKS",
    "DEFAULT_TIERS",
    "NS_PER_S",
    "TICK_PERIOD_S",
    "Clock",
    "Damaged",
    "Full",
    "Headroom",
    "Hours",
    "Lease",
    "LeaseEnded",
    "LeaseGone",
    "LedgerError",
    "ManualClock",
    "NeedsBlindCall",
    "NeedsReading",
    "NeverEnough",
    "NoLedger",
    "NotGranted",
    "NotOurs",
    "OtherFormat",
    "Place",
    "Reading",
    "Shape",
    "Snapshot",
    "Standing",
    "StopSignal",
    "Stopped",
    "SystemClock",
    "Tier",
    "TimedOut",
    "TokenLedger",
    "Unusable",
    "Wait",
]
