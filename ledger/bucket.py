"""The server's token bucket, modelled exactly: pure functions of a Book and a time.

The Book keeps the state as the last reading told it and derives later ticks from the time, so a reading taken
just before a tick that we have counted already takes nothing back. Conserved at every step:
`credited + drift = balance + spent + expired`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ledger.book import COMMITTED, MT, Book

if TYPE_CHECKING:
    from ledger.view import View

TICK_PERIOD_S: Final = 60.2  # nominally 60 s; about 60.208 s was measured over 109 recorded replies
CAPACITY_TICKS: Final = 60  # the bucket holds one hour: Keepa documents that tokens expire after 60 minutes
PERIOD_TOLERANCE: Final = 0.02  # measured periods lie within 0.5 % of 60 s; more is a broken reading
REFILL_IN_FLOOR_MS: Final = 550  # the server never announces less than about 522 ms, so below this it tells nothing
MAX_RATE_SEARCH: Final = 240  # ticks over which a plan change may be placed; beyond it the bucket was full anyway
_NS_PER_MS: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reply says of the bucket: tokens after that call, tokens a tick, ms to the next tick, server time."""

    tokens_left: int
    refill_rate: int
    refill_in_ms: int
    server_ms: int
    flow_reduction: float = 0.0


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
        book.next_tick_ns += ticks * book.period_ns
        book.next_tick_server_ms += round(ticks * book.period_ns / _NS_PER_MS)
        book.tick_index += ticks


def charge_unread(book: Book, cost_mt: int, now_ns: int, *, is_certain: bool) -> None:
    """Charge without a reading; an uncertain charge stands until the next reading tells."""
    materialise(book, now_ns)
    book.balance_mt -= cost_mt
    book.spent_mt += cost_mt
    if not is_certain:
        book.unknown_mt += cost_mt
        book.unknown_ns = now_ns
        book.needs_reading = 1


def apply(view: View, reading: Reading, now_ns: int, consumed_mt: int = 0, sent_ns: int | None = None) -> int:
    """Make the reading the truth; returns the drift it settled, in milli-tokens (0 when all is explained).

    `consumed_mt` is what the call of this reply cost. A reading older than the last one applied changes no balance:
    the later one contains its charge already. `sent_ns` is when the call was sent, None for just now: a reply to a
    call sent before another's outcome was lost tells nothing about the lost one.
    """
    book = view.book
    left_mt = reading.tokens_left * MT
    book.spent_mt += consumed_mt
    if not book.synced:
        _open(book, reading, now_ns)
        return 0
    if _is_older(book, reading, left_mt, consumed_mt):
        book.drift_mt += consumed_mt
    else:
        _advance_to(book, reading, left_mt, consumed_mt)
        _mark(book, reading, now_ns)
    if book.unknown_mt and sent_ns is not None and sent_ns <= book.unknown_ns:
        return 0
    book.needs_reading = 0
    book.reader_pid = 0
    return _settle_drift(view)


def _open(book: Book, reading: Reading, now_ns: int) -> None:
    """First reading: its balance is the opening credit."""
    book.balance_mt = reading.tokens_left * MT
    book.rate_mt = reading.refill_rate * MT
    book.credited_mt = book.balance_mt + book.spent_mt + book.expired_mt - book.drift_mt
    book.quiet_drift_mt = book.drift_mt
    book.quiet_expired_mt = book.expired_mt
    book.unknown_mt = 0
    book.synced = 1
    book.needs_reading = 0
    book.reader_pid = 0
    book.next_tick_server_ms = reading.server_ms + reading.refill_in_ms
    _mark(book, reading, now_ns)


def _is_older(book: Book, reading: Reading, left_mt: int, consumed_mt: int) -> bool:
    if reading.server_ms != book.server_ms:
        return reading.server_ms < book.server_ms
    # Of two paid replies in one millisecond the poorer is the later; a free reading was asked for after the last.
    return consumed_mt > 0 and left_mt > book.balance_mt - consumed_mt


def _advance_to(book: Book, reading: Reading, left_mt: int, consumed_mt: int) -> None:
    """Fold the ticks since the last reading, whatever is left unexplained is drift for now."""
    announced_ms = reading.server_ms + reading.refill_in_ms
    ticks = round((announced_ms - book.next_tick_server_ms) * _NS_PER_MS / book.period_ns)
    rate_mt = reading.refill_rate * MT
    if rate_mt != book.rate_mt:
        _change_plan(book, rate_mt, ticks, left_mt + consumed_mt)
    else:
        _credit(book, ticks, rate_mt)
    book.tick_index += ticks
    book.drift_mt += left_mt - (book.balance_mt - consumed_mt)
    book.balance_mt = left_mt
    if ticks > 0 and reading.refill_in_ms > REFILL_IN_FLOOR_MS:
        _learn_period(book, announced_ms, ticks)
    if ticks != 0 or reading.refill_in_ms > REFILL_IN_FLOOR_MS:
        book.next_tick_server_ms = announced_ms


def _credit(book: Book, ticks: int, rate_mt: int) -> None:
    """Add `ticks` refills (fewer than none takes them back); what finds no room expires."""
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
    _credit(book, ticks - best, old_rate)
    book.rate_mt = rate_mt
    _credit(book, best, rate_mt)


def _learn_period(book: Book, announced_ms: int, ticks: int) -> None:
    """Move the tick period towards what the announced ticks say; long gaps weigh more than their jitter."""
    measured_ns = (announced_ms - book.next_tick_server_ms) * _NS_PER_MS / ticks
    gain = ticks / (ticks + 60)
    period_ns = book.period_ns + gain * (measured_ns - book.period_ns)
    slack_ns = book.nominal_period_ns * PERIOD_TOLERANCE
    low, high = book.nominal_period_ns - slack_ns, book.nominal_period_ns + slack_ns
    book.period_ns = round(min(max(period_ns, low), high))


def _mark(book: Book, reading: Reading, now_ns: int) -> None:
    """Schedule the next tick: announced, plus a guard of 1/60 period against the half-second jitter seen."""
    guard_ns = book.nominal_period_ns // 60
    book.next_tick_ns = now_ns + reading.refill_in_ms * _NS_PER_MS + guard_ns
    book.server_ms = reading.server_ms
    book.synced_ns = now_ns


def _settle_drift(view: View) -> int:
    """With nothing on the wire, say what the unexplained difference was: an unknown charge, an expiry, or drift."""
    book = view.book
    if book.lease_count and any(lease.state == COMMITTED for lease in view.leases[: book.lease_count]):
        return 0
    rest = book.drift_mt - book.quiet_drift_mt
    if book.unknown_mt:
        known = min(rest, book.unknown_mt)
        book.spent_mt -= known
        book.drift_mt -= known
        rest -= known
        book.unknown_mt = 0
    if rest > 0:
        kept = min(rest, book.expired_mt - book.quiet_expired_mt)
        book.expired_mt -= kept
        book.drift_mt -= kept
        rest -= kept
    book.quiet_drift_mt = book.drift_mt
    book.quiet_expired_mt = book.expired_mt
    return rest
