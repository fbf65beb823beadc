"""The server's token bucket, modelled exactly: pure functions of a Book and a time.

The Book keeps the state as the last reading had it and derives later ticks from the time, so a reading taken
just before a tick that we have counted already takes nothing back. Conserved at every step:
`credited + drift = balance + spent + expired`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from ledger.model import tick_period
from ledger.model.book import MT, Book
from ledger.model.entries import COMMITTED
from ledger.model.tick_period import Step

if TYPE_CHECKING:
    from ledger.model.view import View
    from ledger.types import Reading

TICK_PERIOD_S: Final = 60.2  # nominally 60 s; about 60.208 s was measured over 109 recorded replies
CAPACITY_TICKS: Final = 60  # the bucket holds one hour: Keepa documents that tokens expire after 60 minutes
# The API was never seen to announce less than 522 ms, so a shorter wait than this does not tell when the tick comes.
SHORTEST_REFILL_IN_MS: Final = 550
CLOCK_SLACK_NS: Final = 30_000_000_000  # what the server's clock and ours may differ by between two replies,
CLOCK_DRIFT: Final = 1_000  # and a thousandth of the time between them
MAX_RATE_SEARCH: Final = 240  # ticks over which a plan change may be placed; beyond it the bucket was full anyway
_NS_PER_MS: Final = 1_000_000


class Arrival(NamedTuple):
    """A reading, when it came, and what its call cost and when that was sent (None: just now)."""

    reading: Reading
    now_ns: int
    consumed_mt: int = 0
    sent_ns: int | None = None

    @property
    def opening_mt(self) -> int:
        """The balance before the call's own charge."""
        return self.reading.tokens_left * MT + self.consumed_mt

    @property
    def late_ns(self) -> int:
        """How old the reading may be."""
        return 0 if self.sent_ns is None else max(0, self.now_ns - self.sent_ns)


def capacity_mt(book: Book) -> int:
    """The most the bucket holds, in milli-tokens; 0 before the first reading."""
    return book.rate_mt * CAPACITY_TICKS


def ticks_due(book: Book, now_ns: int) -> int:
    """Ticks between the Book's state and `now_ns`."""
    late_ns = now_ns - book.next_tick_ns
    if late_ns < 0 or not book.synced:
        return 0
    return late_ns // book.period_ns + 1


def tick_at_ns(book: Book, ticks: int) -> int:
    """When the `ticks`-th tick after the Book's state comes, by the local clock."""
    return book.next_tick_ns + (ticks - 1) * book.period_ns


def balance_after(book: Book, ticks: int) -> int:
    """Milli-tokens the server has after `ticks` more ticks with nothing spent."""
    if ticks <= 0:
        return book.balance_mt
    return min(capacity_mt(book), book.balance_mt + ticks * book.rate_mt)


def materialise(book: Book, now_ns: int) -> None:
    """Book the ticks due by `now_ns`; needed before a charge that comes with no reading."""
    ticks = ticks_due(book, now_ns)
    if ticks > 0:
        _credit(book, ticks, book.rate_mt)
        book.booked_ticks += ticks
        book.next_tick_ns += ticks * book.period_ns
        book.next_tick_server_ms += round(ticks * book.period_ns / _NS_PER_MS)
        book.tick_index += ticks


def charge_unread(book: Book, cost_mt: int, now_ns: int, *, is_certain: bool) -> None:
    """Charge a call that brought no reading that is believed; an uncertain charge stands until the next reading."""
    materialise(book, now_ns)
    book.balance_mt -= cost_mt
    book.spent_mt += cost_mt
    if not is_certain:
        book.unknown_mt += cost_mt
        book.unknown_ns = now_ns
        book.needs_reading = 1


def clock_slack_ns(late_ns: int, elapsed_ns: int) -> int:
    """How far two timestamps may be from what our clock measured between them, for replies `late_ns` on their way."""
    return CLOCK_SLACK_NS + late_ns + abs(elapsed_ns) // CLOCK_DRIFT


def is_timely(book: Book, arrival: Arrival) -> bool:
    """Whether the reading's timestamp agrees with our own clock."""
    elapsed_ns = arrival.now_ns - book.synced_ns
    off_ns = (arrival.reading.server_ms - book.server_ms) * _NS_PER_MS - elapsed_ns
    return abs(off_ns) <= clock_slack_ns(arrival.late_ns + book.late_ns, elapsed_ns)


