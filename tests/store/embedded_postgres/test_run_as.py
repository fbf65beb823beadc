"""Who the server runs as: its directory's owner, whoever starts it, named or not, with namespaces or without."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tasks.embedded_postgres import run_as as identity
from tasks.embedded_postgres.run_as import RunAs, Way
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]
NOBODY = 65534
NAMELESS = 54321
PROGRAM = """
import sys, psycopg
from pathlib import Path
from tasks.embedded_postgres.server import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1])) as server:
    with psycopg.connect(server.url()) as connection:
        print(connection.execute("SELECT current_user").fetchone()[0])
"""

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


@pytest.fixture
def open_folder():
    """A folder that every user can enter and write; the tests' own is private to who runs them."""
    folder = Path(tempfile.mkdtemp(prefix="sluicegate-test-"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def run_as(uid, *arguments):
    """Run `PROGRAM` as user `uid`, with an interpreter that user can run, or skip."""
    site = [str(ROOT), *(path for path in sys.path if path.endswith("site-packages"))]
    environment = {"PYTHONPATH": os.pathsep.join(site), "PYTHONDONTWRITEBYTECODE": "1", "PATH": "/usr/bin:/bin"}
    for interpreter in (sys.executable, "/usr/bin/python3"):
        try:
            probe = ["-c", "import psycopg, tasks.embedded_postgres.server"]
            subprocess.run([interpreter, *probe], user=uid, group=uid, extra_groups=[], env=environment, check=True)
        except (OSError, subprocess.CalledProcessError):
            continue
        return subprocess.run(
            [interpreter, "-c", PROGRAM, *arguments],
            user=uid,
            group=uid,
            extra_groups=[],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
    pytest.skip(f"no Python here that uid {uid} can run")


@as_root
def test_a_user_without_a_name_makes_and_runs_its_own_server(open_folder):
    home = open_folder / "pg"
    done = run_as(NAMELESS, str(home))
    assert (done.returncode, done.stdout) == (0, "postgres\n"), done.stderr
    assert home.stat().st_uid == NAMELESS


@as_root
def test_root_runs_a_users_server_as_that_user_and_does_not_lock_him_out(home, open_folder):
    moved = open_folder / "pg"
    shutil.move(home, moved)
    for path in (moved, *moved.rglob("*")):
        os.chown(path, NOBODY, NOBODY)
    with EmbeddedPostgres(moved):
        assert (moved / "data" / "postmaster.pid").stat().st_uid == NOBODY
    done = run_as(NOBODY, str(moved))
    assert (done.returncode, done.stdout) == (0, "postgres\n"), done.stderr


@as_root
def test_root_keeps_its_files_its_own_and_opens_no_directory(home, tmp_path):
    tmp_path.chmod(0o700)
    with EmbeddedPostgres(home):
        assert (home / "data" / "postmaster.pid").stat().st_uid == 0
    assert tmp_path.stat().st_mode & 0o777 == 0o700
    assert home.stat().st_mode & 0o777 == 0o700


@as_root
def test_root_without_namespaces_becomes_another_user_for_good(open_folder):
    home = open_folder / "pg"
    with EmbeddedPostgres(home, use_namespace=False):
        owner = (home / "data" / "postmaster.pid").stat().st_uid
        assert owner not in (0, NAMELESS)
    with EmbeddedPostgres(home):
        assert (home / "data" / "postmaster.pid").stat().st_uid == owner


@as_root
def test_root_without_namespaces_in_a_private_folder_says_what_to_do(tmp_path):
    tmp_path.chmod(0o700)
    home = tmp_path / "pg"
    with pytest.raises(ConfigError, match=r"cannot reach .*choose a STATE_DIR that this user can enter"):
        EmbeddedPostgres(home, use_namespace=False).start()
    assert home.stat().st_uid == 0


@as_root
def test_another_users_folder_is_refused_in_plain_words(open_folder):
    home = open_folder / "pg"
    home.mkdir(mode=0o700)
    done = run_as(NOBODY, str(home))
    assert done.returncode != 0
    assert f"ConfigError: uid {NOBODY} cannot use {home}" in done.stderr


def test_an_identity_is_what_its_text_says():
    who = RunAs(way=Way.NAMESPACE, uid=1, gid=2)
    assert RunAs.parse(str(who)) == who


def test_somebody_elses_files_are_not_for_a_plain_user(mocker):
    mocker.patch("os.geteuid", return_value=1000)
    assert identity.choose(1001, 1001) is None
    assert identity.fallback() is None
