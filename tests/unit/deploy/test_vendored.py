"""What is taken from others as it is stands beside its licence, and is what was published."""

import hashlib
import tomllib

import pytest

from tests.fakes.program.cli_program import ROOT

LISTS = sorted(path for top in ("supervisor", "deploy") for path in (ROOT / top).rglob("vendor.toml"))
BESIDE = {"vendor.toml", "LICENSE"}


@pytest.mark.parametrize("path", LISTS, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_what_is_vendored_is_what_was_published(path):
    packages = tomllib.loads(path.read_text(encoding="utf-8")).values()
    listed = {name: expected for package in packages for name, expected in package["sha256"].items()}
    assert {one.name for one in path.parent.iterdir()} == {*listed, *BESIDE}
    for name, expected in listed.items():
        assert hashlib.sha256((path.parent / name).read_bytes()).hexdigest() == expected, name
    assert {package["licence"] for package in packages} == {"MIT"}
    licence = (path.parent / "LICENSE").read_text(encoding="utf-8")
    assert "Permission is hereby granted, free of charge" in licence


def test_both_folders_are_looked_at():
    assert len(LISTS) == 2
