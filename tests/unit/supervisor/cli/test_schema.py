"""`schema` names every command that prints JSON, and says what is always there and of which type."""

import argparse
import json
from dataclasses import fields

import pytest
from jsonschema import Draft202012Validator, ValidationError

from supervisor.cli import commands
from supervisor.cli.schema import OUTPUTS, schema_of
from supervisor.queries.hosts import HostOutput
from supervisor.queries.spend import FlowOutput, SumOutput
from supervisor.queries.watch_output import ListsOnPlan
from supervisor.selections.plan_output import SelectionCost
from tasks.planning.cost_plan import StreamCost
from tasks.planning.watch_plan import WatchPlan
from tasks.store.calls.sums import Flow, Sum
from tasks.store.ledger_row.hosts import Host
from tests.fakes.program import output_schemas

# What `--json` of one parser prints has several schemas where an argument is a word of the command.
ALIKE = {"queue": {"queue list", "queue drop"}}
PASSED_ON = {"ledger dump"}  # reads its arguments itself


def with_json(parser, name=()):
    """The commands that know `--json`."""
    for action in parser._actions:
        if "--json" in action.option_strings:
            yield " ".join(name)
        elif isinstance(action, argparse._SubParsersAction):
            for word, command in action.choices.items():
                yield from with_json(command, (*name, word))


def test_every_command_that_prints_json_has_a_schema():
    found = set(with_json(commands._parser()))
    assert len(found) > 15
    assert {one for name in found for one in ALIKE.get(name, {name})} | PASSED_ON == set(OUTPUTS)


@pytest.mark.parametrize("name", [*OUTPUTS, "quarantine", "db"])
def test_a_schema_is_one(name):
    schema = schema_of(name)
    Draft202012Validator.check_schema(schema)
    assert "decimal" not in json.dumps(schema)


def test_money_is_a_number_and_what_is_asked_for_alone_may_be_missing():
    deal = schema_of("deals")["$defs"]["DealOutput"]
    assert deal["properties"]["price"] == {"type": "number"}
    assert set(deal["properties"]) - set(deal["required"]) == {"resale"}


def test_a_field_with_a_default_is_always_there_and_says_what_it_is():
    worker = schema_of("status")["$defs"]["ChildRecord"]
    assert set(worker["required"]) == set(worker["properties"])
    assert (
        worker["properties"]["until"]["description"]
        == "when that wait or call ends at the latest, if it promised that."
    )


@pytest.mark.parametrize(
    ("printed", "stored", "more"),
    [
        (HostOutput, Host, {"is_alive"}),
        (SumOutput, Sum, {"rows_per_token", "off_percent"}),
        (FlowOutput, Flow, {"added"}),
        (SelectionCost, StreamCost, {"total", "wanted", "deals", "news_per_day", "pending", "is_new"}),
        (ListsOnPlan, WatchPlan, {"rate", "is_kept", "words"}),
    ],
)
def test_what_is_printed_of_a_record_has_all_its_fields(printed, stored, more):
    assert set(printed.__struct_fields__) == {field.name for field in fields(stored)} | more


def test_the_command_lists_the_names_prints_a_schema_and_refuses_what_is_none(capsys):
    assert commands.dispatch(["schema"]) == 0
    assert capsys.readouterr().out.split("\n") == [*OUTPUTS, ""]
    assert commands.dispatch(["schema", "db", "size"]) == 0
    assert json.loads(capsys.readouterr().out) == schema_of("db size")
    with pytest.raises(SystemExit) as ended:
        commands.dispatch(["schema", "run"])
    assert ended.value.code == 2
    assert "no schema of run" in capsys.readouterr().err


def test_what_holds_the_output_of_tests_against_schemas_sees_a_wrong_one():
    output_schemas.hold(["hosts", "--json"], '{"format": 1, "hosts": []}')
    for wrong in ('{"format": 1}', '{"format": 1, "hosts": [], "more": 1}', '{"format": "1", "hosts": []}'):
        with pytest.raises(ValidationError):
            output_schemas.hold(["hosts", "--json"], wrong)
