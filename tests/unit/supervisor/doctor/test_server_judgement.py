"""What `doctor` says of a server: each fault and each note with what to do, and nothing of a good one."""

import pytest

from supervisor.database.server_facts import ServerFacts
from supervisor.doctor import server_judgement

MB = 2**20
GOOD = ServerFacts(
    has_fsync=True,
    has_full_page_writes=True,
    commits_durably=True,
    has_autovacuum=True,
    has_lz4=True,
    shared_buffers=128 * MB,
    work_mem=4 * MB,
    max_wal_size=1024 * MB,
    connections=97,
    others=3,
    is_collation_stale=False,
    database="deals",
    is_pooled=False,
)


def told(facts, workers=2, *, is_embedded=False):
    return (
        list(server_judgement.faults(facts, workers)),
        list(server_judgement.notes(facts, workers, is_embedded=is_embedded)),
    )


def test_a_server_with_its_defaults_is_good_with_lz4_or_without():
    assert told(GOOD) == told(GOOD._replace(has_lz4=False)) == ([], [])


@pytest.mark.parametrize(
    ("lacks", "words"),
    [
        ({"has_fsync": False}, "ALTER SYSTEM SET fsync = on"),
        ({"has_full_page_writes": False}, "ALTER SYSTEM SET full_page_writes = on"),
        ({"commits_durably": False}, "ALTER DATABASE deals SET synchronous_commit = on"),
        ({"has_autovacuum": False}, "ALTER SYSTEM SET autovacuum = on"),
        ({"is_collation_stale": True}, "REINDEX DATABASE deals, then"),
        ({"shared_buffers": 16 * MB}, "shared_buffers is 16 MB, so queries"),
        ({"work_mem": 64 * 1024}, "work_mem is 64 kB"),
        ({"max_wal_size": 64 * MB}, "max_wal_size is 64 MB"),
        ({"others": 93}, "so 4 are left of the 5 that 2 workers need"),
    ],
)
def test_what_costs_safety_time_or_room_is_noted(lacks, words):
    faults, notes = told(GOOD._replace(**lacks))
    assert faults == []
    assert len(notes) == 1
    assert words in notes[0]


def test_too_few_connections_are_a_fault_unless_a_pooler_shares_them():
    few = GOOD._replace(connections=4, others=4)
    faults, notes = told(few)
    assert "allows this user 4 connections, and 2 workers need 5" in faults[0]
    assert notes == []
    faults, notes = told(few, workers=1)
    assert faults == []
    assert "have 4 of 4 connections now, so 0 are left of the 4 that 1 workers need" in notes[0]
    assert told(few._replace(is_pooled=True)) == ([], [])


def test_of_the_embedded_server_only_what_its_user_changed_is_noted():
    ours = GOOD._replace(has_lz4=False, shared_buffers=32 * MB, max_wal_size=512 * MB)
    assert told(ours, is_embedded=True) == ([], [])
    assert len(told(ours._replace(has_fsync=False, has_autovacuum=False), is_embedded=True)[1]) == 2


@pytest.mark.parametrize(
    ("given", "more"),
    [
        ({"is_embedded": True, "is_ledger_there": False}, 0),
        ({"is_embedded": False, "is_ledger_there": False}, 1),
        ({"is_embedded": False, "is_ledger_there": True}, 4),
    ],
)
def test_ledgers_in_the_database_need_a_connection_for_each_process(given, more):
    assert server_judgement.lines(2, **given) == more
    enough = 2 + server_judgement.BESIDE_WORKERS + more
    assert list(server_judgement.faults(GOOD._replace(connections=enough), 2, more)) == []
    (fault,) = server_judgement.faults(GOOD._replace(connections=enough - 1), 2, more)
    assert f"2 workers need {enough} with those beside them" in fault


@pytest.mark.parametrize(("hosts", "connections", "is_noted"), [(1, 12, False), (8, 97, False), (9, 97, True)])
def test_hosts_that_together_come_near_what_the_server_allows_are_noted(hosts, connections, is_noted):
    """Each needs 5 connections and 4 for its ledgers; others have 3."""
    facts = GOOD._replace(connections=connections)
    notes = list(server_judgement.notes(facts, 2, 4, is_embedded=False, hosts=hosts))
    assert [f"{hosts} hosts with as many workers as this one need {hosts * 9} connections" in one for one in notes] == [
        True
    ] * is_noted
    assert list(server_judgement.notes(facts._replace(is_pooled=True), 2, 4, is_embedded=False, hosts=hosts)) == []
