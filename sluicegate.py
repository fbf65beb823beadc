"""Starts the program, once it is sure that what it is about to import is its own.

The packages `supervisor`, `tasks` and `ledger` have common names. Other distributions install packages of the same
names, and who comes later overwrites files of the other; a folder on PYTHONPATH may hide them all. Nothing of them is
imported before that is ruled out.
"""

from __future__ import annotations

import sys
from importlib.machinery import PathFinder
from pathlib import Path

PACKAGES = ("supervisor", "tasks", "ledger")
EXIT_CONFIG = 78  # as `tasks.errors` says it, which cannot be imported yet
RECIPE = (
    "docker build -f deploy/Dockerfile -t sluicegate . && "
    "docker run -it --env-file sluicegate.env -v sluicegate:/var/lib/sluicegate sluicegate"
)
_ALONE = "install sluicegate by itself: `uv tool install sluicegate` or `pipx install sluicegate`"


def main() -> int:
    """Run one command and return its exit code; 78 where the program cannot run."""
    fault = wrong_system(sys.platform) or wrong_packages(Path(__file__).resolve().parent)
    if fault is not None:
        sys.stderr.write(f"sluicegate: {fault}\n")
        return EXIT_CONFIG
    from supervisor.cli.main import main as run

    return run()


def wrong_system(platform: str) -> str | None:
    """Why the program cannot run on such a system; None on Linux."""
    if platform == "linux":
        return None
    return f"this runs on Linux only, and this is {platform}: use a container (or WSL 2 on Windows): {RECIPE}"


def wrong_packages(home: Path) -> str | None:
    """Why the packages in `home`, the folder of this file, cannot be used; None when they are all ours."""
    for name in PACKAGES:
        spec = PathFinder.find_spec(name)
        found = None if spec is None or spec.origin is None else Path(spec.origin).resolve()
        if found != home / name / "__init__.py":
            where = "is nowhere" if found is None else f"is that of {found.parent}"
            return f"the package `{name}` {where}, and ours is in {home}: take PYTHONPATH away, or {_ALONE}"
    foreign = foreign_file(home)
    if foreign is None:
        return None
    return f"{foreign} is of another program, which has packages of the same names as this one: {_ALONE}"


def foreign_file(home: Path) -> Path | None:
    """A file in our packages that was installed by somebody else, or one of ours that somebody has overwritten.

    None where pip has installed no files of ours, as from a checkout.
    """
    sizes = _installed(home)
    if not sizes:
        return None
    for name in PACKAGES:
        for path in sorted((home / name).glob("*")):
            is_code = path.suffix == ".py" or (path / "__init__.py").is_file()
            inside = path if path.is_file() else path / "__init__.py"
            if is_code and sizes.get(str(inside.relative_to(home))) != inside.stat().st_size:
                return inside
    return None


def _installed(home: Path) -> dict[str, int]:
    """The files that our installation has written into the packages, with their sizes."""
    records = [path / "RECORD" for path in home.glob("sluicegate-*.dist-info")]
    if len(records) != 1 or not records[0].is_file():
        return {}
    rows = (line.rsplit(",", 2) for line in records[0].read_text(encoding="utf-8").splitlines())
    return {name: int(size) for name, _, size in rows if name.startswith(tuple(f"{one}/" for one in PACKAGES)) and size}


if __name__ == "__main__":
    sys.exit(main())
