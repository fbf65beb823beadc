"""Which readings are believed. Pure functions of a Book, a reading and a time.

A reading with a number that cannot be is set aside, however often it comes. One that nothing known explains is set
aside until another agrees with it, or until three in a row are unexplained: then it is the book that is wrong. What
a believed reading pushes out is kept as the other possibility, so that one sane reading undoes a lie.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, Final

from ledger.model.book import MAX_LEASES, MT
from ledger.model.bucket import CAPACITY_TICKS, balance_after, clock_slack_ns, is_older, is_timely, step_to
from ledger.model.costs import MAX_PER_CALL
from ledger.model.entries import COMMITTED
from ledger.model.tick_period import MAX_PERIOD_NS, SLACK, TRUSTED
from ledger.types import NS_PER_S

if TYPE_CHECKING:
    from ledger.model.book import Book
    from ledger.model.bucket import Arrival
    from ledger.model.tick_period import Step
    from ledger.model.view import View
    from ledger.types import Reading

MAX_RATE: Final = 100_000  # tokens a tick; the largest plans known have some thousands
MAX_TOKENS: Final = CAPACITY_TICKS * MAX_RATE
MAX_SERVER_MS: Final = 1 << 50  # a timestamp in some thousands of years
SMALL_RISE: Final = 2  # refills: a tick counted a little early or late explains as much
ANOTHERS_CALL_MT: Final = 500 * MT  # a batch of 50 products with offers was seen to cost 462 tokens
MAX_UNEXPLAINED: Final = 3  # unexplained readings in a row, though none agrees with another
LONE_WAIT_NS: Final = 600 * NS_PER_S  # one reply alone cannot make the ticks longer than ten of the API's own
GREAT_LEAP: Final = 20  # times the rate; plan changes by a factor of 5 were seen
NEARNESS: Final = 4  # a reading agrees with the doubted one if it is so many times nearer to it than to the book
_NS_PER_MS: Final = 1_000_000


class Plausibility(Enum):
    """How well the book explains a reading, and so what becomes of it."""

    PLAIN = auto()  # all of it is explained
    NEWS = auto()  # believed, though not all of it is explained
    ODD = auto()  # set aside until another agrees
    IMPOSSIBLE = auto()  # set aside


def weigh(view: View, arrival: Arrival) -> tuple[Plausibility, Step | None]:
    """What becomes of a reading, and the step to it: None for one older than the last, and for the first of all."""
    book = view.book
    if not _is_possible(book, arrival.reading):
        return Plausibility.IMPOSSIBLE, None
    if not book.synced:
        return _first(book, arrival), None
    timely = is_timely(book, arrival)
    if timely and is_older(book, arrival):
        return Plausibility.PLAIN, None
    step = step_to(book, arrival, is_timely=timely)
    if timely and _fits_period(book, arrival.reading):
        if arrival.reading.refill_rate * MT == book.rate_mt and arrival.opening_mt == balance_after(book, step.ticks):
            return Plausibility.PLAIN, step
        verdict = _compare(view, arrival, step.ticks)
    else:
        verdict = Plausibility.ODD
    if verdict is Plausibility.ODD and _is_confirmed(view, arrival, step.ticks):
        verdict = Plausibility.NEWS
    return verdict, step


def remember(book: Book, arrival: Arrival) -> None:
    """Keep a reading that was set aside, so that the next one can agree with it; its charge is booked already."""
    reading = arrival.reading
    _keep(book, reading.tokens_left * MT, reading.refill_rate * MT, reading.server_ms, arrival.now_ns)
    book.doubt_next_ms = reading.server_ms + reading.refill_in_ms
    book.doubt_late_ns = arrival.late_ns
    book.doubt_count += 1


def believe(book: Book, arrival: Arrival, verdict: Plausibility) -> None:
    """Keep the Book's state as the other possibility if the reading, which becomes the truth next, contradicts it."""
    book.aside_in_a_row = book.asks = 0
    book.probation = _is_great_leap(book, arrival.reading)
    if verdict is Plausibility.NEWS and book.synced:
        _keep(book, book.balance_mt, book.rate_mt, book.server_ms, book.synced_ns)
        book.doubt_next_ms = book.next_tick_server_ms
        book.doubt_late_ns = book.late_ns
        book.doubt_count = 0
    elif book.doubt_set:
        book.doubt_set = book.doubt_count = 0


def _keep(book: Book, left_mt: int, rate_mt: int, server_ms: int, at_ns: int) -> None:
    book.doubt_set = 1
    book.doubt_left_mt, book.doubt_rate_mt = left_mt, rate_mt
    book.doubt_server_ms, book.doubt_ns, book.doubt_spent_mt = server_ms, at_ns, book.spent_mt


