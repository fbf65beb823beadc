"""A server that ended instead of starting is tried with less shared memory, if that was what it lacked."""

import pytest

from tasks.embedded_postgres import launch
from tasks.embedded_postgres.server_settings import GB, by_machine
from tasks.errors import StoreError

REFUSED = "FATAL:  could not map anonymous shared memory: Cannot allocate memory\nHINT:  This error usually means ...\n"


def test_it_is_tried_with_half_of_it_until_that_is_too_little(tmp_path):
    (tmp_path / "server.log").write_text(REFUSED)
    settings, sizes = by_machine(GB, 100 * GB), []
    with pytest.raises(StoreError, match="could not map anonymous shared memory"):
        for _ in range(9):
            settings, note = launch.with_less(settings, tmp_path)
            sizes.append(settings["shared_buffers"])
            assert f"so it works with {sizes[-1]} (shared_buffers)" in note
    assert sizes == ["64MB", "32MB", "16MB"]


def test_whatever_else_ends_it_is_told_with_the_end_of_its_log(tmp_path):
    (tmp_path / "server.log").write_text('FATAL:  could not open file "base": No such file or directory\n')
    with pytest.raises(StoreError, match=r'did not start; its log ends:\nFATAL: +could not open file "base"'):
        launch.with_less(by_machine(GB, GB), tmp_path)
