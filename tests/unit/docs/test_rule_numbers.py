"""docs/notify.md names the range of each number that a rule may have, and rules take just that."""

from __future__ import annotations

import re

import pytest

from tasks.notify import rule
from tests.fakes.program.cli_program import ROOT

ROW = re.compile(r"^\| `([a-z_]+)` \| (a whole number|an amount) from (-?[0-9]+) to ([0-9]+)[^|]*\|$", re.MULTILINE)
TOLD = {
    word: (kind == "a whole number", int(low), int(high))
    for word, kind, low, high in ROW.findall((ROOT / "docs/notify.md").read_text(encoding="utf-8"))
}


def takes(word, value):
    try:
        rule._READERS[word](value)
    except ValueError:
        return False
    return True


def test_every_number_of_a_rule_has_a_range():
    numbers = {word for word in rule._READERS if takes(word, 1) and not takes(word, True)}
    assert set(TOLD) == numbers - {"domain"}, "a locale may be given by its number, and is none"


@pytest.mark.parametrize("word", TOLD)
def test_a_rule_takes_the_numbers_of_the_range_and_no_others(word):
    is_whole, low, high = TOLD[word]
    assert takes(word, low)
    assert takes(word, high)
    assert not takes(word, low - 1)
    assert not takes(word, high + 1)
    assert takes(word, low + 0.5) is not is_whole
