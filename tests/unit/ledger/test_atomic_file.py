"""A file is replaced at once, for its owner alone, and on the disk where that is asked for."""

import stat

import pytest

from ledger.atomic_file import replace_file


def test_the_new_file_is_whole_and_private_whatever_a_killed_process_left(tmp_path):
    path, left = tmp_path / "one", tmp_path / "one.new"
    path.write_bytes(b"old")
    left.write_bytes(b"left by a killed process")
    left.chmod(0o644)
    replace_file(path, b"new", durable=False)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", 0o600)
    assert [entry.name for entry in tmp_path.iterdir()] == ["one"]


def test_what_cannot_be_written_leaves_the_old_file_and_nothing_beside_it(tmp_path, mocker):
    path = tmp_path / "one"
    path.write_bytes(b"old")
    mocker.patch("os.fsync", side_effect=OSError("the disk is full"))
    with pytest.raises(OSError, match="the disk is full"):
        replace_file(path, b"new", durable=True)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["one"]


def test_a_name_that_is_taken_by_a_directory_is_told_as_it_is(tmp_path):
    (tmp_path / "one.new").mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path / "one", b"new", durable=False)


def test_durable_is_the_file_on_disk_before_its_name_and_then_the_name(tmp_path, synced):
    path = tmp_path / "one"
    replace_file(path, b"new", durable=False)
    assert synced == []
    path.unlink()
    replace_file(path, b"newer", durable=True)
    assert synced == [("one.new", 5, []), (tmp_path.name, None, ["one"])]
