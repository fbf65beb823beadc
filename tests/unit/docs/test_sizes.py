"""No file is longer than a person reads at once, and no folder holds more files than a person looks through."""

import subprocess
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
MOST_LINES = 300
MOST_FILES = 20
# Tests of one thing that would say less apart, up to this; what is longer is cut by what it tests.
MOST_LINES_OF_A_TEST = 375
# Migrations are one folder, whose files never change.
MANY_FILES = {"tasks/store/sql"}


@pytest.fixture(scope="module")
def files():
    """Every file of the project, as Git knows or would know it."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [path for path in map(Path, listed.splitlines()) if (ROOT / path).exists()]


def lines(path):
    return len((ROOT / path).read_text(encoding="utf-8").splitlines())


def test_no_file_is_longer_than_a_person_reads_at_once(files):
    modules = [path for path in files if path.suffix == ".py"]
    assert len(modules) > 1_000
    most = {path: MOST_LINES_OF_A_TEST if path.parts[0] == "tests" else MOST_LINES for path in modules}
    assert {str(path): lines(path) for path in modules if lines(path) > most[path]} == {}


def test_no_folder_holds_more_files_than_a_person_looks_through(files):
    held = Counter(path.parent.as_posix() for path in files)
    assert {folder: count for folder, count in held.items() if count > MOST_FILES and folder not in MANY_FILES} == {}
    assert set(held) >= MANY_FILES
