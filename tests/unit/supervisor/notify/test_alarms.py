"""Alarms: each is told when it begins and when it is over, once, whatever the order in which things happen."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from ledger import localtime
from supervisor.notify.alarms import AlarmBook, Problem, problems, update
from supervisor.notify.drift import DriftWatch
from supervisor.process.conditions import ConditionRecord
from supervisor.report import ChildRecord, DeathRecord, FaultRecord, Report, RunRecord, SupervisorRecord
from tasks.rule_settings import RuleSettings

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
SINCE = localtime.utc(START)
RULE = RuleSettings(name="night", to=("phone", "mail"), alarms=("failed", "degraded"), degraded_s=120.0)


def found(*alarms):
    return [Problem(alarm, what, SINCE, f"{alarm} {what}") for alarm, what in alarms]


def sent(book):
    return [(one.target, one.message.notices[0].alarm, one.message.notices[0].is_over) for one in book.pending]


def test_what_begins_and_what_is_over_goes_to_each_target_of_the_rule():
    book = update(AlarmBook(), found(("failed", "upsert-0"), ("drift", "key")), [RULE], "here", START)
    assert sent(book) == [("phone", "failed", False), ("mail", "failed", False)]
    assert update(book, found(("failed", "upsert-0")), [RULE], "here", START) == book
    over = update(book, [], [RULE], "here", START)
    assert sent(over)[2:] == [("phone", "failed", True), ("mail", "failed", True)]
    assert over.told == {}


def test_a_rule_whose_file_has_a_space_in_its_name_is_told_the_end_too():
    rule = RuleSettings(name="at night", to=("phone",), alarms=("failed",))
    there = found(("failed", "upsert-0"))
    book = update(AlarmBook(), there, [rule], "here", START)
    book = update(update(book, [], [rule], "here", START), there, [rule], "here", START)
    assert [is_over for _, _, is_over in sent(book)] == [False, True, False]


def test_what_is_over_soon_is_not_told():
    degraded = found(("degraded", "database"))
    early = update(AlarmBook(), degraded, [RULE], "here", START + timedelta(seconds=119))
    assert early == AlarmBook()
    assert update(early, [], [RULE], "here", START + timedelta(seconds=120)) == AlarmBook()
    assert len(sent(update(early, degraded, [RULE], "here", START + timedelta(seconds=120)))) == 2


def test_while_a_run_begins_nothing_is_over_that_it_has_not_found_yet():
    book = update(AlarmBook(), found(("failed", "run")), [RULE], "here", START)
    begun = update(book, found(("drift", "key")), [RULE], "here", START, is_all=False)
    assert begun == book
    assert sent(update(begun, [], [RULE], "here", START))[2:] == [("phone", "failed", True), ("mail", "failed", True)]


def test_what_a_rule_told_that_is_gone_is_forgotten():
    book = update(AlarmBook(), found(("failed", "upsert-0")), [RULE], "here", START)
    assert update(book, [], [], "here", START).told == {}


def test_the_same_thing_told_again_after_a_kill_has_the_same_id():
    ids = [
        [
            one.message.id
            for one in update(AlarmBook(), found(("failed", "a")), [RULE], "here", START + timedelta(n)).pending
        ]
        for n in range(2)
    ]
    assert ids[0] == ids[1]
    assert len(set(ids[0])) == 2


WHAT = st.sets(st.tuples(st.sampled_from(["failed", "degraded", "drift"]), st.sampled_from("ab")))


@given(st.lists(st.tuples(WHAT, st.integers(0, 300)), max_size=30))
def test_beginnings_and_ends_alternate_and_none_is_lost(steps):
    book, now = AlarmBook(), START
    for there, seconds in steps:
        now += timedelta(seconds=seconds)
        book = update(book, found(*sorted(there)), [RULE], "here", now)
    book = update(book, [], [RULE], "here", now)
    told = {}
    for one in book.pending:
        notice = one.message.notices[0]
        told.setdefault((one.target, notice.words), []).append(notice.is_over)
    assert all(ends == [False, True] * (len(ends) // 2) for ends in told.values())
    assert not any("drift" in words for _, words in told)


def report(**changes):
    child = ChildRecord(
        role="upsert", slot=0, pid=None, state="failed", phase=None, detail="", up_s=None, again_in_s=None, restarts=0,
        deaths_in_period=6, deaths_allowed=5, rows={}, job={},
    )  # fmt: skip
    death = DeathRecord(
        at=SINCE, role="upsert", slot=0, pid=1, cause="exit", code=70, signal=None, words="exit code 70", doing="",
        lived_s=1.0, peak_rss_mb=None, next="failed",
    )  # fmt: skip
    run = RunRecord(
        server="keepa",
        synthetic=False,
        base_url=None,
        database=None,
        database_url=None,
        spool="",
        rows_into="",
        words="",
    )
    return Report(
        written_at=SINCE,
        supervisor=SupervisorRecord(pid=1, state="running"),
        run=run,
        rows_written={},
        **{"workers": (child,), "services": (), "deaths": (death,)} | changes,
    )


def test_the_report_says_what_is_wrong():
    conditions = tuple(ConditionRecord(kind=kind, since=SINCE, why="why") for kind in ("database", "key", "notify"))
    key = FaultRecord(at=SINCE, level="error", event="run_failed", words="the API refuses this key: no; check it")
    told = problems(report(conditions=conditions, faults=(key,)), [])
    assert [(one.alarm, one.what) for one in told] == [
        ("degraded", "database"),
        ("key", "key"),
        ("failed", "upsert-0"),
        ("key", "run"),
    ]
    assert told[2].words == (
        "upsert-0 has failed and is not started again: exit code 70; `sluicegate retry upsert-0` does"
    )


def test_of_several_keys_each_is_told_by_its_name():
    conditions = tuple(ConditionRecord(kind=f"key {name}", since=SINCE, why="lapsed") for name in ("a", "b"))
    spent = DriftWatch("b")
    looks(spent, (0, 0.0), (1, -300.0))
    drifts = looks(spent, (4, -300.0))
    told = problems(report(workers=(), conditions=conditions), drifts)
    assert [(one.alarm, one.what) for one in told] == [("key", "a"), ("key", "b"), ("drift", "b")]
    assert [one.words for one in told[:2]] == ["the key a is refused: lapsed", "the key b is refused: lapsed"]
    assert told[2].words.startswith("somebody else spent 300 tokens of the key b within an hour")
    rule = RuleSettings(name="night", to=("phone",), alarms=("key", "drift"))
    assert len(update(AlarmBook(), told, [rule], "here", START).pending) == 3


def looks(watch, *drifts):
    """What each of these looks tells, which are given by their minute and the drift then."""
    return [watch.look(drift, 100, START + timedelta(minutes=minute)) for minute, drift in drifts]


def test_drift_is_told_when_it_grows_fast():
    watch = DriftWatch()
    assert looks(watch, (0, -500.0), (30, -599.0), (33, -599.0)) == [None] * 3
    *before, told = looks(watch, (50, -600.0), (51, -600.0), (52, -600.0))
    assert before == [None, None]
    assert told.words.startswith("somebody else spent 100 tokens")
    assert looks(watch, (54, -600.0))[0].since == told.since
    assert looks(watch, (120, -600.0)) == [None]


def test_a_drift_that_is_there_while_calls_overlap_is_not_told():
    assert looks(DriftWatch(), (0, 0.0), (1, 0.0), (2, -700.0), (3, 0.0), (4, -900.0), (5, 0.0)) == [None] * 6
