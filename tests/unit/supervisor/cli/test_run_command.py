"""How a command ends: one code for each kind of error, and no secret in what is said of it."""

import json
import logging

import pytest

from ledger import Damaged, Full, NoLedger, NotOurs, Unusable
from supervisor.cli import debug, run_command
from supervisor.config import run_plan, untold
from supervisor.config.settings import load_settings
from supervisor.config.state_dir.instance_lock import AlreadyRunning
from supervisor.eventloop.loop import Loop, MonotonicClock
from supervisor.logs.log import Log, as_json
from tasks import errors
from tasks.errors import plain
from tasks.redaction import Redactor
from tasks.runtime.log import LibraryHandler, capture_library_logs

KEY = "aKeyOfAPerson".ljust(64, "7")
URL = "postgresql://me:pass%2Fword@127.0.0.1:1/deals"


def ends_with(error):
    """A command that does."""

    def dispatch(_arguments):
        raise error

    return dispatch


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (AlreadyRunning("pid 7"), 73),
        (errors.ConfigError(""), 78),
        (errors.WrongSchema(""), 78),
        (NotOurs(""), 78),
        (Unusable(""), 78),
        (errors.Forbidden(""), 77),
        (errors.Transient(""), 75),
        (errors.NotSent(""), 75),
        (errors.Throttled(""), 75),
        (errors.DatabaseTransient(""), 75),
        (errors.RequestRefused(""), 1),
        (errors.BadRow(""), 1),
        (NoLedger(""), 75),
        (Damaged(""), 75),
        (Full(""), 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(capsys, error, code):
    assert run_command.run_command(["run"], ends_with(error)) == code
    assert capsys.readouterr().err == f"sluicegate: {plain(error)}\n"


def test_a_bug_is_told_with_its_traceback_and_without_a_secret(monkeypatch, capsys):
    bug = ZeroDivisionError(f"in https://api.keepa.com/deal?key={KEY} and {URL} and pass/word alone")
    monkeypatch.setenv("KEEPA_API_KEY", KEY)
    monkeypatch.setenv("DATABASE_URL", URL)
    assert run_command.run_command(["run"], ends_with(bug)) == 70
    said = capsys.readouterr().err
    assert "ZeroDivisionError: in https://api.keepa.com/deal?key=•••" in said
    assert not any(secret in said for secret in (KEY, "pass%2Fword", "pass/word"))


def test_a_secret_that_cannot_be_used_is_hidden_all_the_same(monkeypatch, capsys):
    fault = errors.ConfigError("in mysql://me:hidden-word@h")
    monkeypatch.setenv("DATABASE_URL", "mysql://me:hidden-word@h")
    assert run_command.run_command(["run"], ends_with(fault)) == 78
    assert "hidden-word" not in capsys.readouterr().err


@pytest.fixture
def libraries():
    """The log of the libraries, put back afterwards."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    yield logging.getLogger("a.library")
    root.handlers[:] = before[0]
    root.setLevel(before[1])


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_what_a_library_says_in_debug_mode_is_a_record_without_secrets(libraries, capsys, log_format):
    settings = load_settings({"KEEPA_API_KEY": KEY, "LOG_FORMAT": log_format}, dotenv=None)
    debug._logger(run_plan.make_run_plan(settings))
    libraries.warning("cannot get %s", f"/deal?key={KEY}")
    said = capsys.readouterr().err
    assert "cannot get /deal?key=•••" in said
    assert KEY not in said


def test_what_a_library_says_in_the_supervisor_is_a_record_without_secrets(libraries):
    lines = []
    redactor = Redactor()
    redactor.hide(KEY)
    with Loop(MonotonicClock()) as loop:
        capture_library_logs(LibraryHandler(Log(lines.append, render=as_json, redactor=redactor), loop.call))
        libraries.warning("cannot get %s", f"/deal?key={KEY}")
        libraries.info("not worth it")
        assert lines == [], "written by the loop alone"
        loop.step()
    records = [json.loads(line) for line in lines]
    assert [(one["event"], one["level"], one["logger"], one["message"]) for one in records] == [
        ("library", "warning", "a.library", "cannot get /deal?key=•••")
    ]


def test_a_command_tells_what_it_had_no_use_for_and_not_what_another_has_left(capsys):
    untold.hold(["of another"])
    assert run_command.run_command(["run"], lambda _: untold.hold(["its own"]) or 0) == 0
    told = capsys.readouterr().err
    assert "its own" in told
    assert "of another" not in told
