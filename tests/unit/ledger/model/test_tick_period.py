"""The tick is learned from the replies, whatever the settings say of it."""

import itertools
import random

import pytest

from ledger import DEFAULT_TIERS, Lease, ManualClock, NeedsBlindCall, NeedsReading, Reading, TokenLedger
from ledger.model import tick_period
from ledger.model.book import Book
from ledger.model.tick_period import Step
from tasks.simulator.bucket import NS_PER_MS, NS_PER_S, Bucket, Plan

# The model by itself, on a book with a period of a minute and a plan of 5 tokens a tick; below, beside a server.

S = 10**9
RATE_MT = 5_000


def book_with(**changed):
    given = {"period_ns": 60 * S, "nominal_period_ns": 60 * S, "rate_mt": RATE_MT}
    return Book(**given | changed)


def counted(distance_s, refills, *, wait_s=0.0, is_full=False, **changed):
    """Ticks and the period that explains them, in seconds; 0 for the present one."""
    found = tick_period.count(
        book_with(**changed),
        round(distance_s * S),
        round(wait_s * S),
        round(refills * RATE_MT),
        is_full=is_full,
    )
    assert found.distance_ns == round(distance_s * S)
    assert isinstance(found.guess_ns, int)
    return found.ticks, found.guess_ns / S


@pytest.mark.parametrize(
    ("distance_s", "refills", "expected"),
    [
        (0, 0, (0, 0)),
        (0, 7, (0, 0)),
        (-61, 0, (-1, 0)),
        (-50, 0, (-1, 0)),
        (60, 1, (1, 0)),
        (91, 2, (2, 0)),
        (89, 1, (1, 0)),
        (66, 0, (1, 0)),  # off by no more than a tenth, so somebody else took a refill
        (66.001, 0, (0, 0)),
        (54, 2, (1, 0)),
        (93, 1, (1, 0)),
        (87, 2, (2, 0)),
        (87, 3, (1, 0)),  # the balance is two refills off
        (87, 1.5, (1, 0)),  # and here no whole number
        (20, -1, (0, 0)),
        (20, 1, (1, 0)),
    ],
)
def test_a_trusted_period_counts_ticks_by_time_and_by_the_balance_where_that_is_off_by_one(
    distance_s, refills, expected
):
    assert counted(distance_s, refills, period_trust=3) == expected


@pytest.mark.parametrize(
    ("distance_s", "refills", "wait_s", "expected"),
    [
        (91, 2, 10, (2, 0)),
        (120, 2, 10, (2, 0)),
        (60, 4, 10, (4, 15)),  # four refills in a minute are four ticks of 15 s
        (60, 4, 15.789, (4, 15)),  # which may be announced for a twentieth longer than they last
        (60, 4, 15.79, (1, 0)),
        (60, 3.5, 10, (1, 0)),
        (0.08, 4, 0, (4, 0.02)),
        (0.079, 4, 0, (0, 0)),  # no tick is shorter than 20 ms
        (240, 2, 10, (2, 120)),  # the period is a part of the true one
        (240, 3, 10, (4, 0)),  # it is not, so somebody took a refill
        (600, 5, 10, (5, 120)),
        (600, 1, 10, (1, 600)),
        (660, 1, 10, (11, 0)),  # over more than ten ticks the period itself may be off so far
        (240, 0, 10, (4, 0)),
        (240, -1, 10, (4, 0)),
        (90, 1, 10, (1, 90)),
    ],
)
def test_while_the_period_is_not_trusted_whole_refills_tell_another(distance_s, refills, wait_s, expected):
    ticks, guess_s = counted(distance_s, refills, wait_s=wait_s)
    assert (ticks, guess_s) == expected


def test_a_period_that_is_no_longer_the_one_of_the_settings_gives_way_to_any_whole_number_of_refills():
    assert counted(240, 3, wait_s=10, nominal_period_ns=61 * S) == (3, 80)
    assert counted(240, 3, wait_s=10, nominal_period_ns=61 * S, period_trust=1) == (4, 0)
    assert counted(240, 2, wait_s=10, period_trust=1) == (4, 0)


