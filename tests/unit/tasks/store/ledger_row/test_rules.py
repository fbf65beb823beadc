"""What a change of a row makes of what it finds: lost changes are noticed, and builds write what all of them read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import NeedsReading, OtherFormat
from ledger.storage.packed import FORMATS
from tasks.store.ledger_row import rules
from tasks.store.ledger_row.patience import HEARD_S, LOOK_S, NoPatience, StartPatience
from tasks.store.ledger_row.rules import Epochs
from tests.fixtures.ledger.book_formats import NEXT, NEXT_BUILD


@given(st.sets(st.integers(1, 9), min_size=1), st.lists(st.integers(0, 12)))
def test_what_is_written_is_read_by_all_and_nothing_newer_that_all_read_is_left_out(own, hosts):
    formats = {number: FORMATS[1] if number == 1 else NEXT_BUILD[NEXT] for number in own}
    chosen = rules.format_to_write(formats, hosts)
    number = next(number for number in own if formats[number] is chosen)
    read_by_all = [number for number in own if all(number <= host for host in hosts)]
    assert formats[max(read_by_all, default=min(own))] is formats[number]


def test_without_hosts_the_newest_is_written():
    assert rules.format_to_write(NEXT_BUILD, []).number == NEXT
    assert rules.format_to_write(NEXT_BUILD, [NEXT, 1, NEXT]).number == 1
    assert rules.format_to_write(NEXT_BUILD, [0]).number == min(NEXT_BUILD)


@pytest.mark.parametrize("is_line_new", [True, False])
@pytest.mark.parametrize("is_mine_there", [True, False])
@pytest.mark.parametrize("in_row", ["now", "before", "long before"])
def test_changes_may_be_lost_with_another_life_of_the_server_or_when_ones_own_is_gone(
    is_line_new, is_mine_there, in_row
):
    epochs = Epochs(now="now", in_row=in_row, at_last_change="before")
    is_noted_by_another = in_row == "now"
    may_have = rules.may_have_lost(epochs, is_line_new=is_line_new, is_mine_there=is_mine_there)
    if is_line_new:
        assert may_have is not is_noted_by_another
    else:
        assert may_have is (not is_mine_there and in_row == "before")


def test_the_message_about_a_newer_book_says_what_to_do():
    error = rules.too_new(OtherFormat("", 7), 2)
    assert (error.found, error.exit_code) == (7, 78)
    assert "newer version of this program, in format 7, and this one reads up to 2: run the newer version" in str(error)


def test_a_start_waits_for_a_newer_build_to_hear_of_it_and_then_refuses():
    waited = []
    patience = StartPatience(waited.append)
    error = OtherFormat("newer", 7)
    with pytest.raises(OtherFormat):
        for _ in range(1000):
            patience.unreadable(error)
    assert sum(waited) == HEARD_S == len(waited) * LOOK_S
    for method in (NoPatience().failed, NoPatience().unreadable):
        with pytest.raises(NeedsReading):
            method(NeedsReading())
