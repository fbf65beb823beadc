"""What `sluicegate --help` says of the settings. Pure."""

from __future__ import annotations

import textwrap

from supervisor.config.options import GROUPS


def settings_help() -> str:
    """The settings by group, each with its meaning and its default, for 100 columns."""
    lines = ["settings, from the environment or a file named .env (the environment wins, empty means unset):"]
    for group, options in GROUPS.items():
        lines += ["", f"  {group}"]
        for option in options:
            default = f" [{option.default}]" if option.default else ""
            name = f"    {option.name:<23} "
            lines += textwrap.wrap(option.help + default, 100, initial_indent=name, subsequent_indent=" " * len(name))
    return "\n".join(lines)
