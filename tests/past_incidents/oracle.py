"""A ledger and the simulator's own bucket on one clock: what the books should say, token by token."""

from __future__ import annotations

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from tasks.simulator.bucket import NS_PER_MS, NS_PER_S, TICK_PERIOD_NS, Bucket, Plan

EPOCH_MS = 1_700_000_000_000
MINUTE_S = TICK_PERIOD_NS / NS_PER_S
FLOORS = {tier.name: tier.floor for tier in DEFAULT_TIERS}


class Account:
    """The server: lets a call in above 0 tokens, charges it in full, and tells the balance with the reply."""

    def __init__(self, *, balance, rate=5):
        self.clock = ManualClock(10**15)
        self.bucket = Bucket(Plan(rate=rate), first_tick_ns=self.clock.now_ns() + TICK_PERIOD_NS, start=balance)
        self.refused = 0
        self.calls = 0

    @property
    def balance(self):
        self.bucket.advance(self.clock.now_ns())
        return self.bucket.balance

    def call(self, cost):
        """What the reply says, and whether the call was let in; a refused one is free."""
        self.calls += 1
        is_admitted = self.balance > 0
        self.refused += not is_admitted
        if is_admitted:
            self.bucket.charge(cost)
        return self.reading(), is_admitted

    def reading(self):
        now_ns = self.clock.now_ns()
        return Reading(
            tokens_left=self.balance,
            refill_rate=self.bucket.plan.rate,
            refill_in_ms=self.bucket.refill_in_ms(now_ns),
            server_ms=EPOCH_MS + now_ns // NS_PER_MS,
        )

    def wait(self, seconds):
        self.clock.advance_s(seconds)
        self.bucket.advance(self.clock.now_ns())

    def ledger(self):
        """A ledger of this account that has read its balance once."""
        made = TokenLedger.in_memory(DEFAULT_TIERS, self.clock)
        made.observe(self.reading())
        return made


def reserved(ledger, account, tier, cost, *, shape=None, patience=10_000):
    """A lease, after sleeping until the ledger says that its gate is open."""
    with ledger.place(tier) as place:
        for _ in range(patience):
            outcome = place.poll(cost, shape=shape)
            if hasattr(outcome, "commit"):
                return outcome
            assert outcome.until_ns is not None, outcome
            assert outcome.until_ns > account.clock.now_ns(), "a wait that ends now would spin"
            account.clock.advance_to_ns(outcome.until_ns)
    raise AssertionError(f"{cost} tokens for {tier} never came")
