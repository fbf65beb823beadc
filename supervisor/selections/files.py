"""`selection add` and `selection example`: a new file in the folder of selections, and examples to begin with.

Sources of products lie in the same folder, and are added in the same way.
"""

from __future__ import annotations

import json
import re
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ledger.atomic_file import replace_file
from supervisor.config.environment import environment
from supervisor.config.setting_texts import read_texts
from supervisor.config.settings import UnusableSettings, check_texts
from supervisor.database.access import query_plan
from supervisor.queries.printing import output
from supervisor.selections import describe, describe_source, given
from supervisor.selections.examples import EXAMPLES
from tasks.errors import EXIT_OK, ConfigError
from tasks.keepa.selection import selection

if TYPE_CHECKING:
    import argparse

    from supervisor.config.setting_texts import Texts
    from tasks.keepa.selection.selection import Selection
    from tasks.keepa.source.source import Source

DEFAULT: Final = "default"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,79}")
_ANY_SHOP: Final = (1,)  # whose rules hold for a selection that names none


def add(chosen: argparse.Namespace) -> int:
    """Write the selection, or the source of products, into the folder; the exit code.

    Raises:
        ConfigError: there is no folder for it, the name is taken, or it is neither or asks for what another does.
    """
    name = str(chosen.name).removesuffix(".json")
    if not _NAME.fullmatch(name):
        raise ConfigError(
            f"{name!r} cannot be a selection's name: take up to 80 letters, digits, blanks, dots, hyphens and "
            "underscores, and begin with a letter or digit"
        )
    folder = _folder()
    path = folder / f"{name}.json"
    if path.exists():
        raise ConfigError(f"{path} is there already: choose another name, or edit that file")
    _, text = given.read(chosen.source)
    found = given.in_text(name, text, _ANY_SHOP)
    kinds: tuple[Selection | Source, ...] = (*found.selections, *found.sources)
    (new,) = kinds
    has_shop = _names_shop(text)
    query = {key: value for key, value in new.query.items() if key != "domainId" or has_shop}
    data = (json.dumps(query, indent=2, ensure_ascii=False) + "\n").encode()
    _refuse_what_stops_a_start(path, data)
    told = [line for one in found.selections for line in describe.lines(one)]
    if found.sources:
        price = describe_source.product_price(query_plan())
        told += [describe_source.source_line(one, price) for one in found.sources]
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(path, data, durable=True)
    output.text(
        *told,
        f"written to {path}" + ("" if has_shop else "; it names no shop, so it is for every one in KEEPA_DOMAINS"),
        "a supervisor that runs reads it with `sluicegate reload`; `sluicegate plan` says what it costs a day",
    )
    return EXIT_OK


def example(chosen: argparse.Namespace) -> int:
    """Print the example of that name, or what there is; the exit code.

    Raises:
        ConfigError: there is none of that name.
    """
    built_in = dict(selection.default_selection().query)
    known = {**EXAMPLES, DEFAULT: built_in}
    if chosen.name is None:
        output.text(
            *(f"{name}: {_about(example)}" for name, example in known.items()),
            "`sluicegate selection example NAME` prints one, for `sluicegate selection add NAME`",
        )
        return EXIT_OK
    if chosen.name not in known:
        raise ConfigError(f"there is no example {chosen.name!r}; there are {', '.join(known)}")
    output.text(as_text(known[chosen.name]))
    return EXIT_OK


def as_text(example: dict[str, object]) -> str:
    """The example as it stands in a file: indented, with each list of numbers in one line."""
    text = json.dumps(example, indent=2, ensure_ascii=False)
    return re.sub(r"\[\s+([-\d,\s]+?)\s+\]", lambda found: f"[{' '.join(found[1].split())}]", text)


def _about(example: dict[str, object]) -> str:
    comment = example.get("$comment")
    return str(comment[0]) if isinstance(comment, list) else "the built-in selection, when SELECTIONS is not set"


def _folder() -> Path:
    found = read_texts(environment()).found
    where, keys = found["SELECTIONS"][0], found["KEYS"][0]
    if not where and keys:
        raise ConfigError(
            f"SELECTIONS is not set: what is collected is what each file of the folder KEYS ({keys[:80]}) names as its "
            "own SELECTIONS, or the built-in selection. Put the new one into the folder that such a file names, or "
            "name a folder for the other keys, such as SELECTIONS=selections in .env"
        )
    if not where:
        raise ConfigError(
            "SELECTIONS is not set, so the built-in selection is collected: name a folder for selections first, such "
            "as SELECTIONS=selections in .env; `sluicegate selection example default` prints the built-in one, to keep"
        )
    path = Path(where).expanduser()
    if "," in where or path.is_file() or path.suffix == ".json":
        raise ConfigError(
            f"SELECTIONS names files ({where[:80]}): put the new one beside them and add its name there, or name a "
            "folder in their place"
        )
    return path


def _names_shop(text: str | bytes) -> bool:
    """Whether it is for one shop: then it is that one whatever domains it is read for."""
    found = given.in_text("any", text, (1, 3))
    return len(found.selections) + len(found.sources) == 1


def _refuse_what_stops_a_start(path: Path, data: bytes) -> None:
    """Read the settings as a start does, once as they are and once with this file in the folder of selections.

    Raises:
        ConfigError: with it there are faults that there are not without it, such as that another asks for the same.
    """
    texts, folder = read_texts(environment()), path.parent
    before = _faults(texts)
    with tempfile.TemporaryDirectory() as there:
        for one in folder.glob("*.json") if folder.is_dir() else ():
            Path(there, one.name).symlink_to(one.absolute())
        Path(there, path.name).write_bytes(data)
        found = {**texts.found, "SELECTIONS": (there, texts.found["SELECTIONS"][1])}
        after = [fault.replace(there, str(folder)) for fault in _faults(replace(texts, found=found))]
    added = [fault for fault in after if fault not in before]
    if added:
        told = "".join(f"\n  - {fault}" for fault in added)
        raise ConfigError(f"{path} was not written, for with it the supervisor would not start:{told}")


def _faults(texts: Texts) -> tuple[str, ...]:
    try:
        check_texts(texts)
    except UnusableSettings as error:
        return error.faults
    return ()
