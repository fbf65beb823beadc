"""A setting names files by themselves or in folders; what it names by mistake is told and left out."""

from __future__ import annotations

import errno

import pytest

from supervisor.config.files import named_files

KIND = named_files.FileKind(setting="LISTS", inside=lambda folder: folder.glob("*.x"), many="lists", one="*.x file")


def found(part):
    faults = []
    return named_files.find(str(part), KIND, faults), faults


def test_a_value_is_cut_at_its_commas_and_nothing_between_two_is_no_part():
    assert named_files.parts(" a , b c,, ") == ["a", "b c"]
    assert named_files.parts("") == []


def test_a_folder_gives_its_files_of_the_kind_in_their_order_and_a_file_is_given_whether_it_is_there_or_not(tmp_path):
    for name in ("b.x", "a.x", "c.y"):
        (tmp_path / name).touch()
    assert found(tmp_path) == (named_files.Named(tmp_path, (tmp_path / "a.x", tmp_path / "b.x")), [])
    assert found(tmp_path / "c.y") == (named_files.Named(tmp_path / "c.y", None), [])
    assert found(tmp_path / "none") == (named_files.Named(tmp_path / "none", None), [])


@pytest.mark.parametrize(("count", "fault"), [(0, "has no *.x file"), (200, None), (201, "has more than 200 lists")])
def test_a_folder_with_none_or_too_many_is_most_likely_not_the_one_that_was_meant(tmp_path, count, fault):
    for number in range(count):
        (tmp_path / f"{number}.x").touch()
    named, faults = found(tmp_path)
    if fault is None:
        assert (len(named.inside), faults) == (count, [])
    else:
        assert named is None
        assert len(faults) == 1
        assert faults[0].startswith(f"LISTS: the folder {tmp_path} {fault}")


def test_a_home_folder_of_nobody_is_a_fault():
    named, faults = found("~no-such-user-is-here/lists")
    assert named is None
    assert faults == ["LISTS: ~no-such-user-is-here/lists: no user has that home folder; write the whole path"]


def test_a_folder_that_cannot_be_read_is_a_fault(tmp_path):
    def inside(_folder):
        raise PermissionError(errno.EACCES, "Permission denied")

    faults = []
    kind = named_files.FileKind(setting="LISTS", inside=inside, many="lists", one="*.x file")
    assert named_files.find(str(tmp_path), kind, faults) is None
    assert faults == [f"LISTS: {tmp_path} cannot be read: Permission denied; name one that can be"]
