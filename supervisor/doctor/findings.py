"""Holds what `doctor` found, and writes it as lines for people or as one object for programs. Pure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMAT: Final = 1
# Every check in the order of the output; each has a finding whatever else is wrong, and those of a key one for each.
CHECKS: Final = (
    "python",
    "packages",
    "origin",
    "configuration",
    "run",
    "selections",
    "state",
    "disk",
    "supervisor",
    "ledger",
    "database",
    "rights",
    "server",
    "hosts",
    "api",
    "clock",
)
_INDENT: Final = " " * 22


class Verdict(Enum):
    """The outcome of a check. A note is worth knowing, and does not keep a run from starting."""

    GOOD = "ok"
    NOTE = "note"
    BAD = "bad"


_MARKS: Final = {Verdict.GOOD: "ok  ", Verdict.NOTE: "note", Verdict.BAD: "BAD "}


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckOutput:
    """What a check found, as a sentence and with its numbers (`data`)."""

    check: str
    verdict: Literal["ok", "note", "bad"]
    words: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class DoctorOutput:
    """What `doctor` found: a finding for each check, whatever else is wrong; `ok` when none is bad."""

    format: int
    ok: bool
    checks: tuple[CheckOutput, ...]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found, as a sentence and, for programs, as data; `is_missing` when the check was skipped."""

    check: str
    verdict: Verdict
    words: str
    data: dict[str, Any] = field(default_factory=dict)
    is_missing: bool = False


def good(check: str, words: str, **data: object) -> Finding:
    """A finding that is as it should be."""
    return Finding(check, Verdict.GOOD, words, data)


def note(check: str, words: str, **data: object) -> Finding:
    """A finding that is worth knowing."""
    return Finding(check, Verdict.NOTE, words, data)


def bad(check: str, words: str, **data: object) -> Finding:
    """A finding that must be mended; `words` say how."""
    return Finding(check, Verdict.BAD, words, data)


def judged(check: str, words: str, *, faults: Sequence[str], notes: Sequence[str], **data: object) -> Finding:
    """A finding that is bad when there are faults, else a note when there are notes; `words` come first."""
    verdict = Verdict.BAD if faults else Verdict.NOTE if notes else Verdict.GOOD
    return Finding(check, verdict, "; ".join([words, *faults, *notes]), data)


def complete(found: Sequence[Finding], why: str) -> list[Finding]:
    """The findings in the order of `CHECKS`, with one for each check that was skipped, which says `why`."""
    skipped = [check for check in CHECKS if all(one.check != check for one in found)]
    missing = [Finding(check, Verdict.NOTE, why, is_missing=True) for check in skipped]
    return sorted([*found, *missing], key=lambda one: CHECKS.index(one.check))


def all_good(findings: Sequence[Finding]) -> bool:
    """Whether nothing is bad."""
    return all(one.verdict is not Verdict.BAD for one in findings)


def as_text(findings: Sequence[Finding]) -> str:
    """One line for each check, more where it has a list of faults; skipped checks share one."""
    seen = [one for one in findings if not one.is_missing]
    lines = [f"{_MARKS[one.verdict]}  {one.check:<14}  " + one.words.replace("\n", f"\n{_INDENT}") for one in seen]
    missing = [one for one in findings if one.is_missing]
    if missing:
        lines.append(f"{missing[0].words}: {', '.join(one.check for one in missing)}")
    return "\n".join(lines) + "\n"


def to_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """One object with the same keys whatever was found; `data` has the numbers of a check."""
    return asdict(
        DoctorOutput(
            format=FORMAT,
            ok=all_good(findings),
            checks=tuple(
                CheckOutput(check=one.check, verdict=one.verdict.value, words=one.words, data=one.data)
                for one in findings
            ),
        )
    )
