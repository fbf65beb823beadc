"""A title that holds a word has all parts of the word, whatever letters they are made of."""

from hypothesis import assume, example, given
from hypothesis import strategies as st

from tasks.store.best_deals import title_parts

TITLES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40)


@st.composite
def titles_with_a_word(draw):
    """A title, and a part of it whose letters are large or small as may be."""
    title = draw(TITLES)
    begin = draw(st.integers(0, len(title)))
    word = title[begin : draw(st.integers(begin, len(title)))]
    return title, "".join(draw(st.sampled_from((char, char.lower(), char.upper()))) for char in word)


@example(("İSTANBUL", "istanbul"))
@example(
    (
        "I\N{LATIN CAPITAL LETTER S WITH CEDILLA}IK",
        "\N{LATIN SMALL LETTER DOTLESS I}\N{LATIN SMALL LETTER S WITH CEDILLA}\N{LATIN SMALL LETTER DOTLESS I}k",
    )
)
@example(("Straße ΣΊΣΥΦΟΣ", "σίσυφος"))
@given(titles_with_a_word())
def test_the_parts_of_a_word_are_among_those_of_every_title_with_it(found):
    title, word = found
    assert set(title_parts.of_words([word])) <= set(title_parts.of_title(title))


@given(TITLES, st.lists(TITLES, max_size=3))
def test_parts_are_numbers_of_16_bits_each_once_and_words_have_those_of_each(title, words):
    parts = title_parts.of_title(title)
    assert parts == sorted(set(parts))
    assert all(-(2**15) <= part < 2**15 for part in parts)
    assert set(title_parts.of_words(words)) == {part for word in words for part in title_parts.of_words([word])}


@given(st.text(st.characters(max_codepoint=127), max_size=2))
def test_a_short_word_has_no_parts_but_where_two_characters_are_a_word(word):
    assume("\0" not in word)
    assert title_parts.of_words([word]) == []
    assert title_parts.of_words(["本"]) == []
    assert len(title_parts.of_words(["日本"])) == 1


def test_a_title_that_is_not_known_has_no_parts():
    assert title_parts.of_title(None) == title_parts.of_title("") == []


def test_the_numbers_are_those_that_are_stored():
    assert title_parts.of_title("Wool") == title_parts.of_words(["wool"]) == [-28908, 11366]
