"""What the value of a setting may be: each kind says what it expects, and makes a value of a text. Pure."""

from __future__ import annotations

import ipaddress
import math
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from ledger import Hours, durations
from supervisor.config import host_names
from tasks.keepa import detail
from tasks.keepa.locales import DEAL_DOMAINS, shop

# What a person writes: no digits of other scripts and no `_` between them, which Python takes too.
_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?", re.ASCII)
_SHORTEST_S: Final = 60.0
_LONGEST: Final = 40  # characters of a number
_HOST: Final = re.compile(r"[A-Za-z0-9._~-]+", re.ASCII)


class UnusableValue(ValueError):
    """A value that cannot be used; the message says why without showing any of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number within a range."""

    low: float
    high: float
    whole: bool = False

    @property
    def expected(self) -> str:
        """The rule in words."""
        kind = "a whole number" if self.whole else "a number"
        return f"{kind} from {self.low:.10g} to {self.high:.10g}"

    def parse(self, text: str) -> object:
        """The number.

        Raises:
            ValueError: it is not a number, or outside the range.
        """
        if len(text) > _LONGEST or not _NUMBER.fullmatch(text):
            raise ValueError(text)
        value = int(text) if self.whole else float(text)
        if not math.isfinite(value) or not self.low <= value <= self.high:
            raise ValueError(text)
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One of a few words, in any case."""

    words: tuple[str, ...]

    @property
    def expected(self) -> str:
        """The rule in words."""
        return "one of " + ", ".join(self.words)

    def parse(self, text: str) -> object:
        """The word in lower case.

        Raises:
            ValueError: it is none of them.
        """
        if text.lower() not in self.words:
            raise ValueError(text)
        return text.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """How much is fetched of a product, or `none` where that is a choice."""

    has_none: bool = False

    @property
    def expected(self) -> str:
        """The rule in words."""
        return f"none, {detail.EXPECTED}" if self.has_none else detail.EXPECTED

    def parse(self, text: str) -> object:
        """The text that the detail is known by.

        Raises:
            UnusableValue: it is none, or its parts do not go together; the message says how they do.
        """
        if self.has_none and text.lower() == "none":
            return "none"
        try:
            return detail.detail(text)
        except detail.NoDetail as error:
            raise UnusableValue(str(error)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Domains:
    """Numbers of Amazon locales, separated by commas."""

    expected: str = "numbers separated by commas: " + ", ".join(f"{number} {shop(number)}" for number in DEAL_DOMAINS)

    def parse(self, text: str) -> object:
        """The numbers in their order, each once.

        Raises:
            ValueError: one of them is not the number of a locale with deals.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        if any(len(part) > _LONGEST or not _NUMBER.fullmatch(part) for part in parts):
            raise ValueError(text)
        numbers = tuple(dict.fromkeys(map(int, parts)))
        if not numbers or not set(numbers) <= set(DEAL_DOMAINS):
            raise ValueError(text)
        return numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosts:
    """Names of hosts, separated by commas."""

    expected: str = "names of hosts separated by commas, without scheme and port"

    def parse(self, text: str) -> object:
        """The names.

        Raises:
            ValueError: one of them is not the name of a host.
        """
        return tuple(sorted(host_names.names(text)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """An IP address of this machine."""

    expected: str = "an IP address"

    def parse(self, text: str) -> object:
        """The address.

        Raises:
            ValueError: it is not one.
        """
        return str(ipaddress.ip_address(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A length of time with its unit."""

    expected: str = f"{durations.EXPECTED}, and at least 1m"

    def parse(self, text: str) -> object:
        """Its seconds.

        Raises:
            ValueError: it is no length of time, or less than a minute.
        """
        seconds = durations.parse_duration(text).total_seconds()
        if seconds < _SHORTEST_S:
            raise ValueError(text)
        return seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class DayHours:
    """The hours of the day in which something is done."""

    expected: str = "the first and the last hour in UTC, such as 22-06 or 22:30-06:15"

    def parse(self, text: str) -> object:
        """The hours as they are written shortest.

        Raises:
            ValueError: they are none, or the first is the last.
        """
        return str(Hours.parse(text))


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Any text, or one that begins with one of `starts`."""

    expected: str = "text"
    starts: tuple[str, ...] = ()

    def parse(self, text: str) -> object:
        """The text itself.

        Raises:
            ValueError: it begins otherwise.
        """
        if self.starts and not text.startswith(self.starts):
            raise ValueError(text)
        return text


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpUrl:
    """The address of a server that speaks HTTP."""

    expected: str = "a URL that begins with http:// or https://"

    def parse(self, text: str) -> object:
        """The address itself.

        Raises:
            ValueError: it begins otherwise.
            UnusableValue: it is not the URL of a server, or contains what does not belong there, which may be a secret.
        """
        if not text.lower().startswith(("http://", "https://")):
            raise ValueError(text)
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise UnusableValue("it is not the URL of a server; write it as in http://127.0.0.1:8080") from None
        if parts.username is not None or parts.password is not None:
            raise UnusableValue(
                "it contains a user or a password, which would not be sent; remove everything up to the @"
            )
        if parts.query or parts.fragment or text.endswith(("?", "#")):
            raise UnusableValue("it contains a ? or a #, but the paths of the API are added to it; end it before that")
        if not text.isprintable() or any(char in text for char in ' \\"<>^`{|}') or port == 0 or not _is_host(host):
            raise UnusableValue("it is not the URL of a server; write it as in http://127.0.0.1:8080")
        return text


def _is_host(name: str) -> bool:
    if ":" in name:
        try:
            ipaddress.IPv6Address(name)
        except ValueError:
            return False
        return True
    try:
        ascii_name = name.encode("idna").decode()  # what the network is asked for
    except UnicodeError:
        return False
    return bool(_HOST.fullmatch(ascii_name))
