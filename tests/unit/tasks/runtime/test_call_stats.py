from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tasks.runtime.call_stats import BOUNDS_S, NO_REPLY, OTHER, CallStats, EndpointStats, merged


def calls(**more):
    return EndpointStats(**{"statuses": {"200": 1}, "took": [1] + [0] * len(BOUNDS_S), "took_s": 0.05, **more})


def test_calls_are_counted_by_endpoint_status_and_how_long_they_took():
    traffic = CallStats()
    for status, seconds in ((200, 0.1), (200, 0.11), (429, 0.0), (None, 121.0)):
        traffic.count("/deal", status, seconds)
    traffic.count("/token", 200, 0.3)
    told = traffic.as_message()
    assert set(told) == {"/deal", "/token"}
    assert told["/deal"]["statuses"] == {"200": 2, "429": 1, NO_REPLY: 1}
    assert told["/deal"]["took"] == [2, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    assert told["/deal"]["took_s"] == 121.21


def test_what_is_told_stays_small_whatever_a_server_answers():
    traffic = CallStats()
    for endpoint in ("/deal", "/product", "/token"):
        for status in range(100, 600):
            traffic.count(endpoint, status, 123.4567)
    assert len(json.dumps(traffic.as_message())) < 1200
    assert sum(traffic.as_message()["/deal"]["statuses"].values()) == 500
    assert traffic.as_message()["/deal"]["statuses"][OTHER] == 488


@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from((200, 429, None)), st.floats(0, 300))))
def test_two_counts_merged_are_the_count_of_both(events):
    parts, whole = (CallStats(), CallStats()), CallStats()
    for number, event in enumerate(events):
        parts[number % 2].count(*event)
        whole.count(*event)
    both = merged(parts[0]._calls, parts[1]._calls)
    assert set(both) == set(whole._calls)
    for endpoint, one in whole._calls.items():
        assert (both[endpoint].statuses, both[endpoint].took) == (one.statuses, one.took)
        assert abs(both[endpoint].took_s - one.took_s) < 1e-6


def test_merging_changes_neither_of_the_two():
    one, other = {"/deal": calls()}, {"/deal": calls(), "/token": calls()}
    assert merged(one, other)["/deal"].statuses == {"200": 2}
    assert merged({}, other) == other
    assert one["/deal"] == other["/deal"] == calls()
