"""`hosts` as a person types it."""

import json
import subprocess
import sys
from contextlib import closing
from dataclasses import replace

import pytest

from ledger import NS_PER_S, ManualClock, process
from supervisor.cli.surroundings import surroundings
from supervisor.config.run_plan import make_run_plan
from supervisor.config.settings import load_settings
from supervisor.database.hosts import joining
from supervisor.database.ledger_source import account_number
from supervisor.doctor import host_check
from supervisor.doctor.findings import Verdict
from supervisor.queries import drain
from tasks.secret import Secret
from tasks.store.ledger_row import host_looks, hosts
from tasks.store.ledger_row.beat_watch import GAP_S
from tasks.store.ledger_row.hosts import Newcomer
from tasks.store.ledger_row.statements import TTL_S
from tests.fakes.program.cli_program import Program
from tests.fakes.waiting import wait_until


def note_dead(conn, name):
    """That host has fallen silent a minute ago, and another one has noted it."""
    conn.execute(
        "UPDATE hosts SET beat_at = now() - interval '1 min', dead_beat = now() - interval '1 min' WHERE name = %s",
        (name,),
    )


def test_the_hosts_are_listed_with_those_that_are_dead_or_left(conn, database_url, tmp_path):
    program = Program(tmp_path, DATABASE_URL=database_url)
    assert "no host has written to this database yet" in program.command("hosts").stdout
    numbers = {
        name: hosts.join(conn, Newcomer(id=name, name=name, version="0.1.0")) for name in ("alive", "dead", "gone")
    }
    note_dead(conn, "dead")
    hosts.leave(conn, numbers["gone"])
    lines = program.command("hosts").stdout.splitlines()
    assert [line.split()[1] for line in lines[1:]] == ["alive", "dead", "gone"]
    assert "alive, heard" in lines[1]
    assert "dead: silent for 1 min" in lines[2]
    assert "left" in lines[3]
    told = json.loads(program.command("hosts", "--json").stdout)
    assert [(one["number"], one["is_alive"]) for one in told["hosts"]] == [
        (numbers["alive"], True), (numbers["dead"], False), (numbers["gone"], False),
    ]  # fmt: skip


@pytest.mark.parametrize("set_by", ["1 hour", "-1 hour"])
def test_a_look_sees_which_hosts_beat_when_the_clock_was_set_and_who_has_not_watched_them_cannot_know(conn, set_by):
    living, dead = (hosts.join(conn, Newcomer(id=name, name=name, version="1")) for name in ("living", "silent"))
    clock = ManualClock()
    assert [one.state for one in host_looks.look(conn, clock=clock, pause=pytest.fail)] == ["alive", "alive"]
    conn.execute("UPDATE hosts SET beat_at = beat_at - %s::interval", (set_by,))

    def pause(seconds):
        clock.advance_s(seconds)
        if clock.now_ns() == 5 * NS_PER_S:
            hosts.beat(conn, living, ())

    assert {one.number: one.state for one in host_looks.look(conn, clock=clock, pause=pause)} == {
        living: "alive", dead: "silent",
    }  # fmt: skip
    assert clock.now_ns() / NS_PER_S == GAP_S
    assert [one.state for one in hosts.hosts(conn)] == ["alive", "alive"]  # nothing was noted


def test_a_host_that_comes_back_has_its_number_again(conn):
    number = hosts.join(conn, Newcomer(id="one", name="one", version="0.1.0"))
    hosts.leave(conn, number)
    assert hosts.join(conn, Newcomer(id="one", name="another name", version="0.2.0")) == number
    (found,) = hosts.hosts(conn)
    assert (found.name, found.version, found.left_at) == ("another name", "0.2.0", None)


def newcomer(name, ledger="file", accounts=(1,), state=None):
    return Newcomer(id=f"{state or name} {name} 1", name=name, version="1", ledger=ledger, accounts=accounts)


@pytest.mark.parametrize(
    ("first", "second", "is_refused"),
    [
        (newcomer("one"), newcomer("two"), True),
        (newcomer("one"), newcomer("two", ledger="database"), True),
        (newcomer("one", ledger="database"), newcomer("two"), True),
        (newcomer("one", ledger="database"), newcomer("two", ledger="database"), False),
        (newcomer("one", accounts=(1, 2**63 + 5)), newcomer("two", accounts=(2**63 + 5,)), True),
        (newcomer("one"), newcomer("two", accounts=(2,)), False),
        (newcomer("one"), newcomer("two", state="one"), False),
    ],
)
def test_two_hosts_on_one_key_have_to_share_a_ledger(conn, first, second, is_refused):
    number = hosts.join(conn, first)
    found = hosts.join(conn, second)
    assert [one.number for one in found] == [number] if is_refused else isinstance(found, int)
    assert len(hosts.hosts(conn)) == (1 if is_refused else 2)


