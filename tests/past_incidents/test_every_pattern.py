"""Each pattern of past incidents has a module here, which says what happened.

The record of the 61 incidents is kept outside of this project. Their numbers in it stand here so that none is left out.
"""

import ast
import re
from pathlib import Path

PATTERNS = {
    "targets_out_of_reach": {7, 12, 15, 30, 33, 40, 41, 51, 60, 61},
    "costs_guessed": {1, 2, 6, 15, 22, 25, 54, 55, 61},
    "balances_that_drift": {1, 3, 9, 28, 29, 49, 52, 56, 61},
    "giving_up_instead_of_waiting": {25, 52, 53, 56, 60, 61},
    "check_then_spend": {4, 17, 33, 35},
    "locks_that_outlive_their_process": {4, 25, 31, 34, 44, 53},
    "watermarks": {10, 26, 45, 50},
    "order_assumed": {16, 21, 50},
    "deletion_while_intake_stands": {18, 20, 46, 60},
    "errors_taken_for_no_data": {9, 27},
    "stale_after_a_deploy": {14, 21, 32, 37, 48},
    "logs_without_bound": {59, 60},
    "wrong_beliefs": {22, 47, 50, 54},
}


def test_every_pattern_has_a_module_that_names_its_rows():
    found = {}
    for path in Path(__file__).parent.glob("test_*.py"):
        rows = re.search(r"^Rows ([\d, \n]+):", ast.get_docstring(ast.parse(path.read_text())) or "", re.MULTILINE)
        if rows is not None:
            found[path.stem.removeprefix("test_")] = {int(row) for row in rows[1].split(",")}
    assert found == PATTERNS