def step_to(book: Book, arrival: Arrival, *, is_timely: bool) -> Step:
    """The step from the Book's state to the reading; by our own clock where the server's does not agree with it."""
    reading = arrival.reading
    refill_ns = reading.refill_in_ms * _NS_PER_MS
    if is_timely:
        distance_ns = (reading.server_ms + reading.refill_in_ms - book.next_tick_server_ms) * _NS_PER_MS
    else:
        distance_ns = arrival.now_ns + refill_ns - (book.next_tick_ns - guard_ns(book))
    if reading.refill_rate * MT != book.rate_mt:
        return Step(distance_ns, round(distance_ns / book.period_ns), 0)
    opening_mt = arrival.opening_mt
    return tick_period.count(
        book, distance_ns, refill_ns, opening_mt - book.balance_mt, is_full=opening_mt >= capacity_mt(book)
    )


def is_older(book: Book, arrival: Arrival) -> bool:
    """Whether the last reading contains this one's charge already.

    A call sent after the last reading had come is later, whatever the timestamps say.
    """
    if arrival.sent_ns is not None and arrival.sent_ns > book.synced_ns:
        return False
    if arrival.reading.server_ms != book.server_ms:
        return arrival.reading.server_ms < book.server_ms
    # Of two paid replies in one millisecond the poorer is the later; a free reading was asked for after the last.
    return arrival.consumed_mt > 0 and arrival.opening_mt > book.balance_mt


def apply(view: View, arrival: Arrival, step: Step | None) -> int:
    """Make the reading the truth; returns the drift it settled, in milli-tokens (0 when all is explained).

    `step` leads to it, None for a reading older than the last one applied: that changes no balance, because the later
    one contains its charge already. A reply to a call sent before another's outcome was lost tells nothing about the
    lost one.
    """
    book = view.book
    if not book.synced:
        book.spent_mt += arrival.consumed_mt
        _open(book, arrival)
        return 0
    if step is None:
        book.drift_mt += arrival.consumed_mt
    else:
        _advance_to(book, arrival, step)
        _mark(book, arrival)
    book.spent_mt += arrival.consumed_mt
    if book.unknown_mt and arrival.sent_ns is not None and arrival.sent_ns <= book.unknown_ns:
        return 0
    book.needs_reading = 0
    book.reader_pid = 0
    return _settle_drift(view)


def _open(book: Book, arrival: Arrival) -> None:
    """First reading: its balance is the opening credit."""
    reading = arrival.reading
    book.balance_mt = reading.tokens_left * MT
    book.rate_mt = reading.refill_rate * MT
    book.credited_mt = book.balance_mt + book.spent_mt + book.expired_mt - book.drift_mt
    book.quiet_drift_mt = book.drift_mt
    book.quiet_expired_mt = book.expired_mt
    book.unknown_mt = book.unread_mt = book.booked_ticks = 0
    book.synced = 1
    book.needs_reading = 0
    book.reader_pid = 0
    tick_period.learn(book, Step(0, 0, 0), reading.refill_in_ms * _NS_PER_MS, 0, is_full=False)
    book.next_tick_server_ms = reading.server_ms + wait_ns(book, reading) // _NS_PER_MS
    _mark(book, arrival)


def _advance_to(book: Book, arrival: Arrival, step: Step) -> None:
    """Book the ticks since the last reading; what they leave unexplained is drift for now."""
    reading, ticks = arrival.reading, step.ticks
    rate_mt, left_mt, refill_ns = reading.refill_rate * MT, reading.tokens_left * MT, reading.refill_in_ms * _NS_PER_MS
    is_announced = refill_ns > refill_floor_ns(book)
    if rate_mt != book.rate_mt:
        _change_plan(book, rate_mt, ticks, arrival.opening_mt)
    else:
        if is_announced or step.guess_ns:
            rise_mt, is_full = arrival.opening_mt - book.balance_mt, arrival.opening_mt >= capacity_mt(book)
            tick_period.learn(book, step, refill_ns, rise_mt, is_full=is_full)
        _credit(book, ticks, rate_mt)
    book.tick_index += ticks
    book.drift_mt += arrival.opening_mt - book.balance_mt
    book.balance_mt = left_mt
    book.unread_mt = book.booked_ticks = 0
    if ticks != 0 or is_announced:
        book.next_tick_server_ms = reading.server_ms + wait_ns(book, reading) // _NS_PER_MS


