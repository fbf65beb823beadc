"""Random histories of several processes against a server of a few lines: tokens are conserved, floors hold.

The server here is the rule of the API in ten lines; the ledger must predict it exactly while it is the only user.
"""

import dataclasses

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from ledger import DEFAULT_TIERS, Hours, Lease, ManualClock, NeedsReading, NeverEnough, Reading, TokenLedger, Wait
from ledger.types import Owner
from tests.fixtures.ledger.ledgers import home_name, new_homes, new_ledger

PERIOD_MS = 60_000
EPOCH_MS = 1_700_000_000_000


class Server:
    """The account's bucket as the API keeps it."""

    def __init__(self, rate, balance):
        self.rate, self.balance, self.now_ms, self.next_ms = rate, balance, 0, PERIOD_MS

    def advance(self, ms):
        self.now_ms += ms
        while self.now_ms >= self.next_ms:
            self.balance = min(60 * self.rate, self.balance + self.rate)
            self.next_ms += PERIOD_MS

    def call(self, cost):
        if self.balance <= 0:
            return 429, 0
        self.balance -= cost
        return 200, cost

    def reading(self):
        return Reading(self.balance, self.rate, self.next_ms - self.now_ms, EPOCH_MS + self.now_ms)


class LedgerMachine(RuleBasedStateMachine):
    """Three processes; their calls overlap, replies come late and out of order or never, processes die, plans change.

    Nobody else uses the key. Each process is a ledger object of its own over one book.
    """

    reserved = Bundle("reserved")
    replies = Bundle("replies")

    @initialize(rate=st.sampled_from([1, 5, 20, 60, 1200]), part=st.floats(0, 1))
    def start(self, rate, part):
        self.server = Server(rate, round(60 * rate * part))
        self.clock = ManualClock(10**12)
        self.pids = [1, 2, 3]
        homes = new_homes(self.clock, len(self.pids))
        for place, home in enumerate(homes):
            self.begin_as(place, home)
        self.ledgers = [TokenLedger(home) for home in homes]
        self.ledger = self.ledgers[0]
        self.ledger.configure(DEFAULT_TIERS, 60)
        self.ledger.observe(self.server.reading())
        self.owners = {}
        self.sent = set()
        self.gone = set()
        self.refused = self.granted = 0
        self.was_surprised = False
        self.doubtful = set()  # granted by a plan that was no more
        self.has_lost = self.on_change = False  # a change of plan and a lost call together cannot be told apart
        self.is_surprised = False  # a smaller plan that no reply has told of yet

    def begin_as(self, place, home):
        """Let the home be that of the process which is at that place now."""
        owner = Owner(1, self.pids[place], 1)
        home.owner = lambda: owner
        home.is_alive = lambda other: other.pid in self.pids

    def read(self, ledger):
        ledger.observe(self.server.reading())
        self.clear_up()

    def clear_up(self):
        """After a reply the ledger knows the plan again; calls it had granted before may still be refused."""
        s = self.ledger.snapshot()
        if self.is_surprised and s.bucket.refill_rate == self.server.rate:
            self.doubtful |= {record.id for record in s.leases}
            self.is_surprised = False

    @rule(ms=st.integers(1, 5 * PERIOD_MS))
    def time_passes(self, ms):
        self.server.advance(ms)
        self.clock.advance_s(ms / 1000)

    @rule(
        floor=st.sampled_from([0, 50, 150]),
        share=st.sampled_from([0, 0.1, 0.2, 0.4]),
        tokens=st.sampled_from([0, 0, 20, 200]),
        hours=st.sampled_from([None, None, Hours(0, 60), Hours(1320, 1335)]),
    )
    def backfill_is_given_other_rules(self, floor, share, tokens, hours):
        changed = dataclasses.replace(DEFAULT_TIERS[2], floor=floor, share=share, tokens_per_day=tokens, hours=hours)
        self.ledger.configure((*DEFAULT_TIERS[:2], changed), 60)

    @rule(rate=st.sampled_from([1, 5, 20, 60, 1200]))
    def the_plan_changes(self, rate):
        if self.server.rate != self.ledger.snapshot().bucket.refill_rate:
            return  # of two changes between two replies the first leaves no trace
        self.is_surprised = self.is_surprised or rate < self.server.rate
        self.was_surprised = self.was_surprised or self.is_surprised
        self.on_change = self.on_change or rate != self.server.rate
        self.server.rate = rate

    @rule(target=reserved, pid=st.integers(0, 2), tier=st.sampled_from([0, 1, 2]), part=st.floats(0.01, 1))
    def reserve(self, pid, tier, part):
        ledger, spec = self.ledgers[pid], DEFAULT_TIERS[tier]
        most = ledger.headroom(spec.name).ever
        cost = max(1, round(most * part))
        try:
            lease = ledger.try_reserve(spec.name, cost)
        except NeverEnough:
            assert cost > most
            return multiple()
        except NeedsReading:
            self.read(ledger)
            return multiple()
        if isinstance(lease, Wait):
            return multiple()
        s = ledger.snapshot()
        left = s.bucket.balance - sum(t.in_flight for t in s.tiers)
        assert left >= s.tiers[tier].floor
        self.owners[lease.id] = self.pids[pid]
        return lease

    def is_held(self, lease):
        return lease.is_open and lease.id not in self.gone

    @rule(target=replies, lease=reserved, part=st.floats(0, 1))
    def send(self, lease, part):
        if not self.is_held(lease) or lease.id in self.sent:
            return multiple()
        self.sent.add(lease.id)
        lease.commit()
        status, consumed = self.server.call(round(lease.cost * part))
        self.refused += status == 429 and not self.is_surprised and lease.id not in self.doubtful
        return (lease, status, consumed, self.server.reading())

    @rule(reply=replies)
    def receive(self, reply):
        lease, status, consumed, reading = reply
        if self.is_held(lease):
            lease.settle(consumed, reading, refused=status == 429)
            self.sent.discard(lease.id)
            self.clear_up()

    @rule(reply=replies)
    def lose(self, reply):
        lease = reply[0]
        if self.is_held(lease):
            self.has_lost = True
            lease.settle(None)
            self.sent.discard(lease.id)

    @rule(lease=reserved)
    def cancel(self, lease):
        if self.is_held(lease) and lease.id not in self.sent:
            lease.cancel()

    @rule(pid=st.integers(0, 2), finder=st.integers(0, 2), is_sending=st.booleans())
    def a_process_dies(self, pid, finder, is_sending):
        """It leaves what it holds; a new one takes its place. One just about to send had committed."""
        dead = self.pids[pid]
        mine = {record.id for record in self.ledger.snapshot().leases if record.owner_pid == dead}
        if is_sending and mine - self.sent:
            self.ledgers[pid].commit(Lease(self.ledger, min(mine - self.sent), "upsert", 1))
        self.pids[pid] = dead + 3
        self.begin_as(pid, self.ledgers[pid]._home)
        if home_name() == "row":
            self.ledgers[pid]._home._connection.request = 0  # the new process has changed nothing yet
        assert self.ledgers[finder].resolve_dead() == len(mine)
        assert self.ledgers[finder].resolve_dead() == 0
        if mine:
            self.has_lost = True
        self.gone |= mine
        self.sent -= mine

    @invariant()
    def nobody_is_granted_more_than_is_left_of_a_budget(self):
        if not hasattr(self, "ledger"):
            return
        tier = self.ledger.snapshot().tiers[2]
        granted, self.granted = self.granted, tier.granted
        if tier.tokens_per_day and tier.granted > granted:
            assert tier.spent_today + tier.in_flight <= tier.tokens_per_day

    @invariant()
    def tokens_are_conserved(self):
        if not hasattr(self, "ledger"):
            return
        s = self.ledger.snapshot()
        credited = s.totals.credited + s.bucket.drift
        assert round(credited, 6) == round(s.bucket.balance + s.totals.spent + s.totals.expired, 6)
        assert round(sum(t.in_flight for t in s.tiers), 6) == round(sum(record.cost for record in s.leases), 6)
        assert len({record.id for record in s.leases}) == len(s.leases)

    @invariant()
    def nobody_is_ever_refused_by_the_server(self):
        if hasattr(self, "ledger"):
            assert self.refused == 0
            assert self.server.balance >= 0 or self.was_surprised

    def teardown(self):
        """With nothing on the wire, one reading brings the balance to the server's and leaves no drift."""
        if not hasattr(self, "ledger"):
            return
        if self.sent:
            return
        self.ledger.observe(self.server.reading())
        s = self.ledger.snapshot()
        assert s.bucket.balance == self.server.balance
        assert s.bucket.drift == 0 or (self.has_lost and self.on_change)


