"""Whose fault a row of refusals is: one item's, or the server's."""

import pytest

from tasks.planning.refusals import RefusalStreak


def test_an_item_that_is_refused_down_to_itself_is_to_blame_alone():
    refusals = RefusalStreak()
    hundred = [str(number) for number in range(100)]
    assert [refusals.refused(hundred[:size]) for size in (100, 12, 1, 1, 1)] == [0.0] * 5
    assert refusals.different == 1


def test_three_requests_in_a_row_with_nothing_in_common_make_it_rest_longer_each_time():
    refusals = RefusalStreak()
    rests = [refusals.refused([str(number)]) for number in range(12)]
    assert rests == [0, 0, 30, 60, 120, 240, *[300] * 6]


def test_it_is_the_server_from_the_third_request_in_a_row_that_has_nothing_in_common_with_the_last():
    refusals = RefusalStreak()
    assert not refusals.is_general
    answers = []
    for number in range(4):
        refusals.refused([str(number)])
        answers.append((refusals.different, refusals.is_general))
    assert answers == [(1, False), (2, False), (3, True), (4, True)]


def test_however_long_the_server_refuses_the_rest_has_an_end():
    refusals = RefusalStreak()
    assert {refusals.refused([str(number)]) for number in range(2_000)} == {0, 30, 60, 120, 240, 300}


@pytest.mark.parametrize("asked", [[["1"], ["2"], ["2"], ["1", "2"]], [["1", "2"], ["2", "3"], ["2"], ["2"]]])
def test_what_a_row_has_in_common_keeps_it_one(asked):
    refusals = RefusalStreak()
    assert [refusals.refused(one) for one in asked] == [0.0] * len(asked)