@pytest.mark.parametrize("set_by", ["10 min", "-10 min", "0 s"])
def test_a_host_is_in_the_way_until_it_left_or_was_noted_to_be_dead_whatever_the_clock_is_set_to(conn, set_by):
    first = hosts.join(conn, newcomer("one"))
    conn.execute("UPDATE hosts SET beat_at = beat_at - %s::interval", (set_by,))
    assert [one.name for one in hosts.join(conn, newcomer("two"))] == ["one"]
    hosts.note_dead(conn, *hosts.hosts(conn))
    second = hosts.join(conn, newcomer("two"))
    assert hosts.beat(conn, first, ())  # it was cut off, and is back
    assert sorted(one.name for one in hosts.join(conn, newcomer("three"))) == ["one", "two"]
    for number in (first, second):
        hosts.leave(conn, number)
    assert isinstance(hosts.join(conn, newcomer("three")), int)


def test_a_copy_of_a_state_directory_is_let_in_once_the_process_of_the_first_one_is_gone(conn):
    with subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) as another:
        supervisor = f"{another.pid}-{process.start_of(another.pid)}"
        mine = hosts.this_supervisor()
        first, copy = (replace(newcomer("one"), supervisor=one) for one in (supervisor, mine))
        number = hosts.join(conn, first)
        assert hosts.join(conn, first) == number  # after a drain
        assert [one.number for one in hosts.join(conn, copy)] == [number]
        hosts.note_dead(conn, hosts.hosts(conn)[0])  # it stands still, and may go on
        assert [one.number for one in hosts.join(conn, copy)] == [number]
        another.stdin.close()
        another.wait()
    assert hosts.join(conn, copy) == number


def test_a_host_sees_that_another_one_runs_with_the_state_directory_of_which_its_own_is_a_copy(
    conn, database_url, tmp_path
):
    environ = {"STATE_DIR": str(tmp_path), "DATABASE_URL": database_url, "KEEPA_API_KEY": "k" * 64}
    plan = make_run_plan(load_settings(environ, dotenv=None))
    plan.state.make()
    first = hosts.join(conn, Newcomer(id=f"{plan.state.name()} another boot", name="first", version="1"))
    with closing(joining.take_part(plan, Secret(database_url), "")) as me:
        wait_until(lambda: me.seen, "a look")
        assert me.original is None
        wait_until(lambda: hosts.beat(conn, first, ()) and me.original, "it sees the other one")
    assert joining.copied(plan, me.original) == (
        f"STATE_DIR {tmp_path} is a copy of the one with which the host first runs: start this host with an empty "
        "STATE_DIR of its own"
    )


def test_a_build_that_does_not_tell_of_its_ledger_is_not_compared(conn):
    hosts.join(conn, newcomer("one"))
    conn.execute("UPDATE hosts SET ledger = NULL, accounts = NULL")
    assert isinstance(hosts.join(conn, newcomer("two")), int)


