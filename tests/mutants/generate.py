"""Every mutant of a source: mutmut's operators on comparisons, booleans, arithmetic and numbers, and two of our own.

Ours take a statement out, and return something else. What no test has to pin down is left alone: texts, annotations,
decorators, imports, and the arguments of a class statement.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, NamedTuple

import libcst as cst
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation import mutators

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from libcst.metadata import CodeRange

_OPERATORS: Final = frozenset(
    {
        mutators.operator_number,
        mutators.operator_name,
        mutators.operator_augmented_assignment,
        mutators.operator_remove_unary_ops,
        mutators.operator_keywords,
        mutators.operator_swap_op,
        mutators.operator_match,
        mutators.operator_if_exp,
    }
)
_LEFT_ALONE: Final = (cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom)


class Mutant(NamedTuple):
    """One change. `key` names it by function and text, so that it stays the same when the lines move."""

    key: str
    line: int
    before: str
    after: str
    source: str


def mutants(module: str, source: str) -> list[Mutant]:
    """All mutants of the module, in the order of its source."""
    wrapper = MetadataWrapper(cst.parse_module(source))
    finder = _Finder(wrapper.resolve(PositionProvider))
    wrapper.module.visit(finder)
    lines = source.splitlines(keepends=True)
    seen: Counter[str] = Counter()
    found = []
    for name, span, text in finder.found:
        first, last = span.start.line - 1, span.end.line - 1
        before = "".join(lines[first : last + 1])
        after = lines[first][: span.start.column] + text + lines[last][span.end.column :]
        if after == before:
            continue
        key = f"{module}{name}: {_one_line(before)} => {_one_line(after)}"
        seen[key] += 1
        if seen[key] > 1:
            key += f" (no. {seen[key]})"
        changed = "".join([*lines[:first], after, *lines[last + 1 :]])
        found.append(Mutant(key, span.start.line, before, after, changed))
    return found


def _one_line(text: str) -> str:
    """The text without line ends and comments."""
    return " ".join(" ".join(line.split("  # ")[0] for line in text.splitlines()).split())


class _Finder(cst.CSTVisitor):
    """Collects the changes: the function they are in, what they replace, and the text in its place."""

    def __init__(self, positions: Mapping[cst.CSTNode, CodeRange]) -> None:
        super().__init__()
        self.found: list[tuple[str, CodeRange, str]] = []
        self._positions = positions
        self._names: list[str] = []
        self._bound: list[set[str]] = []  # of each function around: the names that have a value so far

    def on_visit(self, node: cst.CSTNode) -> bool:
        """Collect the changes of the node itself; False if nothing in it is to be changed."""
        if isinstance(node, _LEFT_ALONE) or _is_for_types(node):
            return False
        changes = [*_changes(node), *([cst.Pass()] if self._can_be_left_out(node) else [])]
        for changed in changes:
            text = cst.Module(body=[]).code_for_node(_bare(changed))
            self.found.append(("".join(self._names), self._positions[node], text))
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._names.append(f".{node.name.value}")
        if isinstance(node, cst.FunctionDef):
            self._bound.append({param.name.value for param in (*node.params.params, *node.params.kwonly_params)})
        if isinstance(node, cst.ClassDef):
            node.body.visit(self)
            self._names.pop()
            return False
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        """Leave a function."""
        if isinstance(original_node, cst.FunctionDef):
            self._names.pop()
            self._bound.pop()

    def _can_be_left_out(self, node: cst.CSTNode) -> bool:
        """Whether the program runs on without the statement: a name that has no value yet needs one."""
        if isinstance(node, cst.Assign | cst.AnnAssign):
            targets = [each.target for each in node.targets] if isinstance(node, cst.Assign) else [node.target]
            names = [name for target in targets for name in _names(target)]
            known = self._bound[-1] if self._bound else None
            can = known is not None and node.value is not None and known.issuperset(names)
            if known is not None:
                known.update(names)
            return can
        if isinstance(node, cst.Expr):
            return not isinstance(node.value, cst.SimpleString | cst.ConcatenatedString)
        return isinstance(node, cst.AugAssign | cst.Raise | cst.Del)


def _is_for_types(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.If) and isinstance(node.test, cst.Name) and node.test.value == "TYPE_CHECKING"


def _bare(node: cst.CSTNode) -> cst.CSTNode:
    """The node without parentheses around it: its position leaves them out."""
    return node.with_changes(lpar=[], rpar=[]) if isinstance(node, cst.BaseExpression) else node


def _changes(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for kind, operator in mutators.mutation_operators:
        if operator in _OPERATORS and isinstance(node, kind):
            yield from operator(node)
    if isinstance(node, cst.Return) and node.value is not None:
        yield from _other_returns(node, node.value)


def _names(target: cst.CSTNode) -> list[str]:
    """The names that an assignment to the target gives a value."""
    if isinstance(target, cst.Tuple):
        return [name for element in target.elements for name in _names(element.value)]
    return [target.value] if isinstance(target, cst.Name) else []


def _other_returns(node: cst.Return, value: cst.BaseExpression) -> Iterator[cst.Return]:
    """Nothing in place of something, and the opposite of a condition."""
    if not (isinstance(value, cst.Name) and value.value in {"None", "True", "False"}):
        yield node.with_changes(value=cst.Name("None"))
    if isinstance(value, cst.BooleanOperation):
        grouped = value.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
        yield node.with_changes(value=cst.UnaryOperation(operator=cst.Not(), expression=grouped))
