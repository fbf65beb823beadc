"""The settings as `--help` shows them. Pure."""

from __future__ import annotations

import textwrap
from typing import Final

from supervisor.config.options import GROUPS

_WIDTH: Final = 100  # columns
_INDENT: Final = " " * 28  # a name and what stands around it


def help_text() -> str:
    """The settings by group, each with its meaning and its default."""
    lines = ["settings, from the environment or a file named .env (the environment wins, empty means unset):"]
    for group, options in GROUPS.items():
        lines += ["", f"  {group}"]
        for option in options:
            default = f" [{option.default}]" if option.default else ""
            name = f"    {option.name:<23} "
            lines += textwrap.wrap(option.help + default, _WIDTH, initial_indent=name, subsequent_indent=_INDENT)
    return "\n".join(lines)
