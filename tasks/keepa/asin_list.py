"""Reads a list of products: ASINs, one a line, or a CSV file with a column of them; every fault with its line. Pure.

Lines that begin with `#` are comments. Of these, `# domain: de`, `# refresh: 12h` and `# detail: stats` set what holds
for the whole list.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ledger.durations import parse_duration
from tasks.keepa import detail
from tasks.keepa.locales import SHOPS
from tasks.keepa.request import DOMAINS, is_asin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COLUMN: Final = "asin"
MOST: Final = 2_000_000  # products: the largest plan that is sold fetches so many in eight hours
_DELIMITERS: Final = ",;\t"
_SHOWN: Final = 40  # characters of a faulty line that a message repeats
_SETTING: Final = re.compile(r"#\s*(domain|refresh|detail)\s*[:=]\s*(.*)", re.IGNORECASE)
_DIGITS: Final = re.compile(r"[0-9]{6,9}[0-9Xx]?")
_CODE: Final = re.compile(r"[0-9]{12,14}")
_LENGTH: Final = 10
_PREFIX: Final = "amazon."
_SOONEST: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class LineFault:
    """What is wrong with one line; `line` counts from 1."""

    line: int
    why: str


@dataclass(slots=True, kw_only=True)
class AsinList:
    """A list as it was read; of use only when it has no faults.

    Attributes:
        asins: the products in the order of the file, each once.
        repeated: how many lines name a product that an earlier line has named.
        domain: the locale that the list names; None when it names none.
        refresh: how old a product's figures may become; None when the list does not say.
        detail: how much is fetched of each product; None when the list does not say.
    """

    asins: list[str] = field(default_factory=list)
    repeated: int = 0
    domain: int | None = None
    refresh: timedelta | None = None
    detail: str | None = None
    faults: list[LineFault] = field(default_factory=list)


def parse(data: bytes, *, is_csv: bool) -> AsinList:
    """Return the list in the bytes of a file; `is_csv`: they are CSV with a heading, of which one column is `asin`."""
    found = AsinList()
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        found.faults.append(LineFault(line, "this is not UTF-8; save the file as plain text in UTF-8"))
        return found
    seen: set[str] = set()
    lines = list(enumerate(text.splitlines(), 1))
    for number, cell in _cells(lines, found) if is_csv else _plain(lines, found):
        _add(found, seen, number, cell)
    if not found.asins and not found.faults:
        found.faults.append(LineFault(max(len(lines), 1), "the list is empty; write an ASIN, or remove the file"))
    if len(found.asins) > MOST:
        found.faults.append(LineFault(len(lines), f"the list has more than {MOST:,} products; split it or shorten it"))
    return found


def asin_of(text: str) -> str:
    """Return the ASIN in capitals.

    Raises:
        ValueError: it is none; the message says what it may be instead.
    """
    found = text.strip().upper()
    if is_asin(found):
        return found
    shown = repr(text.strip()[:_SHOWN])
    if len(found) < _LENGTH and _DIGITS.fullmatch(found):
        raise ValueError(
            f"{shown} is no ASIN: it has {len(found)} digits; a spreadsheet may have removed the zeros in front"
        )
    if _CODE.fullmatch(found):
        raise ValueError(f"{shown} is no ASIN but the number of a barcode; write the ASIN of the product instead")
    if "/" in found:
        raise ValueError(f"{shown} is no ASIN but an address; write the ten characters behind /dp/ in it instead")
    raise ValueError(f"{shown} is no ASIN: an ASIN has ten digits and letters, such as B08N5WRWNW")


def domain_of(text: str) -> int:
    """Return Keepa's number of a locale that is given as `3`, `de` or `amazon.de`.

    Raises:
        ValueError: it is none of them.
    """
    name = text.strip().lower().removeprefix(_PREFIX)
    for number, shop in SHOPS.items():
        if name in {str(number), shop.removeprefix(_PREFIX)} and number in DOMAINS:
            return number
    known = ", ".join(shop.removeprefix(_PREFIX) for shop in SHOPS.values())
    raise ValueError(f"{text.strip()[:_SHOWN]!r} is no locale; expected one of {known}")


def refresh_of(text: str) -> timedelta:
    """Return how old figures may become.

    Raises:
        ValueError: it is no length of time, or less than a minute.
    """
    found = parse_duration(text)
    if found < _SOONEST:
        raise ValueError(f"{text.strip()[:_SHOWN]!r} is less than a minute, which no plan can keep; write 1m or more")
    return found


def _add(found: AsinList, seen: set[str], number: int, text: str) -> None:
    try:
        asin = asin_of(text)
    except ValueError as error:
        found.faults.append(LineFault(number, str(error)))
        return
    if asin in seen:
        found.repeated += 1
        return
    seen.add(asin)
    found.asins.append(asin)


def _plain(lines: Sequence[tuple[int, str]], found: AsinList) -> Iterator[tuple[int, str]]:
    """Yield the lines that name a product; a comment may stand behind it."""
    for number, line in lines:
        if line.lstrip().startswith("#"):
            _take_setting(found, number, line.strip())
        elif text := line.partition("#")[0].strip():
            yield number, text


def _cells(lines: Sequence[tuple[int, str]], found: AsinList) -> Iterator[tuple[int, str]]:
    """Yield the cells of the column `asin`, each with the line it begins in."""
    rows: list[tuple[int, str]] = []
    for number, line in lines:
        if line.lstrip().startswith("#"):
            _take_setting(found, number, line.strip())
        elif line.strip():
            rows.append((number, line))
    if rows:
        yield from _column(rows, found)


def _column(rows: Sequence[tuple[int, str]], found: AsinList) -> Iterator[tuple[int, str]]:
    """Yield the same of lines of which the first is the heading."""
    heading = rows[0][1]
    delimiter = max(_DELIMITERS, key=heading.count)
    names = [cell.strip().lower() for cell in next(csv.reader([heading], delimiter=delimiter), [])]
    if COLUMN not in names:
        shown = ", ".join(names)[:_SHOWN]
        why = f"no column is called {COLUMN}; the heading has {shown!r}: name the column of the ASINs {COLUMN}"
        found.faults.append(LineFault(rows[0][0], why))
        return
    at = names.index(COLUMN)
    reader = csv.reader((line + "\n" for _, line in rows[1:]), delimiter=delimiter)
    begins = 0
    for row in reader:
        number, begins = rows[1 + begins][0], reader.line_num
        if len(row) <= at:
            found.faults.append(LineFault(number, f"the line ends before the column {COLUMN}"))
        elif row[at].strip():
            yield number, row[at]


def _take_setting(found: AsinList, number: int, line: str) -> None:
    """Take a comment that sets something for the whole list."""
    setting = _SETTING.fullmatch(line)
    if setting is None:
        return
    try:
        match setting[1].lower():
            case "domain":
                found.domain = domain_of(setting[2])
            case "refresh":
                found.refresh = refresh_of(setting[2])
            case _:
                found.detail = detail.detail(setting[2])
    except ValueError as error:
        found.faults.append(LineFault(number, str(error)))
