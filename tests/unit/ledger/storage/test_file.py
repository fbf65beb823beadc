"""A file that is begun anew keeps what each tier has spent on its day, and nothing else."""

import dataclasses

import pytest

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from ledger.storage.region import HEADER, SLOTS, slot_at

NOON_MS = 1_700_049_600_000  # 2023-11-15T12:00:00Z
DAY_MS = 86_400_000
TIERS = [dataclasses.replace(tier, tokens_per_day=100) for tier in DEFAULT_TIERS]


@pytest.fixture
def path(tmp_path):
    """A ledger of which upsert has settled 30 tokens, sent a call for 20, and holds 10; backfill has spent 5."""
    path = tmp_path / "ledger"
    ledger = TokenLedger.create(path, TIERS, clock=ManualClock(10**12), account="mine")
    ledger.observe(Reading(300, 5, 30_000, NOON_MS))
    for tier, cost in (("upsert", 30), ("backfill", 5)):
        lease = ledger.try_reserve(tier, cost)
        lease.commit()
        lease.settle(cost)
    ledger.try_reserve("upsert", 20).commit()
    ledger.try_reserve("upsert", 10)
    ledger.close()
    return path


def spent_today(path, server_ms, account="mine"):
    """What each tier has spent of its budget in the ledger that a start finds or makes, after its first reading."""
    ledger = TokenLedger.create(path, TIERS, clock=ManualClock(10**9), account=account)
    assert "a new one was made" in ledger.replaced
    ledger.observe(Reading(300, 5, 30_000, server_ms))
    found = ledger.snapshot()
    ledger.close()
    assert (found.totals.spent, found.leases) == (0, ())
    return [tier.spent_today for tier in found.tiers]


def reboot(path):
    """Have the file be one of an earlier boot."""
    with path.open("r+b") as file:
        magic, number, layout, _, account = HEADER.unpack(file.read(HEADER.size))
        file.seek(0)
        file.write(HEADER.pack(magic, number, layout, b"another boot id.", account))


def test_after_a_reboot_the_budget_of_the_day_goes_on(path):
    reboot(path)
    assert spent_today(path, NOON_MS + 60_000) == [0, 50, 5]


def test_after_a_night_another_day_begins(path):
    reboot(path)
    assert spent_today(path, NOON_MS + DAY_MS) == [0, 0, 0]


def test_another_account_has_spent_nothing(path):
    assert spent_today(path, NOON_MS, account="yours") == [0, 0, 0]


def test_without_a_sound_copy_nothing_is_known(path):
    data = bytearray(path.read_bytes())
    for slot in range(SLOTS):
        at = slot_at(slot)
        data[at : at + 100] = bytes(100)
    path.write_bytes(data)
    assert spent_today(path, NOON_MS) == [0, 0, 0]
