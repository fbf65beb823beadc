"""One rule for times: local time with a mark for people, ISO 8601 in UTC for programs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import ledger
from ledger import localtime
from tasks.keepa import locales

ROOT = Path(ledger.__file__).resolve().parent.parent
ZONES = st.integers(-14 * 4, 14 * 4).map(lambda quarters: timezone(timedelta(minutes=15 * quarters)))
MOMENTS = st.datetimes(datetime(2011, 1, 2), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(MOMENTS, ZONES)
def test_a_moment_for_people_says_which_moment_it_is(at, zone):
    assert datetime.fromisoformat(localtime.minute(at, zone)) == at.replace(second=0, microsecond=0)
    day = f"{at.astimezone(zone):%Y-%m-%d}T"
    assert datetime.fromisoformat(day + localtime.clock(at, zone)) == at.replace(microsecond=0)
    assert localtime.clock_of(at.isoformat(), zone) == localtime.clock(at, zone)
    assert localtime.utc(at.astimezone(zone)).endswith("Z")
    assert datetime.fromisoformat(localtime.utc(at.astimezone(zone))) == at.replace(microsecond=0)


@pytest.mark.parametrize(
    ("minutes", "mark"), [(0, "Z"), (60, "+01"), (-210, "-03:30"), (345, "+05:45"), (-480, "-08"), (840, "+14")]
)
def test_the_mark_is_the_short_form_of_iso_8601(minutes, mark):
    zone = timezone(timedelta(minutes=minutes))
    at = datetime(2026, 11, 24, 18, 43, 29, tzinfo=zone)
    assert localtime.clock(at, zone) == f"18:43:29{mark}"
    assert localtime.minute(at, zone) == f"2026-11-24 18:43{mark}"


def test_what_is_far_away_has_its_date():
    now = datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert localtime.near(now - timedelta(hours=23), now, UTC) == "13:00:00Z"
    assert localtime.near(now - timedelta(days=3), now, UTC) == "2026-11-21 12:00Z"


def test_what_is_no_moment_is_dashes():
    assert localtime.clock_of("") == localtime.clock_of("soon") == "--:--:--"


def test_one_module_alone_writes_times_for_people():
    """So that no other can leave out the mark."""
    for package in ("supervisor", "tasks", "ledger"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.name != "localtime.py" and "simulator" not in path.parts:
                found = re.findall(r"strftime|%H|%M:|\.ctime\(", path.read_text(encoding="utf-8"))
                assert not found, f"{path.relative_to(ROOT)} writes a time by itself: {found}"


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("default/1", "default, amazon.com"),
        ("my/own/3", "my/own, amazon.de"),
        ("default/2/12345678", "default, amazon.co.uk, 12345678"),
        ("default/3/abcdef01", "default, amazon.de, abcdef01"),
        ("default/7", "default, locale 7"),
        ("no stream", "no stream"),
    ],
)
def test_a_stream_is_shown_with_its_shop(told, shown):
    assert locales.stream(told) == shown


def test_a_refused_selection_is_shown_with_its_shop():
    assert locales.label("default, domain 1, category 7") == "default, amazon.com, category 7"
