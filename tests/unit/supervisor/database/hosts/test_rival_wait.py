"""How long a host waits for others: never beside one that beats, and never for ever, whatever clocks are set."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from supervisor.database.hosts.rival_wait import LONGEST_S, WAIT_S, RivalWait
from tasks.store.ledger_row.beat_watch import GAP_S
from tasks.store.ledger_row.hosts import BEAT_S, Host
from tasks.store.ledger_row.statements import TTL_S

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
END_S = 400


def rival(beat_s, number=1):
    return Host(
        number=number, id="state boot", name=str(number), version="1", joined_at=EPOCH, left_at=None, silent_s=0.0,
        workers=(), beat_at=EPOCH + timedelta(seconds=beat_s),
    )  # fmt: skip


def judgements(beats, looks=range(100)):
    """What is said at each look while the beat of the rival is what `beats` gives, until it is final."""
    wait, found = RivalWait(), []
    for now_s in looks:
        found.append(wait.judge([rival(beats(now_s))], now_s))
        if found[-1].is_final:
            return found
    raise AssertionError("it waits for ever")


def words(found):
    return ["refused" if one.is_final else "dead" if one.dead else "waits" for one in found]


@given(st.integers(-1_000, 1_000), st.integers(0, 40))
def test_who_beats_is_refused_and_who_does_not_is_dead_however_the_clock_was_set(set_s, at_s):
    living = judgements(lambda now_s: now_s // 5 + (set_s if now_s >= at_s else 0))
    assert words(living) == ["waits"] * int(WAIT_S) + ["refused"]
    # One that is called dead and is in the way all the same, is refused.
    assert words(judgements(lambda _: set_s))[-2:] == ["dead", "refused"]


@given(
    st.lists(st.tuples(st.floats(0, 100), st.floats(-86_400, 86_400)), max_size=4),
    st.lists(st.tuples(st.floats(0, 100), st.floats(0.5, 120)), max_size=3),
    st.floats(0, BEAT_S),
)
def test_who_beats_whenever_the_database_serves_is_never_called_dead(sets, outages, phase_s):
    """The clock of the database is set, and it is away for times: then neither beats nor looks reach it."""
    wait, beat_s, tried_s = RivalWait(), 0.0, phase_s - BEAT_S
    for now_s in (half / 2 for half in range(2 * END_S)):
        if any(begin <= now_s < begin + length for begin, length in outages):
            continue
        if now_s - tried_s >= BEAT_S:
            beat_s, tried_s = now_s + sum(by for at, by in sets if at <= now_s), now_s
        if now_s % 1 == 0:
            judged = wait.judge([rival(beat_s)], now_s)
            assert judged.dead == []
            if judged.is_final:
                return
    raise AssertionError("it waits for ever")


@given(st.integers(0, int(WAIT_S)))
def test_who_stops_beating_while_it_is_waited_for_is_dead_unless_it_was_heard_shortly_before_the_end(last_s):
    """One that was heard then may be dead too; the next start waits from its beginning."""
    found = judgements(lambda now_s: min(now_s, last_s))
    assert ("dead" in words(found)) is (WAIT_S - last_s >= TTL_S)
    assert len(found) <= LONGEST_S + 2


def test_after_a_gap_the_wait_begins_anew():
    gap_s = int(GAP_S) + 1
    looks = [*range(15), *range(14 + gap_s, 100)]
    assert words(judgements(lambda _: 0, looks)) == ["waits"] * (15 + 20) + ["dead", "refused"]


def test_all_are_waited_for_at_once_and_one_that_comes_later_from_then_on():
    wait = RivalWait()
    found = [
        wait.judge([rival(0, number=2), rival(0, number=3), *([rival(now_s)] if now_s >= 10 else [])], now_s)
        for now_s in range(31)
    ]
    assert [[one.number for one in judged.dead] for judged in found] == [[]] * 20 + [[2, 3]] + [[]] * 10
    assert [judged.in_the_way.number for judged in found[19:21]] == [2, 1]
    assert [judged.is_final for judged in found[:20]] == [False] * 20


def test_how_long_the_other_one_is_silent_is_told_by_the_clock_of_this_machine():
    """The clock of the database is set forward at the second look; the other one has beaten just before."""
    found = [rival(0), Host(**{**{name: getattr(rival(0), name) for name in Host.__slots__}, "silent_s": 3_600.0})]
    wait = RivalWait()
    assert [wait.judge([one], now_s).in_the_way.silent_s for now_s, one in enumerate(found)] == [0.0, 1.0]
