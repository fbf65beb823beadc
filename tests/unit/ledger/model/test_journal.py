"""The ring of events gives back what was written, and nothing that was overwritten, torn or never counted."""

from ledger.model import journal
from ledger.model.journal import ENTRIES, ENTRY_BYTES, Entry, Event


def ring_of(count):
    ring = bytearray(ENTRIES * ENTRY_BYTES)
    for number in range(count):
        journal.write(memoryview(ring), number, (number, 10 * number, -number, 5, 7, Event.GRANTED, 1, 0))
    return ring


def sequences(ring, count):
    return [entry.sequence for entry in journal.read(bytes(ring), count)]


def test_an_entry_is_read_as_it_was_written():
    ring = bytearray(ENTRIES * ENTRY_BYTES)
    journal.write(memoryview(ring), 0, (3, 4, -5, 6, 7, Event.DRIFT, journal.NO_TIER, 8))
    (entry,) = journal.read(bytes(ring), 1)
    assert entry == Entry(sequence=3, at_ns=4, event=Event.DRIFT, tier=-1, tokens_mt=-5, balance_mt=6, pid=7, host=8)


def test_the_entries_are_read_oldest_first_and_none_that_is_not_counted():
    assert sequences(ring_of(5), 5) == [0, 1, 2, 3, 4]
    assert sequences(ring_of(5), 3) == [0, 1, 2]
    assert sequences(ring_of(0), 0) == []


def test_the_last_512_entries_are_there_and_the_ring_goes_round():
    ring = ring_of(700)
    assert sequences(ring, 512 + 188) == list(range(188, 700))
    assert len(ring) == 512 * 64
    assert sequences(ring_of(512), 512) == list(range(512))


def test_an_entry_that_is_torn_or_from_the_round_before_is_left_out():
    ring = ring_of(513)
    assert sequences(ring, 514) == list(range(2, 513)), "the place of the one that is counted has the one before it"
    ring[2 * ENTRY_BYTES + 8] ^= 1
    assert sequences(ring, 513) == [1, *range(3, 513)]


def test_events_keep_the_numbers_that_stand_in_files():
    names = (
        "OPENED GRANTED SETTLED CANCELLED UNKNOWN REFUSED READING DRIFT PLAN DEAD_REFUNDED DEAD_CHARGED DEAD_WAITER"
        " TIERS LAPSED ASIDE PERIOD BLIND"
    )
    assert [Event(number).name for number in range(1, 18)] == names.split()
