"""The published schema and the rules say the same of each parameter."""

import pytest

from tasks.keepa.selection.check import OF_THE_FILE
from tasks.keepa.selection.json_schema import json_schema
from tasks.keepa.selection.rules import RULES, Fault

PROPERTIES = json_schema()["properties"]


def rule_takes(name, value):
    try:
        RULES[name](value)
    except Fault:
        return False
    return True


def cases(schema):
    """Values at the bounds of a schema that it allows, and just beyond that it does not."""
    if "enum" in schema:
        values = [one for one in schema["enum"] if one is not None]
        numbers = {one for one in values if isinstance(one, int)}
        return values, [one for one in range(-10, 60) if one not in numbers]
    kind = schema["type"] if isinstance(schema["type"], str) else schema["type"][0]
    if kind == "boolean":
        return [True, False], [0, "true"]
    if kind == "string":
        return ["word"], [3, ["word"]]
    if kind == "integer":
        low, high = schema["minimum"], schema["maximum"]
        return [low, high], [low - 1, high + 1, "x", True]
    return of_lists(schema)


def of_lists(schema):
    items = schema["items"]
    good, bad = (["a b"], [" ", 3]) if items.get("type") == "string" else cases(items)
    length = schema.get("minItems", 1)
    most = schema.get("maxItems", 3)
    taken = [[one] * length for one in good]
    refused = [[one] * length for one in bad] + [3, {}]
    if "maxItems" in schema:
        refused.append([one for one, _ in zip(range(1, most + 2), range(most + 1), strict=True)])
    return taken, refused


def test_it_has_every_parameter_and_what_a_file_says_of_itself():
    assert set(PROPERTIES) == {*RULES, *OF_THE_FILE}
    assert all(one["description"] for one in PROPERTIES.values())


@pytest.mark.parametrize("name", sorted(RULES))
def test_schema_and_rule_take_and_refuse_the_same(name):
    taken, refused = cases(PROPERTIES[name])
    assert taken
    assert [value for value in taken if not rule_takes(name, value)] == []
    assert [value for value in refused if rule_takes(name, value)] == []
