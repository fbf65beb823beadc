"""What `make mutants` changes, what it draws, and when it is content."""

from pathlib import Path

import pytest

from tests.mutants import run
from tests.mutants.generate import Mutant, mutants
from tests.mutants.sample import Drawn, draw, report


def changes(source):
    """The lines that take the place of others, with single spaces."""
    return [" ".join(mutant.after.split()) for mutant in mutants("m", source)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a < b", ["a <= b", "pass"]),
        ("a == b", ["a != b", "pass"]),
        ("a is None", ["a is not None", "pass"]),
        ("a and b", ["a or b", "pass"]),
        ("not a", ["a", "pass"]),
        ("a + b", ["a - b", "pass"]),
        ("a // 2", ["a / 2", "a // 3", "pass"]),
        ("a.b += c", ["a.b = c", "a.b -= c", "pass"]),
        ("a.b = True", ["a.b = False", "pass"]),
        ("raise a", ["pass"]),
        ("return a", ["return None"]),
        ("return a or b", ["return a and b", "return None", "return not (a or b)"]),
        ("a.b = c if d else e", ["a.b = c if (d) and False else e", "a.b = c if (d) or True else e", "pass"]),
    ],
)
def test_each_kind_of_change_is_made(line, expected):
    assert sorted(changes(f"def f(a, b, c, d, e):\n    {line}\n")) == sorted(expected)


def test_what_no_test_has_to_pin_down_is_left_alone():
    assert not changes(
        '"""Text."""\n'
        "import a\n"
        "from b import c\n"
        "if TYPE_CHECKING:\n    import d\n"
        "@e(f=True)\n"
        "class G(h, frozen=True):\n"
        '    """Text."""\n\n'
        "    i: J[1]\n"
    )


def test_a_name_keeps_its_first_value_and_may_lose_the_second():
    assert changes("def f(a):\n    b = a\n") == []
    assert changes("def f(a):\n    b = a\n    b = g\n    a = h\n") == ["pass", "pass"]


def test_a_change_has_the_same_key_wherever_its_line_stands_and_another_for_each_of_two():
    source = "def f(a):\n    g(a)  # why\n    g(a)\n"
    keys = [mutant.key for mutant in mutants("m", source)]
    assert keys == ["m.f: g(a) => pass", "m.f: g(a) => pass (no. 2)"]
    assert [mutant.key for mutant in mutants("m", "\n\n" + source)] == keys


def test_a_mutant_is_the_source_with_one_change():
    (mutant,) = mutants("m", "def f(a):\n    if a:\n        return (a)\n")
    assert (mutant.line, mutant.source) == (3, "def f(a):\n    if a:\n        return None\n")


def drawn(number, *, is_equivalent=False):
    return Drawn(run.ROOT / "m.py", Mutant(f"m: {number}", number, "a\n", "b\n", ""), is_equivalent)


def test_a_seed_draws_the_same_mutants_each_time_and_equivalent_ones_do_not_count():
    found = [drawn(number, is_equivalent=number % 2 == 0) for number in range(100)]
    first = draw(found, 1, 20)
    assert first == draw(found, 1, 20) != draw(found, 2, 20)
    assert sum(not one.is_equivalent for one in first) == 20


@pytest.mark.parametrize(
    ("killed", "code"),
    [([True] * 95 + [False] * 5, 0), ([True] * 94 + [False] * 6, 1), ([True] * 99 + [None], 1)],
)
def test_it_is_content_when_95_of_100_were_noticed_and_none_was_left_out(capsys, killed, code):
    assert report([drawn(number) for number in range(100)], killed) == code
    told = capsys.readouterr().out
    assert f"{killed.count(True)} of {100 - killed.count(None)} mutants killed" in told
    assert told.count("- a\n+ b\n") == killed.count(False)


def test_an_equivalent_mutant_that_a_test_notices_is_none(capsys):
    sample = [drawn(1), drawn(2, is_equivalent=True)]
    assert report(sample, [True, False]) == 0
    assert report(sample, [True, True]) == 1
    assert "take it from the list" in capsys.readouterr().out


def test_every_module_that_is_mutated_has_tests_of_its_own():
    for path in run.modules():
        own = Path("tests/unit") / path.parent.relative_to(run.ROOT) / f"test_{path.name}"
        assert (run.ROOT / own).exists() or path.name in {"__init__.py", "book.py"}, own
