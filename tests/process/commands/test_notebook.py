"""The notebook in examples/ runs from top to bottom, and its figures are those of the commands."""

import json
import os
import subprocess
import sys

import pytest

from tests.fakes.program.cli_program import ROOT, Program
from tests.fakes.waiting import LIMIT_S

NOTEBOOK = ROOT / "examples" / "notebook" / "deals.ipynb"
# Every figure that a cell shows, as the last lines of the program that the cells make.
TELL = """
import json, sys
json.dump({
    "best": best["asin"].tolist()[:5], "discounts": [int(one) for one in best["discount_percent_week"]][:5],
    "lowest": {asin: float(price) for asin, price, _ in lowest.rows()}, "at_lowest": len(at_lowest),
}, sys.stdout)
"""


@pytest.mark.kill
def test_the_notebook_runs_and_says_what_the_commands_say(market_url, tmp_path):
    program = Program(tmp_path, DATABASE_URL=market_url)
    cells = [one for one in json.loads(NOTEBOOK.read_text())["cells"] if one["cell_type"] == "code"]
    assert len(cells) >= 6
    assert all(not one["outputs"] for one in cells)
    (tmp_path / "cells.py").write_text("\n".join("".join(one["source"]) for one in cells) + TELL)
    shim = tmp_path / "bin" / "sluicegate"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m supervisor "$@"\n')
    shim.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(tmp_path / "cells.py")],
        cwd=tmp_path,
        env=program.environment(PATH=f"{shim.parent}:{os.environ['PATH']}"),
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    asked = ("--type", "NEW", "--over", "week", "--domain", "1", "--within", "3650d", "--json")
    deals = json.loads(program.command("deals", "--top", "5", *asked).stdout)["deals"]
    assert [one["discount_percent"] for one in deals] == told["discounts"]
    asin = min(told["lowest"])
    points = json.loads(program.command("history", asin, "--domain", "1", "--type", "NEW", "--json").stdout)["points"]
    assert min(one["price"] for one in points if one["price"] is not None) == told["lowest"][asin]
