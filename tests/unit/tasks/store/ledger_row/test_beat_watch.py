"""Whether a host beats is seen by watching it: no statement asks how old a beat is, and no clock that is set counts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tasks.store.ledger_row.beat_watch import GAP_S, BeatWatch
from tasks.store.ledger_row.hosts import BEAT_S, Host
from tests.fakes.program.cli_program import ROOT

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
AGE = re.compile(r"beat_at\s*(?:<|>|(?:NOT )?BETWEEN)|silent_s\s*[<>]", re.IGNORECASE)
# Those two decide nothing about a living host: who is looked at for some seconds, and which of the dead are forgotten.
HARMLESS = {
    "beat_at NOT BETWEEN": "tasks/store/ledger_row/host_looks.py",
    "beat_at <": "tasks/store/ledger_row/hosts.py",
}


def host(beat_s, now_s, number=1):
    """A host that has beaten at `beat_s`, read at `now_s`, both by the clock of the database."""
    return Host(
        number=number, id="a b", name="a", version="1", joined_at=EPOCH, beat_at=EPOCH + timedelta(seconds=beat_s),
        left_at=None, silent_s=max(0.0, now_s - beat_s), workers=(),
    )  # fmt: skip


def test_no_statement_and_no_function_judges_a_host_by_the_age_of_its_beat():
    found = {
        match.group(): str(path.relative_to(ROOT))
        for folder in ("tasks", "supervisor", "ledger")
        for path in (ROOT / folder).rglob("*.py")
        for match in AGE.finditer(path.read_text())
    }
    assert found == HARMLESS


@given(st.lists(st.tuples(st.floats(0, 60), st.floats(-86_400, 86_400)), max_size=4), st.floats(0, BEAT_S))
def test_however_the_clock_of_the_database_is_set_a_host_that_beats_is_not_silent_for_longer_than_between_two_beats(
    sets, phase_s
):
    watch, beat_s, tried_s = BeatWatch(), 0.0, phase_s - BEAT_S
    for now_s in range(60):
        clock_s = now_s + sum(by for at, by in sets if at <= now_s)
        if now_s - tried_s >= BEAT_S:
            beat_s, tried_s = clock_s, now_s
        one = host(beat_s, clock_s)
        watch.look([one], now_s)
        assert watch.unchanged_s(one) <= BEAT_S
        if watch.changes(one):
            assert watch.heard(one).silent_s <= BEAT_S + 1


def test_of_a_beat_of_before_the_watch_the_clock_of_the_database_tells_how_old_it_is():
    watch, one = BeatWatch(), host(0, 3_600)
    watch.look([one], 0.0)
    watch.look([host(0, 90_000)], 2.0)
    assert (watch.heard(one).silent_s, watch.unchanged_s(one)) == (3_602.0, 2.0)


def test_what_was_seen_before_a_gap_is_forgotten_and_so_is_a_host_that_was_not_there():
    watch = BeatWatch()
    for now_s, found in ((0, [1, 2]), (5, [1]), (7, [1, 2]), (7 + GAP_S, [1, 2]), (8 + 2 * GAP_S, [2])):
        watch.look([host(0, 0, number) for number in found], now_s)
        watched = [watch.watched_s(host(0, 0, number)) for number in found]
        assert watched == {0: [0, 0], 5: [5], 7: [7, 0], 7 + GAP_S: [7 + GAP_S, GAP_S]}.get(now_s, [0])
    assert watch.changes(host(0, 0, 1)) == 0
