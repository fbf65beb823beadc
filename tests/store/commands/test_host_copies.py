"""What a host that beats sees of itself: a copy in its own entry, none where it is alone, and what it has spent."""

from contextlib import ExitStack, closing
from datetime import UTC, datetime

import pytest

from supervisor.database.hosts.presence import Presence
from tasks.calls.spool import Spool
from tasks.secret import Secret
from tasks.store.calls import calls
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.hosts import Newcomer
from tests.fakes.waiting import wait_until
from tests.fixtures.calls import a_call


class HastyPresence(Presence):
    """Looks and beats all the time."""

    look_s = 0.02
    beat_s = 0.0


def test_two_copies_of_one_running_host_beat_and_the_one_that_ends_leaves_the_entry_to_the_other(
    conn, database_url, tmp_path
):
    """A machine was copied while it ran: boot, process number, start and entry are the same."""
    me = Newcomer(id="one", name="one", version="1")
    number = hosts.join(conn, me)
    spool = Spool(tmp_path, limit_bytes=0, host="")
    with ExitStack() as stack:
        copies = [
            stack.enter_context(closing(HastyPresence(Secret(database_url), number, spool, me))) for _ in range(2)
        ]
        wait_until(lambda: any(one.has_twin for one in copies), "one of them sees it")
        (ended,) = [one for one in copies if one.has_twin]
        ended.close()
        (other,) = [one for one in copies if one is not ended]
        before = conn.execute("SELECT beat_at, left_at FROM hosts").fetchone()
        wait_until(lambda: conn.execute("SELECT beat_at FROM hosts").fetchone()[0] > before[0], "a beat")
        assert (before[1], other.has_twin) == (None, False)
    assert [one.state for one in hosts.hosts(conn)] == ["left"]


def test_a_host_that_takes_part_again_while_it_drains_is_no_copy_of_itself(conn, database_url, tmp_path):
    me = Newcomer(id="one", name="one", version="1")
    number = hosts.join(conn, me)
    spool = Spool(tmp_path, limit_bytes=0, host="")

    def beats_again():
        before = hosts.last_beat(conn, number, me.id)
        wait_until(lambda: hosts.last_beat(conn, number, me.id) != before or host.has_twin, "a beat")

    with closing(HastyPresence(Secret(database_url), number, spool, me)) as host:
        for _ in range(10):
            beats_again()
            host.be("draining")
            wait_until(lambda: host.told == "draining", "it drains")
            host.begin_join()
            hosts.join(conn, me)
            beats_again()
            host.end_join()
            host.be("at work")
            beats_again()
            assert not host.has_twin


@pytest.mark.parametrize(("silent_s", "is_anew"), [(14, False), (16, True)])
def test_a_host_that_was_silent_for_long_takes_part_anew_and_reads_what_it_read(conn, silent_s, is_anew):
    """Which of two copies came later is told by when each took part, and a suspended one has missed that."""
    number = hosts.join(conn, Newcomer(id="one", name="one", version="1"))
    joined = conn.execute(
        """UPDATE hosts SET joined_at = joined_at - interval '1 h',
        ledger_format_at = ledger_format_at - interval '1 h',
        beat_at = beat_at - make_interval(secs => %s) RETURNING joined_at""",
        (silent_s,),
    ).fetchone()
    at = hosts.beat(conn, number, ())
    assert at is not None
    (host,) = hosts.hosts(conn)
    assert host.joined_at == (at if is_anew else joined[0])
    assert conn.execute("SELECT ledger_format_at >= joined_at FROM hosts").fetchone() == (True,)


def test_a_host_that_was_suspended_while_its_copy_went_on_leaves_the_entry_alone(conn, database_url, tmp_path):
    """The line that it had is gone, as after hours; the entry was beaten by the other one since."""
    me = Newcomer(id="one", name="one", version="1")
    number = hosts.join(conn, me)
    with closing(HastyPresence(Secret(database_url), number, Spool(tmp_path, limit_bytes=0, host=""), me)) as host:
        first = hosts.last_beat(conn, number, me.id)
        wait_until(lambda: hosts.last_beat(conn, number, me.id) != first, "its own beat")
        with conn.transaction():
            conn.execute("SELECT FROM hosts WHERE host = %s FOR UPDATE", (number,))
            wait_until(lambda: conn.execute("SELECT FROM pg_locks WHERE NOT granted").fetchall(), "its next beat waits")
            (at,) = conn.execute(
                "UPDATE hosts SET beat_at = beat_at + interval '1 min' WHERE host = %s RETURNING beat_at", (number,)
            ).fetchone()
            conn.execute("SELECT pg_terminate_backend(pid, 60000) FROM pg_locks WHERE NOT granted")
        wait_until(lambda: host.has_twin, "it sees that the other one went on")
        assert hosts.last_beat(conn, number, me.id) == at
    assert conn.execute("SELECT left_at FROM hosts").fetchone() == (None,)


def test_a_host_that_has_just_started_goes_on_after_a_failover_that_lost_its_last_beat(conn, database_url, tmp_path):
    me = Newcomer(id="one", name="one", version="1")
    number = hosts.join(conn, me)
    joined = hosts.last_beat(conn, number, me.id)
    with closing(HastyPresence(Secret(database_url), number, Spool(tmp_path, limit_bytes=0, host=""), me)) as host:
        wait_until(lambda: hosts.last_beat(conn, number, me.id) != joined, "its first beat")
        with conn.transaction():
            (lost,) = conn.execute("SELECT beat_at FROM hosts FOR UPDATE").fetchone()
            conn.execute("UPDATE hosts SET beat_at = %s", (joined,))
        wait_until(lambda: host.has_twin or hosts.last_beat(conn, number, me.id) > lost, "it beats again")
        assert not host.has_twin


def test_what_a_host_has_just_spent_is_told_at_once_and_not_a_minute_later(conn, database_url, tmp_path):
    me = Newcomer(id="one", name="one", version="1")
    number = hosts.join(conn, me)
    spool = Spool(tmp_path, limit_bytes=0, host="")
    with closing(HastyPresence(Secret(database_url), number, spool, me)) as host:
        wait_until(lambda: host.seen, "the first look, at which nothing was spent")
        with conn.transaction():
            calls.record(conn, a_call(host="one", cost=7, at=datetime.now(UTC)))
        wait_until(lambda: host.tokens.get("one") == 7, "what was spent")
