"""Several keys in the live view: a row for each while there is room, and what is wrong is never left out."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pytest
from rich.console import Console, Group

from ledger import DEFAULT_TIERS, ManualClock, Reading, TokenLedger
from supervisor.console import keys_view
from supervisor.process.conditions import ConditionRecord
from supervisor.status.keys import KeyView

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def a_key(number, *, is_refused=False):
    ledger = TokenLedger.in_memory(DEFAULT_TIERS, ManualClock(10**15), tick_period_s=60)
    ledger.observe(Reading(tokens_left=100 + number, refill_rate=20, refill_in_ms=1000, server_ms=5))
    why = ConditionRecord(kind=f"key k{number}", since=NOW.isoformat(), why="lapsed " * 30, who=("upsert-0",))
    return KeyView(f"k{number}", "", ledger.snapshot(), why if is_refused else None)


def shown(found, width):
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    console.print(Group(*keys_view.draw(found, NOW)))
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 200])
@pytest.mark.parametrize("count", [2, keys_view.MOST, keys_view.MOST + 1, 50])
def test_the_keys_take_the_lines_they_say_and_the_refused_one_is_among_them(count, width):
    found = [a_key(number, is_refused=number == count - 1) for number in range(count)]
    lines = shown(found, width)
    assert len(lines) == keys_view.lines(count)
    assert max(len(line.rstrip()) for line in lines) <= width
    text = "\n".join(lines)
    assert "100 of 1200" in text
    assert f"k{count - 1} " in text
    assert "refused since" in text
    assert (f"and {count - keys_view.MOST} more keys, all served" in text) == (count > keys_view.MOST)
