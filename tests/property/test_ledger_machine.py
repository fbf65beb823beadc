"""Random histories of several processes against a server of a few lines: tokens are conserved, floors hold.

The server here is the rule of the API in ten lines; the ledger must predict it exactly while it is the only user.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from ledger import DEFAULT_TIERS, ManualClock, NeedsReading, NeverEnough, Reading, TokenLedger, Wait

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
    """Calls overlap, replies come late and out of order, outcomes get lost; nobody else uses the key."""

    reserved = Bundle("reserved")
    replies = Bundle("replies")

    @initialize(rate=st.sampled_from([1, 5, 20, 60, 1200]), part=st.floats(0, 1))
    def start(self, rate, part):
        self.server = Server(rate, round(60 * rate * part))
        self.clock = ManualClock(10**12)
        self.ledger = TokenLedger.in_memory(DEFAULT_TIERS, self.clock, tick_period_s=60)
        self.ledger.observe(self.server.reading())
        self.on_wire = 0
        self.sent = set()
        self.refused = 0

    @rule(ms=st.integers(1, 5 * PERIOD_MS))
    def time_passes(self, ms):
        self.server.advance(ms)
        self.clock.advance_s(ms / 1000)

    @rule(target=reserved, tier=st.sampled_from([0, 1, 2]), part=st.floats(0.01, 1))
    def reserve(self, tier, part):
        spec = DEFAULT_TIERS[tier]
        most = self.ledger.headroom(spec.name).ever
        cost = max(1, round(most * part))
        try:
            lease = self.ledger.try_reserve(spec.name, cost)
        except NeverEnough:
            assert cost > most
            return multiple()
        except NeedsReading:
            self.ledger.observe(self.server.reading())
            return multiple()
        if isinstance(lease, Wait):
            return multiple()
        s = self.ledger.snapshot()
        left = s.bucket.balance - sum(t.in_flight for t in s.tiers)
        assert left >= s.tiers[tier].floor
        return lease

    @rule(target=replies, lease=reserved, part=st.floats(0, 1))
    def send(self, lease, part):
        if not lease.is_open or lease.id in self.sent:
            return multiple()
        self.sent.add(lease.id)
        lease.commit()
        self.on_wire += 1
        status, consumed = self.server.call(round(lease.cost * part))
        return (lease, status, consumed, self.server.reading())

    @rule(reply=replies)
    def receive(self, reply):
        lease, status, consumed, reading = reply
        if lease.is_open:
            self.on_wire -= 1
            self.refused += status == 429
            lease.settle(consumed, reading, refused=status == 429)

    @rule(reply=replies)
    def lose(self, reply):
        lease = reply[0]
        if lease.is_open:
            self.on_wire -= 1
            lease.settle(None)

    @rule(lease=reserved)
    def cancel(self, lease):
        if lease.is_open and lease.id not in self.sent:
            lease.cancel()

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
            assert self.server.balance >= 0

    def teardown(self):
        """With nothing on the wire, one reading brings the balance to the server's and leaves no drift."""
        if not hasattr(self, "ledger") or self.on_wire:
            return
        self.ledger.observe(self.server.reading())
        s = self.ledger.snapshot()
        assert s.bucket.balance == self.server.balance
        assert s.bucket.drift == 0


LedgerMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestLedgerMachine = LedgerMachine.TestCase
