"""Which process ends when two beat in one entry of the table of hosts, and that one alone never does."""

from contextlib import ExitStack, closing

from supervisor.database.hosts.presence import Presence
from tasks.calls.spool import Spool
from tasks.secret import Secret
from tasks.store.ledger_row import hosts
from tasks.store.ledger_row.hosts import Newcomer
from tests.fakes.waiting import wait_until


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