def _credit(book: Book, ticks: int, rate_mt: int) -> None:
    """Add `ticks` refills, or take them back when negative; what exceeds the capacity expires."""
    gained = ticks * rate_mt
    book.credited_mt += gained
    book.balance_mt += gained
    over = book.balance_mt - rate_mt * CAPACITY_TICKS
    if ticks > 0 and over > 0:
        book.expired_mt += over
        book.balance_mt -= over


def _change_plan(book: Book, rate_mt: int, ticks: int, expected_mt: int) -> None:
    """Place the change among the ticks so that it explains the reading, if any placement does."""
    old_rate, old_balance = book.rate_mt, book.balance_mt
    best = ticks
    for new_ticks in range(min(max(ticks, 0), MAX_RATE_SEARCH) + 1):
        before = min(old_rate * CAPACITY_TICKS, old_balance + (ticks - new_ticks) * old_rate)
        after = min(rate_mt * CAPACITY_TICKS, before + new_ticks * rate_mt) if new_ticks else before
        if after == expected_mt:
            best = new_ticks
            break
    else:
        best += _ticks_to_take_back(book, rate_mt, ticks, expected_mt)
    _credit(book, ticks - best, old_rate)
    book.rate_mt = rate_mt
    _credit(book, best, rate_mt)


def _ticks_to_take_back(book: Book, rate_mt: int, ticks: int, expected_mt: int) -> int:
    """How many of the ticks that were booked without a reading came by the new plan already; 0 if none explains it.

    A call whose outcome was lost has them booked; it may have cost less than it was charged.
    """
    if ticks < 0:
        return 0
    for booked in range(1, min(book.booked_ticks, MAX_RATE_SEARCH) + 1):
        before_mt = book.balance_mt - booked * book.rate_mt
        after_mt = min(rate_mt * CAPACITY_TICKS, before_mt + (ticks + booked) * rate_mt)
        if 0 <= expected_mt - after_mt <= book.unknown_mt:
            return booked
    return 0


def wait_ns(book: Book, reading: Reading) -> int:
    """The announced wait for the next tick, which is never longer than from one tick to the next."""
    return min(reading.refill_in_ms * _NS_PER_MS, round(book.period_ns * (1 + tick_period.SLACK)))


def guard_ns(book: Book) -> int:
    """How long after its announced time a tick counts: a 60th of a period, against the half-second jitter seen."""
    return book.period_ns // 60


def refill_floor_ns(book: Book) -> int:
    """An announced wait no longer than this says only that the next tick is near."""
    return min(SHORTEST_REFILL_IN_MS * _NS_PER_MS, SHORTEST_REFILL_IN_MS * book.period_ns // 60_000)


def _mark(book: Book, arrival: Arrival) -> None:
    """Schedule the next tick: announced, plus a guard."""
    book.next_tick_ns = arrival.now_ns + wait_ns(book, arrival.reading) + guard_ns(book)
    book.server_ms = arrival.reading.server_ms
    book.synced_ns = arrival.now_ns
    book.late_ns = arrival.late_ns


def _settle_drift(view: View) -> int:
    """With nothing on the wire, book the unexplained difference as an unknown charge, an expiry, or drift."""
    book = view.book
    if book.lease_count and any(lease.state == COMMITTED for lease in view.leases[: book.lease_count]):
        return 0
    unexplained_mt = book.drift_mt - book.quiet_drift_mt
    if book.unknown_mt:
        uncharged_mt = min(unexplained_mt, book.unknown_mt)
        book.spent_mt -= uncharged_mt
        book.drift_mt -= uncharged_mt
        unexplained_mt -= uncharged_mt
        book.unknown_mt = 0
    if unexplained_mt > 0:
        unexpired_mt = min(unexplained_mt, book.expired_mt - book.quiet_expired_mt)
        book.expired_mt -= unexpired_mt
        book.drift_mt -= unexpired_mt
        unexplained_mt -= unexpired_mt
    book.quiet_drift_mt = book.drift_mt
    book.quiet_expired_mt = book.expired_mt
    return unexplained_mt
