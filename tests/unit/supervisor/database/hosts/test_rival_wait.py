"""How long one host waits for another: never beside one that beats, and never for ever."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from supervisor.database.hosts.rival_wait import WAIT_S, RivalWait, Verdict
from tasks.store.ledger_row.hosts import Host

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


def rival(beat_s, number=1):
    return Host(
        number=number, id="state boot", name="one", version="1", joined_at=EPOCH, left_at=None, silent_s=0.0,
        workers=(), beat_at=EPOCH + timedelta(seconds=beat_s),
    )  # fmt: skip


def verdicts(beats):
    """What is said each second while the beat of the rival is what `beats` gives, until it is refused."""
    wait, found = RivalWait(), []
    for now_s in range(100):
        found.append(wait.judge(rival(beats(now_s)), now_s))
        if found[-1] is Verdict.REFUSE:
            return found
    raise AssertionError("it waits for ever")


@given(st.integers(-1_000, 1_000), st.integers(0, 40))
def test_who_beats_is_refused_and_who_does_not_is_dead_however_the_clock_was_set(set_s, at_s):
    living = verdicts(lambda now_s: now_s // 5 + (set_s if now_s >= at_s else 0))
    assert living == [Verdict.WAIT] * int(WAIT_S) + [Verdict.REFUSE]
    # One that is called dead and is in the way all the same, is refused.
    assert verdicts(lambda _: set_s)[-2:] == [Verdict.DEAD, Verdict.REFUSE]


def test_who_stops_beating_while_it_is_waited_for_is_refused_first():
    """It may be dead; the next start waits from its beginning."""
    assert verdicts(lambda now_s: min(now_s, 10))[-1] is Verdict.REFUSE


def test_another_one_in_the_way_is_waited_for_as_long():
    wait = RivalWait()
    first = [wait.judge(rival(now_s), now_s) for now_s in range(20)]
    second = [wait.judge(rival(0, number=2), now_s) for now_s in range(20, 41)]
    assert first == [Verdict.WAIT] * 20
    assert second == [Verdict.WAIT] * 20 + [Verdict.DEAD]