def test_a_period_foretold_twice_gives_way_to_a_balance_and_one_foretold_three_times_does_not():
    assert counted(60, 4, wait_s=10, period_trust=2) == (4, 15)
    assert counted(60, 4, wait_s=10, period_trust=3) == (1, 0)


def test_while_a_charge_is_not_known_the_balance_tells_nothing_of_the_period():
    assert counted(60, 4, wait_s=10, unknown_mt=1) == (1, 0)


@pytest.mark.parametrize(("refills", "expected"), [(1, (2, 0)), (2, (2, 0)), (2.5, (3, 0)), (3, (3, 0)), (4, (4, 0))])
def test_a_full_bucket_hides_refills_and_shows_that_there_were_at_least_so_many(refills, expected):
    assert counted(120, refills, is_full=True) == expected


def test_a_full_bucket_does_not_tell_that_there_was_a_tick_less():
    assert counted(156, 2, is_full=True) == (3, 0)


def learned(distance_s, ticks, refills, *, wait_s=30.0, guess_s=0.0, is_full=False, **changed):
    book = book_with(**{"longest_wait_ns": 30 * S} | changed)
    step = Step(round(distance_s * S), ticks, round(guess_s * S))
    tick_period.learn(book, step, round(wait_s * S), round(refills * RATE_MT), is_full=is_full)
    return book


def test_the_longest_wait_announced_fades_by_a_sixteenth_with_each_reading():
    assert learned(0, 0, 0, wait_s=31).longest_wait_ns == 31 * S
    assert learned(0, 0, 0, wait_s=1).longest_wait_ns == 30 * S - 30 * S // 16


def test_nobody_waits_longer_for_a_tick_than_a_period_and_a_twentieth():
    assert learned(0, 0, 0, wait_s=63).period_ns == 60 * S
    longer = learned(0, 0, 0, wait_s=63.001, period_trust=5, guess_count=2, guess_ns=99 * S)
    assert (longer.period_ns, longer.period_trust, longer.guess_count) == (63_001_000_000, 0, 0)
    assert learned(0, 0, 0, wait_s=100, guess_s=120).period_ns == 120 * S
    assert learned(0, 0, 0, wait_s=5_000).period_ns == 4_000 * S


def test_a_tick_before_the_one_announced_takes_back_what_a_wait_had_taught():
    given = {"period_ns": 600 * S, "wait_s": 20.0}
    assert learned(-60, 0, 0, **given).period_ns == 600 * S
    early = learned(-60.001, 0, 0, **given)
    assert (early.period_ns, early.longest_wait_ns) == (60 * S, 20 * S)
    assert learned(-601, 0, 0, period_ns=600 * S, wait_s=90.0).period_ns == 90 * S
    assert learned(-601, 0, 0, period_ns=40 * S, wait_s=20.0).period_ns == 40 * S
    assert learned(-601, 0, 0, period_trust=1, **given).period_ns == 600 * S


@pytest.mark.parametrize(
    ("trust", "ticks", "seen_s", "expected_s"),
    [(0, 1, 63, 61), (2, 1, 63, 61), (4, 1, 65, 61), (4, 4, 61, 60.5), (0, 1, 57, 59)],
)
def test_a_refill_that_was_foretold_exactly_moves_the_period_by_its_weight(trust, ticks, seen_s, expected_s):
    book = learned(seen_s * ticks, ticks, ticks, period_trust=trust, guess_count=1)
    assert book.period_ns == expected_s * S
    assert (book.period_trust, book.guess_count) == (trust + 1, 0)


def test_one_that_only_fits_moves_a_trusted_period_little_and_is_no_proof():
    book = learned(63, 1, 2, period_trust=4)
    assert (book.period_ns / S, book.period_trust) == (pytest.approx(60 + 3 / 61), 4)
    assert learned(63, 1, 1, period_trust=60).period_trust == 60


@pytest.mark.parametrize(
    ("distance_s", "ticks", "trust", "fits"),
    [
        (66, 1, 0, True),
        (66.001, 1, 0, False),
        (606, 10, 0, True),
        (606.001, 10, 0, False),
        (606, 10, 1, True),
        (1_212, 20, 1, True),  # twice as far over twice ten ticks
        (1_212.001, 20, 1, False),
        (1_206.001, 20, 0, False),
    ],
)
def test_ticks_fit_within_a_tenth_of_a_period_and_more_of_them_within_more_where_it_was_measured(
    distance_s, ticks, trust, fits
):
    book = learned(distance_s, ticks, ticks, period_trust=trust)
    moved_s = (distance_s / ticks - 60) * ticks / (ticks + 2)
    assert (book.period_ns == round((60 + moved_s) * S)) is fits


