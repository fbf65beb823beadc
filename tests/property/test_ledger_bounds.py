"""A wait tells when it ends if nobody else acts, and when it must end whatever the others do; both are held to."""

import random

from hypothesis import assume
from hypothesis import strategies as st

from ledger import Lease, ManualClock, NeverEnough, Reading, Tier, Wait
from tests.fixtures.ledgers import examples, holds_in_every_home, new_ledger

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


class Others:
    """Everybody else: each tier keeps a request in the queue, takes what it can get, and uses some of it.

    They are greedy, modest, or change their minds; a seed makes it repeatable.
    """

    def __init__(self, ledger, names, appetite, seed):
        self.ledger, self.appetite, self.chance = ledger, appetite, random.Random(seed)
        self.places = {name: ledger.place(name) for name in names}
        self.wanted = dict.fromkeys(names, 0)

    def act(self):
        for name, place in self.places.items():
            for _ in range(self.chance.randint(0, 3)):
                self.ask(name, place)

    def cost(self, name):
        most = self.ledger.headroom(name).ever
        small, large = 1, max(1, most)
        return {"small": small, "large": large}.get(self.appetite, self.chance.randint(small, large))

    def ask(self, name, place):
        self.wanted[name] = self.wanted[name] or self.cost(name)
        try:
            lease = place.poll(self.wanted[name])
        except NeverEnough:
            self.wanted[name] = 0
            return
        if isinstance(lease, Lease):
            self.wanted[name] = 0
            lease.commit()
            lease.settle(self.chance.choice((0, lease.cost // 2, lease.cost, lease.cost)))


class Queue:
    """Requests of the watched tier, one behind the other, each with the latest time it was told at first."""

    def __init__(self, ledger, clock, name, parts):
        self.clock = clock
        most = ledger.headroom(name).ever
        self.open = [(ledger.place(name), max(1, round(most * part))) for part in parts]
        self.latest = {}

    def ask(self):
        for place, cost in list(self.open):
            outcome = place.poll(cost)
            if isinstance(outcome, Lease):
                self.open.remove((place, cost))
                outcome.commit()
                outcome.settle(cost)
            else:
                assert self.clock.now_ns() <= self.latest.setdefault(place, outcome.latest_ns)


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
    queue = Queue(ledger, clock, rules[watched].name, parts)
    queue.ask()
    while queue.open:
        others.act()
        clock.advance_s(TICK_S)
        queue.ask()


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
