"""A rule, as a file of people has it: which deals, what must happen to them, whom to tell, and how often. Pure.

The conditions are those of the command `deals`, by the same words. Every fault is told, not the first alone.
"""

from __future__ import annotations

import re
from datetime import time
from typing import TYPE_CHECKING, Any, Final

from ledger.durations import parse_duration
from tasks.keepa.asin_list import asin_of, domain_of
from tasks.keepa.prices import NAMES, NOT_MONEY
from tasks.rule_settings import Pace, RuleSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NEW: Final = "new"
DROP: Final = "drop"
RISE: Final = "rise"
BACK: Final = "back"
EVENTS: Final = (NEW, DROP, RISE, BACK)
ALARMS: Final = ("failed", "key", "drift", "degraded")
OVERS: Final = ("day", "week", "month", "quarter")
SELL_AT: Final = ("buy-box", "mean")
_MOST: Final = 1_000_000
_PERCENT: Final = 100
_WINDOW: Final = re.compile(r"([0-9]{1,2}:[0-9]{2})\s*-\s*([0-9]{1,2}:[0-9]{2})")
_MONEY_WORDS: Final = ("max_price", "min_profit", "per_item", "per_kg")


def parse(name: str, given: Mapping[str, Any]) -> tuple[RuleSettings | None, list[str]]:
    """The rule that a file of that name holds, and what is wrong with it, a sentence each; None with a fault."""
    faults: list[str] = []
    read = {word: _read(word, value, faults) for word, value in given.items()}
    faults += _conflicts(read)
    if faults:
        return None, faults
    conditions = {word: read[word] for word in _CONDITIONS if word in read}
    pace: dict[str, Any] = {field: read[word] for word, field in _PACE.items() if word in read}
    rest: dict[str, Any] = {field: read[word] for word, field in _REST.items() if word in read}
    return RuleSettings(name=name, conditions=conditions, pace=Pace(**pace), **rest), []


def told(given: Mapping[str, Any]) -> tuple[str, ...]:
    """The names of the targets that a file names, whatever else is wrong with it."""
    found = _read("to", given.get("to", ""), [])
    return found if isinstance(found, tuple) else ()


def _read(word: str, value: object, faults: list[str]) -> object:
    reader = _READERS.get(word)
    if reader is None:
        faults.append(f"{word!r} is no word of a rule; there are {', '.join(_READERS)}")
        return None
    try:
        return reader(value)
    except ValueError as error:
        faults.append(f"{word}: {error}")
        return None


def _conflicts(read: Mapping[str, Any]) -> list[str]:
    """What is missing, or does not go together."""
    faults = []
    if "to" not in read:
        faults.append('nobody is told: add `to = ["NAME"]` with the name of a target in targets.toml')
    if not {"deals", "followed", "alarms"} & read.keys():
        events = ", ".join(EVENTS)
        faults.append(f"nothing is told: add `deals = [...]` or `followed = [...]` ({events}), or `alarms = [...]`")
    if "followed" in read:
        faults += _conflicts_of_followed(read)
    elif "watch" in read:
        faults.append("watch names lists, and the rule follows no product: add `followed = [...]`")
    elif "deals" not in read and (idle := [word for word in read if word in _CONDITIONS]):
        faults.append(f"{', '.join(idle)} select deals, and the rule tells of none: add `deals = [...]`")
    money = [word for word in _MONEY_WORDS if read.get(word)]
    if isinstance(read.get("sell_at"), tuple) and read["sell_at"][0] == "price":
        money.append("sell_at")
    if money and "domain" not in read:
        faults.append(f'{", ".join(money)}: an amount of money needs its shop: add `domain`, such as "de"')
    return faults


def _conflicts_of_followed(read: Mapping[str, Any]) -> list[str]:
    """What a rule about products of lists cannot have: less is known of them than of deals."""
    faults = []
    if "deals" in read:
        faults.append("deals and followed are two rules: write a file for each")
    strange = [word for word in read if word in _CONDITIONS and word not in _OF_FOLLOWED]
    if strange:
        known = ", ".join(sorted(_OF_FOLLOWED))
        faults.append(f"{', '.join(strange)}: no condition of followed products; there are {known}")
    if {"new", "drop"} & set(read["followed"] or ()) and not {"max_price", "min_discount"} & read.keys():
        faults.append("followed: every price would be told: add `max_price` or `min_discount`")
    return faults


def _texts(value: object) -> tuple[str, ...]:
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list) or not texts or not all(isinstance(one, str) and one.strip() for one in texts):
        raise ValueError(f"{value!r} cannot be used; expected a text or a list of texts")
    return tuple(dict.fromkeys(one.strip() for one in texts))