def _is_possible(book: Book, reading: Reading) -> bool:
    """Whether each number is possible at all.

    A call is let in while the balance is above 0, so the debt is at most what all open calls of a busy account cost.
    """
    rate, left = reading.refill_rate, reading.tokens_left
    if not 0 < rate <= MAX_RATE or not 0 <= reading.refill_in_ms <= MAX_PERIOD_NS // _NS_PER_MS:
        return False
    capacity = CAPACITY_TICKS * max(rate, book.rate_mt // MT)
    return -capacity - MAX_LEASES * MAX_PER_CALL <= left <= MAX_TOKENS and 0 <= reading.server_ms <= MAX_SERVER_MS


def _first(book: Book, arrival: Arrival) -> Plausibility:
    """The first reading is believed unless it is beyond what one call, a full bucket and a tick explain."""
    left, capacity_of_it = arrival.reading.tokens_left, CAPACITY_TICKS * arrival.reading.refill_rate
    is_plain = -capacity_of_it - ANOTHERS_CALL_MT // MT <= left <= capacity_of_it and _fits_period(
        book, arrival.reading
    )
    if is_plain or book.doubt_count + 1 >= MAX_UNEXPLAINED:
        return Plausibility.PLAIN
    return Plausibility.PLAIN if _agrees(book, arrival, abs(left) * MT // NEARNESS) else Plausibility.ODD


def _compare(view: View, arrival: Arrival, ticks: int) -> Plausibility:
    """Compare balance and rate with what the book explains."""
    book, rate_mt, opening_mt = view.book, arrival.reading.refill_rate * MT, arrival.opening_mt
    low_mt, high_mt = _explained(view, rate_mt, ticks)
    larger_mt = max(rate_mt, book.rate_mt)
    rise_mt, fall_mt = opening_mt - high_mt, low_mt - opening_mt
    if rise_mt > SMALL_RISE * larger_mt or fall_mt > CAPACITY_TICKS * larger_mt + ANOTHERS_CALL_MT:
        return Plausibility.ODD
    if _is_great_leap(book, arrival.reading) and max(rise_mt, fall_mt) > 0:
        return Plausibility.ODD  # so much larger a plan is believed at once only with the balance that it explains
    is_news = rate_mt != book.rate_mt or max(rise_mt, fall_mt) > SMALL_RISE * larger_mt
    return Plausibility.NEWS if is_news else Plausibility.PLAIN


def _is_confirmed(view: View, arrival: Arrival, ticks: int) -> bool:
    """Whether an odd reading is believed all the same, because of those before it."""
    book = view.book
    if book.doubt_count + 1 >= MAX_UNEXPLAINED:
        return True
    spread_mt = abs(balance_after(book, ticks) - _doubt_expects(book, arrival.reading))
    return _agrees(book, arrival, spread_mt // NEARNESS + _open_mt(view))


def _agrees(book: Book, arrival: Arrival, tolerance_mt: int) -> bool:
    """Whether the one in doubt foretells the reading, within a tolerance or two refills, and the clocks' slack."""
    if not book.doubt_set or arrival.reading.refill_rate * MT != book.doubt_rate_mt:
        return False
    elapsed_ns = arrival.now_ns - book.doubt_ns
    off_ns = (arrival.reading.server_ms - book.doubt_server_ms) * _NS_PER_MS - elapsed_ns
    if abs(off_ns) > clock_slack_ns(arrival.late_ns + book.doubt_late_ns, elapsed_ns):
        return False
    if not _fits_period(book, arrival.reading):
        apart_ms = abs(arrival.reading.server_ms + arrival.reading.refill_in_ms - book.doubt_next_ms)
        if apart_ms * _NS_PER_MS > SLACK * book.period_ns:
            return False  # both announce a long wait, but not for the same tick
    limit_mt = max(tolerance_mt, SMALL_RISE * book.doubt_rate_mt)
    return abs(arrival.opening_mt - _doubt_expects(book, arrival.reading)) <= limit_mt


def _doubt_expects(book: Book, reading: Reading) -> int:
    """The balance at the reading, before its own charge, if the reading in doubt was true."""
    distance_ms = reading.server_ms + reading.refill_in_ms - book.doubt_next_ms
    ticks = max(0, round(distance_ms * _NS_PER_MS / book.period_ns))
    grown_mt = min(book.doubt_left_mt + ticks * book.doubt_rate_mt, CAPACITY_TICKS * book.doubt_rate_mt)
    return max(grown_mt, book.doubt_left_mt) - (book.spent_mt - book.doubt_spent_mt)


def _explained(view: View, rate_mt: int, ticks: int) -> tuple[int, int]:
    """The least and the most that is explained: by either plan, by calls on the wire, and by what was only supposed."""
    book = view.book
    before_mt = book.balance_mt
    grown = [before_mt]
    for each_mt in (book.rate_mt, rate_mt):
        after_mt = before_mt + ticks * each_mt
        grown.append(min(after_mt, max(before_mt, CAPACITY_TICKS * each_mt)) if ticks > 0 else after_mt)
    if rate_mt != book.rate_mt and book.booked_ticks:  # booked without a reading, and perhaps by the old plan
        taken_mt = before_mt - book.booked_ticks * book.rate_mt
        all_mt = taken_mt + (max(ticks, 0) + book.booked_ticks) * rate_mt
        grown.append(min(all_mt, max(taken_mt, CAPACITY_TICKS * rate_mt)))
    supposed_mt = book.unknown_mt + book.unread_mt + max(0, book.expired_mt - book.quiet_expired_mt)
    low_mt = min(grown[1:]) - _open_mt(view)
    return low_mt, max(grown[1:] if rate_mt == book.rate_mt else grown) + supposed_mt


def _open_mt(view: View) -> int:
    """What calls on the wire may have cost already, in milli-tokens."""
    return sum(lease.cost_mt for lease in view.leases[: view.book.lease_count] if lease.state == COMMITTED)


def _fits_period(book: Book, reading: Reading) -> bool:
    """Whether the announced wait is within the period or, while that is not trusted, within what one reply may say."""
    longest_ns = book.period_ns
    if book.period_trust < TRUSTED:
        longest_ns = max(longest_ns, book.nominal_period_ns, LONE_WAIT_NS)
    return reading.refill_in_ms * _NS_PER_MS <= longest_ns * (1 + SLACK)


def _is_great_leap(book: Book, reading: Reading) -> bool:
    """Whether the reading tells of a plan so much larger that a second one must say it before several spend by it."""
    return bool(book.synced) and reading.refill_rate * MT > GREAT_LEAP * book.rate_mt
