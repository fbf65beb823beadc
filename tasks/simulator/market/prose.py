"""What is written about a product: titles, features and descriptions, as long and as odd as recorded ones.

Recorded titles have 4 to 223 characters, half of them at most 53, and 3 to 4 of 100 hold a letter beyond ASCII;
features have up to 1,042 characters and descriptions up to 1,346.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tasks.simulator.market import catalog, rng

if TYPE_CHECKING:
    from tasks.simulator.market.item import Item

_TITLE, _ODD, _FEATURES, _STORY = 11, 12, 13, 14  # salts of their draws
_ENTITY: Final = 255  # the byte at which a title holds an HTML entity: 6 of 5,324 recorded ones
_ODD_SHARE: Final = 9  # of 256 titles hold other letters than English has
_QUOTED_SHARE: Final = 22  # of 256 hold quotes
_PARTS: Final = (0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 4, 6)
_NO_TEXT: Final = 5  # of 16 products have no description, and as many no features
_SENTENCES: Final = (1, 1, 2, 2, 3, 3, 4, 5, 6, 8, 12)
_LONGEST_TITLE: Final = 223
_ODD_WORDS: Final = (
    "Café", "Übergröße", "Edición Española", "Ærø", "日本語版", "N° 5", "Œuvre complète", "Привет", "10 µm", "½ Inch",
    "Señor", "“Signed”", "Naïve ☕", "Ελληνικά", "عربي", "Złoty",
)  # fmt: skip
_CLAUSES: Final = (
    "a Complete Guide", "Large Print", "with Free Shipping Case", "Premium Quality", "2nd Edition", "Pack of 2",
    "for Home and Office", "Stainless Steel", "Heavy-Duty", "A Novel", "the Collected Essays 1950-1975",
    "Compatible with Most Models", "Black/Red", "Great Gift for Kids, Teens & Adults", "BPA-Free",
    "(Annotated and Illustrated)",
)  # fmt: skip
_SAYINGS: Final = (
    "Made of sturdy material that lasts for years and cleans with a damp cloth.",
    "Ships in plain packaging; batteries, where needed, are not part of the box.",
    "The author spent two decades in the archives and it shows on every page.",
    'Measures 12" x 8" and fits most shelves, drawers and travel bags.',
    "Our customers like its quiet motor, its warm light and the long cord of 2 m.",
    "A reader's favourite since the first printing, now with a new foreword.",
    "Please see the size chart before you order; returns are free for 30 days.",
    "Für Einsteiger geeignet, très facile à utiliser, ¡listo en minutos!",
    "Includes a card with care instructions, a spare part and a two-year warranty.",
    "Keep away from open flames and out of the reach of small children.",
)  # fmt: skip


def title(found: Item) -> str:
    """The product's title."""
    d, shelf, draw = found.draws, found.shelf, rng.mix(found.index, _TITLE)
    noun = shelf.nouns[d[45] % len(shelf.nouns)]
    parts = [f"{catalog.ADJECTIVES[d[46] & 15]} {noun}"]
    if d[54] == _ENTITY:
        parts[0] += " &amp; Co."
    parts += [_CLAUSES[(draw >> 4) * 7 + at * 5 + d[46] & 15] for at in range(_PARTS[draw & 15])]
    if d[55] < _QUOTED_SHARE:
        parts.append(f'"{catalog.TAILS[d[46] >> 4]}" {6 + d[46] % 20}"')
    if d[56] < _ODD_SHARE:
        parts.insert(1, _ODD_WORDS[rng.mix(found.index, _ODD) & 15])
    if draw & 3:
        parts.append(f"{catalog.TAILS[d[46] >> 4]} No. {found.index}")
    joint = (", ", ": ", " - ", " | ")[d[56] & 3]
    return joint.join(parts)[:_LONGEST_TITLE].rstrip()


def features(found: Item) -> list[str] | None:
    """The bullet points: none, one for most books, up to five for others, some of them long."""
    draw = rng.mix(found.index, _FEATURES)
    if draw & 15 < _NO_TEXT:
        return None
    if found.is_book:
        return [_SAYINGS[draw % 7]] if draw & 16 else None
    return [_sentences(draw + at * 7, 1 + (draw >> at & 3) * (1 + (draw >> 9 & 3))) for at in range(1 + draw % 5)]


def description(found: Item) -> str | None:
    """A paragraph, from a sentence to many; None for some."""
    draw = rng.mix(found.index, _STORY)
    if draw & 15 < _NO_TEXT:
        return None
    return f"{title(found)}. {_sentences(draw, _SENTENCES[(draw >> 4) % len(_SENTENCES)])}"


def sentences(draw: int, most: int) -> str:
    """So many sentences at most, for a draw."""
    return _sentences(draw, 1 + draw % most)


def _sentences(draw: int, count: int) -> str:
    return " ".join(_SAYINGS[(draw + at * 3) % len(_SAYINGS)] for at in range(count))