def _some_of(*known: str) -> Callable[[object], tuple[str, ...]]:
    def read(value: object) -> tuple[str, ...]:
        found = _texts(value)
        wrong = [one for one in found if one not in known]
        if wrong:
            is_are = "is" if len(wrong) == 1 else "are"
            raise ValueError(f"{', '.join(map(repr, wrong))} {is_are} none of {', '.join(known)}")
        return found

    return read


def _one_of(*known: str) -> Callable[[object], str]:
    def read(value: object) -> str:
        if value not in known:
            raise ValueError(f"{value!r} is none of {', '.join(known)}")
        return str(value)

    return read


def _whole(low: int, high: int = _MOST) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"{value!r} is no whole number from {low} to {high}")
        return value

    return read


def _amount(value: object) -> str:
    """The number as text, exact to two digits."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not -_MOST <= value <= _MOST:
        raise ValueError(f"{value!r} is no number such as 20 or 12.50")
    return f"{value:.2f}"


def _amount_from_0(value: object) -> str:
    found = _amount(value)
    if found.startswith("-"):
        raise ValueError(f"{value!r} is below 0")
    return found


def _span(value: object) -> float:
    if isinstance(value, str):
        return parse_duration(value).total_seconds()
    raise ValueError(f"{value!r} is no length of time; expected one in quotes, such as '90m' or '24h'")


def _words(value: object) -> tuple[str, ...]:
    return tuple(word for one in _texts(value) for word in one.split())


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} cannot be used; expected a text")
    return value.strip()


def _types(value: object) -> tuple[str, ...]:
    return _some_of(*(name for number, name in enumerate(NAMES) if number not in NOT_MONEY))(value)


def _domain(value: object) -> int:
    return domain_of(str(value))


def _products(value: object) -> tuple[str, ...]:
    found, faults = [], []
    for one in _texts(value):
        try:
            found.append(asin_of(one))
        except ValueError as error:
            faults.append(str(error))
    if faults:
        raise ValueError("; ".join(faults))
    return tuple(found)


def _yes_or_no(value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise ValueError(f"{value!r} cannot be used; expected true or false")


def _sell_at(value: object) -> tuple[str, str | None]:
    return (str(value), None) if value in SELL_AT else ("price", _amount_from_0(value))


def _quiet(value: object) -> tuple[int, int]:
    found = _WINDOW.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None:
        raise ValueError(f"{value!r} is no part of the day; expected one such as '22:00-07:00'")
    begins, ends = (_minute(text) for text in found.groups())
    if begins == ends:
        raise ValueError(f"{value!r} is a whole day: nothing would ever be sent")
    return begins, ends


def _minute(text: str) -> int:
    try:
        at = time.fromisoformat(text.rjust(5, "0"))
    except ValueError:
        raise ValueError(f"{text!r} is no time of day; expected one such as 07:30") from None
    return at.hour * 60 + at.minute


def _zone(value: object) -> str:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # few rules name one

    try:
        return ZoneInfo(str(value)).key
    except (OSError, ValueError, ZoneInfoNotFoundError):
        raise ValueError(f"{value!r} is no time zone that this machine knows; 'Europe/Berlin' is one") from None


_CONDITIONS: Final[dict[str, Callable[[object], Any]]] = {
    "type": _types,
    "over": _one_of(*OVERS),
    "min_discount": _whole(1, _PERCENT),
    "max_price": _amount_from_0,
    "domain": _domain,
    "selection": _texts,
    "products": _products,
    "watch": _texts,
    "title": _words,
    "category": _text,
    "brand": _text,
    "amazon": _yes_or_no,
    "max_fba_sellers": _whole(0),
    "min_rank_drops": _whole(0),
    "min_roi": _amount,
    "min_profit": _amount,
    "sell_at": _sell_at,
    "per_item": _amount_from_0,
    "per_kg": _amount_from_0,
}
_OF_FOLLOWED: Final = frozenset({"watch", "products", "domain", "type", "max_price", "min_discount"})
_PACE: Final = {
    "at_most": "at_most",
    "again_after": "again_s",
    "digest": "digest_s",
    "quiet": "quiet",
    "zone": "zone",
}
_REST: Final = {
    "to": "to",
    "deals": "deals",
    "followed": "followed",
    "alarms": "alarms",
    "degraded_for": "degraded_s",
    "drift_tokens": "drift",
}
_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "to": _texts,
    "deals": _some_of(*EVENTS),
    "followed": _some_of(*EVENTS),
    "alarms": _some_of(*ALARMS),
    "degraded_for": _span,
    "drift_tokens": _whole(1),
    "at_most": _whole(1, 1_000),
    "again_after": _span,
    "digest": _span,
    "quiet": _quiet,
    "zone": _zone,
    **_CONDITIONS,
}
