"""Which PostgreSQL programs are used: those that come along, or the user's, whose version is asked for."""

import pytest

from tasks.embedded_postgres import programs
from tasks.errors import ConfigError


@pytest.fixture
def folder(tmp_path):
    """Makes a folder of programs that say something when they are asked for their version."""

    def make(says, names=("postgres", "initdb"), mode=0o755):
        for name in names:
            program = tmp_path / name
            program.write_text(f"#!/bin/sh\necho '{says}'\n")
            program.chmod(mode)
        return tmp_path

    return make


def test_without_a_choice_they_are_those_that_come_along():
    found = programs.find()
    assert found.major == programs.MAJOR
    assert (found.directory / "pg_restore").is_file()
    assert programs.in_directory(found.directory) == found


@pytest.mark.parametrize("major", [15, 18, 19])
def test_the_version_of_a_folder_is_what_its_server_says(folder, major):
    where = folder(f"postgres (PostgreSQL) {major}.4 (Debian {major}.4-1)")
    assert programs.find(str(where)) == programs.Programs(directory=where, major=major)


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ({"says": "postgres (PostgreSQL) 18.4", "names": ["postgres"]}, "has no initdb: name the folder"),
        ({"says": "", "names": []}, "has no postgres and no initdb"),
        ({"says": "postgres (PostgreSQL) 14.9"}, "has PostgreSQL 14, and 15 or newer is needed"),
        ({"says": "hello"}, "has programs that do not say their version"),
        ({"says": "postgres (PostgreSQL) 18.4", "mode": 0o644}, "cannot be run"),
    ],
)
def test_a_folder_that_cannot_be_used_is_refused_with_what_to_do(folder, made, words):
    with pytest.raises(ConfigError, match=words):
        programs.find(str(folder(**made)))


def test_programs_of_a_version_are_those_that_come_along_or_those_of_the_machine(folder):
    assert programs.of_major(programs.MAJOR) == programs.find()
    where = folder("postgres (PostgreSQL) 97.9")
    machine = [str(where / "{0}"), str(where)]
    assert programs.of_major(97, installed=machine) == programs.Programs(directory=where, major=97)
    assert programs.of_major(96, installed=machine) is None
