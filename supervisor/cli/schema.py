"""`sluicegate schema COMMAND`: prints the JSON Schema of what a command prints with `--json`, made of its types."""

from __future__ import annotations

import json
import re
import sys
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, Final

from tasks.errors import EXIT_OK

if TYPE_CHECKING:
    import argparse

    from supervisor.queries.arguments.parts import Commands
    from tasks import command_line

# The types of what each command prints, by the command; each is loaded when its schema is asked for.
OUTPUTS: Final[dict[str, tuple[str, ...]]] = {
    "status": ("supervisor.status.as_json:StatusOutput",),
    "doctor": ("supervisor.doctor.findings:DoctorOutput",),
    "ledger dump": ("ledger.snapshot_records:SnapshotRecord",),
    "deals": ("supervisor.queries.deals:DealsOutput",),
    "history": ("supervisor.queries.history:HistoryOutput",),
    "fetch": ("supervisor.cli.fetch.fetch_answer:FetchOutput", "supervisor.cli.fetch.fetch_answer:FetchQueuedOutput"),
    "spend": ("supervisor.queries.spend:SpendOutput", "supervisor.queries.spend_by_time:SpentOverTimeOutput"),
    "plan": ("supervisor.selections.plan_output:PlanOutput", "supervisor.selections.plan_of_keys:PlansOutput"),
    "quarantine list": ("supervisor.queries.quarantine:FaultsOutput",),
    "quarantine show": ("supervisor.queries.quarantine:FaultOutput",),
    "queue list": ("supervisor.queries.queue:QueueOutput",),
    "queue drop": ("supervisor.queries.queue:DroppedOutput",),
    "hosts": ("supervisor.queries.hosts:HostsOutput",),
    "selection check": ("supervisor.selections.describe:SelectionsOutput",),
    "selection explain": ("supervisor.selections.describe:SelectionsOutput",),
    "selection preview": ("supervisor.selections.preview:PreviewOutput",),
    "watch check": ("supervisor.queries.watch_output:CheckedListsOutput",),
    "watch list": ("supervisor.queries.watch_output:ListsOutput",),
    "watch add": ("supervisor.queries.watch_output:AddedOutput",),
    "notify check": ("supervisor.notify.outputs:RulesOutput",),
    "notify list": ("supervisor.notify.outputs:TargetsOutput",),
    "notify test": ("supervisor.notify.outputs:TrialOutput",),
    "db size": ("supervisor.queries.db.size_output:SizeOutput",),
    "db prune": ("supervisor.queries.db.prune:PrunedOutput", "supervisor.queries.db.prune:WouldGoOutput"),
    "db partition": ("supervisor.queries.db.partition:PartitionOutput",),
    "db upgrade": ("supervisor.cli.db_upgrade:UpgradeOutput",),
}
_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_FIELDS: Final = re.compile(r"\n\s*Attributes:\n")
_FIELD: Final = re.compile(r"^(\w+): (.*)$")
_NONE: Final = re.compile(r"\bNone\b")


def add(commands: Commands) -> None:
    """Add the command."""
    words = "print the JSON Schema of what a command prints with --json; without a command, list those that have one"
    parser = commands.add_parser("schema", help=words)
    parser.add_argument("command", nargs="*", metavar="COMMAND", help="such as status, deals, or db size")
    parser.set_defaults(do=show)


def show(chosen: argparse.Namespace) -> int:
    """Print the schema of a command, or the commands that have one; the exit code."""
    name = " ".join(chosen.command)
    if not name:
        sys.stdout.write("".join(f"{one}\n" for one in OUTPUTS))
        return EXIT_OK
    if not _types_of(name):
        parser: command_line.Parser = chosen.parser
        parser.error(f"no schema of {name}: there are {', '.join(OUTPUTS)}")
    sys.stdout.write(json.dumps(schema_of(name), indent=2, ensure_ascii=False) + "\n")
    return EXIT_OK


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema of what the command `name` prints, or any command whose first word is `name`."""
    import msgspec

    references, parts = msgspec.json.schema_components(
        [resolve_name(one) for one in _types_of(name)], ref_template="#/$defs/{name}"
    )
    whole: dict[str, Any] = references[0] if len(references) == 1 else {"anyOf": list(references)}
    title = f"what `sluicegate {name}` prints with --json"
    return {"$schema": _DIALECT, "title": title, **whole, "$defs": {key: _printed(parts[key]) for key in parts}}


def _types_of(name: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(one for key in OUTPUTS if f"{key} ".startswith(f"{name} ") for one in OUTPUTS[key]))


def _printed(part: Any) -> Any:  # noqa: ANN401 - whatever JSON Schema can hold
    """A part of the schema as the commands write it: a default too is always there, and money is a number."""
    match part:
        case {"type": "string", "format": "decimal"}:
            return {"type": "number"}
        case {"properties": dict(properties)}:
            present = {name for name, one in properties.items() if "default" in one} | set(part.get("required", ()))
            about, words = _described(part.get("description", ""))
            shown = {}
            for name, one in properties.items():
                plain = {key: value for key, value in one.items() if key != "default"}
                shown[name] = _printed(plain) | ({"description": words[name]} if name in words else {})
            rest = {key: value for key, value in part.items() if key not in {"description", "properties", "required"}}
            return {**rest, "description": about, "properties": shown, "required": [n for n in shown if n in present]}
        case dict():
            return {key: _printed(value) for key, value in part.items()}
        case list():
            return [_printed(one) for one in part]
        case _:
            return part


def _described(text: str) -> tuple[str, dict[str, str]]:
    """What a docstring says of the whole, and of each field."""
    about, *fields = _FIELDS.split("\n" + _NONE.sub("null", text), maxsplit=1)
    words: dict[str, str] = {}
    name = ""
    for line in "".join(fields).splitlines():
        found = _FIELD.match(line.strip())
        if found:
            name = found[1]
            words[name] = found[2]
        elif name and line.strip():
            words[name] += f" {line.strip()}"
    return " ".join(about.split()), words
