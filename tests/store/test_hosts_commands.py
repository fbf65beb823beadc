"""`hosts` as a person types it."""

import json

from tasks.store.ledger_row import hosts
from tests.fakes.cli_program import Program


def test_the_hosts_are_listed_with_those_that_are_dead_or_left(conn, database_url, tmp_path):
    program = Program(tmp_path, DATABASE_URL=database_url)
    assert "LEDGER=database makes one take part" in program.command("hosts").stdout
    numbers = {name: hosts.join(conn, name, name, "0.1.0") for name in ("alive", "dead", "gone")}
    conn.execute("UPDATE hosts SET beat_at = clock_timestamp() - interval '1 min' WHERE name = 'dead'")
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


def test_a_host_that_comes_back_has_its_number_again(conn):
    number = hosts.join(conn, "one", "one", "0.1.0")
    hosts.leave(conn, number)
    assert hosts.join(conn, "one", "another name", "0.2.0") == number
    (found,) = hosts.hosts(conn)
    assert (found.name, found.version, found.left_at) == ("another name", "0.2.0", None)
