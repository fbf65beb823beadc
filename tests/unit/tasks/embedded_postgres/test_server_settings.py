"""The settings of an embedded server fit the machine, from the smallest on."""

from hypothesis import given
from hypothesis import strategies as st

from tasks.embedded_postgres.server_settings import GB, MB, by_machine, with_fewer_buffers

MEMORY = st.integers(256 * MB, 4096 * GB)
DISK = st.integers(GB, 100_000 * GB)


def megabytes(settings, name):
    return int(settings[name].removesuffix("MB"))


@given(MEMORY, MEMORY, DISK, DISK)
def test_more_memory_and_more_disk_never_give_less(one, other, disk, other_disk):
    small = by_machine(min(one, other), min(disk, other_disk))
    large = by_machine(max(one, other), max(disk, other_disk))
    for name in ("shared_buffers", "effective_cache_size", "work_mem", "maintenance_work_mem", "max_wal_size"):
        assert megabytes(small, name) <= megabytes(large, name)


@given(MEMORY, DISK)
def test_what_is_taken_at_once_leaves_most_of_the_memory_and_of_the_disk_to_others(memory, disk):
    settings = by_machine(memory, disk)
    taken = megabytes(settings, "shared_buffers") + 4 * megabytes(settings, "work_mem")
    assert taken * MB <= memory / 4
    assert megabytes(settings, "maintenance_work_mem") * MB <= memory / 8
    assert megabytes(settings, "max_wal_size") * MB <= max(disk / 20, 512 * MB)


@given(MEMORY, DISK)
def test_shared_memory_is_halved_a_few_times_and_nothing_else_changes(memory, disk):
    settings, tries = by_machine(memory, disk), 0
    fewer = with_fewer_buffers(settings)
    while fewer is not None:
        assert {**settings, "shared_buffers": fewer["shared_buffers"]} == fewer
        assert megabytes(fewer, "shared_buffers") == megabytes(settings, "shared_buffers") // 2 >= 16
        settings, tries = fewer, tries + 1
        fewer = with_fewer_buffers(settings)
    assert 1 <= tries <= 8
