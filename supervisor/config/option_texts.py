"""The settings as people read them: in `--help`, in `.env.example` and in the README. Pure."""

from __future__ import annotations

from supervisor.config.options import GROUPS, OPTIONS


def help_text() -> str:
    """The settings as `--help` shows them."""
    lines = ["settings, from the environment or a file named .env (the environment wins, empty means unset):"]
    for group, options in GROUPS.items():
        lines += ["", f"  {group}"]
        for option in options:
            shown = f" [{option.default}]" if option.default else ""
            lines.append(f"    {option.name:<23} {option.help}{shown}")
    return "\n".join(lines)


def env_example() -> str:
    """The contents of `.env.example`: every setting at its default, commented out."""
    lines = [
        "# Settings of Sluicegate. Copy to .env and take away the # of what you set.",
        "# The environment wins over this file; an empty value means the default, but where it says so.",
    ]
    for group, options in GROUPS.items():
        lines += ["", f"## {group}"]
        for option in options:
            rule = "" if option.kind.expected == "text" else f" ({option.kind.expected})"
            lines += [f"# {option.help}{rule}", f"#{option.name}={option.default}"]
    return "\n".join(lines) + "\n"


def readme_table() -> str:
    """The settings as a table in Markdown."""
    lines = ["| setting | default | meaning | accepted |", "|---|---|---|---|"]
    for option in OPTIONS:
        default = f"`{option.default}`" if option.default else "unset"
        lines.append(f"| `{option.name}` | {default} | {option.help} | {option.kind.expected} |")
    return "\n".join(lines) + "\n"
