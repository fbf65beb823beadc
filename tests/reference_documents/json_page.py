"""The reference of what commands print with `--json`, made from their schemas."""

from supervisor.cli.schema import OUTPUTS, schema_of
from tests.reference_documents.markdown import code, page, plain, table


def json_page():
    """Every command that prints JSON, with the keys of each object."""
    parts = []
    for name in OUTPUTS:
        schema = schema_of(name)
        parts.append(f"## {name}")
        for title, part in schema["$defs"].items():
            needed = part["required"]
            rows = [
                (
                    code(key),
                    _type(one) + ("" if key in needed else "; not always there"),
                    plain(one.get("description", "")),
                )
                for key, one in part["properties"].items()
            ]
            parts += [f"**{title}**: {plain(part['description'])}", table(["key", "type", "meaning"], rows)]
    whole = (
        "[The status](../status.md) says more of its keys. "
        "`sluicegate schema COMMAND` prints the JSON Schema of a command. `format` grows when a key is removed or "
        "means something else; a new key leaves it as it is. Times are ISO 8601 in UTC, and money is a number in the "
        "shop's currency."
    )
    return page("JSON of the commands", whole, *parts)


def _type(part):
    """A type in words."""
    match part:
        case {"$ref": ref}:
            return ref.rpartition("/")[2]
        case {"anyOf": several}:
            return " or ".join(dict.fromkeys(map(_type, several)))
        case {"enum": values}:
            return ", ".join(code(value) for value in values)
        case {"type": "array", "items": items}:
            return f"list of {_type(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            return f"object of {_type(values)} by name" if values else "object"
        case _:
            return part.get("type", "anything")
