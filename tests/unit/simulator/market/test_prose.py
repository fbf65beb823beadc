"""Texts are as long and as odd as recorded ones."""

from __future__ import annotations

import pytest

from tasks.simulator.market import prose
from tasks.simulator.market.market import Market, Scope

SIZE = 2_000


@pytest.fixture(scope="module")
def items():
    market = Market(Scope(products=SIZE))
    return [market.item(index) for index in range(SIZE)]


def test_titles_are_short_and_long_and_here_and_there_of_other_letters(items):
    titles = [prose.title(item) for item in items]
    lengths = sorted(map(len, titles))
    assert lengths[0] < 20
    assert 40 <= lengths[SIZE // 2] <= 70
    assert 110 <= lengths[SIZE * 95 // 100] <= 170
    assert lengths[-1] <= 223
    assert 0.02 < sum(not title.isascii() for title in titles) / SIZE < 0.06
    assert any('"' in title for title in titles)
    assert any("&amp;" in title for title in titles)
    assert all(title.strip() == title for title in titles)
    assert len(set(titles)) > 0.95 * SIZE


def test_descriptions_and_features_reach_the_recorded_lengths_and_may_be_missing(items):
    stories = [prose.description(item) for item in items]
    points = [point for item in items for point in prose.features(item) or ()]
    assert None in stories
    assert 900 < max(len(story) for story in stories if story) < 1_500
    assert 700 < max(map(len, points)) < 1_300
    assert any(prose.features(item) is None for item in items)
