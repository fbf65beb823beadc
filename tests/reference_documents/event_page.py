"""The reference of the log's events, made from the calls that write them and from their sentences."""

import ast
from collections import defaultdict
from pathlib import Path

from supervisor.logs import sentences
from tests.reference_documents.markdown import code, page, plain, table

ROOT = Path(__file__).resolve().parent.parent.parent
OF = {"supervisor": "supervisor", "tasks": "worker"}
LEVELS = {"debug": "debug", "info": "info", "warning": "warning", "error": "error", "failure": "error"}


class Figure(int):
    """A number that is written as the name of its field."""

    def __new__(cls, name):
        made = super().__new__(cls, 3)
        made.name = f"({name})"
        return made

    def __str__(self):
        return self.name

    __repr__ = __str__

    def __format__(self, spec):
        return self.name


class Probe(dict):
    """Fields of an event, each of which has its own name as its value."""

    def __init__(self, value_of):
        super().__init__()
        self.value_of = value_of

    def __missing__(self, name):
        return self.value_of(name)

    def get(self, name, default=None):
        del default
        return self[name]


def event_page():
    """Every event with its level, who writes it, and its sentence."""
    found = written()
    known = sorted({*sentences._SENTENCES, *sentences.HAS_MESSAGE})
    rows = [
        (code(event), ", ".join(sorted({level for level, _ in found[event]})), _writers(found[event]), _sentence(event))
        for event in known
    ]
    whole = (
        "Each line of the log is an event (`event`), with a sentence (`message`) and its numbers in fields of "
        "their own. In a sentence below, a name in parentheses stands for the field; where there is none, the line has "
        "its own words."
    )
    return page("Events of the log", whole, table(["event", "level", "written by", "sentence"], rows))


def written():
    """Who writes each event, by its name: the level, and whether it is the supervisor or a worker."""
    found = defaultdict(set)
    for path in (one for top in ("supervisor", "tasks") for one in (ROOT / top).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(attr=level), args=[ast.Constant(value=str(event)), *_]) if (
                    level in LEVELS
                ):
                    found[event].add((LEVELS[level], OF[path.relative_to(ROOT).parts[0]]))
    return found


def _writers(found):
    return ", ".join(sorted({who for _, who in found}))


def _sentence(event):
    make = sentences._SENTENCES.get(event)
    if make is None:
        return ""
    for value_of in (Figure, "({})".format):
        try:
            return plain(make(Probe(value_of)))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # the sentence reckons with a field, or takes it to pieces
    return ""