def test_a_named_host_drains_and_is_waited_for_and_a_dead_one_counts_as_gone(conn, database_url, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", database_url)
    number = hosts.join(conn, newcomer("one"))
    hosts.join(conn, newcomer("dead", accounts=()))
    note_dead(conn, "dead")
    states = []

    def pause(_):
        (one,) = [one for one in hosts.hosts(conn) if one.number == number]
        states.append(one.state)
        hosts.leave(conn, number)

    assert drain.drain("one", pause=pause) == 0
    assert (states, capsys.readouterr().out) == (["draining"], "one has left\n")
    assert drain.drain("one", pause=pause) == 0
    assert "has left already" in capsys.readouterr().out
    assert drain.drain("dead") == 0
    assert "it counts as gone from now on" in capsys.readouterr().out
    assert drain.drain("nobody") == 2
    assert "no host is called 'nobody'; there are: dead, one" in capsys.readouterr().err


def test_of_two_hosts_of_one_name_the_number_tells_which_one_is_gone(conn, database_url, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", database_url)
    dead, living = (
        hosts.join(conn, Newcomer(id=f"{state} boot", name="same", version="1")) for state in ("dead", "living")
    )
    clock, told = ManualClock(), []

    def pause(seconds):  # nobody has noted yet that it is dead, so it is watched
        told.append(capsys.readouterr().out)
        clock.advance_s(seconds)

    assert drain.drain(str(dead), pause=pause, clock=clock) == 0
    gone = f"{dead} has been silent for {TTL_S + 1} s: it counts as gone from now on\n"
    assert told == [*[""] * (TTL_S + 1), gone]
    assert {one.number: one.state for one in hosts.hosts(conn)} == {dead: "left", living: "alive"}


def test_a_host_whose_entry_is_gone_has_it_again_unless_another_host_has_its_number(conn):
    me, other = newcomer("one"), newcomer("two", accounts=())
    number = hosts.join(conn, me)
    hosts.join(conn, other)
    at = hosts.beat(conn, number, ())
    assert hosts.last_beat(conn, number, me.id) == at
    conn.execute("DELETE FROM hosts WHERE host = %s", (number,))
    assert (hosts.last_beat(conn, number, me.id), hosts.beat(conn, number, ())) == (None, None)
    assert hosts.enter_again(conn, number, me)
    assert hosts.beat(conn, number, ()) > at
    assert [(one.name, one.state) for one in hosts.hosts(conn)] == [("one", "alive"), ("two", "alive")]
    assert [one.name for one in hosts.join(conn, newcomer("three"))] == ["one"]
    conn.execute("UPDATE hosts SET id = 'another' WHERE host = %s", (number,))
    assert hosts.last_beat(conn, number, me.id) is None
    assert not hosts.enter_again(conn, number, me)
    hosts.drain(conn, number, me.id)  # a host that has lost its number to another one tells nothing about that
    hosts.leave(conn, number, me.id)
    assert {one.number: one.state for one in hosts.hosts(conn)}[number] == "alive"


def test_who_takes_part_for_a_moment_alone_leaves_as_well(conn, database_url, tmp_path):
    environ = {"STATE_DIR": str(tmp_path), "DATABASE_URL": database_url, "KEEPA_API_KEY": "k" * 64}
    plan = make_run_plan(load_settings(environ, dotenv=None))
    joining.take_part(plan, Secret(database_url), "").close()
    wait_until(lambda: [one.state for one in hosts.hosts(conn)] == ["left"], "it has left")


@pytest.mark.parametrize("is_joined", [True, False])
def test_a_command_by_itself_spends_from_the_ledger_of_the_last_run(conn, database_url, tmp_path, is_joined):
    environ = {
        "STATE_DIR": str(tmp_path), "DATABASE_URL": database_url, "KEEPA_API_KEY": "k" * 64,
        "KEEPA_BASE_URL": "http://127.0.0.1:1",
    }  # fmt: skip
    plan = make_run_plan(load_settings(environ, dotenv=None))
    if is_joined:  # by `run --join`, of which the settings say nothing
        plan.state.ledger_marker.touch()
    with surroundings(plan, "fetch") as (given, _ledger):
        (me,) = hosts.hosts(conn)
        assert me.ledger == ("database" if is_joined else "file")
        assert given.ledger_host == (me.number if is_joined else 0)
    assert plan.state.ledger_marker.exists() == is_joined
    assert plan.state.ledger.exists() != is_joined


def test_a_host_beats_while_somebody_locks_the_table_of_calls(conn, database_url, tmp_path):
    environ = {"STATE_DIR": str(tmp_path), "DATABASE_URL": database_url, "KEEPA_API_KEY": "k" * 64}
    plan = make_run_plan(load_settings(environ, dotenv=None))
    with conn.transaction():
        conn.execute("LOCK TABLE calls IN ACCESS EXCLUSIVE MODE")
        with closing(joining.take_part(plan, Secret(database_url), "")) as me:
            beats = "SELECT beat_at > joined_at FROM hosts"
            wait_until(lambda: conn.execute(beats).fetchall() == [(True,)] and me.seen, "a beat")


def test_who_is_told_to_drain_and_does_not_is_not_waited_for_for_ever(conn, database_url, monkeypatch, capsys):
    monkeypatch.setenv("DATABASE_URL", database_url)
    number = hosts.join(conn, newcomer("one"))
    assert drain.drain("one", pause=lambda _: hosts.beat(conn, number, ()), looks=3) == 75
    assert "has not left after 3 s" in capsys.readouterr().err


def test_doctor_names_the_others_those_that_are_silent_and_one_in_the_way_and_changes_nothing(
    conn, database_url, tmp_path
):
    environ = {"STATE_DIR": str(tmp_path), "DATABASE_URL": database_url, "KEEPA_API_KEY": "k" * 64}
    url = Secret(database_url)

    def finding(**more):
        return host_check.finding(make_run_plan(load_settings(environ | more, dotenv=None)), url)

    assert (finding().verdict, finding().words) == (Verdict.GOOD, "no other host is alive")
    account = account_number(make_run_plan(load_settings(environ, dotenv=None)).account(""))
    for name in ("one", "dead"):
        hosts.join(conn, newcomer(name, ledger="database", accounts=(account,)))
    note_dead(conn, "dead")
    seen = finding(LEDGER="database")
    assert (seen.verdict, seen.data) == (Verdict.NOTE, {"alive": ["one"], "silent": ["dead"]})
    assert "the host dead is silent" in seen.words
    assert finding().verdict is Verdict.BAD
    assert "start both with `sluicegate run --join`" in finding().words
    assert list(tmp_path.iterdir()) == []
