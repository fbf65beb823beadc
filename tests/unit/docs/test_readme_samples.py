"""The samples in README.md are what the program prints."""

import re
import time

import pytest

from tests.readme_samples import DUMP, README, STATUS, dump_sample, status_sample


@pytest.fixture
def in_utc(monkeypatch):
    """The samples are in UTC, wherever the tests run."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "UTC")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_utc")
@pytest.mark.parametrize(("place", "sample"), [(STATUS, status_sample), (DUMP, dump_sample)])
def test_a_sample_is_what_the_command_prints_now(place, sample):
    assert place.findall(README.read_text(encoding="utf-8")) == [sample()], "run `make samples`"


def test_what_the_readme_explains_of_the_dump_is_in_its_sample():
    section = README.read_text(encoding="utf-8").partition("## How to read the dump\n")[2].partition("\n## ")[0]
    explained = re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE)
    assert len(explained) > 4
    assert [words for words in explained if words not in dump_sample()] == []
