"""The cookie of a browser that was let in: good for thirty days, for one token, and not to be made by others."""

from hypothesis import given
from hypothesis import strategies as st

from supervisor.web import session
from tasks.secret import Secret

TOKEN, OTHER = Secret("a" * 43), Secret("b" * 43)
NAME = "n0t-a-Secret_n0t"
NOW_S = 1_800_000_000.0


def test_a_cookie_is_good_until_it_has_run_out():
    value = session.cookie(NAME, NOW_S, TOKEN)
    assert session.session_of(value, NOW_S + session.LASTS_S - 1, TOKEN) == NAME
    assert session.session_of(value, NOW_S + session.LASTS_S, TOKEN) is None


def test_another_token_shuts_every_cookie_out():
    assert session.session_of(session.cookie(NAME, NOW_S, TOKEN), NOW_S, OTHER) is None


def test_a_cookie_does_not_hold_the_token():
    assert TOKEN.reveal() not in session.cookie(NAME, NOW_S, TOKEN)


@given(at=st.integers(0, 100), char=st.sampled_from("0aZ.-"))
def test_a_cookie_with_any_other_character_is_none_of_ours(at, char):
    value = session.cookie(NAME, NOW_S, TOKEN)
    at %= len(value)
    changed = value[:at] + char + value[at + 1 :]
    assert changed == value or session.session_of(changed, NOW_S, TOKEN) is None


@given(st.text())
def test_any_text_is_no_cookie_and_no_token(text):
    assert session.session_of(text, NOW_S, TOKEN) is None
    assert session.is_token(text, TOKEN) == (text == TOKEN.reveal())
