"""Rules and targets as people write them: what they mean, and every fault in plain words."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.notify import rule, target
from tasks.secret import Secret

WHOLE = """
deals = ["drop", "back"]
alarms = ["failed"]
to = "phone"
type = ["NEW", "AMAZON"]
over = "month"
min_discount = 30
max_price = 49.9
domain = "de"
selection = ["toys"]
products = ["b08n5wrwnw"]
title = "wireless headphones"
amazon = false
min_roi = -5
sell_at = 20
at_most = 3
again_after = "2d"
digest = "1h"
quiet = "22:00-7:00"
zone = "Europe/Berlin"
degraded_for = "5m"
"""


def test_every_word_is_read():
    found, faults = rule.parse("toys", tomllib.loads(WHOLE))
    assert faults == []
    assert (found.deals, found.alarms, found.to) == (("drop", "back"), ("failed",), ("phone",))
    assert found.conditions == {
        "type": ("NEW", "AMAZON"),
        "over": "month",
        "min_discount": 30,
        "max_price": "49.90",
        "domain": 3,
        "selection": ("toys",),
        "products": ("B08N5WRWNW",),
        "title": ("wireless", "headphones"),
        "amazon": False,
        "min_roi": "-5.00",
        "sell_at": ("price", "20.00"),
    }
    pace = found.pace
    assert (pace.at_most, pace.again_s, pace.digest_s, pace.quiet) == (3, 172_800, 3600, (22 * 60, 7 * 60))
    assert found.degraded_s == 300


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "nobody is told"),
        ('to = "x"', "nothing is told: add `deals"),
        ('to = "x"\ndeals = "new"\nfollowed = "back"', "deals and followed are two rules"),
        ('to = "x"\nfollowed = "back"\ntitle = "x"', "title: no condition of followed products; there are domain, max"),
        ('to = "x"\nfollowed = "drop"', "followed: every price would be told: add `max_price` or `min_discount`"),
        ('to = "x"\ndeals = "new"\nwatch = "toys"', "watch names lists, and the rule follows no product"),
        ('to = "x"\ndeals = ["sale"]', "deals: 'sale' is none of new, drop, rise, back"),
        ('to = "x"\ndeals = "new"\nmin_discont = 3', "'min_discont' is no word of a rule; there are to, deals"),
        ('to = "x"\ndeals = "new"\nmin_discount = 101', "min_discount: 101 is no whole number from 1 to 100"),
        ('to = "x"\ndeals = "new"\nmax_price = 10', "max_price: an amount of money needs its shop: add `domain`"),
        ('to = "x"\ndeals = "new"\nmax_price = nan\ndomain = 1', "max_price: nan is no number"),
        ('to = "x"\ndeals = "new"\nquiet = "22-7"', "quiet: '22-7' is no part of the day"),
        ('to = "x"\ndeals = "new"\nquiet = "25:00-7:00"', "quiet: '25:00' is no time of day"),
        ('to = "x"\ndeals = "new"\nquiet = "7:00-7:00"', "is a whole day: nothing would ever be sent"),
        ('to = "x"\ndeals = "new"\nzone = "Mars/Base"', "zone: 'Mars/Base' is no time zone"),
        ('to = "x"\ndeals = "new"\nagain_after = 5', "again_after: 5 is no length of time"),
        ('to = "x"\nalarms = "failed"\nbrand = "a"', "brand select deals, and the rule tells of none"),
        ('to = "x"\ndeals = "new"\ntype = "SALES"', "type: 'SALES' is none of AMAZON, NEW"),
    ],
)
def test_a_fault_says_what_was_found_and_what_is_expected(text, words):
    found, faults = rule.parse("x", tomllib.loads(text))
    assert found is None
    assert any(words in fault for fault in faults), faults


FAULTS = {
    "deals": (["sale", "gone"], "deals: 'sale', 'gone' are none of new"),
    "min_discount": (101, "min_discount: 101 is no whole number"),
    "quiet": ("22-7", "quiet: '22-7' is no part of the day"),
    "zone": ("Mars/Base", "zone: 'Mars/Base' is no time zone"),
    "products": (["x", "y"], "'x' is no ASIN: an ASIN has ten digits and letters, such as B08N5WRWNW; 'y' is no ASIN"),
    "max_price": (5, "max_price: an amount of money needs its shop"),
    "min_discont": (3, "'min_discont' is no word of a rule"),
}  # fmt: skip


@given(st.sets(st.sampled_from(sorted(FAULTS)), min_size=1), st.booleans())
def test_every_fault_of_a_rule_is_told_at_once(wrong, is_told):
    given_ = {"deals": "new", **({"to": ["x", "y"]} if is_told else {}), **{word: FAULTS[word][0] for word in wrong}}
    _, faults = rule.parse("x", given_)
    expected = [FAULTS[word][1] for word in wrong] + ([] if is_told else ["nobody is told"])
    assert [words for words in expected if words not in "\n".join(faults)] == []
    assert len(faults) == len(expected)
    assert rule.told(given_) == (("x", "y") if is_told else ())


def test_every_fault_of_a_target_is_told_at_once():
    _, faults = target.parse("x", {"url": "nowhere", "secret": "short", "key": 1})
    assert [fault.partition(":")[0].partition(" is")[0] for fault in faults] == ["'key'", "url", "secret"]
    _, faults = target.parse("x", {"command": [], "secret": KEY})
    assert [fault.partition(":")[0] for fault in faults] == ["command", "secret"]


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner, max_size=3)
)


@given(st.dictionaries(st.sampled_from([*rule._READERS, "x"]), ANYTHING, max_size=6))
def test_whatever_a_file_has_is_a_rule_or_has_faults(given_):
    found, faults = rule.parse("x", given_)
    assert (found is None) == bool(faults)


@given(st.dictionaries(st.sampled_from(["url", "secret", "command", "x"]), ANYTHING, max_size=4) | ANYTHING)
def test_whatever_a_target_has_is_one_or_has_faults(given_):
    found, faults = target.parse("x", given_)
    assert (found is None) == bool(faults)


KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_way_to_a_target_follows_from_its_url():
    web, _ = target.parse("web", {"url": "https://example.com/hook", "secret": KEY})
    chat, _ = target.parse("chat", {"url": "tgram://123:abc/456"})
    program, _ = target.parse("program", {"command": ["logger"]})
    assert [one.way for one in (web, chat, program)] == ["webhook", "apprise", "command"]
    assert web.secret == Secret(KEY)


@pytest.mark.parametrize(
    "given_",
    [
        {"url": "https://u:hunter22@example.com/", "secret": "hunter22"},
        {"url": "tgram://hunter22/1", "secret": KEY},
        {"url": "hunter22"},
        {"url": "http://[hunter22"},
        {"command": "hunter22"},
        {"command": ["a"], "secret": "hunter22"},
        {"url": "hunter22", "command": ["hunter22"]},
        "hunter22",
    ],
)
def test_a_fault_of_a_target_shows_nothing_of_it(given_):
    found, faults = target.parse("x", given_)
    assert found is None
    assert faults
    assert not any("hunter22" in fault for fault in faults)
