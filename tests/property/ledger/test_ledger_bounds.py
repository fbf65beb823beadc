"""A wait tells when it ends if nobody else acts, and when it must end whatever the others do; both are held to."""

from hypothesis import assume
from hypothesis import strategies as st

from ledger import Lease, ManualClock, Reading, Tier, Wait
from tests.fixtures.ledger.ledger_queues import Others, WatchedQueue
from tests.fixtures.ledger.ledgers import examples, holds_in_every_home, new_ledger

TICK_S = 60
GUARD_S = 1  # a tick counts a sixtieth of a period after it was announced
SERVER_MS = 1_700_000_000_000


@st.composite
def tiers(draw):
    """Two to five tiers whose shares come to less than 1; the one that is watched has one."""
    count = draw(st.integers(2, 5))
    parts = draw(st.lists(st.sampled_from([0, 2, 3, 5]), min_size=count, max_size=count))
    total = sum(parts) + draw(st.integers(1, 5))
    watched = draw(st.sampled_from([i for i, part in enumerate(parts) if part] or [0]))
    assume(parts[watched])
    floors = draw(st.lists(st.sampled_from([0, 10, 50, 150]), min_size=count, max_size=count))
    made = tuple(
        Tier(name=f"t{i}", floor=floors[i], floor_part=draw(st.sampled_from([0, 1 / 6, 1 / 2])), share=parts[i] / total)
        for i in range(count)
    )
    return made, watched


@holds_in_every_home(
    examples(40, on_file=10, on_row=3),
    made=tiers(),
    rate=st.sampled_from([1, 5, 20, 60, 1_200, 4_000]),
    fullness=st.floats(-1, 1),
    before=st.integers(0, 40),
    parts=st.lists(st.floats(0.01, 1), min_size=1, max_size=3),
    appetite=st.sampled_from(["small", "large", "any"]),
    seed=st.integers(0, 1_000),
)
def test_the_latest_time_holds_whatever_the_others_do(made, rate, fullness, before, *, parts, appetite, seed):
    rules, watched = made
    clock = ManualClock(10**12)
    ledger = new_ledger(rules, clock, tick_period_s=TICK_S)
    ledger.observe(Reading(round(60 * rate * fullness), rate, TICK_S * 1000, SERVER_MS))
    others = Others(ledger, [tier.name for tier in rules if tier is not rules[watched]], appetite, seed)
    for _ in range(before):
        others.act()
        clock.advance_s(TICK_S)
    queue = WatchedQueue(ledger, clock, rules[watched].name, parts)
    queue.ask()
    while queue.open:
        others.act()
        clock.advance_s(TICK_S)
        queue.ask()
    assert not queue.was_without_bound


@holds_in_every_home(
    examples(150, on_file=30, on_row=15),
    made=tiers(),
    rate=st.sampled_from([1, 5, 20, 60, 1_200]),
    fullness=st.floats(-1, 1),
    waits=st.lists(st.tuples(st.integers(0, 4), st.floats(0.01, 1)), max_size=4),
    part=st.floats(0.01, 1),
    offset_s=st.floats(0, TICK_S),
)
def test_the_expected_time_is_exact_when_nobody_else_acts(made, rate, fullness, waits, part, offset_s):
    rules, watched = made
    clock = ManualClock(10**12)
    ledger = new_ledger(rules, clock, tick_period_s=TICK_S)
    ledger.observe(Reading(round(60 * rate * fullness), rate, TICK_S * 1000, SERVER_MS))
    clock.advance_s(offset_s)
    name = rules[watched].name
    for index, size in waits:
        other = rules[index % len(rules)].name
        most = ledger.headroom(other).ever
        if other != name and most:
            outcome = ledger.place(other).poll(max(1, round(most * size)))
            if isinstance(outcome, Lease):
                outcome.cancel()
    place, cost = ledger.place(name), max(1, round(ledger.headroom(name).ever * part))
    told = place.poll(cost)
    if isinstance(told, Lease):
        return
    assert told.until_ns is not None
    assert told.until_ns <= told.latest_ns
    clock.advance_to_ns(told.until_ns - 1)
    assert isinstance(place.poll(cost), Wait)
    clock.advance_to_ns(told.until_ns)
    assert isinstance(place.poll(cost), Lease)
