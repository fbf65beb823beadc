"""A mistyped command line: the sentence that comes back, and 2."""

import argparse

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from supervisor.cli import commands


@pytest.fixture
def told(capsys):
    """What is said to these arguments, which nobody can mean."""

    def ask(line):
        with pytest.raises(SystemExit) as ended:
            commands.dispatch(line.split())
        assert ended.value.code == 2
        out, err = capsys.readouterr()
        assert out == ""
        return err

    return ask


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("sttaus", "sluicegate: there is no command 'sttaus'; did you mean `status`? `sluicegate --help` lists all"),
        ("HISTORY B08N5WRWNW", "there is no command 'HISTORY'; did you mean `history`?"),
        ("pgdump", "did you mean `pg-dump`?"),
        ("xyzzy", "sluicegate: there is no command 'xyzzy': `sluicegate --help` lists all"),
        ("", "sluicegate: COMMAND is missing: `sluicegate --help` shows what there is"),
        (
            "deals --topp 3",
            "sluicegate deals: there is no option '--topp'; did you mean `--top`? `sluicegate deals --help` lists all",
        ),
        ("deals --min_discount=3", "did you mean `--min-discount`?"),
        ("--jsno status", "sluicegate status: there is no option '--jsno'; did you mean `--json`?"),
        ("status -x", "sluicegate status: there is no option '-x': `sluicegate status --help` lists all"),
        ("status now", "sluicegate status: 'now' is one word too many: `sluicegate status --help` shows"),
        ("debug --syntethic", "there is no option '--syntethic'; did you mean `--synthetic-into-database`?"),
        ("quarantine drop --every", "sluicegate quarantine drop: there is no option '--every'"),
        ("quarantine lst", "quarantine: ACTION: 'lst' is not one of list, show, retry, drop; did you mean `list`?"),
        ("deals --over weak", "--over: 'weak' is not one of day, week, month, quarter; did you mean `week`?"),
        (
            "deals --sort discont",
            "--sort: 'discont' is not one of discount, drop, price, rank, newest, roi, profit; did",
        ),
        ("pause upsrt", "sluicegate pause: role: 'upsrt' is not one of upsert, backfill, all; did you mean `upsert`?"),
        ("pause", "sluicegate pause: role is missing: `sluicegate pause --help` shows what there is"),
        (
            "spend --since -1d",
            "sluicegate spend: --since is without a value, which begins with no -: `sluicegate spend --help` shows",
        ),
        ("deals --within", "sluicegate deals: --within is without a value"),
        ("simulator --prot 1", "sluicegate simulator: there is no option '--prot'; did you mean `--port`?"),
    ],
)
def test_a_slip_is_answered_with_what_may_be_meant(told, line, said):
    answer = told(line)
    assert said in answer
    assert answer.count("\n") == 1, "one line, without the list of all there is"


def names():
    """Every command."""
    (action,) = (one for one in commands._parser()._actions if isinstance(one, argparse._SubParsersAction))
    return sorted(action.choices)


@given(st.sampled_from(names()), st.data())
def test_a_command_of_which_a_letter_is_missing_or_doubled_is_found_again(name, data):
    place = data.draw(st.integers(0, len(name) - 1))
    slip = data.draw(st.sampled_from([name[:place] + name[place + 1 :], name[:place] + name[place] + name[place:]]))
    assume(slip not in names() and len(name) > 3)
    said = commands._parser()._sentence(
        f"argument COMMAND: invalid choice: {slip!r} (choose from {', '.join(map(repr, names()))})"
    )
    assert f"did you mean `{name}`" in said


@given(st.text(max_size=80))
def test_any_word_is_answered(text):
    said = commands._parser()._sentence(f"argument COMMAND: invalid choice: {text!r} (choose from 'run', 'status')")
    assert "is not one of run, status" in said
