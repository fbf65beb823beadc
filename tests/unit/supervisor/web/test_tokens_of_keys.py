"""What Tokens tells of each key: its own figures, and dashes for what is not known."""

from __future__ import annotations

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from supervisor.queries.token_outlook import outlook
from supervisor.status.keys import KeyView
from supervisor.web.views.tokens_of_keys import rows
from tasks.store.calls.sums import Sum


def spent(name, tokens):
    numbers = dict.fromkeys(("calls", "items", "rows", "estimate", "cost", "refused", "failed"), 0)
    return Sum(name=name, tokens=tokens, unknown=0, unknown_tokens=0, waited_s=0.0, duration_s=0.0, **numbers)


def test_each_key_has_the_figures_of_its_own_ledger_and_calls():
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**15), tick_period_s=60)
    ledger.observe(Reading(tokens_left=290, refill_rate=5, refill_in_ms=1000, server_ms=5))
    known = ledger.snapshot()
    found = (KeyView("a", "", known, None), KeyView("b", "", None, None))
    first, second = rows(found, [spent("a", 700), spent("other", 9)], 86_400.0, lambda name: f"/tokens?key={name}")
    coming = outlook(known, 700)
    assert (first["name"], first["address"], first["of_a_day"], first["balance"]) == ("a", "/tokens?key=a", 700, 290)
    assert (first["comes_in"], first["expires"]) == (coming.comes_in, coming.expires)
    assert (second["of_a_day"], second["balance"], second["credited"], second["expires"]) == (0, None, None, None)
