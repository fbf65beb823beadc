"""Commands go by the settings in force, with what `set` ordered, and by one function alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from supervisor.database.access import query_plan
from tests.fixtures.running import told_supervisor

ROOT = Path(__file__).resolve().parents[4]
BY_THEMSELVES = {"load_settings", "check_texts"}
# What reads the settings alone, and why.
READERS = {
    "supervisor/cli/debug.py",  # it is a run of its own, of what the files say
    "supervisor/cli/doctor.py",  # it judges the files
    "supervisor/cli/run.py",  # it begins the run that `set` may order about
    "supervisor/cli/setup/init.py",  # it writes the file
    "supervisor/cli/version.py",
    "supervisor/config/settings.py",
    "supervisor/database/in_force.py",
    "supervisor/selections/files.py",  # it judges the files with another beside them
    "supervisor/tree/reload.py",  # it keeps what `set` ordered
}


def used_names(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.Attribute):
            yield node.attr


def test_no_other_module_reads_the_settings_past_what_was_ordered():
    files = (ROOT / "supervisor").rglob("*.py")
    found = {str(path.relative_to(ROOT)) for path in files if BY_THEMSELVES & set(used_names(path))}
    assert found <= READERS, "take `supervisor.database.access.query_plan`, which knows what `set` ordered"


@pytest.fixture
def settings_of_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("KEEPA_DOMAINS", "1")
    return tmp_path / "state"


def test_the_plan_of_a_command_is_that_of_the_running_supervisor(settings_of_a_folder):
    with told_supervisor(settings_of_a_folder, {"KEEPA_DOMAINS": "1,3"}):
        assert query_plan().settings.keepa_domains == (1, 3)
    assert query_plan().settings.keepa_domains == (1,), "what a supervisor was told that is gone holds no longer"
