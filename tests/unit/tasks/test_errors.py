"""Errors in words: no name of a type, no bare code, no representation, whatever error it is."""

from __future__ import annotations

import ast
import builtins
import importlib
import pkgutil
import re
from pathlib import Path

import psycopg
import pytest
import requests
import urllib3
from hypothesis import given
from hypothesis import strategies as st

import ledger
import supervisor
import tasks
from tasks import errors
from tasks.errors import BUG, EXIT_FAILED, NO_REASON, clean, exit_code, one_line, plain
from tasks.store.sqlstate import translated

ROOT = Path(ledger.__file__).resolve().parent.parent
RIDDLES = re.compile(
    r"\b[A-Z]\w*(?:Error|Exception|Timeout|Disconnected)\b|Errno|0x[0-9a-f]|<class|<[\w.]+ object|\bNone\b|Traceback"
)
FOREIGN = [
    kind
    for home in (builtins, requests.exceptions, urllib3.exceptions, psycopg.errors)
    for kind in vars(home).values()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and not issubclass(kind, Warning | ExceptionGroup)
    and kind is not urllib3.exceptions.InvalidChunkLength  # cannot be made without a connection
]
OWN = sorted(
    {
        kind
        for package in (supervisor, tasks, ledger)
        for module in pkgutil.walk_packages(package.__path__, package.__name__ + ".")
        if not module.name.endswith(("__main__", "simulator.server"))
        for kind in vars(importlib.import_module(module.name)).values()
        if isinstance(kind, type) and issubclass(kind, Exception) and kind.__module__.startswith(package.__name__)
    },
    key=lambda kind: kind.__name__,
)
WORDS = st.text("abcdefgh ijklm", min_size=1, max_size=30).map(str.strip).filter(bool)


def made(kind, *args):
    """An error of the type, as far as one can be made like that."""
    error = kind.__new__(kind)
    error.args = args
    return error


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_no_error_of_the_system_or_a_library_shows_its_type(kind):
    for args in ((), (None,), ("the reason",), (RuntimeError("inside"),), (111, "Connection refused")):
        said = plain(made(kind, *args))
        assert said
        assert not RIDDLES.search(said), said
        assert not re.search(rf"\b{kind.__name__}\b", said) or kind.__name__.islower(), said


@pytest.mark.parametrize("kind", OWN, ids=lambda kind: kind.__name__)
def test_an_error_of_ours_says_its_sentence_and_not_its_type(kind):
    assert plain(made(kind, "the sentence")) == "the sentence"
    assert plain(made(kind)) == NO_REASON


@given(st.recursive(WORDS, lambda inner: st.builds(
    lambda name, text, form: form.format(name=name, text=text),
    st.sampled_from(["ConnectionError", "requests.exceptions.ReadTimeout", "ValueError", "MaxRetryError", "KeyError"]),
    inner,
    st.sampled_from(["{name}: {text}", "{name}('{text}')", "{text} (Caused by {name}('{text}'))", "{name}",
                     "[Errno 111] {text}", "<urllib3.connection.HTTPConnection object at 0x7f3a>: {text}"]),
), max_leaves=4))  # fmt: skip
def test_what_libraries_wrap_into_each_other_is_unwrapped(text):
    assert not RIDDLES.search(clean(text)), clean(text)


@given(st.text())
def test_a_text_one_line_has_its_words_and_no_other_white_space_than_single_spaces(text):
    line = one_line(text)
    assert line.split() == text.split()
    assert line == line.strip()
    assert not re.search(r"[^\S ]|  ", line)


@given(WORDS)
def test_words_stay_as_they_are(text):
    assert clean(text) == text


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("57P01: terminating connection", "terminating connection (SQLSTATE 57P01)"),
        ("no database: 57P03: it starts up", "no database: it starts up (SQLSTATE 57P03)"),
        ("HTTP 500: no answer", "HTTP 500: no answer"),
        ("[Errno 28] No space left on device", "No space left on device"),
        ("no answer: RemoteDisconnected('it closed the connection')", "no answer: it closed the connection"),
    ],
)  # fmt: skip
def test_codes_stand_behind_the_words(said, shown):
    assert clean(said) == shown


def test_an_error_of_the_system_names_the_file():
    with pytest.raises(OSError, match="nowhere") as caught:
        Path("/nowhere/at/all").read_bytes()
    assert plain(caught.value) == "/nowhere/at/all: No such file or directory"


def test_a_bug_is_called_one():
    with pytest.raises(AttributeError) as caught:
        None.something  # noqa: B018 - the bug
    assert plain(caught.value) == BUG


def test_an_error_of_postgresql_has_its_words_first():
    error = psycopg.errors.lookup("57P01")("terminating connection due to administrator command")
    assert not re.match(r"[0-9A-Z]{5}:", plain(translated(error)))


def test_one_module_alone_turns_errors_into_words():
    """No other names a type or writes a representation of an error."""
    shown = []
    for package in ("supervisor", "tasks", "ledger"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if path.match("tasks/errors.py") or "simulator" in path.parts:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                is_name = isinstance(node, ast.Attribute) and node.attr == "__name__"
                of_error = is_name and "error" in ast.unparse(node.value)
                is_repr = isinstance(node, ast.FormattedValue) and node.conversion == ord("r")
                of_repr = is_repr and ast.unparse(node.value) in {"error", "exc", "exception"}
                shown += [f"{path.relative_to(ROOT)}:{node.lineno}"] if of_error or of_repr else []
    assert shown == []


def test_what_people_see_of_an_error_is_its_words():
    """The supervisor prints no error as it is; one that goes on inside another is seen to where it ends."""
    found = []
    for path in sorted((ROOT / "supervisor").rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        raised = {id(inner) for node in ast.walk(tree) if isinstance(node, ast.Raise) for inner in ast.walk(node)}
        for node in ast.walk(tree):
            is_text = isinstance(node, ast.Call) and ast.unparse(node) in {"str(error)", "repr(error)"}
            is_shown = isinstance(node, ast.FormattedValue) and ast.unparse(node.value) == "error"
            if (is_text or is_shown) and id(node) not in raised:
                found.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize("kind", [one for one in OWN if issubclass(one, errors.Error | ledger.LedgerError)])
def test_every_error_of_ours_ends_a_process_with_a_documented_code(kind):
    codes = {value for name, value in vars(errors).items() if name.startswith("EXIT_")} - {errors.EXIT_OK}
    assert exit_code(made(kind)) == kind.exit_code
    assert kind.exit_code in codes


def test_an_error_of_the_system_says_nothing_of_what_to_do():
    assert exit_code(OSError(28, "No space left on device")) == EXIT_FAILED