def test_random_histories_keep_the_books_in_every_home(ledger_home):
    examples = {"memory": 60, "file": 20, "row": 20}[ledger_home]
    run_state_machine_as_test(
        LedgerMachine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
        ),
    )


@settings(max_examples=300)
@given(
    st.sampled_from([(1, 1200), (5, 1200), (20, 60), (5, 20), (1200, 5), (60, 20), (1200, 60)]),
    st.integers(0, 5 * 60_000),
    st.integers(0, 20 * 60_000),
    st.integers(0, 20 * 60_000),
    st.floats(0, 1),
    st.floats(0, 1),
)
def test_a_plan_that_changed_before_a_call_was_lost_is_believed_at_the_next_reading(
    rates, before_ms, lost_ms, after_ms, part, charged
):
    server, clock = Server(rates[0], 30 * rates[0]), ManualClock(10**12)
    ledger = new_ledger(DEFAULT_TIERS, clock, tick_period_s=60)

    def passes(ms):
        server.advance(ms)
        clock.advance_s(ms / 1000)

    ledger.observe(server.reading())
    passes(before_ms)
    server.rate = rates[1]
    passes(lost_ms)
    cost = max(1, round(5 * rates[0] * part))
    lease = ledger.try_reserve("upsert", cost)
    if isinstance(lease, Wait):
        return
    lease.commit()
    server.call(round(cost * charged))
    lease.settle(None)  # the ticks until now are booked by the plan of before
    passes(after_ms)
    ledger.observe(server.reading())
    assert ledger.snapshot().bucket.balance == server.balance
    assert ledger.snapshot().bucket.refill_rate == rates[1]