def test_a_balance_that_proves_another_period_is_believed_at_once_while_none_was_measured():
    book = learned(60, 4, 4, guess_s=15, wait_s=10)
    assert (book.period_ns, book.period_trust, book.guess_count) == (15 * S, 1, 0)


@pytest.mark.parametrize(("trust", "needed"), [(1, 2), (2, 2), (3, 4), (9, 4)])
def test_against_a_period_that_was_measured_it_takes_several(trust, needed):
    book = book_with(period_trust=trust, longest_wait_ns=10 * S)
    for nth in range(1, needed + 1):
        assert book.period_ns == 60 * S
        tick_period.learn(book, Step(60 * S, 4, 15 * S), 10 * S, 4 * RATE_MT, is_full=False)
        assert book.guess_count == (nth if nth < needed else 0)
    assert (book.period_ns, book.period_trust) == (15 * S, 1)


def test_guesses_that_contradict_each_other_begin_to_be_counted_anew():
    book = book_with(period_trust=2, longest_wait_ns=10 * S)
    for guess_s in (15, 17):
        tick_period.learn(book, Step(guess_s * S, 1, guess_s * S), 10 * S, RATE_MT, is_full=False)
        assert (book.guess_count, book.guess_ns, book.period_ns) == (1, guess_s * S, 60 * S)


@pytest.mark.parametrize(
    ("first_s", "second_s", "kept_s"), [(15, 15.75, 15), (15.75, 15, 15), (15, 30.75, 15), (45.75, 15, 15)]
)
def test_guesses_are_alike_within_a_twentieth_and_so_are_multiples_of_one_of_which_the_shorter_is_kept(
    first_s, second_s, kept_s
):
    book = book_with(period_trust=3, longest_wait_ns=10 * S)
    for guess_s in (first_s, second_s):
        guess_ns = round(guess_s * S)
        tick_period.learn(book, Step(guess_ns, 1, guess_ns), 10 * S, RATE_MT, is_full=False)
    assert (book.guess_count, book.guess_ns) == (2, kept_s * S)
    unlike_ns = round(kept_s * S * 1.0501)
    tick_period.learn(book, Step(unlike_ns, 1, unlike_ns), 10 * S, RATE_MT, is_full=False)
    assert (book.guess_count, book.guess_ns) == (1, unlike_ns)


def test_a_guess_shorter_than_a_wait_that_is_announced_now_is_dropped():
    book = learned(0, 0, 0, wait_s=30, guess_count=2, guess_ns=28_500_000_000, period_trust=1)
    assert book.guess_count == 2
    assert learned(0, 0, 0, wait_s=30, guess_count=2, guess_ns=28_499_999_999, period_trust=1).guess_count == 0


