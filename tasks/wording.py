"""Errors in the words of people: what happened, and never the name of a type, a bare code or a representation. Pure.

Every log field, status line and answer that speaks of an error comes from here. Our own errors carry a sentence
already; of the system's and the libraries' errors this makes one. What nobody expected is called a bug: its traceback,
which is for programmers, is in the log beside it.
"""

from __future__ import annotations

import re
from typing import Final

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
    words = _BARE.sub("an error", _NAMED.sub("", words))
    return words.strip() + "".join(f" (SQLSTATE {code})" for code in codes if code not in words)
