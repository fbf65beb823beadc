"""How long a tick is, learned from what replies announce and from how the balance grew. Pure functions of a Book.

The nominal period of the settings is where it starts from. A period that foretold a refill exactly several times is
trusted, and gives way only to several replies that contradict it alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from ledger.model.book import Book

MIN_PERIOD_NS: Final = 20_000_000
MAX_PERIOD_NS: Final = 4_000_000_000_000  # above the longest period that can be set, an hour
TRUSTED: Final = 3  # refills foretold exactly, after which one odd reply no longer counts against the period
OFF: Final = 0.1  # part of a period by which an announced tick may be off; jitter was seen up to 0.5 s of 60
JITTER_PARTS: Final = 40  # two ticks no further apart than such a part of the period are one that was announced twice
ALIKE: Final = 0.05  # two guesses that differ by no more than this part are one
SLACK: Final = 0.05  # an announced wait may be so much longer than the period
MEMORY: Final = 60  # readings after which old ones fade
FADE_PARTS: Final = 16  # the longest wait announced fades by such a part with each reading: it may have been a lie
TYPICAL_WAITS: Final = 2  # of several waits the longest is half a period and more
_FEW: Final = 2  # what counts as much as so many measured ticks: what was supposed before
MAX_TICKS_APART: Final = 10  # over longer gaps the error of the period itself comes near to OFF
# How many guesses have to be alike before one becomes the period:
_IF_PROVEN: Final = 2  # when the balance proves them,
_IF_ANNOUNCED: Final = 3  # when nothing but the announced times speaks for them,
_IF_LONG: Final = 8  # when they are longer than the announced waits make likely,
_IF_TRUSTED: Final = 2  # and so many more against a period that is trusted


class Step(NamedTuple):
    """From the Book's state to a reading: ns between the ticks they announce, ticks, and the period that explains them.

    `guess_ns` is 0 when the present period explains them.
    """

    distance_ns: int
    ticks: int
    guess_ns: int


def count(book: Book, distance_ns: int, refill_ns: int, rise_mt: int, *, is_full: bool) -> Step:
    """Count the ticks while the balance rose by `rise_mt` to a reading that announces a tick in `refill_ns`.

    They are the distance in periods, unless the period is not trusted yet and the rise in whole refills is more exact.
    """
    ticks = round(distance_ns / book.period_ns)
    rate_mt = book.rate_mt
    if distance_ns <= 0 or rise_mt == ticks * rate_mt or (is_full and rise_mt <= ticks * rate_mt):
        return Step(distance_ns, ticks, 0)
    whole, rest = divmod(rise_mt, rate_mt)
    is_off = abs(distance_ns - ticks * book.period_ns) > OFF * book.period_ns
    if is_off and not rest and abs(whole - ticks) == 1 and whole >= 0:
        ticks = whole
    if book.period_trust >= TRUSTED or book.unknown_mt:
        return Step(distance_ns, ticks, 0)
    needed = whole + bool(rest)
    least_ns = max(MIN_PERIOD_NS, round(refill_ns * (1 - SLACK)))
    if needed < 1 or distance_ns < needed * least_ns:
        return Step(distance_ns, ticks, 0)
    # Announced ticks fit a period of which the true one is a multiple, and one that is no more than the longest wait
    # seen; otherwise somebody else took a part.
    is_multiple = ticks <= MAX_TICKS_APART and whole > 0 and not ticks % whole
    is_part = not book.period_trust and (is_multiple or book.period_ns != book.nominal_period_ns)
    if not rest and not is_full and (whole > ticks or is_off or is_part):
        return Step(distance_ns, whole, distance_ns // whole)
    return Step(distance_ns, max(ticks, needed), 0) if is_full else Step(distance_ns, ticks, 0)


def learn(book: Book, step: Step, refill_ns: int, rise_mt: int, *, is_full: bool) -> None:
    """Move the period towards what the reading says; contradictions count only when several agree."""
    distance_ns, ticks, guess_ns = step
    book.longest_wait_ns = max(refill_ns, book.longest_wait_ns - book.longest_wait_ns // FADE_PARTS)
    if book.guess_ns < _least_ns(book, refill_ns):
        book.guess_count = 0
    if refill_ns > book.period_ns * (1 + SLACK):
        # Nobody waits longer for a tick than from one to the next; what the balance says of it is more exact.
        book.period_ns = min(max(refill_ns, guess_ns), MAX_PERIOD_NS)
        book.period_trust = book.guess_count = 0
        return
    if distance_ns <= 0:
        _unlearn(book, distance_ns, refill_ns)
        return
    is_exact = not is_full and rise_mt == ticks * book.rate_mt
    if guess_ns:
        _consider(book, guess_ns, is_proven=is_exact, least_ns=0)
        return
    is_fit = ticks > 0 and abs(distance_ns - ticks * book.period_ns) <= _tolerance_ns(book, ticks)
    if is_fit and (is_exact or book.period_trust):
        _refine(book, distance_ns / ticks, ticks, is_exact=is_exact)
    elif not _says_little(book, distance_ns, ticks):
        whole = rise_mt // book.rate_mt if not is_full and rise_mt % book.rate_mt == 0 else 0
        if whole > 0 and not is_fit:
            guess_ns = distance_ns // whole
        else:
            guess_ns = _guess(book, distance_ns, distance_ns // ticks if is_fit else distance_ns)
        is_exact = not is_full and rise_mt == round(distance_ns / max(1, guess_ns)) * book.rate_mt
        _consider(book, guess_ns, is_proven=is_exact, least_ns=_least_ns(book, refill_ns))


def _least_ns(book: Book, refill_ns: int) -> float:
    """No period is shorter than a wait that was announced; a trusted one may have been another until now."""
    return (refill_ns if book.period_trust else book.longest_wait_ns) * (1 - SLACK)


def _says_little(book: Book, distance_ns: int, ticks: int) -> bool:
    """Whether the same tick was announced twice, or one so far off that a trusted period is more exact."""
    if not book.period_trust:
        return distance_ns * JITTER_PARTS < book.longest_wait_ns
    return distance_ns * JITTER_PARTS < book.period_ns or ticks > MAX_TICKS_APART


def _unlearn(book: Book, distance_ns: int, refill_ns: int) -> None:
    """Forget what was learned from a wait if a tick comes before the one that it announced."""
    if not book.period_trust and distance_ns < -OFF * book.period_ns:
        book.period_ns = max(refill_ns, min(book.period_ns, book.nominal_period_ns))
        book.longest_wait_ns = refill_ns


def _tolerance_ns(book: Book, ticks: int) -> float:
    """By how much so many ticks may be off and still fit: more where the error of a measured period adds up."""
    return OFF * book.period_ns * (max(1, ticks / MAX_TICKS_APART) if book.period_trust else 1)


def _refine(book: Book, seen_ns: float, ticks: int, *, is_exact: bool) -> None:
    gain = ticks / (ticks + (max(book.period_trust, _FEW) if is_exact else MEMORY))
    book.period_ns = round(book.period_ns + gain * (seen_ns - book.period_ns))
    book.guess_count = 0
    book.period_trust = min(book.period_trust + is_exact, MEMORY)


def _consider(book: Book, guess_ns: int, *, is_proven: bool, least_ns: float) -> None:
    if guess_ns < least_ns:
        book.guess_count = 0
        return
    longer, shorter = max(guess_ns, book.guess_ns), min(guess_ns, book.guess_ns)
    is_alike = book.guess_count and abs(longer - round(longer / shorter) * shorter) <= ALIKE * shorter
    book.guess_count = book.guess_count + 1 if is_alike else 1
    book.guess_ns = shorter if is_alike else guess_ns
    needed = _IF_ANNOUNCED if not is_proven else _IF_PROVEN if book.period_trust else 1
    if not is_proven and book.guess_ns > TYPICAL_WAITS * book.longest_wait_ns:
        needed = _IF_LONG  # a multiple of the true one fits as well until the ticks are an odd number apart
    if book.period_trust >= TRUSTED:
        needed += _IF_TRUSTED
    if book.guess_count >= needed:
        book.period_ns = min(max(book.guess_ns, MIN_PERIOD_NS), MAX_PERIOD_NS)
        book.period_trust = 1
        book.guess_count = 0


def _guess(book: Book, distance_ns: int, first_ns: int) -> int:
    """A period of which the distance is a multiple, and so is what was guessed before; `first_ns` if nothing was.

    The present period is left out of it: one that the distance contradicts is seldom a multiple of the true one.
    """
    error_ns = max(MIN_PERIOD_NS, round(ALIKE * book.longest_wait_ns))
    return _common(distance_ns, book.guess_ns, error_ns) if book.guess_count else first_ns


def _common(first_ns: int, second_ns: int, error_ns: int) -> int:
    """The longest span of which both are multiples to within an error, which is smaller than any tick.

    Euclid's algorithm; it counts how often the longer one holds the span, so that errors do not grow with the steps.
    """
    longest = longer = max(first_ns, second_ns)
    shorter, spans_before, spans = min(first_ns, second_ns), 0, 1
    while shorter > error_ns:
        times = round(longer / shorter)
        rest, spans_left = longer - times * shorter, spans_before - times * spans
        if rest < 0:
            rest, spans_left = -rest, -spans_left
        longer, shorter, spans_before, spans = shorter, rest, spans, spans_left
    return longest // max(1, abs(spans))
