"""A file is written whole or not at all, and nobody else may read it."""

import pytest

from supervisor.config import whole_file


def test_the_file_is_for_its_owner_alone_whatever_was_left_beside_it(tmp_path):
    path, left = tmp_path / "file", tmp_path / "file.new"
    left.write_text("what a killed writer left, and more of it")
    left.chmod(0o666)
    path.write_text("old")
    whole_file.write(path, b"new")
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert not left.exists()


def test_what_cannot_be_written_leaves_the_old_file(tmp_path, mocker):
    path = tmp_path / "file"
    path.write_text("old")
    mocker.patch("os.fsync", side_effect=OSError("the disk is ill"))
    with pytest.raises(OSError, match="ill"):
        whole_file.write(path, b"new", is_durable=True)
    assert path.read_text() == "old"