def test_what_announced_times_alone_speak_for_takes_three_and_eight_where_it_is_long():
    for longest_ns, needed in ((53_333_333_333, 3), (53_333_333_332, 8)):  # a sixteenth of it fades
        book = book_with(longest_wait_ns=longest_ns, nominal_period_ns=1_000 * S, period_ns=1_000 * S)
        seen = 0
        while not book.period_trust:
            seen += 1
            book.longest_wait_ns = longest_ns
            tick_period.learn(book, Step(100 * S, 0, 0), 0, RATE_MT // 2, is_full=False)
        assert (seen, book.period_ns) == (needed, 100 * S)


def test_the_first_reading_of_all_is_no_guess():
    book = learned(0, 0, 0, wait_s=0, longest_wait_ns=0)
    assert (book.guess_count, book.period_ns) == (0, 60 * S)


@pytest.mark.parametrize(
    ("refills", "is_full", "guess_s"), [(3, False, 30), (3, True, 90), (2.5, False, 90), (2.5, True, 90)]
)
def test_whole_refills_divide_what_does_not_fit_unless_the_bucket_is_full(refills, is_full, guess_s):
    book = learned(90, 2, refills, is_full=is_full, period_trust=3)
    assert (book.guess_count, book.guess_ns) == (1, guess_s * S)


def test_a_single_refill_says_more_than_what_a_guess_before_has_in_common_with_it():
    book = learned(90, 2, 1, period_trust=3, guess_count=1, guess_ns=40 * S)
    assert (book.guess_count, book.guess_ns) == (1, 90 * S)


def test_the_same_tick_announced_twice_says_little():
    """A fortieth of the longest wait, or of a trusted period, is jitter."""
    book = book_with(longest_wait_ns=40 * S)
    tick_period.learn(book, Step(round(0.99 * S), 0, 0), 40 * S, 0, is_full=True)
    assert (book.guess_count, book.period_ns) == (0, 60 * S)
    given = {"wait_s": 30, "longest_wait_ns": 40 * S, "guess_count": 2, "guess_ns": 45 * S}
    for distance_s, trust, left in ((0.937, 0, 2), (0.938, 0, 0), (1.499, 1, 2), (1.5, 1, 0)):
        assert learned(distance_s, 0, 0.5, period_trust=trust, **given).guess_count == left, distance_s


def test_a_tick_so_far_that_a_trusted_period_tells_it_better_says_little():
    given = {"wait_s": 30, "guess_count": 2, "guess_ns": 45 * S, "period_trust": 1}
    assert [learned(60 * ticks + 31, ticks, 0.5, **given).guess_count for ticks in (10, 11)] == [0, 2]


def test_before_a_period_was_measured_none_is_shorter_than_the_longest_wait_of_late():
    given = {"wait_s": 10, "guess_count": 2, "guess_ns": 20 * S}
    assert learned(0, 0, 0, period_trust=1, **given).guess_count == 2
    assert learned(0, 0, 0, period_trust=0, **given).guess_count == 0


@pytest.mark.parametrize(
    ("first_s", "second_s", "error_s", "expected_s"),
    [
        (90, 60, 1, 30),
        (60, 90, 1, 30),
        (60, 60, 1, 60),
        (61, 30, 2, 30.5),
        (100, 35, 6, 33.333333333),
        (100, 35, 5, 33.333333333),
        (100, 35, 4, 5),
        (7, 3, 0.1, 1),
    ],
)
def test_two_spans_have_a_longest_one_in_common(first_s, second_s, error_s, expected_s):
    found = tick_period._common(round(first_s * S), round(second_s * S), round(error_s * S))
    assert found / S == pytest.approx(expected_s, abs=1e-9)


def test_a_first_guess_is_what_was_seen_and_a_second_what_both_have_in_common():
    book = book_with(longest_wait_ns=20 * S)
    assert tick_period._guess(book, 90 * S, 45 * S) == 45 * S
    book.guess_count, book.guess_ns = 1, 60 * S
    assert tick_period._guess(book, 90 * S, 45 * S) == 30 * S


# Beside a server whose ticks are not the supposed ones.

EPOCH_MS = 1_700_000_000_000
START_NS = 10**15


class Server:
    """An account whose ticks come at another pace than was supposed."""

    def __init__(self, tick_s, *, rate=5, start=20, jitter_s=0.0, supposed_s=60.2):
        self.clock = ManualClock(START_NS)
        plan = Plan(rate=rate, tick_period_ns=round(tick_s * NS_PER_S), tick_jitter_ns=round(jitter_s * NS_PER_S))
        self.bucket = Bucket(plan, first_tick_ns=START_NS + plan.tick_period_ns // 3, start=start)
        self.ledger = TokenLedger.in_memory(DEFAULT_TIERS, self.clock, tick_period_s=supposed_s)
        self.ledger.observe(self.reading())
        self.largest_drift = 0.0

    def reading(self):
        now_ns = self.clock.now_ns()
        self.bucket.advance(now_ns)
        refill_ms = self.bucket.refill_in_ms(now_ns)
        return Reading(self.bucket.balance, self.bucket.plan.rate, refill_ms, EPOCH_MS + now_ns // NS_PER_MS)

    def call(self, cost):
        try:
            lease = self.ledger.try_reserve("interactive", cost)
        except NeedsReading:
            self.ledger.observe(self.reading())
            return
        if isinstance(lease, Lease):
            lease.commit()
            self.bucket.advance(self.clock.now_ns())
            if is_admitted := self.bucket.is_admitting:
                self.bucket.charge(cost)
            lease.settle(cost if is_admitted else 0, self.reading(), refused=not is_admitted)
        self.largest_drift = max(self.largest_drift, abs(self.ledger.snapshot().bucket.drift))

    def live(self, calls, pauses, cost=5, seed=0):
        chance = random.Random(seed)
        for _ in range(calls):
            self.clock.advance_s(chance.uniform(*pauses))
            self.call(cost)
        return self.ledger.snapshot().bucket


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("tick_s", "supposed_s", "pauses"),
    [
        (3, 60.2, (0.2, 9)),
        (3, 60.2, (20, 90)),
        (0.5, 60.2, (0.1, 2)),
        (60.208, 3, (1, 90)),
        (60.208, 0.05, (1, 200)),
        (60.208, 3600, (1, 90)),
        (300, 60.2, (10, 400)),
        (55, 60.2, (1, 100)),
        (120, 60.2, (1, 300)),
        (10, 60.2, (1, 60)),
    ],
)
def test_whatever_the_settings_say_the_tick_is_the_servers_and_nobody_else_is_blamed(tick_s, supposed_s, pauses, seed):
    server = Server(tick_s, supposed_s=supposed_s)
    cost = max(1, round(5 * sum(pauses) / 2 / tick_s * 0.9))
    bucket = server.live(300, pauses, cost=cost, seed=seed)
    assert bucket.tick_period_s == pytest.approx(tick_s, rel=0.02)
    assert server.largest_drift <= 2 * 5  # a refill counted a little early or late, and taken back with the next reply
    assert bucket.drift == 0


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("pauses", [(20, 90), (100, 700)])
@pytest.mark.parametrize(
    ("tick_s", "supposed_s"), [(3, 60.2), (3, 3600), (10, 60.2), (20, 60.2), (45, 60.2), (60.208, 3600), (60.208, 3)]
)
def test_the_tick_is_learned_while_the_bucket_is_full_at_each_of_few_replies(tick_s, supposed_s, pauses, seed):
    """No balance tells it then, only the announced times do."""
    server = Server(tick_s, supposed_s=supposed_s, start=300)
    bucket = server.live(100, pauses, cost=1, seed=seed)
    assert bucket.balance == server.bucket.balance >= 290
    assert bucket.tick_period_s == pytest.approx(tick_s, rel=0.02)
    assert (server.largest_drift, bucket.drift) == (0, 0)


@pytest.mark.parametrize("seed", range(6))
def test_an_hour_between_replies_at_a_full_bucket_makes_no_multiple_of_the_tick_of_a_setting_that_is_near(seed):
    server = Server(60.208, supposed_s=60, start=300)
    assert server.live(60, (3_000, 4_000), cost=1, seed=seed).tick_period_s == pytest.approx(60.208, rel=0.02)


def test_a_wait_longer_than_the_period_gives_way_to_what_the_balance_says_of_it():
    """Two readings are enough: the second announces 55 s, and the balance rose by four refills meanwhile."""
    server = Server(60.208, supposed_s=3, start=-100)
    server.clock.advance_s(3 * 60.208 + 25)
    server.ledger.observe(server.reading())
    assert server.ledger.snapshot().bucket.tick_period_s == pytest.approx(60.208, rel=0.001)


def test_a_period_that_the_replies_have_taught_survives_other_settings():
    server = Server(3)
    server.live(100, (0.2, 9))
    server.ledger.configure(DEFAULT_TIERS, 45)
    assert server.ledger.snapshot().bucket.tick_period_s == pytest.approx(3, rel=0.02)


def test_settings_are_followed_until_a_reply_has_taught_something():
    server = Server(60.208)
    server.ledger.configure(DEFAULT_TIERS, 45)
    assert server.ledger.snapshot().bucket.tick_period_s == 45


@pytest.mark.parametrize("seed", range(4))
def test_a_server_that_changes_its_pace_for_good_is_followed(seed):
    server = Server(60.208)
    server.live(200, (1, 90), cost=3, seed=seed)
    slow = server.bucket
    plan = Plan(rate=5, tick_period_ns=3 * NS_PER_S)
    server.bucket = Bucket(plan, first_tick_ns=server.clock.now_ns() + NS_PER_S, start=slow.balance)
    bucket = server.live(400, (0.2, 9), cost=6, seed=seed)
    assert bucket.tick_period_s == pytest.approx(3, rel=0.02)


@pytest.mark.parametrize("seed", range(4))
def test_jitter_of_half_a_second_and_odd_waits_now_and_then_teach_no_other_period(seed):
    server = Server(60.208, jitter_s=0.5)
    chance = random.Random(seed)
    true = server.reading
    odd = [0, 522, 20_000, 30_104, 59_000, 400_000]

    def sometimes_odd():
        reading = true()
        refill_ms = chance.choice(odd) if chance.random() < 0.1 else reading.refill_in_ms
        return Reading(reading.tokens_left, 5, refill_ms, reading.server_ms)

    server.live(60, (1, 90), cost=3, seed=seed)
    server.reading = sometimes_odd
    for _ in range(40):
        bucket = server.live(10, (1, 90), cost=3, seed=chance.random())
        assert 45 < bucket.tick_period_s < 75
    server.reading = true
    assert server.live(60, (1, 90), cost=3, seed=seed).tick_period_s == pytest.approx(60.208, rel=0.02)


LONGEST_MS = 3_600_000
LOOK_S = 900
WAITS = {
    "one of an hour": lambda told, nth: LONGEST_MS if nth == 1 else told,
    "one of ten minutes": lambda told, nth: 590_000 if nth == 1 else told,
    "the first of all": lambda told, nth: LONGEST_MS if nth == 0 else told,
    "the first two": lambda told, nth: LONGEST_MS if nth < 2 else told,
    "ever an hour": lambda _told, _nth: LONGEST_MS,
    "an hour every other time": lambda told, nth: LONGEST_MS if nth % 2 else told,
    "ever none": lambda _told, _nth: 0,
    "ever less than none": lambda _told, _nth: -1,
}


def spoiled(server, told):
    """The server's readings with other waits for the next tick, the first of them counted as 0."""
    true, numbers = server.reading, itertools.count()

    def reading():
        reply = true()
        return Reading(reply.tokens_left, reply.refill_rate, told(reply.refill_in_ms, next(numbers)), reply.server_ms)

    return reading


def pay(server, lease, cost):
    lease.commit()
    server.bucket.advance(server.clock.now_ns())
    server.bucket.charge(cost)
    lease.settle(cost, server.reading())


def poll(server, place, cost):
    """A lease when the gate is open; the server is asked, or called blindly, when the ledger says so."""
    try:
        outcome = place.poll(cost)
        if isinstance(outcome, Lease):
            return outcome
        server.ledger.raise_if_due(outcome)
    except NeedsReading:
        server.ledger.observe(server.reading())
    except NeedsBlindCall:
        pay(server, server.ledger.lease_blind("interactive", 1), 1)
    return None


@pytest.mark.parametrize("supposed_s", [60.2, 3, 3600])
@pytest.mark.parametrize("told", WAITS.values(), ids=WAITS)
def test_whatever_wait_was_announced_a_waiter_is_served_one_look_after_the_tokens_came(told, supposed_s):
    server = Server(60.208, start=30)
    true = server.reading
    server.reading = spoiled(server, told)
    server.ledger = TokenLedger.in_memory(DEFAULT_TIERS, server.clock, tick_period_s=supposed_s)
    server.ledger.observe(server.reading())
    place = server.ledger.place("interactive")
    for _ in range(6):
        server.clock.advance_s(2)
        lease = poll(server, place, 5)
        if lease is not None:
            pay(server, lease, 5)
    server.reading = true
    lease, late_s, cost = None, 0, 15  # few ticks, for which alone nobody looks at the balance
    while lease is None:
        server.clock.advance_s(1)
        server.bucket.advance(server.clock.now_ns())
        late_s += server.bucket.balance >= cost
        assert late_s <= LOOK_S + 2, server.ledger.snapshot().bucket
        lease = poll(server, place, cost)
