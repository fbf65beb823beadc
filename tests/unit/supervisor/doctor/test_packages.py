"""Whether what is installed is what is needed."""

import sys
import tomllib

import pytest

from supervisor.doctor.findings import Verdict
from supervisor.doctor.packages import needed, package_checks, unmet
from tests.fakes.program.cli_program import ROOT


@pytest.mark.parametrize(
    ("versions", "version", "is_met"),
    [
        (">=3.3", "3.3", True),
        (">=3.3", "3.3.0", True),
        (">=3.3", "3.10", True),
        (">=3.3", "3.2.9", False),
        (">=3.3", "4.0rc1", True),
        ("<0.7,>=0.6", "0.6.12", True),
        ("<0.7,>=0.6", "0.7", False),
        ("<0.7,>=0.6", "0.7.0", False),
        ("==1.0", "1.0.0", True),
        ("!=1.1", "1.1", False),
        ("", "9", True),
        ("~=1.4", "1.4", True),
    ],
)
def test_versions_are_compared_as_numbers(versions, version, is_met):
    assert (unmet(needed([f"x{versions}"]), {"x": version}.get) == []) is is_met


def test_our_own_list_is_understood_without_what_only_tests_need():
    with (ROOT / "pyproject.toml").open("rb") as file:
        project = tomllib.load(file)["project"]
    found = needed([*project["dependencies"], 'pytest>=9; extra == "dev"', 'tomli>=1; python_version < "3.11"'])
    assert {one.name for one in found} == {line.split(">=")[0].split("[")[0] for line in project["dependencies"]}
    assert all(str(one.specifier).startswith((">=", "<")) for one in found)


def test_what_is_missing_or_too_old_is_named():
    versions = {"a": "1.0", "b": "2.5"}
    requirements = needed(["a>=1.2", "b<3", "c[x]>=1"])
    assert unmet(requirements, versions.get) == ["a 1.0 is installed, >=1.2 is needed", "c is missing"]


def test_without_packaging_itself_it_says_so(mocker):
    mocker.patch.dict(sys.modules, {"packaging.requirements": None})
    found = {one.check: one for one in package_checks()}
    assert found["packages"].verdict is Verdict.BAD
    assert "packaging.requirements is missing; run `make setup`" in found["packages"].words
