"""A slow call of one key: the worker that waits for it keeps its places in the ledgers of the other keys."""

from __future__ import annotations

import json
import threading
from contextlib import closing

import pytest

from ledger import TokenLedger
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer
from tests.fakes.program.cli_program import Program
from tests.fakes.waiting import wait_until
from tests.fixtures.server import WIDE

RATES = {"slow": 2, "other": 4}


def text_of(name):
    return name.ljust(64, "7")


@pytest.fixture
def simulator():
    rates = {text_of(name): rate for name, rate in RATES.items()}
    with SimulatorServer(SimulatorConfig(key_rates=rates, tick_s=1.0, deals=1_000, start_balance=10)) as server:
        yield server


@pytest.fixture
def program(tmp_path, simulator):
    """A run in which each key lists a selection of its own."""
    keys = tmp_path / "keys"
    keys.mkdir()
    for price_type, name in enumerate(RATES, start=1):
        own = tmp_path / name
        own.mkdir()
        (own / f"{name}.json").write_text(json.dumps(WIDE | {"priceTypes": [price_type], "domainId": 1}))
        path = keys / f"{name}.env"
        path.touch(mode=0o600)
        path.write_text(f"KEEPA_API_KEY={text_of(name)}\nSELECTIONS={own}\n")
    one = Program(
        tmp_path, KEYS=str(keys), KEEPA_BASE_URL=simulator.url, TICK_PERIOD_S="1", BACKFILL_DETAIL="stats",
        UPSERT_DETAIL="none", POLL_INTERVAL_S="1", BACKFILL_FLOOR="0", UPSERT_FLOOR="0", BACKFILL_WORKERS="1",
    )  # fmt: skip
    yield one
    one.kill()


class SlowCalls:
    """Calls for products with the slow key are answered only after `release`, once `is_wanted` says so."""

    def __init__(self, simulator, is_wanted):
        self.is_held, self.release = threading.Event(), threading.Event()
        answer, service = simulator.service.answer, simulator.service

        def slowly(request):
            is_one = request.path.strip("/") == "product" and request.params.get("key") == text_of("slow")
            if is_one and (self.is_held.is_set() or is_wanted()):
                self.is_held.set()
                self.release.wait()
            return answer(request)

        service.answer = slowly


def places_of_backfill(program):
    """Its places in the ledger of the other key: whether each was passed over. None once one was lost."""
    with closing(TokenLedger.attach(program.state / "ledger-other", read_only=True)) as ledger:
        if any((entry.event, entry.tier) == ("lapsed", "backfill") for entry in ledger.snapshot().journal):
            return None
        view = ledger._look()
        tier = view.tier_index("backfill")
        return [one.is_passed_over for one in view.waiters[: view.book.waiter_count] if one.tier == tier]


def bought(simulator):
    log = simulator.service.accounts[text_of("other")].report()["log"]
    return sum((call["endpoint"], call["status"]) == ("/product", 200) for call in log)


@pytest.mark.kill
def test_a_slow_call_of_one_key_costs_no_other_key_its_place(simulator, program):
    """Meanwhile the upsert worker asks for all the tokens of the other key."""
    slow = SlowCalls(simulator, lambda: places_of_backfill(program) == [False])
    try:
        program.start().until_working()
        wait_until(slow.is_held.is_set, "a slow call while backfill waits with another key", explain=program.tail)

        def is_passed_over():
            found = places_of_backfill(program)
            assert found, "the place was lost"
            return found == [True]

        wait_until(is_passed_over, "its turn to be taken by others", explain=program.tail)
        before = bought(simulator)
    finally:
        slow.release.set()
    wait_until(lambda: bought(simulator) > before, "its turn", explain=program.tail)
    assert places_of_backfill(program) is not None
    assert program.stop() == 0
