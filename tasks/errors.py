"""The errors of the work, as types that answer "what now?", and every error in the words of people. Pure.

`exit_code` of a type is what a worker or a command ends with when nobody has caught such an error; the ledger's own
errors have one as well. Only `tasks.worker` and `supervisor.cli` end a process by it.

Every log field, status line and answer that speaks of an error gets its words from `plain`: it says what happened, and
never the name of a type, a bare code or a representation. Our own errors carry a sentence already; of the system's and
the libraries' errors `plain` makes one. What nobody expected is called a bug: its traceback, which is for programmers,
is in the log beside it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

if TYPE_CHECKING:
    from ledger import LedgerError, Reading

EXIT_OK: Final = 0
EXIT_FAILED: Final = 1
EXIT_USAGE: Final = 2
EXIT_DEGRADED: Final = 3
EXIT_NOT_RUNNING: Final = 4
# From here on they are those of sysexits.h.
EXIT_BUG: Final = 70
EXIT_ALREADY_RUNNING: Final = 73
EXIT_TRY_LATER: Final = 75
EXIT_KEY_REFUSED: Final = 77
EXIT_CONFIG: Final = 78

BUG: Final = "an error in this program that nobody expected; the log has its traceback"
NO_REASON: Final = "no reason was given"
# By name, so that no library is loaded for its errors.
_BY_NAME: Final = {
    "IncompleteRead": "the reply was cut short",
    "ProtocolError": "the connection broke in the middle",
    "RemoteDisconnected": "the other side closed the connection without an answer",
    "BadStatusLine": "what answered does not speak HTTP",
    "TimeoutError": "no answer in time",
    "ReadTimeoutError": "no answer in time",
    "ReadTimeout": "no answer in time",
    "ConnectTimeout": "no connection in time",
    "ConnectTimeoutError": "no connection in time",
    "SSLCertVerificationError": "the server's certificate cannot be trusted",
    "UnicodeDecodeError": "it is no text in UTF-8",
    "UnicodeEncodeError": "it holds half a character",
    "RecursionError": "it is nested too deeply",
    "MemoryError": "there is not enough memory",
    "KeyboardInterrupt": "interrupted",
}
_OURS: Final = frozenset({"supervisor", "tasks", "ledger"})  # whose errors carry a sentence
_BUGS: Final = (TypeError, AttributeError, LookupError, NameError, AssertionError, ArithmeticError, RuntimeError)
_TYPE: Final = r"(?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning|Timeout|Disconnected|Interrupt)"
_NAMED: Final = re.compile(rf"\b{_TYPE}:\s*")
_CALLED: Final = re.compile(rf"\b{_TYPE}\((['\"]?)((?:[^()]|\([^()]*\))*?)\1,?\)")
_BARE: Final = re.compile(rf"\b{_TYPE}\b")
_OBJECT: Final = re.compile(r"<[^<>]*(?: at 0x[0-9a-fA-F]+|object)[^<>]*>:?\s*")
_ERRNO: Final = re.compile(r"\[(?:Errno|WinError) -?\d+\]\s*|\[SSL: \w+\]\s*|\s*\(_ssl\.c:\d+\)")
_NONE: Final = re.compile(r"\bNone\b")
_SQLSTATE: Final = re.compile(r"(^|: )(?=[A-Z]*[0-9])([0-9A-Z]{5}): ")


class Error(Exception):
    """Every error this program raises on purpose, the ledger's own (`ledger.LedgerError`) apart."""

    exit_code: ClassVar[int] = EXIT_FAILED


class ConfigError(Error):
    """The configuration cannot be used: stop everything, do not restart. The message lists all faults."""

    exit_code = EXIT_CONFIG


class ApiError(Error):
    """A call to the API did not give its answer.

    Attributes:
        status: HTTP status, or None when no reply arrived.
        reading: the bucket as the reply shows it, or None: settle the lease with it before going on.
        lasted_s: seconds that the call had been open for when it came to nothing; 0 when nobody measured.
    """

    def __init__(self, message: str, *, status: int | None = None, reading: Reading | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.reading = reading
        self.lasted_s = 0.0


class Throttled(ApiError):
    """429: the balance was not above 0. Free of charge and no failure: observe the reading, wait at the gate."""

    exit_code = EXIT_TRY_LATER


class Transient(ApiError):
    """No reply, a 5xx, or a body cut short: what may pass. Try again, ever more rarely, for as long as it takes."""

    exit_code = EXIT_TRY_LATER


class NotSent(Transient):
    """No connection came about, so nothing was sent and nothing can have been charged."""


class NotFromApi(Transient):
    """What answered is not the API: a portal's page, a proxy's error, an empty body. The call has failed."""


class RequestRefused(ApiError):
    """The API says that this request will never be answered. Quarantine the item with the message, go on."""


class Forbidden(ApiError):
    """The API, or everybody for minutes, refuses the key: restarting cannot help."""

    exit_code = EXIT_KEY_REFUSED


class StoreError(Error):
    """PostgreSQL did not do what was asked."""


class DatabaseTransient(StoreError):
    """The database cannot do this now: it is unavailable, read only or full, or another transaction was in the way.

    The same work is done again.
    """

    exit_code = EXIT_TRY_LATER


class BadRow(StoreError):
    """This piece of work is what the database will not take: it is quarantined with its bytes, and others go on."""


class WrongSchema(StoreError):
    """The schema is not the one this build knows (42xxx, or another version)."""

    exit_code = EXIT_CONFIG


class NotDelivered(Error):
    """A target did not accept a message, which is sent again later. The words say why, and hide the address."""

    exit_code = EXIT_TRY_LATER


class NoRows(StoreError):
    """What was asked for is not in the database, or there is no database yet: nothing is wrong."""


def exit_code(error: Error | LedgerError | OSError) -> int:
    """What a process ends with because of `error`; the system's errors say nothing of what to do now."""
    return EXIT_FAILED if isinstance(error, OSError) else error.exit_code


def plain(error: BaseException) -> str:
    """What happened, in words."""
    if type(error).__module__.partition(".")[0] in _OURS:
        return clean(str(error)) or NO_REASON
    known = _BY_NAME.get(type(error).__name__)
    if known is not None:
        return known
    if isinstance(error, OSError) and error.strerror:
        words = clean(error.strerror)
        return f"{error.filename}: {words}" if isinstance(error.filename, str) else words
    if isinstance(error, _BUGS):
        return BUG
    return clean(str(error)) or BUG


def in_whole_characters(text: str) -> str:
    """The text as it can be written anywhere: half characters, as in names of files that are not UTF-8, are escaped."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def one_line(text: object) -> str:
    """The text with a single space for each stretch of white space, none at its ends."""
    return " ".join(str(text).split())


def clean(text: str) -> str:
    """The text without names of error types, representations and error numbers; a SQLSTATE stands at its end."""
    if text.strip() == "None":
        return ""
    codes = [found[2] for found in _SQLSTATE.finditer(text)]
    words = _SQLSTATE.sub(r"\1", _NONE.sub("nothing", text))
    words = _ERRNO.sub("", _OBJECT.sub("", words))
    for _ in range(4):  # one within the other, as libraries wrap them
        fewer = _CALLED.sub(r"\2", words)
        if fewer == words:
            break
        words = fewer
    words = in_whole_characters(_BARE.sub("an error", _NAMED.sub("", words)))
    return words.strip() + "".join(f" (SQLSTATE {code})" for code in codes if code not in words)
