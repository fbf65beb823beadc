"""When a worker has grown too old or too large, and the page's process too large."""

import os

from hypothesis import given
from hypothesis import strategies as st

from supervisor.config.settings import load_settings
from supervisor.tree.recycling import PAGE_LIMITS, SPREAD, page_reason, reason, rss_bytes

HOUR_S = 3600


def settings(age_h="24", rss_mb="512"):
    return load_settings({"MAX_AGE_H": age_h, "MAX_RSS_MB": rss_mb}, dotenv=None)


@given(st.floats(0, 1), st.floats(0, 40 * HOUR_S))
def test_line_53_an_age_is_too_much_within_a_tenth_above_the_setting(spread, age_s):
    why = reason(age_s, 100, settings(), spread=spread)
    if age_s <= 24 * HOUR_S:
        assert why is None
    if age_s > 24 * HOUR_S * (1 + SPREAD):
        assert "MAX_AGE_H=24" in why


def test_line_53_memory_is_too_much_above_the_setting_and_each_limit_can_be_off():
    assert reason(0, 512, settings(), spread=0) is None
    assert reason(0, 512.1, settings(), spread=0) == "it has 512 MB, more than MAX_RSS_MB=512"
    assert reason(0, 99_999, settings(rss_mb="0"), spread=0) is None
    assert reason(10**9, 1, settings(age_h="0"), spread=1) is None


def test_memory_is_read_and_that_of_nobody_is_none():
    assert rss_bytes(os.getpid()) > 5_000_000
    assert rss_bytes(2**22 + 1) == 0


def test_the_page_is_too_large_above_its_limit_and_while_it_answers_above_twice_that():
    limit = PAGE_LIMITS.mb
    assert page_reason(limit, PAGE_LIMITS.served_s, is_answering=False) is None
    assert "more than 96" in page_reason(limit + 1, PAGE_LIMITS.served_s, is_answering=False)
    assert page_reason(2 * limit, PAGE_LIMITS.served_s, is_answering=True) is None
    assert "more than 192" in page_reason(2 * limit + 1, PAGE_LIMITS.served_s, is_answering=True)


def test_a_page_that_is_too_large_from_the_beginning_is_not_replaced_without_end():
    assert page_reason(10 * PAGE_LIMITS.mb, PAGE_LIMITS.served_s - 1, is_answering=False) is None
