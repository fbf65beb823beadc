"""The settings for a command that only reads: a fault stops it only where it uses the setting that has it.

A run that goes on must be visible while somebody has a slip in `.env`. Which settings a command uses is listed nowhere:
the first look at a field that cannot be used raises the fault; those of the others are told when the command is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from supervisor.config import untold
from supervisor.config.files import key_files
from supervisor.config.option_kinds import HttpUrl, Text
from supervisor.config.options import OPTIONS
from supervisor.config.settings import Settings, UnusableSettings, check, wrap
from tasks.errors import in_whole_characters

if TYPE_CHECKING:
    from supervisor.config.options import Option
    from supervisor.config.setting_texts import Texts


class ReadableSettings(Settings, frozen=True, kw_only=True):
    """Settings of which some cannot be used: to look at one of these raises every fault there is.

    Attributes:
        unusable: the fields that have no value to rely on.
        partial: those that have one for whoever only reads.
        faults: a sentence for each fault.
    """

    unusable: frozenset[str]
    partial: frozenset[str]
    faults: tuple[str, ...]

    def __getattribute__(self, name: str) -> Any:  # noqa: ANN401 - as the field has it
        """The value of a field.

        Raises:
            UnusableSettings: it has none.
        """
        find = super().__getattribute__
        if name in find("unusable"):
            untold.drop()
            raise UnusableSettings(list(find("faults")))
        return find(name)


def readable(texts: Texts) -> Settings:
    """The settings that `texts` make; the faults of those that are never looked at are kept to be told (`untold`)."""
    checked = check(texts)
    faults = checked.faults
    values = dict(checked.values)
    if not faults.words:
        return msgspec.convert(values, Settings, dec_hook=wrap)
    for option in OPTIONS:
        if option.field in faults.unusable:
            values[option.field] = _stand_in(option)
    untold.hold(map(in_whole_characters, faults.words))
    held = {
        "unusable": frozenset(faults.unusable),
        "partial": frozenset(faults.partial),
        "faults": tuple(faults.words),
    }
    return msgspec.convert({**values, **held}, ReadableSettings, dec_hook=wrap)


def require_whole(settings: Settings, *fields: str) -> None:
    """Return where all of these fields are as somebody meant them, which who deletes must know.

    Raises:
        UnusableSettings: one of them is not.
    """
    if isinstance(settings, ReadableSettings) and not (settings.unusable | settings.partial).isdisjoint(fields):
        untold.drop()
        raise UnusableSettings(list(settings.faults))


def require_key_file(settings: Settings, name: str) -> None:
    """Return where no file of the folder KEYS that could not be used is that of the key `name`.

    Raises:
        UnusableSettings: one is, so that the key is there but for its faults.
    """
    if name in key_files.names(settings.keys):
        require_whole(settings, "loaded_keys")


def _stand_in(option: Option) -> object:
    """A value of the right type, which nobody sees."""
    if not option.default:
        return "" if isinstance(option.kind, Text | HttpUrl) else None
    return option.kind.parse(option.default)
