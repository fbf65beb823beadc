"""Holds what a command printed with `--json` against its schema."""

import json
from functools import cache

from supervisor.cli.schema import OUTPUTS, schema_of


def hold(arguments, printed):
    """Fail when the command of these arguments has printed an object that its schema does not allow.

    A part that the schema does not name fails too: readers may meet new keys, but ours are all of a type.
    """
    name = command_of(arguments)
    if name is not None and printed.startswith("{"):
        _validator(name).validate(json.loads(printed))


def command_of(arguments):
    """The command that has a schema and was called with `--json`; None of any other."""
    if "--json" not in arguments:
        return None
    line = " ".join(arguments) + " "
    found = [name for name in OUTPUTS if line.startswith(f"{name} ")]
    return found[0] if found else {"queue": "queue list"}.get(arguments[0])


@cache
def _validator(name):
    from jsonschema import Draft202012Validator

    return Draft202012Validator(_closed(schema_of(name)))


def _closed(part):
    """The schema without room for keys that it does not name."""
    if isinstance(part, dict):
        closed = {"additionalProperties": False} if "properties" in part else {}
        return closed | {key: _closed(value) for key, value in part.items()}
    return [*map(_closed, part)] if isinstance(part, list) else part
